"""Where the server gets its build: the index, brought up to date first; and what it does where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns import config
from mipdns.config import Config
from mipdns.errors import SnapshotError, SnapshotForbidden, StoreMissing
from mipdns.index.compile import compile_index
from mipdns.server.content import load_build, newest_build
from tests.builds import write_build
from tests.small import SERIAL, VERDICTS


@pytest.fixture
def configured(tmp_path: Path) -> Config:
    write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    return Config(store=config.Store(str(tmp_path / "mip.db"), str(tmp_path / "mip.idx")))


def test_a_missing_index_is_compiled_and_an_older_one_again(configured: Config) -> None:
    assert load_build(configured).serial == SERIAL
    write_build(Path(configured.store.database), VERDICTS, SERIAL + 1)
    snapshot = load_build(configured)
    assert snapshot.serial == SERIAL + 1
    assert snapshot.header.build == newest_build(configured)


def test_a_broken_index_is_compiled_again(configured: Config) -> None:
    load_build(configured)
    Path(configured.store.index).write_bytes(b"broken")
    assert load_build(configured).serial == SERIAL


def test_an_index_without_a_database_is_served(configured: Config) -> None:
    load_build(configured)
    Path(configured.store.database).unlink()
    assert load_build(configured).header.build == newest_build(configured)


def test_neither_database_nor_index_is_told(configured: Config) -> None:
    Path(configured.store.database).unlink()
    with pytest.raises(StoreMissing, match="run `mipdns load`"):
        load_build(configured)
    with pytest.raises(StoreMissing, match="run `mipdns load`"):
        newest_build(configured)


def test_where_it_may_not_be_written_it_is_compiled_elsewhere(configured: Config) -> None:
    def compile_unless_beside(database: Path, index: Path) -> None:
        if index == Path(configured.store.index):
            raise SnapshotForbidden(f"{index}: cannot be written: Read-only file system")
        compile_index(database, index)

    assert load_build(configured, compile_unless_beside).serial == SERIAL
    assert not Path(configured.store.index).exists()


def test_a_full_disk_is_no_reason_to_look_elsewhere(configured: Config) -> None:
    def fail(database: Path, index: Path) -> None:
        raise SnapshotError(f"{index}: cannot be written: No space left on device")

    with pytest.raises(SnapshotError, match="No space left"):
        load_build(configured, fail)
