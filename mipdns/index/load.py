"""From the store to memory. In: the path of a database. Out: a `MemorySnapshot` of its newest build, or a StoreError.

The one rule: one read transaction, so that the rows and the serial are of the same build while a load writes the next.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mipdns.errors import SnapshotError, StoreMissing
from mipdns.index.memory import BATCH_ROWS, MemorySnapshot, SnapshotBuilder
from mipdns.store.connection import reading

_NEWEST = "SELECT serial FROM build ORDER BY id DESC LIMIT 1"
_ROWS = """
    SELECT first, last, confidence, class, users_low, users_high, sources, asn, observed FROM verdict ORDER BY first
"""


def read_snapshot(database: Path) -> MemorySnapshot:
    """The newest build, whole.

    Raises StoreMissing, StoreVersion, StoreBusy or StoreError as the database's state is, SnapshotError for rows that
    are no verdicts.
    """
    builder = SnapshotBuilder()
    with reading(database) as connection:
        serial = _newest_serial(connection, database)
        rows = connection.execute(_ROWS)
        try:
            while batch := rows.fetchmany(BATCH_ROWS):
                builder.add(batch)
            return builder.finish(serial)
        except SnapshotError as fault:
            raise SnapshotError(f"{database}: {fault}") from None


def newest_serial(database: Path) -> int:
    """The serial of the newest build, in about a millisecond. Raises as `read_snapshot` does."""
    with reading(database) as connection:
        return _newest_serial(connection, database)


def _newest_serial(connection: sqlite3.Connection, database: Path) -> int:
    newest = connection.execute(_NEWEST).fetchone()
    if newest is None:
        raise StoreMissing(f"{database}: holds no build yet; run `mipdns load`")
    return int(newest[0])
