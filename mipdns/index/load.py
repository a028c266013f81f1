"""From the store to memory. In: the path of a database. Out: a `MemorySnapshot` of its newest build, or a StoreError.

The one rule: SQLite alone, read-only, in one read transaction, so that the rows and the serial are of the same build
while a load writes the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mipdns.errors import SnapshotError, StoreBusy, StoreError, StoreMissing
from mipdns.index.memory import BATCH_ROWS, MemorySnapshot, SnapshotBuilder
from mipdns.store.version import require_readable

_LOCK_WAIT_S = 10.0
_NEWEST = "SELECT max(serial) FROM build"
_ROWS = """
    SELECT first, last, confidence, class, users_low, users_high, sources, asn, observed FROM verdict ORDER BY first
"""


def _hurry() -> None:
    """What a caller does between two batches that has nothing else to do."""


def read_snapshot(database: Path, *, between_batches: Callable[[], None] = _hurry) -> MemorySnapshot:
    """The newest build, whole. `between_batches` is called after every few thousand rows, a few milliseconds apart.

    Raises StoreMissing, StoreVersion, StoreBusy or StoreError as the database's state is, SnapshotError for rows that
    are no verdicts.
    """
    builder = SnapshotBuilder()
    with _reading(database) as connection:
        connection.execute("BEGIN")
        serial = _newest_serial(connection, database)
        rows = connection.execute(_ROWS)
        try:
            while batch := rows.fetchmany(BATCH_ROWS):
                builder.add(batch)
                between_batches()
            return builder.finish(serial)
        except SnapshotError as fault:
            raise SnapshotError(f"{database}: {fault}") from None


def newest_serial(database: Path) -> int:
    """The serial of the newest build, in well under a millisecond. Raises as `read_snapshot` does."""
    with _reading(database) as connection:
        return _newest_serial(connection, database)


def _newest_serial(connection: sqlite3.Connection, database: Path) -> int:
    require_readable(connection, database)
    (serial,) = connection.execute(_NEWEST).fetchone()
    if serial is None:
        raise StoreMissing(f"{database}: the database holds no build yet; run `mipdns load`")
    return int(serial)


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, closed afterwards; SQLite's errors told as ours."""
    if not database.exists():
        raise StoreMissing(f"{database}: no such database; run `mipdns load`")
    uri = f"{database.absolute().as_uri()}?mode=ro"
    connection = None
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_LOCK_WAIT_S)
        yield connection
    except sqlite3.Error as fault:
        raise _told(fault, database) from None
    finally:
        if connection is not None:
            connection.close()


def _told(fault: sqlite3.Error, database: Path) -> StoreError:
    match getattr(fault, "sqlite_errorname", "").split("_")[1:2]:
        case ["BUSY"] | ["LOCKED"]:
            return StoreBusy(f"{database}: locked by a writer for more than {_LOCK_WAIT_S:g} s; try again")
        case ["NOTADB"]:
            return StoreError(f"{database}: not a SQLite database; set [store] database to another path")
        case ["CORRUPT"]:
            return StoreError(f"{database}: damaged ({fault}); move it away and run `mipdns load`")
        case _:
            return StoreError(f"{database}: cannot be read: {fault}")
