"""Whose SQLite file is this, and which version? In: an open connection. Out: the version, or a StoreError.

The one rule: nothing but the standard library, so that the serving half can ask without loading what writes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mipdns.errors import StoreError, StoreMissing, StoreVersion

APPLICATION_ID = 0x6D697031
"""`mip1` in SQLite's header (https://sqlite.org/pragma.html#pragma_application_id): `file mip.db` shows it."""

SCHEMA_VERSION = 10
"""`PRAGMA user_version`: how many of the migrations in `mipdns.store.schema` the file has been through."""

OLDEST_READABLE = 1
"""The first schema whose tables are read as they are. What came later is taken for empty where it is not there yet, so
that a newer mipdns serves and explains the last build before its own first load."""


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written: a file of no bytes, or one that a load was killed over."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not application and not tables


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version, at most SCHEMA_VERSION.

    Raises StoreError for a SQLite file of another program, StoreVersion for one of a newer mipdns.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path}: a SQLite database, but not one of mipdns; set [store] database to another path or move the file"
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreVersion(
            f"{path}: made by a newer mipdns (schema {version}, this one knows {SCHEMA_VERSION}); upgrade mipdns"
        )
    return int(version)


def require_readable(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what this version cannot read."""
    if is_blank(connection):
        raise StoreMissing(f"{path}: an empty database; run `mipdns load`")
    version = schema_version(connection, path)
    if version < OLDEST_READABLE:
        raise StoreVersion(
            f"{path}: made by an older mipdns (schema {version}, this one reads {OLDEST_READABLE} to "
            f"{SCHEMA_VERSION}); run `mipdns load`, which brings it up to date"
        )
