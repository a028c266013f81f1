"""The widest ranges that share a verdict. In: judged pieces, disjoint, stretch by stretch. Out: rows, sorted.

The one rule: pieces merge only where they touch and agree in everything but the day; the range then carries the oldest
day of its parts, so that no address is served as fresher than its evidence.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import halves
from mipdns.evidence import VerdictTable

EPOCH = datetime.date(1970, 1, 1).toordinal()
_ONES = np.uint64((1 << 64) - 1)


def no_rows() -> VerdictTable:
    """A table without rows."""
    return VerdictTable(halves([]), halves([]), *[np.empty(0, dtype=np.int64)] * 7)


def join(parts: Sequence[VerdictTable]) -> VerdictTable:
    """All pieces in one."""
    return VerdictTable._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


class RollUp:
    """Pieces become rows. The last row of a stretch is held back, because the next stretch may extend it."""

    def __init__(self) -> None:
        self._held = no_rows()

    def add(self, pieces: VerdictTable) -> VerdictTable:
        """The rows that are complete, now that every piece up to the end of `pieces` is known.

        The pieces of one call may stand in any order; those of later calls lie behind them. Raises ValueError where two
        pieces overlap.
        """
        rows = roll_up(join([self._held, pieces]))
        self._held = VerdictTable._make(column[-1:].copy() for column in rows)
        return VerdictTable._make(column[:-1] for column in rows)

    def finish(self) -> VerdictTable:
        """What was held back."""
        return self._held


def roll_up(pieces: VerdictTable) -> VerdictTable:
    """The pieces as the fewest rows. Raises ValueError where two pieces overlap."""
    size = len(pieces.confidence)
    if not size:
        return pieces
    order = np.lexsort((pieces.first[:, 1], pieces.first[:, 0]))
    pieces = VerdictTable._make(column[order] for column in pieces)
    _check_disjoint(pieces)
    new = np.ones(size, dtype=np.bool_)
    new[1:] = ~_touch(pieces)
    for column in pieces[2:-1]:
        new[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], size) - 1
    rows = VerdictTable._make(column[starts] for column in pieces)
    return rows._replace(last=pieces.last[ends], observed=np.minimum.reduceat(pieces.observed, starts))


def _touch(pieces: VerdictTable) -> NDArray[np.bool_]:
    """Whether each piece but the first starts right after the one before it ends; never across address families."""
    first, last = pieces.first[1:], pieces.last[:-1]
    same_half = (first[:, 0] == last[:, 0]) & (first[:, 1] - np.uint64(1) == last[:, 1]) & (first[:, 1] > 0)
    next_half = (first[:, 0] - np.uint64(1) == last[:, 0]) & (first[:, 1] == 0) & (last[:, 1] == _ONES)
    touching: NDArray[np.bool_] = same_half | next_half
    return touching


def _check_disjoint(pieces: VerdictTable) -> None:
    first, last = pieces.first[1:], pieces.last[:-1]
    later = (first[:, 0] > last[:, 0]) | ((first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1]))
    if not later.all():
        at = int(np.flatnonzero(~later)[0]) + 1
        high, low = pieces.first[at].tolist()
        raise ValueError(f"two pieces hold {net.format_address((high << 64) | low)}")
