"""Reading in another process gives what reading here gives: the same snapshot, or the same error."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns.errors import StoreError, StoreMissing
from mipdns.index.aside import AsideReader
from mipdns.index.load import read_snapshot
from mipdns.net import ADDRESS_MAX
from mipdns.vocabulary import Class
from tests.builds import write_build
from tests.small import SERIAL, VERDICTS


def test_hands_over_the_same_snapshot(tmp_path: Path) -> None:
    database = write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    here, there = read_snapshot(database), AsideReader().read(database)
    assert (there.serial, len(there)) == (here.serial, len(here))
    assert [there.find(row.first) for row in VERDICTS] == VERDICTS
    for class_ in (0, *Class):
        for floor in (1, 50, 100):
            assert there.reaches(0, ADDRESS_MAX, floor, class_) == here.reaches(0, ADDRESS_MAX, floor, class_)


def test_hands_over_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing) as here:
        read_snapshot(tmp_path / "mip.db")
    with pytest.raises(StoreMissing) as there:
        AsideReader().read(tmp_path / "mip.db")
    assert str(there.value) == str(here.value)


def test_given_up_it_ends_at_once_and_says_so(tmp_path: Path) -> None:
    database = write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    reader = AsideReader()
    reader.give_up()
    with pytest.raises(StoreError, match="was ended"):
        reader.read(database)
