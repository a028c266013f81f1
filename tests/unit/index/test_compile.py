"""From a build in SQLite to its index: what it holds, when it is made, and one clear line for each way that fails."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from mipdns.errors import MipdnsError, SnapshotError, StoreError, StoreMissing, StoreVersion
from mipdns.index import layout
from mipdns.index.compile import compile_index, newest_build
from mipdns.index.mapped import MappedSnapshot, open_index
from mipdns.index.memory import NO_BUILD, from_verdicts
from mipdns.index.tables import BATCH_ROWS, Row, Tables
from mipdns.net import V4_FIRST
from mipdns.store.version import SCHEMA_VERSION
from mipdns.vocabulary import Verdict
from tests.builds import verdict, write_build
from tests.small import SERIAL, VERDICTS

ROWS = [verdict("1.1.1.1", 99, 8), verdict("8.8.8.0/24"), verdict("2001:4860::/64", 1, 128)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_build(tmp_path / "mip.db", ROWS, 1_800_000_000)


def compiled(database: Path) -> MappedSnapshot:
    """The index beside the database, brought up to date."""
    index = database.with_suffix(".idx")
    compile_index(database, index)
    return open_index(index)


def test_holds_every_row_and_the_newest_serial(database: Path) -> None:
    write_build(database, ROWS, 1_800_000_001)
    snapshot = compiled(database)
    snapshot.verify()
    assert snapshot.serial == 1_800_000_001
    assert len(snapshot) == len(ROWS)
    assert [snapshot.find(row.first) for row in ROWS] == ROWS
    assert snapshot.header.build == newest_build(database)


def test_a_null_stays_none(tmp_path: Path) -> None:
    row = verdict("1.1.1.1")._replace(users_low=None, users_high=None, asn=None)
    assert compiled(write_build(tmp_path / "mip.db", [row], 1)).find(row.first) == row


def test_a_build_without_a_single_verdict_is_a_build(tmp_path: Path) -> None:
    assert len(compiled(write_build(tmp_path / "mip.db", [], 1))) == 0


def test_rows_from_the_store_and_from_memory_make_the_same_file(tmp_path: Path) -> None:
    """Beside the build's own mark, SQL and Python pack alike."""
    database = write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    here, there = compiled(database), from_verdicts(VERDICTS, SERIAL)
    assert here.buffer[layout.HEADER_SIZE :] == there.buffer[layout.HEADER_SIZE :]
    assert here.header._replace(build=NO_BUILD) == there.header


def test_an_index_that_is_up_to_date_is_left_alone(database: Path) -> None:
    index = database.with_suffix(".idx")
    assert compile_index(database, index)
    before = index.stat()
    assert not compile_index(database, index)
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_build(database, ROWS, 1_800_000_001)
    assert compile_index(database, index)
    assert sorted(database.parent.glob("mip.idx*")) == [index]


def test_another_database_with_the_same_serial_is_another_build(database: Path) -> None:
    index = database.with_suffix(".idx")
    compile_index(database, index)
    database.unlink()
    write_build(database, ROWS[:1], 1_800_000_000)
    assert compile_index(database, index)
    assert len(open_index(index)) == 1


def test_of_two_at_once_the_second_finds_what_the_first_made(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a server notices the build that a load is compiling."""
    index = database.with_suffix(".idx")
    second: list[bool] = []
    waiting = threading.Thread(target=lambda: second.append(compile_index(database, index)))
    write = Tables.write

    def write_slowly(tables: Tables, out: BinaryIO, serial: int, build: bytes) -> None:
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        write(tables, out, serial, build)

    with monkeypatch.context() as patched:
        patched.setattr(Tables, "write", write_slowly)
        assert compile_index(database, index)
    waiting.join(30)
    assert second == [False]


def test_a_load_that_commits_meanwhile_is_not_seen(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and serial of one build, also where another is written between two batches."""
    many = [Verdict(V4_FIRST + at, V4_FIRST + at, 50, 1, *ROWS[0][4:]) for at in range(2 * BATCH_ROWS)]
    write_build(database, many, 1_800_000_001)
    add = Tables.add
    written: list[Path] = []

    def add_while_another_is_loaded(tables: Tables, rows: Sequence[Row]) -> None:
        if not written:
            written.append(write_build(database, ROWS, 1_800_000_002))
        add(tables, rows)

    monkeypatch.setattr(Tables, "add", add_while_another_is_loaded)
    snapshot = compiled(database)
    assert (len(snapshot), snapshot.serial) == (len(many), 1_800_000_001)
    assert snapshot.header.build != newest_build(database)


STOPS = ("Tables.add", "Tables.write", "os.fsync", "MappedSnapshot.verify", "Path.replace")

KILLED = """
import os, sys
from pathlib import Path
from mipdns.index.compile import compile_index
from mipdns.index.mapped import MappedSnapshot
from mipdns.index.tables import Tables

def end(*arguments, **options):
    os.kill(os.getpid(), 9)

where, _, name = sys.argv[3].partition(".")
setattr({"Tables": Tables, "os": os, "MappedSnapshot": MappedSnapshot, "Path": Path}[where], name, end)
compile_index(Path(sys.argv[1]), Path(sys.argv[2]))
"""
"""A compiler that is killed when it first calls what its third argument names."""


@pytest.mark.parametrize("stop", STOPS)
def test_killed_at_any_step_it_leaves_the_old_file(database: Path, stop: str) -> None:
    index = database.with_suffix(".idx")
    compile_index(database, index)
    before = index.read_bytes()
    many = [Verdict(V4_FIRST + at, V4_FIRST + at, 50, 1, *ROWS[0][4:]) for at in range(2 * BATCH_ROWS)]
    write_build(database, many, 1_800_000_001)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(database), str(index), stop], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert index.read_bytes() == before
    assert compile_index(database, index)
    assert len(open_index(index)) == len(many)
    open_index(index).verify()
    assert sorted(database.parent.glob("mip.idx*")) == [index]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_leaves_the_old_file(database: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    index = database.with_suffix(".idx")
    compile_index(database, index)
    write_build(database, ROWS, 1_800_000_001)
    before = index.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SnapshotError, match=os.strerror(code)):
        compile_index(database, index)
    assert index.read_bytes() == before
    assert sorted(database.parent.glob("mip.idx*")) == [index]


def test_a_folder_that_is_not_there_is_told(database: Path) -> None:
    with pytest.raises(SnapshotError, match=r"gone/mip\.idx: cannot be written: No such file"):
        compile_index(database, database.parent / "gone" / "mip.idx")


def no_file(path: Path) -> None:
    path.unlink()


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def prose(path: Path) -> None:
    path.write_text("This is not a database, however long it goes on. " * 100)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _script(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA ignore_check_constraints = 1; {script}")


def foreign(path: Path) -> None:
    path.unlink()
    _script(path, "CREATE TABLE songs (title TEXT)")


def newer(path: Path) -> None:
    _script(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def older(path: Path) -> None:
    _script(path, "PRAGMA user_version = 0")


def no_build(path: Path) -> None:
    _script(path, "DELETE FROM build")


def no_table(path: Path) -> None:
    _script(path, "PRAGMA foreign_keys = 0; PRAGMA legacy_alter_table = 1; ALTER TABLE verdict RENAME TO gone")


def short_address(path: Path) -> None:
    _script(path, "UPDATE verdict SET last = x'00' WHERE confidence = 99")


def impossible_confidence(path: Path) -> None:
    _script(path, "UPDATE verdict SET confidence = 300 WHERE confidence = 99")


def overlap(path: Path) -> None:
    _script(path, "UPDATE verdict SET last = (SELECT last FROM verdict WHERE confidence = 80) WHERE confidence = 99")


def cut_short(path: Path) -> None:
    many = [Verdict(V4_FIRST + at, V4_FIRST + at, 50, 1, *ROWS[0][4:]) for at in range(2 * BATCH_ROWS)]
    write_build(path, many, 1_800_000_001)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (no_file, StoreMissing, "run `mipdns load`"),
        (empty_file, StoreMissing, "run `mipdns load`"),
        (no_build, StoreMissing, "no build yet; run `mipdns load`"),
        (newer, StoreVersion, f"schema {SCHEMA_VERSION + 1}"),
        (older, StoreVersion, "schema 0"),
        (prose, StoreError, "not a SQLite database"),
        (foreign, StoreError, "not one of mipdns"),
        (folder, StoreError, "mip.db"),
        (no_table, StoreError, "no such table: verdict"),
        (cut_short, StoreError, "damaged"),
        (short_address, SnapshotError, "16 bytes"),
        (impossible_confidence, SnapshotError, "1 to 100"),
        (overlap, SnapshotError, "overlaps"),
    ],
)
def test_each_way_to_be_unreadable_is_told(
    database: Path, spoil: Callable[[Path], None], error: type[MipdnsError], says: str
) -> None:
    spoil(database)
    with pytest.raises(error, match=says) as told:
        compiled(database)
    assert type(told.value) is error
    assert "\n" not in str(told.value)
    assert str(database) in str(told.value)
