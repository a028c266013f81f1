"""Rows to the tables of an index. In: verdicts in order, batch by batch, their facts packed. Out: the file's bytes.

The one rule: memory does not grow with the rows. Batches pass through packed columns into spools, which are temporary
files; what stays is a byte for 64 rows and the distinct payloads.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import le, lt
from typing import BinaryIO, Final

from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.layout import Header, Section
from mipdns.index.payloads import Facts, Payloads
from mipdns.index.sections import directory, narrowed, sample, spooled, write_file
from mipdns.index.summary import SummaryBuilder
from mipdns.net import V4_FIRST, V4_LAST, format_range, from_blob, to_blob

Row = tuple[bytes, int, int, str]
"""First and last address in 32 big-endian bytes, then `payloads.Facts`."""

BATCH_ROWS: Final = 1024
"""Small enough that a batch stays in the processor's cache."""

SERIAL_MAX: Final = (1 << 32) - 1
_BOUNDS_SIZE: Final = 32
_ROWS_MAX: Final = (1 << 32) - 1
_LOW_64: Final = (1 << 64) - 1
_V4_START, _V4_STOP = to_blob(V4_FIRST), to_blob(V4_LAST + 1)


class _Table:
    """One of the three tables, as spools: bounds, payload numbers, and the summary of its rows."""

    def __init__(self, spool: Callable[[], BinaryIO]) -> None:
        self.first, self.last, self.payload = spool(), spool(), spool()
        self.summary = SummaryBuilder()
        self.rows = 0

    def add(self, first: array[int], last: array[int], numbers: array[int], confidences: bytes, classes: bytes) -> None:
        """The next rows, in order."""
        self.first.write(first.tobytes())
        self.last.write(last.tobytes())
        self.payload.write(numbers.tobytes())
        self.summary.add(confidences, classes)
        self.rows += len(numbers)

    def close(self) -> None:
        """Give the disk space back."""
        for spool in (self.first, self.last, self.payload):
            spool.close()


class Tables:
    """Takes rows in order, then writes the file. spool: makes an empty binary file to write, then read."""

    def __init__(self, spool: Callable[[], BinaryIO]) -> None:
        self._v4, self._v6, self._n6 = (_Table(spool) for _ in range(3))
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
        packed = facts.judged.tobytes()
        confidences, classes = packed[0::8], packed[1::8]
        start, stop = bisect_left(bounds, _V4_START), bisect_left(bounds, _V4_STOP)
        sound = self._previous_last < bounds[0][:16] and all(map(lt, bounds, bounds[1:]))
        sound = sound and (start == 0 or bounds[start - 1][16:] < _V4_START)
        for low, high, add in ((0, start, self._add_v6), (start, stop, self._add_v4), (stop, len(rows), self._add_v6)):
            if sound and low < high:
                part = slice(low, high)
                sound = add(b"".join(bounds[part]), numbers[part], confidences[part], classes[part])
        if not sound:
            raise SnapshotError(f"{_disorder(self._previous_last, bounds)}; run `mipdns load`")
        self._previous_last = bounds[-1][16:]
        self.verdicts += len(rows)

    def _add_v4(self, bounds: bytes, numbers: array[int], confidences: bytes, classes: bytes) -> bool:
        words = array("I", bounds)
        words.byteswap()
        if any(words[at::8] != words[at + 4 :: 8] for at in range(3)):
            return False
        first, last = words[3::8], words[7::8]
        self._v4.add(first, last, numbers, confidences, classes)
        return _disjoint(first, last)

    def _add_v6(self, bounds: bytes, numbers: array[int], confidences: bytes, classes: bytes) -> bool:
        words = array("Q", bounds)
        words.byteswap()
        first, first_low, last, last_low = (words[at::4] for at in range(4))
        if any(first_low) or last_low.count(_LOW_64) != len(last_low):
            return self._add_split(words, numbers, confidences, classes)
        self._v6.add(first, last, numbers, confidences, classes)
        return _disjoint(first, last)

    def _add_split(self, words: array[int], numbers: array[int], confidences: bytes, classes: bytes) -> bool:
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
            table.add(
                array("Q", firsts),
                array("Q", lasts),
                array("I", [numbers[at] for at in rows]),
                bytes([confidences[at] for at in rows]),
                bytes([classes[at] for at in rows]),
            )
        return True

    def write(self, out: BinaryIO, serial: int, build: bytes) -> None:
        """Write the whole file. serial: of the SOA. build: 16 bytes that tell this build from any other.

        Raises SnapshotError for a serial that no SOA can carry, and for more rows than a table can number.
        """
        if not 1 <= serial <= SERIAL_MAX:
            raise SnapshotError(f"the build's serial {serial} is not a number from 1 to {SERIAL_MAX}")
        v4, v6, n6 = self._v4, self._v6, self._n6
        if max(v4.rows, v6.rows, n6.rows) > _ROWS_MAX:
            raise SnapshotError(f"the build holds more than {_ROWS_MAX} ranges of one kind")
        width = layout.payload_width(len(self._payloads))
        header = Header(
            magic=layout.MAGIC,
            format=layout.FORMAT,
            serial=serial,
            file_size=0,
            verdicts=self.verdicts,
            v4_rows=v4.rows,
            v6_rows=v6.rows,
            n6_rows=n6.rows,
            payloads=len(self._payloads),
            payload_width=width,
            directory_bits=layout.directory_bits(v4.rows),
            build=build,
        )
        records, text = self._payloads.sections()
        parts: dict[Section, Iterable[bytes]] = {
            Section.PAYLOAD: [records],
            Section.TEXT: [text],
            Section.V4_DIRECTORY: directory(v4.first, v4.rows, header.directory_bits),
            Section.V6_SAMPLE: sample(v6.first, v6.rows),
            Section.V4_FIRST: spooled(v4.first),
            Section.V4_LAST: spooled(v4.last),
            Section.V6_FIRST: spooled(v6.first),
            Section.V6_LAST: spooled(v6.last),
            Section.N6_FIRST: spooled(n6.first),
            Section.N6_LAST: spooled(n6.last),
            Section.V4_PAYLOAD: narrowed(v4.payload, width),
            Section.V6_PAYLOAD: narrowed(v6.payload, width),
            Section.N6_PAYLOAD: narrowed(n6.payload, width),
            Section.V4_SUMMARY: [v4.summary.section()],
            Section.V6_SUMMARY: [v6.summary.section()],
            Section.N6_SUMMARY: [n6.summary.section()],
        }
        write_file(out, header, len(text), [parts[section] for section in Section])


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
