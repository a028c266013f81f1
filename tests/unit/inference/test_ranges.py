"""Arithmetic on columns of ranges, against sets of keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference.ranges import intersect, subtract

TOP = (1 << 64) - 1
KEYS = st.one_of(st.integers(0, 30), st.integers(TOP - 30, TOP))


def columns(ranges):
    return np.array(ranges, dtype=np.uint64).reshape(-1, 2).T


def keys(first, last):
    """The keys of a range near one of the ends of the line; what lies between the ends is one key more."""
    low, high = range(first, min(last, 40) + 1), range(max(first, TOP - 40), last + 1)
    return {*low, *high, *(["between"] if first <= 50 <= last else [])}


any_ranges = st.lists(st.tuples(KEYS, KEYS).map(sorted), max_size=6)


@st.composite
def disjoint_ranges(draw):
    ends = sorted(draw(st.sets(KEYS, max_size=10)))
    pairs = list(zip(ends[0::2], ends[1::2], strict=False))
    singles = [(end, end) for end in ends[1::3] if not any(low <= end <= high for low, high in pairs)]
    return sorted(pairs + singles)


@given(any_ranges, disjoint_ranges())
def test_subtract_leaves_what_the_others_do_not_hold(ranges, taken):
    which, first, last = subtract(*columns(ranges), *columns(taken))
    found: list[set[object]] = [set() for _ in ranges]
    for at, low, high in zip(which.tolist(), first.tolist(), last.tolist(), strict=True):
        assert low <= high
        assert not found[at] & keys(low, high)
        found[at] |= keys(low, high)
    others = set().union(*(keys(low, high) for low, high in taken))
    assert found == [keys(low, high) - others for low, high in ranges]
    assert which.tolist() == sorted(which.tolist())


@given(any_ranges, disjoint_ranges())
def test_intersect_finds_what_each_shares_with_each(ranges, others):
    which, other, first, last = intersect(*columns(ranges), *columns(others))
    found = zip(which.tolist(), other.tolist(), first.tolist(), last.tolist(), strict=True)
    expected = [
        (at, number, max(low, first), min(high, last))
        for at, (low, high) in enumerate(ranges)
        for number, (first, last) in enumerate(others)
        if first <= high and last >= low
    ]
    assert list(found) == expected
