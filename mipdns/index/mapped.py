"""An index file as a snapshot. In: the file, mapped, or its bytes. Out: a `MappedSnapshot`, or a SnapshotError that
names the file and says what is wrong with it.

The one rule: opening costs the same for ten rows or ten million. Header, bounds and sizes are looked at; the body's
checksum is `verify`'s. The native form reads the same bytes through `buffer` and must find the same.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, NamedTuple

from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.layout import Header, Line, Section
from mipdns.index.payloads import unpack
from mipdns.index.sections import checksum
from mipdns.index.summary import Summary
from mipdns.net import V4_FIRST, V4_LAST
from mipdns.vocabulary import Verdict

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
        self._payload = sections[Section.PAYLOAD]
        self._directory = sections[Section.V4_DIRECTORY].cast("I")
        self._shift = 32 - self.header.directory_bits
        self._v4 = _Table(sections, Section.V4_LINES, layout.V4_LINE, self.header.v4_entries)
        self._v6 = _Table(sections, Section.V6_LINES, layout.V6_LINE, self.header.v6_entries)
        self._n6 = _Table(sections, Section.N6_LINES, layout.N6_LINE, self.header.n6_entries)

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
            found = self._v4.holding(number, self._v4_by(number))
            return found and self._verdict(V4_FIRST | found.first, V4_FIRST | found.last, found.payload)
        high = address >> 64
        found = self._v6.holding(high, self._v6.by(high))
        if found:
            return self._verdict(found.first << 64, found.last << 64 | _LOW_64, found.payload)
        found = self._n6.holding(address, self._n6.by(address))
        return found and self._verdict(*found)

    def reaches(self, first: int, last: int, floor: int, classes: int) -> bool:
        """Whether any address in [first, last] has confidence ≥ floor and, if `classes` is not 0, that one class."""
        low, high = max(first, V4_FIRST), min(last, V4_LAST)
        if low <= high:
            low, high = low & 0xFFFFFFFF, high & 0xFFFFFFFF
            if self._reaches(self._v4, low, self._v4_by(low), self._v4_by(high), floor, classes):
                return True
        if first >= V4_FIRST and last <= V4_LAST:
            return False
        v6, n6 = self._v6, self._n6
        if self._reaches(v6, first >> 64, v6.by(first >> 64), v6.by(last >> 64), floor, classes):
            return True
        return self._reaches(n6, first, n6.by(first), n6.by(last), floor, classes)

    def verify(self) -> None:
        """Compare the body with its checksum: reads the whole file. Raises SnapshotError."""
        view = memoryview(self.buffer)
        if checksum(view[layout.HEADER_SIZE :]) != view[layout.BODY_CHECKSUM_AT : layout.HEADER_CHECKSUM_AT]:
            raise SnapshotError(f"{self._name}: its body {_DAMAGED}")

    def _v4_by(self, number: int) -> int:
        """The last IPv4 entry at or before the number; -1 if there is none."""
        bucket = number >> self._shift
        start = self._directory[bucket] * layout.V4_LINE.entries
        stop = (self._directory[bucket + 1] + 1) * layout.V4_LINE.entries
        return self._v4.by(number, start, stop)

    def _verdict(self, first: int, last: int, number: int) -> Verdict:
        size = layout.PAYLOAD.size
        return Verdict(first, last, *unpack(bytes(self._payload[number * size : (number + 1) * size])))

    @staticmethod
    def _reaches(table: _Table, first: int, before: int, last: int, floor: int, classes: int) -> bool:
        """before, last: the last entries at or before the ends of what is asked."""
        start = before if table.covers(first, before) else before + 1

        def confidence(at: int) -> int:
            facts = table.facts(at)
            if classes and not facts >> layout.CLASSES_SHIFT & classes:
                return 0
            return facts >> layout.CONFIDENCE_SHIFT & layout.CONFIDENCE_MASK

        return table.summary.reaches(classes.bit_length(), start, last + 1, max(floor, 1), confidence)


class _Row(NamedTuple):
    first: int
    last: int
    payload: int


class _Table:
    """One of the three tables: lines of entries. Keys are in the table's own numbers."""

    def __init__(self, sections: list[memoryview], lines: Section, line: Line, entries: int) -> None:
        self._entries = entries
        self._a_line = line.entries
        self._facts_at = line.facts_at // 4
        self._facts = sections[lines].cast("I")
        self._numbers = line.numbers
        self._keys = sections[lines].cast("I" if line.code == "I" else "Q")
        self._keys_a_line = layout.LINE_SIZE // self._keys.itemsize
        self._high = sections[lines + 1].cast("H")
        self.summary = Summary(sections[lines + 2], entries)

    def by(self, key: int, start: int = 0, stop: int | None = None) -> int:
        """The last entry whose key is at or before this one; -1 if there is none. It lies in [start, stop)."""
        stop = self._entries if stop is None else min(stop, self._entries)
        return bisect_right(range(self._entries), key, start, stop, key=self._key) - 1

    def covers(self, key: int, at: int) -> bool:
        """Whether the row of entry `at`, the last at or before the key, holds the key."""
        return at >= 0 and (bool(self.facts(at) & layout.RANGE) or self._key(at) == key)

    def holding(self, key: int, at: int) -> _Row | None:
        """The row that holds the key, of which `at` is the last entry at or before."""
        if not self.covers(key, at):
            return None
        facts = self.facts(at)
        payload = facts & layout.PAYLOAD_MASK | (self._high[at] << 16 if len(self._high) else 0)
        first = last = at
        if facts & layout.RANGE:
            last = at + 1
        elif at and self.facts(at - 1) & layout.RANGE:
            first = at - 1
        return _Row(self._key(first), self._key(last), payload)

    def facts(self, at: int) -> int:
        """What the entry says, as layout.py packs it."""
        line, place = divmod(at, self._a_line)
        return self._facts[line * (layout.LINE_SIZE // 4) + self._facts_at + place]

    def _key(self, at: int) -> int:
        line, place = divmod(at, self._a_line)
        number = line * self._keys_a_line + place * self._numbers
        return self._keys[number] if self._numbers == 1 else self._keys[number] << 64 | self._keys[number + 1]


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
