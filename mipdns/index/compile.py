"""From the store to the index file. In: the paths of a database and of an index. Out: the index of its newest build in
place of the old one, or a StoreError or SnapshotError and the old one as it was.

The one rule: written beside, synced to disk, verified, then renamed: whoever opens the path finds a whole file. One
read transaction, so that rows and serial are of the same build while a load writes the next.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from mipdns.errors import SnapshotError, SnapshotForbidden, StoreMissing
from mipdns.index import layout
from mipdns.index.mapped import open_index
from mipdns.index.tables import BATCH_ROWS, Tables
from mipdns.store.connection import reading

_FORBIDDEN: Final = frozenset([errno.EACCES, errno.EPERM, errno.EROFS])
_NEWEST: Final = "SELECT * FROM build ORDER BY id DESC LIMIT 1"

# Columns as `tables.Row`. NULL where a number does not fit, which is then told; SQLite gives `|` and `<<` one rank.
_ROWS: Final = """
    SELECT
        CAST(first || last AS BLOB),
        iif(
            confidence BETWEEN 1 AND 100 AND class BETWEEN 1 AND 255 AND sources BETWEEN 0 AND 65535
                AND (asn IS NULL OR asn BETWEEN 1 AND 4294967295),
            confidence | (class << 8) | (sources << 16) | (ifnull(asn, 0) << 32),
            NULL
        ),
        iif(
            ifnull(users_low, 0) BETWEEN 0 AND 4294967294 AND ifnull(users_high, 0) BETWEEN 0 AND 4294967294,
            ifnull(users_low, 4294967295) | (ifnull(users_high, 4294967295) << 32),
            NULL
        ),
        observed
    FROM verdict ORDER BY first
"""


def compile_index(database: Path, index: Path, *, verify: bool = False) -> bool:
    """Bring the index up to the database's newest build; False if it holds that build already.

    verify: do not take that on trust from its header, but read it whole, and compile it anew if it is damaged.

    Of two that compile at once, the second waits and then finds the first's. Raises StoreMissing, StoreVersion,
    StoreBusy or StoreError as the database's state is, SnapshotError for rows that are no verdicts, or for an index
    that cannot be written; SnapshotForbidden where this user may not.
    """
    if _holds(index, newest_build(database), verify):
        return False
    with _beside(index) as (out, temporary), reading(database) as connection:
        build, serial = _newest(connection, database)
        if _holds(index, build, verify):
            return False
        with _told(index), Tables(lambda: _spool(index)) as tables, _no_collection():
            rows = connection.execute(_ROWS)
            try:
                while batch := rows.fetchmany(BATCH_ROWS):
                    tables.add(batch)
                tables.write(out, serial, build)
            except SnapshotError as fault:
                raise SnapshotError(f"{database}: {fault}") from None
            out.flush()
            os.fsync(out.fileno())
            open_index(temporary).verify()
            temporary.replace(index)
            _sync_folder(index.parent)
    return True


def newest_build(database: Path) -> bytes:
    """What tells the newest build from any other, in about a millisecond. Raises as `compile_index` does."""
    with reading(database) as connection:
        return _newest(connection, database)[0]


def _newest(connection: sqlite3.Connection, database: Path) -> tuple[bytes, int]:
    """A digest of the newest build's row, and its serial."""
    cursor = connection.execute(_NEWEST)
    row = cursor.fetchone()
    if row is None:
        raise StoreMissing(f"{database}: holds no build yet; run `mipdns load`")
    told = dict(zip([column[0] for column in cursor.description], row, strict=True))
    digest = hashlib.blake2b(repr(sorted(told.items())).encode(), digest_size=layout.CHECKSUM_SIZE)
    return digest.digest(), int(told["serial"])


def _holds(index: Path, build: bytes, verify: bool) -> bool:
    """Whether the index can be opened, is of this build and, if asked, is sound."""
    try:
        found = open_index(index)
        if verify:
            found.verify()
    except SnapshotError:
        return False
    return found.header.build == build


@contextmanager
def _beside(index: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """The file that will be renamed: open, empty, and ours alone. What a killed process left is taken over."""
    temporary = index.with_name(index.name + ".tmp")
    with _told(index):
        while True:
            out = os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
            fcntl.flock(out, fcntl.LOCK_EX)
            if _is_at(out, temporary):
                break
            out.close()  # whoever had it has renamed or removed it
    with out:
        try:
            out.truncate(0)
            yield out, temporary
        finally:
            if _is_at(out, temporary):
                temporary.unlink()


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _spool(index: Path) -> BinaryIO:
    """A file without a name on the disk of the index: gone with the process, however it ends."""
    from tempfile import TemporaryFile  # noqa: PLC0415 a server whose index is there starts without it

    return cast("BinaryIO", TemporaryFile(dir=index.parent))


@contextmanager
def _told(index: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        kind = SnapshotForbidden if fault.errno in _FORBIDDEN else SnapshotError
        raise kind(f"{index}: cannot be written: {fault.strerror}") from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Rows are tuples by the million and never in a cycle: the collector would only look at them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last (https://lwn.net/Articles/457667/)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
