"""One build in memory: sorted ranges as packed columns. In: rows and a serial. Out: an immutable `MemorySnapshot`.

The one rule: nothing is kept per row but numbers in arrays (32 bytes of bounds, 4 of payload, 1 of confidence overall
and 1 for each class that occurs), and everything a row says beside its bounds is kept once for all rows that say it.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import le, lt
from typing import NamedTuple, TypeVar

from mipdns.errors import SnapshotError
from mipdns.net import ADDRESS_MAX, format_range, from_blob, to_blob
from mipdns.vocabulary import Class, Verdict

T = TypeVar("T")

Payload = tuple[int, int, int | None, int | None, int, int | None, str]
"""What a `Verdict` says beside its bounds: confidence, classes, users_low, users_high, sources, asn, observed."""

Row = tuple[bytes, bytes, int, int, int | None, int | None, int, int | None, str]
"""A `Verdict` whose bounds are 16-byte big-endian blobs: a row of the store's table."""

BATCH_ROWS = 4096
_LOW_64 = (1 << 64) - 1
_BLOCK = 64
_BLOCK_BITS = 6


class MemorySnapshot:
    """Fills `index.snapshot.Snapshot`. Made by `from_verdicts` or, batch by batch, by a `SnapshotBuilder`."""

    __slots__ = ("_bounds", "_maxima", "_payload_at", "_payloads", "_serial")

    def __init__(
        self, serial: int, bounds: _Bounds, payloads: list[Payload], payload_at: array[int], maxima: dict[int, _Maxima]
    ) -> None:
        self._serial = serial
        self._bounds = bounds
        self._payloads = payloads
        self._payload_at = payload_at
        self._maxima = maxima

    @property
    def serial(self) -> int:
        """The build's SOA serial, 1 to 2**32 - 1."""
        return self._serial

    def __len__(self) -> int:
        """How many ranges are held."""
        return len(self._payload_at)

    def find(self, address: int) -> Verdict | None:
        """The range that holds the address (128-bit), whatever its confidence."""
        at = self._bounds.last_starting_by(address)
        if at < 0 or address > (last := self._bounds.last(at)):
            return None
        return Verdict(self._bounds.first(at), last, *self._payloads[self._payload_at[at]])

    def reaches(self, first: int, last: int, floor: int, classes: int) -> bool:
        """Whether any address in [first, last] has confidence ≥ floor and, if `classes` is not 0, that one class."""
        maxima = self._maxima.get(classes)
        if maxima is None or maxima.highest < floor:
            return False
        low = self._bounds.last_starting_by(first)
        if low < 0 or self._bounds.last(low) < first:
            low += 1
        return maxima.reaches(low, self._bounds.last_starting_by(last) + 1, max(floor, 1))


class _Bounds(NamedTuple):
    """First and last address of each row, cut in halves of 64 bits so that the C bisect of an array can search them."""

    first_high: array[int]
    first_low: array[int]
    last_high: array[int]
    last_low: array[int]

    def last_starting_by(self, address: int) -> int:
        """The last row that starts at or before the address; -1 if none does."""
        high = address >> 64
        start = bisect_left(self.first_high, high)
        stop = bisect_right(self.first_high, high, start)
        return bisect_right(self.first_low, address & _LOW_64, start, stop) - 1

    def first(self, at: int) -> int:
        """The first address of a row."""
        return self.first_high[at] << 64 | self.first_low[at]

    def last(self, at: int) -> int:
        """The last address of a row."""
        return self.last_high[at] << 64 | self.last_low[at]


class _Maxima:
    """The highest value of any run of rows, in O(log n): a byte a row, maxima of blocks of 64, and so on up."""

    __slots__ = ("_levels", "highest")

    def __init__(self, values: bytes) -> None:
        self._levels = [values]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append(bytes(max(below[at : at + _BLOCK]) for at in range(0, len(below), _BLOCK)))
        self.highest = max(self._levels[-1], default=0)

    def reaches(self, start: int, stop: int, floor: int) -> bool:
        """Whether a row of [start, stop) has a value ≥ floor."""
        for level in self._levels:
            # The ragged ends are looked at here; the whole blocks between them one level up.
            whole_start = -(-start >> _BLOCK_BITS)
            whole_stop = stop >> _BLOCK_BITS
            if whole_start >= whole_stop:
                return max(level[start:stop], default=0) >= floor
            if max(level[start : whole_start << _BLOCK_BITS], default=0) >= floor:
                return True
            if max(level[whole_stop << _BLOCK_BITS : stop], default=0) >= floor:
                return True
            start, stop = whole_start, whole_stop
        return False


class SnapshotBuilder:
    """Takes rows in order, batch by batch, and packs each batch as it comes."""

    def __init__(self) -> None:
        self._halves = tuple(array("Q") for _ in range(4))
        self._payload_at = array("I")
        self._numbers: dict[Payload, int] = {}
        self._confidences = bytearray()
        self._classes = bytearray()
        self._occurring: set[int] = set()
        self._previous_last = b""

    def add(self, rows: Sequence[Row]) -> None:
        """Take the next rows. Raises SnapshotError if they are unsorted, overlap, or hold what no verdict can."""
        if not rows:
            return
        try:
            self._add(rows)
        except (TypeError, ValueError, OverflowError) as fault:
            raise SnapshotError(f"a row of the verdicts is malformed: {fault}; run `mipdns load`") from None

    def _add(self, rows: Sequence[Row]) -> None:
        columns = tuple(zip(*rows, strict=True))
        firsts, lasts, confidences, classes = columns[:4]
        if {*map(len, firsts), *map(len, lasts)} != {16}:
            raise ValueError("an address is not 16 bytes long")
        ordered = all(map(lt, (self._previous_last, *lasts), firsts)) and all(map(le, firsts, lasts))
        if not ordered:
            raise SnapshotError(f"{_disorder(self._previous_last, firsts, lasts)}; run `mipdns load`")
        if not 1 <= min(confidences) <= max(confidences) <= 100:
            raise ValueError("a confidence lies outside 1 to 100")
        self._confidences += bytes(confidences)
        self._classes += bytes(classes)
        self._occurring.update(classes)
        self._previous_last = lasts[-1]
        for half, numbers in zip(self._halves, (*_halves(firsts), *_halves(lasts)), strict=True):
            half.extend(numbers)
        number = self._numbers.setdefault
        known = self._numbers
        self._payload_at.extend([number(row[2:], len(known)) for row in rows])

    def finish(self, serial: int) -> MemorySnapshot:
        """The snapshot of all rows so far. The builder is spent."""
        if not 1 <= serial < 1 << 32:
            raise SnapshotError(f"the build's serial {serial} is not a number from 1 to 4294967295; run `mipdns load`")
        confidences = bytes(self._confidences)
        maxima = {0: _Maxima(confidences)}
        for class_ in Class:
            if any(class_ & occurring for occurring in self._occurring):
                maxima[int(class_)] = _Maxima(_where(confidences, self._classes, class_))
        return MemorySnapshot(serial, _Bounds(*self._halves), list(self._numbers), self._payload_at, maxima)


def from_verdicts(verdicts: Iterable[Verdict], serial: int) -> MemorySnapshot:
    """The snapshot of sorted, disjoint verdicts. Raises SnapshotError where they are neither."""
    builder = SnapshotBuilder()
    for batch in _batches(iter(verdicts)):
        for verdict in batch:
            if not 0 <= verdict.first <= verdict.last <= ADDRESS_MAX:
                raise SnapshotError(f"a verdict runs from {verdict.first:#x} to {verdict.last:#x}, which is no range")
        builder.add([(to_blob(verdict.first), to_blob(verdict.last), *verdict[2:]) for verdict in batch])
    return builder.finish(serial)


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, BATCH_ROWS)):
        yield batch


def _halves(blobs: Sequence[bytes]) -> tuple[array[int], array[int]]:
    """The upper and the lower 64 bits of 16-byte numbers."""
    words = array("Q")
    words.frombytes(b"".join(blobs))
    if sys.byteorder == "little":
        words.byteswap()
    return words[0::2], words[1::2]


def _where(confidences: bytes, classes: bytearray, class_: Class) -> bytes:
    """The confidence of each row that has the class, 0 elsewhere."""
    mask = classes.translate(bytes(0xFF if bits & class_ else 0 for bits in range(256)))
    return (int.from_bytes(confidences, "big") & int.from_bytes(mask, "big")).to_bytes(len(confidences), "big")


def _disorder(previous_last: bytes, firsts: Sequence[bytes], lasts: Sequence[bytes]) -> str:
    """Where the order breaks, in words."""
    for first, last in zip(firsts, lasts, strict=True):
        if last < first:
            return f"a verdict ends ({from_blob(last):#x}) before it starts ({from_blob(first):#x})"
        if first <= previous_last:
            return (
                f"the verdict {format_range(from_blob(first), from_blob(last))} overlaps the one before or is unsorted"
            )
        previous_last = last
    raise AssertionError("called for rows in order")
