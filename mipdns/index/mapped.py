"""An index file as a snapshot. In: the file, mapped, or its bytes. Out: a `MappedSnapshot`, or a SnapshotError that
names the file and says what is wrong with it.

The one rule: opening costs the same for ten rows or ten million. Header, bounds and sizes are looked at; the body's
checksum is `verify`'s. The native form reads the same bytes through `buffer` and must find the same.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.layout import Header, Section
from mipdns.index.payloads import unpack
from mipdns.index.sections import checksum
from mipdns.index.summary import Summary
from mipdns.net import V4_FIRST, V4_LAST
from mipdns.vocabulary import Verdict

Code = Literal["H", "I", "Q"]
"""Unsigned numbers of 2, 4 and 8 bytes."""

_LOW_64: Final = (1 << 64) - 1
_DAMAGED: Final = "is damaged; remove it, and `mipdns serve` compiles it again"


class MappedSnapshot:
    """Fills `index.snapshot.Snapshot`. Made by `open_index`, or from bytes.

    A row of IPv6 that starts or ends inside a /64 was cut there when it was compiled: `find` gives the part of it that
    holds the address, which says the same and makes the same `net=`.
    """

    def __init__(self, buffer: mmap | bytes, name: str = "index") -> None:
        self.buffer = buffer
        self.header, sections = _read_header(memoryview(buffer), name)
        self._name = name
        numbers: Code = "H" if self.header.payload_width == 2 else "I"
        self._payload = sections[Section.PAYLOAD]
        self._directory = sections[Section.V4_DIRECTORY].cast("I")
        self._shift = 32 - self.header.directory_bits
        self._v4 = _Table.of(sections, Section.V4_FIRST, Section.V4_SUMMARY, "I", numbers)
        self._v6 = _Table.of(sections, Section.V6_FIRST, Section.V6_SUMMARY, "Q", numbers)
        self._n6 = _Table.of(sections, Section.N6_FIRST, Section.N6_SUMMARY, "Q", numbers)

    @property
    def serial(self) -> int:
        """The build's SOA serial, 1 to 2**32 - 1."""
        return self.header.serial

    def __len__(self) -> int:
        """How many ranges the build holds."""
        return self.header.verdicts

    def find(self, address: int) -> Verdict | None:
        """The range that holds the address (128-bit), whatever its confidence."""
        if V4_FIRST <= address <= V4_LAST:
            number = address & 0xFFFFFFFF
            at = self._v4_by(number)
            if at >= 0 and number <= self._v4.last[at]:
                return self._verdict(V4_FIRST | self._v4.first[at], V4_FIRST | self._v4.last[at], self._v4.payload[at])
            return None
        high, low = address >> 64, address & _LOW_64
        at = bisect_right(self._v6.first, high) - 1
        if at >= 0 and high <= self._v6.last[at]:
            return self._verdict(self._v6.first[at] << 64, self._v6.last[at] << 64 | _LOW_64, self._v6.payload[at])
        at = self._n6_by(address)
        if at >= 0 and self._n6.last[2 * at] == high and low <= self._n6.last[2 * at + 1]:
            return self._verdict(
                high << 64 | self._n6.first[2 * at + 1], high << 64 | self._n6.last[2 * at + 1], self._n6.payload[at]
            )
        return None

    def reaches(self, first: int, last: int, floor: int, classes: int) -> bool:
        """Whether any address in [first, last] has confidence ≥ floor and, if `classes` is not 0, that one class."""
        low, high = max(first, V4_FIRST), min(last, V4_LAST)
        if low <= high:
            low, high = low & 0xFFFFFFFF, high & 0xFFFFFFFF
            start = self._v4_by(low)
            start += start < 0 or self._v4.last[start] < low
            if self._run_reaches(self._v4, start, self._v4_by(high) + 1, floor, classes):
                return True
        if first >= V4_FIRST and last <= V4_LAST:
            return False
        start = bisect_right(self._v6.first, first >> 64) - 1
        start += start < 0 or self._v6.last[start] < first >> 64
        if self._run_reaches(self._v6, start, bisect_right(self._v6.first, last >> 64), floor, classes):
            return True
        start = self._n6_by(first)
        start += start < 0 or self._n6.last[2 * start] << 64 | self._n6.last[2 * start + 1] < first
        return self._run_reaches(self._n6, start, self._n6_by(last) + 1, floor, classes)

    def verify(self) -> None:
        """Compare the body with its checksum: reads the whole file. Raises SnapshotError."""
        view = memoryview(self.buffer)
        if checksum(view[layout.HEADER_SIZE :]) != view[layout.BODY_CHECKSUM_AT : layout.HEADER_CHECKSUM_AT]:
            raise SnapshotError(f"{self._name}: its body {_DAMAGED}")

    def _v4_by(self, number: int) -> int:
        """The last IPv4 row that starts at or before the number; -1 if none does."""
        bucket = number >> self._shift
        return bisect_right(self._v4.first, number, self._directory[bucket], self._directory[bucket + 1]) - 1

    def _n6_by(self, address: int) -> int:
        """The last narrow row that starts at or before the address; -1 if none does."""
        first = self._n6.first
        return bisect_right(range(len(first) >> 1), address, key=lambda at: first[2 * at] << 64 | first[2 * at + 1]) - 1

    def _verdict(self, first: int, last: int, number: int) -> Verdict:
        size = layout.PAYLOAD.size
        return Verdict(first, last, *unpack(bytes(self._payload[number * size : (number + 1) * size])))

    def _run_reaches(self, table: _Table, start: int, stop: int, floor: int, classes: int) -> bool:
        return table.summary.reaches(classes.bit_length(), start, stop, max(floor, 1), self._confidence(table, classes))

    def _confidence(self, table: _Table, classes: int) -> Callable[[int], int]:
        """What a row of the table has in the plane of these classes."""
        numbers, payload, size = table.payload, self._payload, layout.PAYLOAD.size

        def confidence(at: int) -> int:
            record = numbers[at] * size
            return payload[record] if not classes or payload[record + 1] & classes else 0

        return confidence


class _Table(NamedTuple):
    """The columns of one of the three tables; those of narrow rows hold two numbers an address."""

    first: memoryview
    last: memoryview
    payload: memoryview
    summary: Summary

    @staticmethod
    def of(sections: list[memoryview], first: Section, summary: Section, code: Code, numbers: Code) -> _Table:
        """The table whose sections lie from `first`, in the order first, last, payload."""
        payload = sections[first + 2].cast(numbers)
        columns = sections[first].cast(code), sections[first + 1].cast(code), payload
        return _Table(*columns, Summary(sections[summary], len(payload)))


def open_index(path: Path) -> MappedSnapshot:
    """Map a file that `index.compile` wrote. Raises SnapshotError."""
    try:
        with path.open("rb") as file:
            mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
    except FileNotFoundError:
        raise SnapshotError(f"{path}: no such index; run `mipdns load`") from None
    except ValueError:
        raise SnapshotError(f"{path}: an empty file; remove it, and `mipdns serve` compiles it again") from None
    except OSError as fault:
        raise SnapshotError(f"{path}: cannot be mapped: {fault.strerror}") from None
    return MappedSnapshot(mapped, str(path))


def _read_header(view: memoryview, name: str) -> tuple[Header, list[memoryview]]:
    """The header, and each section in place."""
    if sys.byteorder != "little":
        raise SnapshotError(f"{name}: an index is read in place, so only on little-endian machines")
    if bytes(view[: len(layout.MAGIC)]) != layout.MAGIC:
        raise SnapshotError(f"{name}: not an index of mipdns; set [store] index to another path or move the file")
    if len(view) < layout.HEADER_SIZE:
        raise SnapshotError(f"{name}: cut short inside its header; remove it, and `mipdns serve` compiles it again")
    header = Header(*layout.HEADER.unpack_from(view))
    if header.format != layout.FORMAT:
        if header.format == int.from_bytes(layout.FORMAT.to_bytes(4, "big"), "little"):
            raise SnapshotError(f"{name}: written on a machine of the other byte order; compile it on this one")
        raise SnapshotError(
            f"{name}: format {header.format}, this mipdns reads {layout.FORMAT}; run `mipdns load`, or remove it and "
            "`mipdns serve` compiles it again"
        )
    if checksum(view[: layout.HEADER_CHECKSUM_AT]) != view[layout.HEADER_CHECKSUM_AT : layout.HEADER_SIZE]:
        raise SnapshotError(f"{name}: its header {_DAMAGED}")
    if len(view) != header.file_size:
        raise SnapshotError(
            f"{name}: holds {len(view)} of {header.file_size} bytes, so it was cut short or added to; remove it, and "
            "`mipdns serve` compiles it again"
        )
    return header, _sections(view, header, name)


def _sections(view: memoryview, header: Header, name: str) -> list[memoryview]:
    entries = [
        layout.SECTION_ENTRY.unpack_from(view, layout.SECTIONS_AT + layout.SECTION_ENTRY.size * section)
        for section in Section
    ]
    sound = header.payload_width in (2, 4)
    sound = sound and layout.DIRECTORY_BITS_MIN <= header.directory_bits <= layout.DIRECTORY_BITS_MAX
    if sound:
        sizes = layout.section_sizes(header, entries[Section.TEXT][1])
        *offsets, end = layout.section_offsets(sizes)
        sound = entries == list(zip(offsets, sizes, strict=True)) and end == header.file_size
    if not sound:
        raise SnapshotError(f"{name}: its sections do not fit its counts, so it {_DAMAGED}")
    return [view[offset : offset + size] for offset, size in entries]
