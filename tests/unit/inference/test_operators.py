"""What the units of an AS show beside all: against brute force, and laws."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference.operators import USUAL_UNITS, Operators

COUNT = st.one_of(st.just(math.nan), st.integers(0, 5000).map(float))
UNITS = st.lists(st.tuples(st.integers(0, 5), COUNT, COUNT), min_size=1, max_size=60)


def told(units):
    asn, agents, ports = zip(*units, strict=True)
    columns = {
        "agents_day_max": np.array(agents, dtype=np.float32),
        "ports_hour_max": np.array(ports, dtype=np.float32),
    }
    return np.array(asn, dtype=np.int64), columns


def every(units):
    return *told(units), np.ones(len(units), dtype=np.bool_)


def size(count):
    return round(1000 * math.log2(max(count, 1))) / 1000


@given(UNITS, st.integers(0, 60))
def test_each_unit_is_told_the_mean_of_the_others_of_its_as_beside_that_of_all(units, cut):
    """Of the others that were counted: the first so many, at least one."""
    counted = max(cut, 1)
    operators = Operators()
    operators.add(*told(units[:counted]))
    asn, columns = told(units)
    found = operators.columns(asn, columns, np.arange(len(units)) < counted)["network_agents"]
    everyone = [size(agents) for _, agents, _ in units[:counted] if not math.isnan(agents)]
    usual = sum(everyone) / len(everyone) if everyone else 0.0
    for at, (home, agents, _) in enumerate(units):
        others = [
            size(other)
            for number, (its, other, _) in enumerate(units[:counted])
            if its == home and number != at and not math.isnan(other)
        ]
        if math.isnan(agents) or home == 0 or usual == 0:
            assert math.isnan(found[at])
        else:
            mean = (sum(others) + USUAL_UNITS * usual) / (len(others) + USUAL_UNITS)
            assert found[at] == pytest.approx(mean / usual, rel=1e-4)


@given(UNITS, st.lists(st.integers(0, 60), max_size=3))
def test_chunks_make_no_difference(units, cuts):
    whole, parts = Operators(), Operators()
    whole.add(*told(units))
    bounds = [0, *sorted(min(cut, len(units)) for cut in cuts), len(units)]
    for begin, end in pairwise(bounds):
        if end > begin:
            parts.add(*told(units[begin:end]))
    for one, other in zip(whole.columns(*every(units)).values(), parts.columns(*every(units)).values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_one_loud_address_does_not_make_its_as_loud():
    quiet = [(1, 2.0, 4.0)] * 50 + [(2, 2.0, 4.0)] * 50
    loud = [*quiet, (1, 5000.0, 4.0)]
    operators = Operators()
    operators.add(*told(loud))
    assert operators.columns(*every(loud))["network_agents"][0] < 1.25
