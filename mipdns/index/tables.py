"""Rows to the tables of an index. In: verdicts in order, batch by batch, their facts packed. Out: the file's bytes.

The one rule: memory does not grow with the rows. Batches pass through packed columns into spools, which are temporary
files; what stays is a byte for 7 entries and the distinct payloads.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import le, lt, ne
from typing import BinaryIO, Final, NamedTuple

from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.layout import Header, Line, Section
from mipdns.index.payloads import Facts, Payloads
from mipdns.index.sections import directory, lined, sample, spooled, write_file
from mipdns.index.summary import SummaryBuilder
from mipdns.net import V4_FIRST, V4_LAST, format_range, from_blob, to_blob

Row = tuple[bytes, int, int, str]
"""First and last address in 32 big-endian bytes, then `payloads.Facts`."""

BATCH_ROWS: Final = 1024
"""Small enough that a batch stays in the processor's cache."""

SERIAL_MAX: Final = (1 << 32) - 1
_BOUNDS_SIZE: Final = 32
_ENTRIES_MAX: Final = (1 << 32) - 1
_LOW_64: Final = (1 << 64) - 1
_V4_START, _V4_STOP = to_blob(V4_FIRST), to_blob(V4_LAST + 1)


class _Part(NamedTuple):
    """Rows of one table, in order. first, last: one or two numbers an address. facts: as in a line. high: the upper
    halves of their payloads' numbers.
    """

    first: array[int]
    last: array[int]
    facts: array[int]
    high: array[int]


class _Table:
    """One of the three tables, as spools: keys, facts, upper halves of payload numbers; and its summary."""

    def __init__(self, line: Line, spool: Callable[[], BinaryIO]) -> None:
        self.line = line
        self.keys, self.facts, self.high = spool(), spool(), spool()
        self.summary = SummaryBuilder()
        self.entries = 0

    def add(self, part: _Part) -> None:
        """The next rows, in order."""
        entries = part if part.first == part.last else _entries(part, self.line.numbers)
        facts = entries.facts.tobytes()
        self.keys.write(entries.first.tobytes())
        self.facts.write(facts)
        self.high.write(entries.high.tobytes())
        self.summary.add(facts[2::4].translate(_CONFIDENCE), facts[3::4])
        self.entries += len(entries.facts)

    def close(self) -> None:
        """Give the disk space back."""
        for spool in (self.keys, self.facts, self.high):
            spool.close()


_CONFIDENCE: Final = bytes(byte & layout.CONFIDENCE_MASK for byte in range(256))
"""For `bytes.translate`: a confidence without the mark of a range."""


def _entries(part: _Part, numbers: int) -> _Part:
    """Rows of which some are ranges, as entries: of a range one for where it begins, marked, and one for its end."""
    first, last, facts, high = part
    # The upper halves of narrow rows' bounds are the same.
    ranges = bytes(map(ne, first[numbers - 1 :: numbers], last[numbers - 1 :: numbers]))
    marked = array(
        "I", [fact | layout.RANGE if is_range else fact for fact, is_range in zip(facts, ranges, strict=True)]
    )
    kept = _woven(array("B", b"\1" * len(ranges)), array("B", ranges), 1)
    keys = compress(_woven(first, last, numbers), [keep for keep in kept for _ in range(numbers)])
    bounds = array(first.typecode, keys)
    return _Part(
        bounds,
        bounds,
        array("I", compress(_woven(marked, facts, 1), kept)),
        array("H", compress(_woven(high, high, 1), kept)),
    )


def _woven(ones: array[int], others: array[int], size: int) -> array[int]:
    """From each in turn, `size` numbers at a time."""
    made = ones + others
    for at in range(size):
        made[at :: 2 * size] = ones[at::size]
        made[size + at :: 2 * size] = others[at::size]
    return made


class Tables:
    """Takes rows in order, then writes the file. spool: makes an empty binary file to write, then read."""

    def __init__(self, spool: Callable[[], BinaryIO]) -> None:
        self._v4 = _Table(layout.V4_LINE, spool)
        self._v6 = _Table(layout.V6_LINE, spool)
        self._n6 = _Table(layout.N6_LINE, spool)
        self._payloads = Payloads()
        self._previous_last = b""
        self.verdicts = 0

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        for table in (self._v4, self._v6, self._n6):
            table.close()

    def add(self, rows: Sequence[Row]) -> None:
        """Take the next rows. Raises SnapshotError if they are unsorted, overlap, or hold what no verdict can."""
        if not rows:
            return
        try:
            self._add(rows)
        except (TypeError, ValueError, OverflowError) as fault:
            raise SnapshotError(f"a row of the verdicts is malformed: {fault}; run `mipdns load`") from None

    def _add(self, rows: Sequence[Row]) -> None:
        bounds, judged, users, observed = zip(*rows, strict=True)
        if len(b"".join(bounds)) != _BOUNDS_SIZE * len(rows):
            raise ValueError("an address is not 16 bytes long")
        try:
            facts = Facts(array("q", judged), array("q", users), observed)
        except TypeError:
            raise ValueError("a number is out of bounds (confidence: 1 to 100)") from None
        numbers = self._payloads.number(facts)
        packed, halves = _packed(numbers, facts.judged)
        start, stop = bisect_left(bounds, _V4_START), bisect_left(bounds, _V4_STOP)
        sound = self._previous_last < bounds[0][:16] and all(map(lt, bounds, bounds[1:]))
        sound = sound and (start == 0 or bounds[start - 1][16:] < _V4_START)
        for low, high, add in ((0, start, self._add_v6), (start, stop, self._add_v4), (stop, len(rows), self._add_v6)):
            if sound and low < high:
                part = slice(low, high)
                sound = add(b"".join(bounds[part]), packed[part], halves[part])
        if not sound:
            raise SnapshotError(f"{_disorder(self._previous_last, bounds)}; run `mipdns load`")
        self._previous_last = bounds[-1][16:]
        self.verdicts += len(rows)

    def _add_v4(self, bounds: bytes, facts: array[int], high: array[int]) -> bool:
        words = array("I", bounds)
        words.byteswap()
        if any(words[at::8] != words[at + 4 :: 8] for at in range(3)):
            return False
        first, last = words[3::8], words[7::8]
        self._v4.add(_Part(first, last, facts, high))
        return _disjoint(first, last)

    def _add_v6(self, bounds: bytes, facts: array[int], high: array[int]) -> bool:
        words = array("Q", bounds)
        words.byteswap()
        first, first_low, last, last_low = (words[at::4] for at in range(4))
        if any(first_low) or last_low.count(_LOW_64) != len(last_low):
            return self._add_split(words, facts, high)
        self._v6.add(_Part(first, last, facts, high))
        return _disjoint(first, last)

    def _add_split(self, words: array[int], facts: array[int], highs: array[int]) -> bool:
        """Rows of which some start or end inside a /64: each becomes a narrow head, a wide middle, a narrow tail.

        `net=` stays the same: a prefix that lies inside the row and holds an address of the head cannot leave its /64.
        """
        wide: tuple[list[int], list[int], list[int]] = ([], [], [])
        narrow: tuple[list[int], list[int], list[int]] = ([], [], [])

        def add_narrow(at: int, high: int, low: int, last_low: int) -> None:
            narrow[0].extend((high, low))
            narrow[1].extend((high, last_low))
            narrow[2].append(at)

        before = -1
        for at, (high, low, last_high, last_low) in enumerate(zip(*(words[word::4] for word in range(4)), strict=True)):
            first, last = high << 64 | low, last_high << 64 | last_low
            if not before < first <= last:
                return False
            before = last
            if high == last_high and (low, last_low) != (0, _LOW_64):
                add_narrow(at, high, low, last_low)
                continue
            wide_first, wide_last = high + (low > 0), last_high - (last_low < _LOW_64)
            if low:
                add_narrow(at, high, low, _LOW_64)
            if wide_first <= wide_last:
                wide[0].append(wide_first)
                wide[1].append(wide_last)
                wide[2].append(at)
            if last_low < _LOW_64:
                add_narrow(at, last_high, 0, last_low)
        for table, (firsts, lasts, rows) in ((self._v6, wide), (self._n6, narrow)):
            part = _Part(
                array("Q", firsts),
                array("Q", lasts),
                array("I", [facts[at] for at in rows]),
                array("H", [highs[at] for at in rows]),
            )
            table.add(part)
        return True

    def write(self, out: BinaryIO, serial: int, build: bytes) -> None:
        """Write the whole file. serial: of the SOA. build: 16 bytes that tell this build from any other.

        Raises SnapshotError for a serial that no SOA can carry, and for more rows than a table can number.
        """
        if not 1 <= serial <= SERIAL_MAX:
            raise SnapshotError(f"the build's serial {serial} is not a number from 1 to {SERIAL_MAX}")
        v4, v6, n6 = self._v4, self._v6, self._n6
        if max(v4.entries, v6.entries, n6.entries) > _ENTRIES_MAX:
            raise SnapshotError(f"the build holds more than {_ENTRIES_MAX} addresses and ends of ranges of one kind")
        width = layout.payload_width(len(self._payloads))
        header = Header(
            magic=layout.MAGIC,
            format=layout.FORMAT,
            serial=serial,
            file_size=0,
            verdicts=self.verdicts,
            v4_entries=v4.entries,
            v6_entries=v6.entries,
            n6_entries=n6.entries,
            payloads=len(self._payloads),
            payload_width=width,
            directory_bits=layout.directory_bits(v4.entries),
            build=build,
        )
        records, text = self._payloads.sections()
        parts: dict[Section, Iterable[bytes]] = {
            Section.PAYLOAD: [records],
            Section.TEXT: [text],
            Section.V4_DIRECTORY: directory(v4.keys, v4.entries, header.directory_bits),
            Section.V6_SAMPLE: sample(v6.keys, v6.entries),
            Section.V4_LINES: lined(v4.line, v4.keys, v4.facts),
            Section.V6_LINES: lined(v6.line, v6.keys, v6.facts),
            Section.N6_LINES: lined(n6.line, n6.keys, n6.facts),
            Section.V4_HIGH: spooled(v4.high) if width > 2 else [],
            Section.V6_HIGH: spooled(v6.high) if width > 2 else [],
            Section.N6_HIGH: spooled(n6.high) if width > 2 else [],
            Section.V4_SUMMARY: [v4.summary.section()],
            Section.V6_SUMMARY: [v6.summary.section()],
            Section.N6_SUMMARY: [n6.summary.section()],
        }
        write_file(out, header, len(text), [parts[section] for section in Section])


def _packed(numbers: array[int], judged: array[int]) -> tuple[array[int], array[int]]:
    """Facts as they lie in a line, and the upper halves of the payloads' numbers."""
    halves = array("H", numbers.tobytes())
    facts = array("H", halves)
    facts[1::2] = array("H", judged.tobytes())[0::4]
    return array("I", facts.tobytes()), halves[1::2]


def _disjoint(first: array[int], last: array[int]) -> bool:
    """Whether rows that are sorted by their first address are ranges that do not overlap."""
    return first == last or (all(map(le, first, last)) and all(map(lt, last, first[1:])))


def _disorder(previous_last: bytes, bounds: Sequence[bytes]) -> str:
    """Where the order breaks, in words."""
    for row in bounds:
        first, last = from_blob(row[:16]), from_blob(row[16:])
        if last < first:
            return f"a verdict ends ({last:#x}) before it starts ({first:#x})"
        if row[:16] <= previous_last:
            return f"the verdict {format_range(first, last)} overlaps the one before or is unsorted"
        if first <= V4_LAST and last >= V4_FIRST and not V4_FIRST <= first <= last <= V4_LAST:
            return f"the verdict {format_range(first, last)} runs from one address family into the other"
        previous_last = row[16:]
    raise AssertionError("called for rows in order")
