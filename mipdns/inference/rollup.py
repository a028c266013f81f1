"""The widest ranges that share a verdict. In: judged pieces, disjoint, in any order. Out: sorted `Verdict` rows.

The one rule: pieces merge only where they touch and agree in everything but the day; the range then carries the oldest
day of its parts, so that no address is served as fresher than its evidence.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.inference.character import UNKNOWN
from mipdns.vocabulary import Verdict

EPOCH = datetime.date(1970, 1, 1).toordinal()
_LOW_BITS = (1 << 64) - 1
_V4_HIGH = np.uint64(0xFFFF << 32)
_ONES = np.uint64(_LOW_BITS)


class Judged(NamedTuple):
    """Judged pieces. first, last: (n, 2) uint64, upper and lower half of the 128-bit address.

    confidence, classes, users_low, users_high (UNKNOWN: none), signals, asn (0: none), observed (days since 1970).
    """

    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    confidence: NDArray[np.int64]
    classes: NDArray[np.int64]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]
    signals: NDArray[np.int64]
    asn: NDArray[np.int64]
    observed: NDArray[np.int64]


def key_bounds(first: NDArray[np.uint64], last: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Unit keys as the halves of the first and last address of their units."""
    v4 = first <= np.uint64(net.UNIT_V4_LAST)
    zero = np.uint64(0)
    low = np.column_stack([np.where(v4, zero, first), np.where(v4, first | _V4_HIGH, zero)])
    high = np.column_stack([np.where(v4, zero, last), np.where(v4, last | _V4_HIGH, _ONES)])
    return low, high


def halves(addresses: Sequence[int]) -> NDArray[np.uint64]:
    """128-bit addresses as an (n, 2) array of their halves."""
    rows = [(address >> 64, address & _LOW_BITS) for address in addresses]
    return np.array(rows, dtype=np.uint64).reshape(-1, 2)


def join(parts: Sequence[Judged]) -> Judged:
    """All pieces in one."""
    return Judged._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def roll_up(pieces: Judged) -> list[Verdict]:
    """The pieces as the fewest rows. Raises ValueError where two pieces overlap."""
    size = len(pieces.confidence)
    if not size:
        return []
    order = np.lexsort((pieces.first[:, 1], pieces.first[:, 0]))
    pieces = Judged._make(column[order] for column in pieces)
    _check_disjoint(pieces)
    new = np.ones(size, dtype=np.bool_)
    new[1:] = ~_touch(pieces)
    for column in pieces[2:-1]:
        new[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], size) - 1
    observed = np.minimum.reduceat(pieces.observed, starts)
    days = {day: datetime.date.fromordinal(int(day) + EPOCH).isoformat() for day in np.unique(observed).tolist()}
    return [
        Verdict(
            (first_high << 64) | first_low,
            (last_high << 64) | last_low,
            confidence,
            classes,
            None if low == UNKNOWN else low,
            None if high == UNKNOWN else high,
            signals,
            asn or None,
            days[day],
        )
        for first_high, first_low, last_high, last_low, confidence, classes, low, high, signals, asn, day in zip(
            *pieces.first[starts].T.tolist(),
            *pieces.last[ends].T.tolist(),
            *(column[starts].tolist() for column in pieces[2:-1]),
            observed.tolist(),
            strict=True,
        )
    ]


def _touch(pieces: Judged) -> NDArray[np.bool_]:
    """Whether each piece but the first starts right after the one before it ends; never across address families."""
    first, last = pieces.first[1:], pieces.last[:-1]
    same_half = (first[:, 0] == last[:, 0]) & (first[:, 1] - np.uint64(1) == last[:, 1]) & (first[:, 1] > 0)
    next_half = (first[:, 0] - np.uint64(1) == last[:, 0]) & (first[:, 1] == 0) & (last[:, 1] == _ONES)
    touching: NDArray[np.bool_] = same_half | next_half
    return touching


def _check_disjoint(pieces: Judged) -> None:
    first, last = pieces.first[1:], pieces.last[:-1]
    later = (first[:, 0] > last[:, 0]) | ((first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1]))
    if not later.all():
        at = int(np.flatnonzero(~later)[0]) + 1
        high, low = pieces.first[at].tolist()
        raise ValueError(f"two pieces hold {net.format_address((high << 64) | low)}")
