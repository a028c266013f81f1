"""Maxima of confidence by blocks of rows, for any class and for each. In: a byte of confidence and one of class bits a
row, batch by batch. Out: the bytes of a summary section; and, of a mapped one, whether a run of rows reaches a floor.

The one rule: a block's byte is exact, so that "is anything of this list beneath this name" has no false answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mipdns.index import layout

BLOCK_BITS: Final = layout.BLOCK.bit_length() - 1

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
        whole = len(self._confidences) >> BLOCK_BITS << BLOCK_BITS
        if whole:
            self._take(whole)

    def _take(self, rows: int) -> None:
        confidences, classes = bytes(self._confidences[:rows]), bytes(self._classes[:rows])
        del self._confidences[:rows], self._classes[:rows]
        self._planes[0] += _maxima(confidences)
        number = int.from_bytes(confidences, "little")
        for plane, mask in enumerate(_HAS_CLASS, 1):
            of_class = number & int.from_bytes(classes.translate(mask), "little")
            self._planes[plane] += (
                _maxima(of_class.to_bytes(rows, "little")) if of_class else bytes(-(-rows >> BLOCK_BITS))
            )

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
    return bytes([max(values[at : at + layout.BLOCK]) for at in range(0, len(values), layout.BLOCK)])


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
