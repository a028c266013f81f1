"""Reading a build out of SQLite: what it holds, and one clear line for each way it cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from mipdns.errors import MipdnsError, SnapshotError, StoreError, StoreMissing, StoreVersion
from mipdns.index.load import newest_serial, read_snapshot
from mipdns.index.memory import BATCH_ROWS, Row, SnapshotBuilder
from mipdns.net import V4_FIRST
from mipdns.store.version import SCHEMA_VERSION
from mipdns.vocabulary import Verdict
from tests.builds import verdict, write_build

ROWS = [verdict("1.1.1.1", 99, 8), verdict("8.8.8.0/24"), verdict("2001:4860::/64", 1, 128)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_build(tmp_path / "mip.db", ROWS, 1_800_000_000)


def test_reads_every_row_and_the_newest_serial(database: Path) -> None:
    write_build(database, ROWS, 1_800_000_001)
    snapshot = read_snapshot(database)
    assert snapshot.serial == newest_serial(database) == 1_800_000_001
    assert len(snapshot) == len(ROWS)
    assert [snapshot.find(row.first) for row in ROWS] == ROWS


def test_a_null_stays_none(tmp_path: Path) -> None:
    row = verdict("1.1.1.1")._replace(users_low=None, users_high=None, asn=None)
    assert read_snapshot(write_build(tmp_path / "mip.db", [row], 1)).find(row.first) == row


def test_a_build_without_a_single_verdict_is_a_build(tmp_path: Path) -> None:
    assert len(read_snapshot(write_build(tmp_path / "mip.db", [], 1))) == 0


def test_a_load_that_commits_meanwhile_is_not_seen(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and serial of one build, also where another is written between two batches."""
    many = [Verdict(V4_FIRST + at, V4_FIRST + at, 50, 1, *ROWS[0][4:]) for at in range(2 * BATCH_ROWS)]
    write_build(database, many, 1_800_000_001)
    add = SnapshotBuilder.add
    written: list[Path] = []

    def add_while_another_is_loaded(builder: SnapshotBuilder, rows: Sequence[Row]) -> None:
        if not written:
            written.append(write_build(database, ROWS, 1_800_000_002))
        add(builder, rows)

    monkeypatch.setattr(SnapshotBuilder, "add", add_while_another_is_loaded)
    snapshot = read_snapshot(database)
    assert (len(snapshot), snapshot.serial) == (len(many), 1_800_000_001)
    assert newest_serial(database) == 1_800_000_002


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
    _script(path, "UPDATE verdict SET last = (SELECT max(last) FROM verdict)")


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
        read_snapshot(database)
    assert type(told.value) is error
    assert "\n" not in str(told.value)
    assert str(database) in str(told.value)
