"""Databases with just what serving reads, written by hand: a build, its verdicts, and whose file it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from mipdns.net import parse_range, to_blob
from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION
from mipdns.vocabulary import Verdict

_TABLES = """
    CREATE TABLE IF NOT EXISTS verdict (
        first BLOB PRIMARY KEY, last BLOB NOT NULL, confidence INTEGER NOT NULL, class INTEGER NOT NULL,
        users_low INTEGER, users_high INTEGER, sources INTEGER NOT NULL, asn INTEGER, observed TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS build (serial INTEGER PRIMARY KEY) STRICT;
"""


def write_build(database: Path, verdicts: Iterable[Verdict], serial: int, *, schema: int = SCHEMA_VERSION) -> Path:
    """Replace the verdicts and add a build, in one transaction as a load does."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {schema}; {_TABLES}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM verdict")
        rows = ((to_blob(row.first), to_blob(row.last), *row[2:]) for row in verdicts)
        connection.executemany("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO build VALUES (?)", (serial,))
        connection.execute("COMMIT")
    return database


def verdict(text: str, confidence: int = 80, classes: int = 1) -> Verdict:
    """A verdict on the range that the text names; the rest of it is the same for all."""
    return Verdict(*parse_range(text), confidence, classes, 2, 128, 513, 64500, "2026-11-20")
