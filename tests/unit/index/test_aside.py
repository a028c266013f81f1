"""Compiling in another process gives what compiling here gives: the same file, or the same error."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns.errors import SnapshotError, StoreMissing
from mipdns.index import layout
from mipdns.index.aside import AsideCompiler
from mipdns.index.compile import compile_index
from mipdns.index.mapped import open_index
from tests.builds import write_build
from tests.small import SERIAL, VERDICTS


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return write_build(tmp_path / "mip.db", VERDICTS, SERIAL)


def test_leaves_the_same_file(database: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.idx", tmp_path / "there.idx"
    compile_index(database, here)
    AsideCompiler().compile(database, there)
    assert there.read_bytes() == here.read_bytes()


def test_hands_over_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing) as here:
        compile_index(tmp_path / "mip.db", tmp_path / "mip.idx")
    with pytest.raises(StoreMissing) as there:
        AsideCompiler().compile(tmp_path / "mip.db", tmp_path / "mip.idx")
    assert str(there.value) == str(here.value)


def test_compiles_anew_what_is_damaged_where_opening_does_not_look(database: Path, tmp_path: Path) -> None:
    index = tmp_path / "mip.idx"
    compile_index(database, index)
    good = index.read_bytes()
    index.write_bytes(
        good[: layout.HEADER_SIZE] + bytes([good[layout.HEADER_SIZE] ^ 1]) + good[layout.HEADER_SIZE + 1 :]
    )
    AsideCompiler().compile(database, index)
    open_index(index).verify()
    assert index.read_bytes() == good


def test_given_up_it_ends_at_once_and_says_so(database: Path, tmp_path: Path) -> None:
    compiler = AsideCompiler()
    compiler.give_up()
    with pytest.raises(SnapshotError, match="was ended"):
        compiler.compile(database, tmp_path / "mip.idx")
