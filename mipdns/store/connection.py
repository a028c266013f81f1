"""Opening the database, for one reader's snapshot or for the one writer. In: a path. Out: a connection, closed after.

The one rule: readers never wait and never see half. Write-ahead logging gives them the last commit while a load runs
(https://sqlite.org/wal.html), and whatever SQLite raises leaves here as a StoreError that names the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mipdns.errors import StoreBusy, StoreError, StoreMissing
from mipdns.store import version

BUSY_S = 5.0
"""How long a writer waits for another one before it gives up, in seconds."""

_CHECKPOINT_WAIT_MS = 1000
_CACHE_KIB = 64 * 1024
_FREE_PAGES_MIN = 4096
"""16 MiB: less free room than that is not worth writing a file anew."""


_NO_SHARED_MEMORY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that sees one and the same build until it is closed.

    Raises StoreMissing, StoreVersion or StoreError. Older schemas are read as they are: see `version.OLDEST_READABLE`.
    """
    if not path.exists():
        raise StoreMissing(f"{path}: no such database; run `mipdns load`")
    if path.is_dir():
        raise StoreError(f"{path}: a folder, not a database; see [store] database")
    with _told(path):
        connection, unlocked = _open(path)
        try:
            connection.execute("BEGIN")
            version.require_readable(connection, path)
            before = _stamp(path)
            yield connection
            if unlocked and _stamp(path) != before:
                raise StoreBusy(f"{path}: was written while it was read; try again")
        finally:
            connection.close()


def _open(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection, and whether it reads without locks.

    Where the folder cannot be written, or the disk is full, SQLite cannot make the -shm file that readers of a
    write-ahead log share. As long as no log is there, the file itself holds the last build: it is read as immutable,
    and its stamp is compared afterwards, for without a lock a load may checkpoint into it meanwhile.
    """
    connection = sqlite3.connect(_uri(path, "mode=ro"), uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except sqlite3.OperationalError as fault:
        connection.close()
        log = Path(f"{path.resolve()}-wal")
        log_holds = log.exists() and log.stat().st_size > 0
        if fault.sqlite_errorcode & 0xFF not in _NO_SHARED_MEMORY or log_holds:
            raise
        return sqlite3.connect(_uri(path, "mode=ro&immutable=1"), uri=True, isolation_level=None), True
    except BaseException:
        connection.close()
        raise
    return connection, False


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@contextmanager
def writing(path: Path, *, busy_s: float = BUSY_S) -> Iterator[sqlite3.Connection]:
    """The one writer's connection, inside a transaction: committed at the end, rolled back when anything raises.

    The file is made where there is none. Raises StoreBusy when another writer holds it for `busy_s` seconds,
    StoreVersion, or StoreError for a foreign file, a folder that is not there, or a full disk.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path}: folder {path.parent} does not exist; make it first")
    with _told(path):
        connection = sqlite3.connect(_uri(path, "mode=rwc"), uri=True, timeout=busy_s, isolation_level=None)
        try:
            _prepare(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended the transaction already (https://sqlite.org/lang_transaction.html).
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            _give_back(connection)
            _truncate_log(connection)
        finally:
            connection.close()


def _give_back(connection: sqlite3.Connection) -> None:
    """Make the file small again after a build that is much smaller than those before; else the next one needs the room.

    It is written anew, with a copy in the folder for temporary files; where there is no room for that, it stays.
    """
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if free >= _FREE_PAGES_MIN and 2 * free > pages:
        with suppress(sqlite3.OperationalError):
            connection.execute("VACUUM")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if not version.is_blank(connection):
        version.schema_version(connection, path)
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path}: its file system cannot share memory between programs; use a local disk")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # Foreign keys are told to people and to datasette; the writer keeps them true by what it writes, which a
    # look-up for each of ten million rows would only repeat.
    connection.execute("PRAGMA foreign_keys = OFF")
    _truncate_log(connection)


def _truncate_log(connection: sqlite3.Connection) -> None:
    """Bring the log into the file and cut it to nothing; while a reader needs it, it stays for the next writer."""
    (waits_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {min(_CHECKPOINT_WAIT_MS, waits_ms)}")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {waits_ms}")


def _uri(path: Path, query: str) -> str:
    return f"{path.absolute().as_uri()}?{query}"


_SAYS: dict[int, str] = {
    sqlite3.SQLITE_FULL: "no room left on its disk; nothing was changed",
    sqlite3.SQLITE_IOERR: "reading or writing failed, nothing was changed",
    sqlite3.SQLITE_READONLY: "may not be written by this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: see the permissions of the file and of its folder",
    sqlite3.SQLITE_NOTADB: "not a SQLite database; set [store] database to another path or move the file",
    sqlite3.SQLITE_CORRUPT: "damaged; move it away and load again (labels: `sqlite3 FILE .recover`)",
}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a StoreError that names the file and says what to do."""
    try:
        yield
    except sqlite3.Error as fault:
        code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(f"{path}: another load is writing to it; try again when it is done") from fault
        raise StoreError(f"{path}: {_SAYS.get(code, 'SQLite refuses')} ({fault})") from fault


def feature_columns(connection: sqlite3.Connection, names: Iterable[str]) -> str:
    """The columns of `observation` as SQL; NULL for one that the file's schema does not have yet."""
    there = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info('observation')")}
    return ", ".join(f'"{name}"' if name in there else f'NULL AS "{name}"' for name in names)
