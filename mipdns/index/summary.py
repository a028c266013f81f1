"""Maxima of confidence by blocks of rows, for any class and for each. In: a byte of confidence and one of class bits a
row, batch by batch. Out: the bytes of a summary section; and, of a mapped one, whether a run of rows reaches a floor.

The one rule: a block's byte is exact, so that "is anything of this list beneath this name" has no false answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mipdns.index import layout

BLOCK_BITS: Final = layout.BLOCK.bit_length() - 1

_AT_ONCE: Final = 1 << 14
"""Rows whose maxima are found together."""

_HAS_CLASS: Final = [bytes(0xFF if bits >> plane & 1 else 0 for bits in range(256)) for plane in range(8)]
"""For `bytes.translate`: class bits to a mask of the confidence, for each class."""


class SummaryBuilder:
    """Takes rows as they come; keeps a byte for 64 of them in each plane."""

    def __init__(self) -> None:
        self._confidences = bytearray()
        self._classes = bytearray()
        self._planes = [bytearray() for _ in range(layout.PLANES)]

    def add(self, confidences: bytes, classes: bytes) -> None:
        """Take the next rows."""
        self._confidences += confidences
        self._classes += classes
        if len(self._confidences) >= _AT_ONCE:
            self._take(len(self._confidences) >> BLOCK_BITS << BLOCK_BITS)

    def _take(self, rows: int) -> None:
        confidences, classes = _by_place(self._confidences[:rows]), _by_place(self._classes[:rows])
        del self._confidences[:rows], self._classes[:rows]
        number = int.from_bytes(confidences, "little")
        blocks = len(confidences) >> BLOCK_BITS
        self._planes[0] += _highest(number, blocks)
        for plane, mask in enumerate(_HAS_CLASS, 1):
            of_class = number & int.from_bytes(classes.translate(mask), "little")
            self._planes[plane] += _highest(of_class, blocks)

    def section(self) -> bytes:
        """The summary of all rows so far. The builder is spent."""
        if self._confidences:
            self._take(len(self._confidences))
        made = bytearray()
        planes = [bytes(plane) for plane in self._planes]
        while planes[0]:
            stride = layout.aligned(len(planes[0]))
            made += b"".join(plane.ljust(stride, b"\0") for plane in planes)
            if len(planes[0]) == 1:
                break
            planes = [_maxima(plane) for plane in planes]
        return bytes(made)


def _maxima(values: bytes) -> bytes:
    """The highest of each 64 values."""
    placed = _by_place(values)
    return _highest(int.from_bytes(placed, "little"), len(placed) >> BLOCK_BITS)


def _by_place(values: bytes | bytearray) -> bytes:
    """The first values of all blocks, then the second ones, and so on; the last block filled up with zeros."""
    whole = values.ljust(-(-len(values) >> BLOCK_BITS) << BLOCK_BITS, b"\0")
    return b"".join([whole[place :: layout.BLOCK] for place in range(layout.BLOCK)])


def _highest(number: int, blocks: int) -> bytes:
    """The maxima of `_by_place` values below 128, taken as one number: its upper half against its lower, six times.

    Compares as many bytes at once as a number has, without a step of Python for each
    (Lamport, Multiple byte processing with full-word instructions, CACM 18, 1975).
    """
    size = blocks << BLOCK_BITS
    while size > blocks:
        size >>= 1
        tops = int.from_bytes(b"\x80" * size, "little")
        some, others = number & (1 << 8 * size) - 1, number >> 8 * size
        not_less = ((some | tops) - others) & tops
        number = others ^ (some ^ others) & (not_less - (not_less >> 7))
    return number.to_bytes(blocks, "little")


class Summary:
    """One summary section, as it is mapped."""

    __slots__ = ("_levels", "_section")

    def __init__(self, section: memoryview, rows: int) -> None:
        self._section = section
        self._levels = layout.summary_levels(rows)

    def reaches(self, plane: int, start: int, stop: int, floor: int, row: Callable[[int], int]) -> bool:
        """Whether a row of [start, stop) has a confidence ≥ floor in the plane. row: that confidence of one row."""
        # At each level the ragged ends are looked at; the whole blocks between them one level up.
        whole_start, whole_stop = -(-start >> BLOCK_BITS), stop >> BLOCK_BITS
        if whole_start >= whole_stop:
            return any(row(at) >= floor for at in range(start, stop))
        if any(row(at) >= floor for at in range(start, whole_start << BLOCK_BITS)):
            return True
        if any(row(at) >= floor for at in range(whole_stop << BLOCK_BITS, stop)):
            return True
        for level in self._levels:
            values = self._section[level.at + plane * level.stride :][: level.entries]
            start, stop = whole_start, whole_stop
            whole_start, whole_stop = -(-start >> BLOCK_BITS), stop >> BLOCK_BITS
            if whole_start >= whole_stop:
                return max(bytes(values[start:stop]), default=0) >= floor
            if max(bytes(values[start : whole_start << BLOCK_BITS]), default=0) >= floor:
                return True
            if max(bytes(values[whole_stop << BLOCK_BITS : stop]), default=0) >= floor:
                return True
        return False
