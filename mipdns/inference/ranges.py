"""Arithmetic on many ranges of unit keys at once. In: ranges as columns, first and last key, inclusive. Out: columns.

`first` and `last` are any ranges; the others are sorted and disjoint.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Index = NDArray[np.int64]

_ONE = np.uint64(1)


def subtract(first: Keys, last: Keys, taken_first: Keys, taken_last: Keys) -> tuple[Index, Keys, Keys]:
    """What is left of each range: (index of the range, first, last), in the order of the ranges."""
    low, count = _overlaps(first, last, taken_first, taken_last)
    # A range that n others overlap leaves n + 1 gaps: `at` numbers them, and some are empty.
    which, at = _repeated(count + 1)
    following = low[which] + at
    starts, ends = np.append(taken_first, np.uint64(0)), np.append(taken_last, np.uint64(0))
    is_first, is_last = at == 0, at == count[which]
    before, after = ends[following - 1], starts[np.where(is_last, len(taken_first), following)]
    begin = np.where(is_first, first[which], before + _ONE)
    end = np.where(is_last, last[which], after - _ONE)
    left = (is_first | (before < last[which])) & (is_last | (after > begin)) & (begin <= end)
    return which[left], begin[left], end[left]


def intersect(first: Keys, last: Keys, other_first: Keys, other_last: Keys) -> tuple[Index, Index, Keys, Keys]:
    """What each range shares with others: (index of the range, index of the other, first, last)."""
    low, count = _overlaps(first, last, other_first, other_last)
    which, at = _repeated(count)
    other = low[which] + at
    return which, other, np.maximum(first[which], other_first[other]), np.minimum(last[which], other_last[other])


def _overlaps(first: Keys, last: Keys, other_first: Keys, other_last: Keys) -> tuple[Index, Index]:
    """Of each range the first other that overlaps it, and how many do."""
    low = np.searchsorted(other_last, first, side="left")
    return low, np.maximum(np.searchsorted(other_first, last, side="right") - low, 0)


def _repeated(count: Index) -> tuple[Index, Index]:
    """Each index so often as `count` says, and a number for each time, from 0."""
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
