"""Who stands around a unit: against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.inference.surroundings import NEAREST, neighbours

V4, V6 = 0x3315_0700, 0x2A02_26F7_0000_0000
UNITS = st.dictionaries(
    st.one_of(st.integers(V4, V4 + 600), st.integers(V6, V6 + 40), st.integers(V6 + (1 << 16), V6 + (1 << 16) + 40)),
    st.tuples(st.sampled_from([0, 64500, 64501]), st.integers(1, 99)),
    min_size=1,
    max_size=60,
)


@given(UNITS)
def test_neighbours_are_those_of_the_same_24_or_48_and_as_and_the_nearest_the_nearest_of_them(units):
    keys = sorted(units)
    asn, percent = zip(*(units[key] for key in keys), strict=True)
    found = neighbours(np.array(keys, dtype=np.uint64), np.array(asn), np.array(percent) / 100.0)
    for at, key in enumerate(keys):
        others = [
            other
            for other in keys
            if other != key
            and net.neighbourhood_key(other) == net.neighbourhood_key(key)
            and units[other][0] == units[key][0]
        ]
        seen, crowded, nearest = (
            found[name][at] for name in ("neighbours_seen", "neighbours_crowded", "nearest_crowded")
        )
        if not others:
            assert all(map(math.isnan, (seen, crowded, nearest)))
            continue
        assert seen == len(others)
        assert crowded == pytest.approx(sum(units[other][1] for other in others) / 100 / len(others), rel=1e-5)
        if len(others) <= NEAREST:
            assert math.isnan(nearest)
            continue
        reach = sorted(abs(other - key) for other in others)[NEAREST - 1]
        sure = [units[other][1] for other in others if abs(other - key) < reach]
        as_far = sorted(units[other][1] for other in others if abs(other - key) == reach)
        missing = NEAREST - len(sure)  # of two that are as far either counts
        low, high = sum(as_far[:missing]), sum(as_far[len(as_far) - missing :])
        assert sum(sure) + low <= round(100 * NEAREST * nearest) <= sum(sure) + high


def test_a_pool_between_lines_is_told_from_them_within_one_24():
    keys = np.arange(V4, V4 + 48, dtype=np.uint64)
    pool = (keys >= V4 + 16) & (keys < V4 + 24)
    found = neighbours(keys, np.full(48, 64500), np.where(pool, 0.9, 0.1))
    assert found["neighbours_crowded"][16:24] == pytest.approx(0.22, abs=0.01), "all of the /24 says little"
    assert (found["nearest_crowded"][pool] >= 0.5).all()
    assert (found["nearest_crowded"][~pool] <= 0.5).all()
    assert found["nearest_crowded"][20] == pytest.approx(0.9)
