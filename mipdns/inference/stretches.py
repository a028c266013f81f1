"""The line of unit keys, cut between neighbourhoods into stretches that are judged one at a time.

In: chunks of log evidence. Out: `Stretch`es that together cover every key, in order. The one rule: no stretch holds
more than so many units unless one neighbourhood does, so that memory does not grow with the logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import neighbourhoods
from mipdns.evidence import UNIT_COLUMNS, Chunk, Profile, UnitTable

UNITS_MAX = 1 << 17
"""Units judged at once: some 100 MB."""

KEY_MAX = (1 << 64) - 1
_V4_SIZE, _V6_SIZE = 1 << 8, 1 << 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Stretch(NamedTuple):
    """What was counted of the units from one key to another, inclusive. first starts a neighbourhood, last ends one."""

    first: int
    last: int
    units: UnitTable
    profile: Profile


class Drawn:
    """Whole neighbourhoods, drawn evenly from all that pass: at most so many units. Which ones does not depend on how
    they pass.
    """

    def __init__(self, units_max: int) -> None:
        self._units_max = units_max
        self._one_in = 1
        self.stretches: list[Stretch] = []

    def add(self, stretch: Stretch) -> None:
        """What passes."""
        self.stretches.append(_one_in(stretch, self._one_in))
        while sum(len(one.units.key) for one in self.stretches) > self._units_max:
            self._one_in *= 2
            self.stretches = [_one_in(one, self._one_in) for one in self.stretches]


def _one_in(stretch: Stretch, number: int) -> Stretch:
    """Of so many neighbourhoods one, by a hash (Knuth, The Art of Computer Programming 3, 6.4)."""

    def kept(home: NDArray[np.uint64]) -> NDArray[np.bool_]:
        drawn: NDArray[np.bool_] = (home >> np.uint64(8)) * _GOLDEN >> np.uint64(16) & np.uint64(number - 1) == 0
        return drawn

    rows = kept(stretch.profile.neighbourhood)
    profile = Profile._make(column[rows] for column in stretch.profile)
    return stretch._replace(units=take_units(stretch.units, kept(neighbourhoods(stretch.units.key))), profile=profile)


def stretches(chunks: Iterable[Chunk], *, units_max: int = UNITS_MAX) -> Iterator[Stretch]:
    """All of the line, the last stretch without units. Raises ValueError where chunks are not in order."""
    first = 0
    for chunk in chunks:
        for units, profile in _split(chunk, units_max):
            begin, end = int(units.key[0]), int(units.key[-1])
            if net.neighbourhood_key(begin) < first:
                raise ValueError(f"{net.format_range(*net.unit_range(begin))}: in a chunk before its own, or in two")
            last = net.neighbourhood_key(end) + (_V4_SIZE if end <= net.UNIT_V4_LAST else _V6_SIZE) - 1
            yield Stretch(first, last, units, profile)
            first = last + 1
    yield Stretch(first, KEY_MAX, *nothing())


def _split(chunk: Chunk, units_max: int) -> Iterator[Chunk]:
    """The chunk in parts of whole neighbourhoods, none without units. Activity where no unit was seen is left out."""
    key, home = chunk.units.key, chunk.profile.neighbourhood
    begin = 0
    while begin < len(key):
        end = min(begin + units_max, len(key))
        if end < len(key):
            border = np.uint64(net.neighbourhood_key(int(key[end])))
            end = int(np.searchsorted(key, border, side="left"))
            if end == begin:
                end = int(np.searchsorted(key, _after(border), side="left"))
        low, high = np.uint64(net.neighbourhood_key(int(key[begin]))), key[end - 1]
        rows = slice(int(np.searchsorted(home, low, side="left")), int(np.searchsorted(home, high, side="right")))
        yield Chunk(take_units(chunk.units, slice(begin, end)), Profile._make(column[rows] for column in chunk.profile))
        begin = end


def _after(home: np.uint64) -> np.uint64:
    return home + np.uint64(_V4_SIZE if home <= net.UNIT_V4_LAST else _V6_SIZE)


def take_units(units: UnitTable, which: slice | NDArray[np.bool_]) -> UnitTable:
    """Some of the units."""
    columns = {name: column[which] for name, column in units.columns.items()}
    return UnitTable(units.key[which], units.last_day[which], columns)


def nothing() -> Chunk:
    """No unit, and no activity."""
    empty = np.empty(0)
    units = UnitTable(
        empty.astype(np.uint64), empty.astype(np.int32), {name: empty.astype(np.float32) for name in UNIT_COLUMNS}
    )
    return Chunk(units, Profile(empty.astype(np.uint64), empty.astype(np.bool_), empty.astype(np.int8), *[empty] * 5))
