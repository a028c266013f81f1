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
from mipdns.inference import space
from mipdns.inference.rollup import halves, key_bounds
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


def measured_rows(
    keys: NDArray[np.uint64], asn: NDArray[np.int64], ground: Ground, origins: Origins, holes: list[Range]
) -> Rows:
    """Each unit as one row, sorted, and after them the parts of those inside which something starts or ends.

    keys: sorted; none lies wholly in a hole. holes: merged.
    """
    broken = space.broken_units(holes) | space.broken_units((route.first, route.last) for route in origins.routes)
    broken |= {piece.first >> 64 for piece in ground.odd}
    is_broken = np.isin(keys, np.array(sorted(broken), dtype=np.uint64))
    unit = np.flatnonzero(~is_broken)
    heard = np.append(ground.whole.heard, 0)[space.find(ground.whole.first, ground.whole.last, keys[unit])]
    first, last = key_bounds(keys[unit], keys[unit])
    parts = list(_parts(np.flatnonzero(is_broken), keys, ground, origins, holes))
    return Rows(
        np.append(unit, np.array([at for at, _ in parts], dtype=np.int64)),
        np.append(heard, np.array([part.heard for _, part in parts], dtype=np.int64)),
        np.append(asn[unit], np.array([part.asn for _, part in parts], dtype=np.int64)),
        np.concatenate([first, halves([part.first for _, part in parts])]),
        np.concatenate([last, halves([part.last for _, part in parts])]),
    )


def _parts(
    units: NDArray[np.int64], keys: NDArray[np.uint64], ground: Ground, origins: Origins, holes: list[Range]
) -> Iterator[tuple[int, Piece]]:
    """The parts of units that are not whole, with the unit's index."""
    odd: dict[int, list[Piece]] = {}
    for piece in ground.odd:
        odd.setdefault(piece.first >> 64, []).append(piece)
    for unit in units.tolist():
        start, end = net.unit_range(int(keys[unit]))
        pieces = odd.get(int(keys[unit]), [])
        yield from ((unit, piece) for piece in pieces)
        taken = [(piece.first, piece.last) for piece in pieces]
        taken += [(low, high) for low, high in holes if low <= end and high >= start]
        for low, high in net.subtract(start, end, net.merge_ranges(taken)):
            yield from ((unit, Piece(first, last, 0, asn)) for first, last, asn in origins.split(low, high))


def asserted_rows(keys: NDArray[np.uint64], ground: Ground) -> Rows:
    """What assertions cover beside the measured units. keys: sorted."""
    whole = ground.whole
    low = np.searchsorted(keys, whole.first, side="left")
    count = np.searchsorted(keys, whole.last, side="right") - low
    # A piece with n units in it leaves n + 1 gaps: `at` numbers them, and some are empty.
    piece = np.repeat(np.arange(len(count)), count + 1)
    at = np.arange(len(piece)) - np.repeat(np.cumsum(count + 1) - (count + 1), count + 1)
    one = np.uint64(1)
    padded = np.append(keys, np.uint64(0))
    first = np.where(at == 0, whole.first[piece], padded[np.maximum(low[piece] + at - 1, 0)] + one)
    last = np.where(at == count[piece], whole.last[piece], padded[np.minimum(low[piece] + at, len(keys))] - one)
    left = first <= last
    first_halves, last_halves = key_bounds(first[left], last[left])
    odd_keys = np.array([part.first >> 64 for part in ground.odd], dtype=np.uint64)
    seen = np.isin(odd_keys, keys).tolist()
    odd = [part for part, is_seen in zip(ground.odd, seen, strict=True) if not is_seen]
    return Rows(
        np.full(int(left.sum()) + len(odd), -1, dtype=np.int64),
        np.append(whole.heard[piece][left], np.array([part.heard for part in odd], dtype=np.int64)),
        np.append(whole.asn[piece][left], np.array([part.asn for part in odd], dtype=np.int64)),
        np.concatenate([first_halves, halves([part.first for part in odd])]),
        np.concatenate([last_halves, halves([part.last for part in odd])]),
    )
