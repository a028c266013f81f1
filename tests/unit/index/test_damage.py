"""Damaged, cut, foreign, strange: each index that is not whole is refused, at opening or when it is verified."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.layout import Section
from mipdns.index.mapped import open_index
from mipdns.index.memory import compile_bytes
from mipdns.index.sections import checksum
from mipdns.vocabulary import Verdict
from tests.small import SERIAL, VERDICTS

WIDE = [Verdict(at << 64, at << 64 | (1 << 64) - 1, 50, 1, None, None, 1, None, "2026-11-20") for at in range(9, 400)]


def _compiled() -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "payload_width", lambda payloads: 4)
        return compile_bytes(sorted([*VERDICTS, *WIDE]), SERIAL)


GOOD = _compiled()
"""Holds something in every section, as with more payloads than 16 bits can number."""

ENTRIES = [
    layout.SECTION_ENTRY.unpack_from(GOOD, layout.SECTIONS_AT + layout.SECTION_ENTRY.size * section)
    for section in Section
]
FIELDS_END = layout.SECTIONS_AT + layout.SECTION_ENTRY.size * len(Section)


def refuse(path: Path, data: bytes, says: str | None = None, *, by_verify: bool = False) -> None:
    path.write_bytes(data)
    if by_verify:
        snapshot = open_index(path)
        with pytest.raises(SnapshotError, match=says) as told:
            snapshot.verify()
    else:
        with pytest.raises(SnapshotError, match=says) as told:
            open_index(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mip.idx"


def test_the_good_one_is_good_and_has_every_section(path: Path) -> None:
    path.write_bytes(GOOD)
    open_index(path).verify()
    assert all(size for _, size in ENTRIES)


@pytest.mark.parametrize("at", [*range(0, FIELDS_END, 3), FIELDS_END, 2048, *range(4064, 4096, 5), 4095])
def test_each_byte_of_the_header_counts(path: Path, at: int) -> None:
    refuse(path, flipped(GOOD, at))


@pytest.mark.parametrize("section", Section)
def test_each_section_counts_when_it_is_verified(path: Path, section: Section) -> None:
    offset, size = ENTRIES[section]
    for at in {offset, offset + size // 2, offset + size - 1}:
        refuse(path, flipped(GOOD, at), "body is damaged", by_verify=True)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def test_padding_counts_too(path: Path) -> None:
    gaps = [offset + size for offset, size in ENTRIES if size % layout.ALIGNMENT]
    for at in gaps:
        refuse(path, flipped(GOOD, at), "body is damaged", by_verify=True)


@pytest.mark.parametrize("size", sorted({1, 7, 8, 100, 4064, 4095, 4096, *(offset for offset, _ in ENTRIES[1:])}))
def test_cut_short_anywhere_it_is_refused(path: Path, size: int) -> None:
    refuse(path, GOOD[:size])
    refuse(path, GOOD[: size - 1])


def test_one_byte_too_few_or_too_many_is_told(path: Path) -> None:
    refuse(path, GOOD[:-1], f"{len(GOOD) - 1} of {len(GOOD)} bytes")
    refuse(path, GOOD + b"\0", f"{len(GOOD) + 1} of {len(GOOD)} bytes")


def signed(**fields: int) -> bytes:
    """The good file with other fields in its header, and a checksum that vouches for them."""
    header = layout.Header(*layout.HEADER.unpack_from(GOOD))._replace(**fields)  # type: ignore[arg-type]  # numbers only
    page = layout.HEADER.pack(*header) + GOOD[layout.HEADER.size : layout.HEADER_CHECKSUM_AT]
    return page + checksum(page) + GOOD[layout.HEADER_SIZE :]


@pytest.mark.parametrize(
    "fields",
    [
        {"v4_entries": 1},
        {"v6_entries": 0xFFFFFFFF},
        {"n6_entries": 0},
        {"payloads": 0xFFFFFFFF},
        {"payload_width": 3},
        {"payload_width": 2},
        {"directory_bits": 7},
        {"directory_bits": 33},
        {"directory_bits": 9},
    ],
)
def test_counts_that_do_not_fit_the_sections_are_refused(path: Path, fields: dict[str, int]) -> None:
    """As a file would be that someone made to mislead: nothing may be read outside of it."""
    refuse(path, signed(**fields), "do not fit its counts")


def moved(section: Section, offset: int, size: int) -> bytes:
    page = bytearray(GOOD[: layout.HEADER_CHECKSUM_AT])
    struct.pack_into("<QQ", page, layout.SECTIONS_AT + 16 * section, offset, size)
    return bytes(page) + checksum(page) + GOOD[layout.HEADER_SIZE :]


@pytest.mark.parametrize("section", Section)
def test_sections_that_lie_elsewhere_are_refused(path: Path, section: Section) -> None:
    offset, size = ENTRIES[section]
    for entry in ((offset + 64, size), (offset, size + 64), (1 << 63, size), (offset, (1 << 64) - 1)):
        refuse(path, moved(section, *entry), "do not fit its counts")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def prose(path: Path) -> None:
    path.write_text("This is not an index, however long it goes on. " * 100)


def as_text(path: Path) -> None:
    path.write_bytes(GOOD.replace(b"\r\n", b"\n"))


def other_version(path: Path) -> None:
    path.write_bytes(signed(format=layout.FORMAT + 1))


def other_byte_order(path: Path) -> None:
    path.write_bytes(signed(format=int.from_bytes(layout.FORMAT.to_bytes(4, "big"), "little")))


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (nothing, "no such index; run `mipdns load`"),
        (empty, "an empty file"),
        (prose, "not an index of mipdns"),
        (as_text, "not an index of mipdns"),
        (other_version, f"format {layout.FORMAT + 1}, this mipdns reads {layout.FORMAT}"),
        (other_byte_order, "other byte order"),
        (folder, "cannot be mapped"),
    ],
)
def test_what_is_no_index_of_ours_is_told(path: Path, spoil: Callable[[Path], None], says: str) -> None:
    spoil(path)
    with pytest.raises(SnapshotError, match=says) as told:
        open_index(path)
    assert str(path) in str(told.value)
