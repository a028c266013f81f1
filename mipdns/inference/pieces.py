"""Units and asserted ranges laid over each other. In: unit keys and the ground. Out: disjoint pieces, as columns.

The one rule: a measured unit is one piece, unless an exact range, a hole or the border of an AS lies inside its /64;
what is asserted and not measured is what is left of the asserted pieces without the units.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import halves, unit_bounds
from mipdns.inference import space
from mipdns.inference.ranges import subtract
from mipdns.inference.space import Ground, Origins, Piece
from mipdns.net import Range


class Rows(NamedTuple):
    """Pieces. unit: index of the measured unit, -1 for none; heard: index into `Ground.heard`; asn 0: none.

    first, last: (n, 2) uint64, the halves of the 128-bit addresses.
    """

    unit: NDArray[np.int64]
    heard: NDArray[np.int64]
    asn: NDArray[np.int64]
    first: NDArray[np.uint64]
    last: NDArray[np.uint64]


class Overlay:
    """The ground, ready for units to be laid over it, stretch by stretch. holes: merged."""

    def __init__(self, ground: Ground, origins: Origins, holes: list[Range]) -> None:
        self._ground = ground
        self._origins = origins
        self._holes = holes
        self._odd_keys = np.array([piece.first >> 64 for piece in ground.odd], dtype=np.uint64)
        broken = space.broken_units(holes) | space.broken_units((route.first, route.last) for route in origins.routes)
        self._broken = np.union1d(np.array(sorted(broken), dtype=np.uint64), self._odd_keys)
        self._heard = np.append(ground.whole.heard, 0)

    def measured(self, keys: NDArray[np.uint64], asn: NDArray[np.int64]) -> Rows:
        """Each unit as one row, sorted, and after them the parts of those inside which something starts or ends.

        keys: sorted; none lies wholly in a hole. Of a unit in parts the first is the lowest, at which it is looked up.
        """
        is_broken = space.find(self._broken, self._broken, keys) >= 0
        unit = np.flatnonzero(~is_broken)
        heard = self._heard[space.find(self._ground.whole.first, self._ground.whole.last, keys[unit])]
        first, last = unit_bounds(keys[unit], keys[unit])
        parts = [(at, part) for at in np.flatnonzero(is_broken).tolist() for part in sorted(self._parts(int(keys[at])))]
        return Rows(
            np.append(unit, np.array([at for at, _ in parts], dtype=np.int64)),
            np.append(heard, np.array([part.heard for _, part in parts], dtype=np.int64)),
            np.append(asn[unit], np.array([part.asn for _, part in parts], dtype=np.int64)),
            np.concatenate([first, halves([part.first for _, part in parts])]),
            np.concatenate([last, halves([part.last for _, part in parts])]),
        )

    def _parts(self, key: int) -> Iterator[Piece]:
        """The parts of a unit that is not whole."""
        start, end = net.unit_range(key)
        pieces = self._odd(key, key)
        yield from pieces
        taken = [(piece.first, piece.last) for piece in pieces]
        taken += [(low, high) for low, high in self._holes if low <= end and high >= start]
        for low, high in net.subtract(start, end, net.merge_ranges(taken)):
            yield from (Piece(first, last, 0, asn) for first, last, asn in self._origins.split(low, high))

    def _odd(self, first_key: int, last_key: int) -> list[Piece]:
        """The pieces that end inside one of these units."""
        low = np.searchsorted(self._odd_keys, np.uint64(first_key), side="left")
        high = np.searchsorted(self._odd_keys, np.uint64(last_key), side="right")
        return self._ground.odd[low:high]

    def asserted(self, keys: NDArray[np.uint64], first_key: int, last_key: int) -> Rows:
        """What assertions cover from one unit to another, beside the measured units among them.

        keys: those units, sorted.
        """
        lowest, highest = np.uint64(first_key), np.uint64(last_key)
        begin = int(np.searchsorted(self._ground.whole.last, lowest, side="left"))
        end = int(np.searchsorted(self._ground.whole.first, highest, side="right"))
        firsts, lasts, heard, asn = (column[begin:end] for column in self._ground.whole)
        piece, first, last = subtract(np.maximum(firsts, lowest), np.minimum(lasts, highest), keys, keys)
        first_halves, last_halves = unit_bounds(first, last)
        odd = self._odd(first_key, last_key)
        seen = np.isin(np.array([part.first >> 64 for part in odd], dtype=np.uint64), keys).tolist()
        odd = [part for part, is_seen in zip(odd, seen, strict=True) if not is_seen]
        return Rows(
            np.full(len(piece) + len(odd), -1, dtype=np.int64),
            np.append(heard[piece], np.array([part.heard for part in odd], dtype=np.int64)),
            np.append(asn[piece], np.array([part.asn for part in odd], dtype=np.int64)),
            np.concatenate([first_halves, halves([part.first for part in odd])]),
            np.concatenate([last_halves, halves([part.last for part in odd])]),
        )
