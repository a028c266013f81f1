"""How much a load sees: what is typical of its units, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference.exposure import UNITS_MIN, Exposure

REQUESTS = st.lists(
    st.one_of(st.integers(1, 200).map(float), st.floats(0.25, 1e6, width=32), st.just(math.nan)), max_size=400
)


def typical(*chunks: list[float]) -> float:
    exposure = Exposure()
    for chunk in chunks:
        exposure.add(np.array(chunk, dtype=np.float32))
    return exposure.typical()


@given(REQUESTS)
def test_three_in_four_units_do_not_exceed_it_and_it_is_the_least_such_number(requests):
    told = [min(math.ceil(np.float32(value)), 1 << 16) for value in requests if not math.isnan(value)]
    found = typical(requests)
    if len(told) < UNITS_MIN:
        assert math.isnan(found)
    else:
        assert found == sorted(told)[math.ceil(0.75 * len(told)) - 1]


@given(REQUESTS, st.integers(0, 400))
def test_chunks_make_no_difference(requests, cut):
    assert typical(requests[:cut], requests[cut:]) == pytest.approx(typical(requests), nan_ok=True)


@pytest.mark.parametrize(
    ("units", "found"),
    [([], math.nan), ([3.0] * (UNITS_MIN - 1), math.nan), ([3.0] * UNITS_MIN, 3.0), ([1e9] * UNITS_MIN, 65536.0)],
)
def test_too_few_units_tell_nothing_and_no_number_is_too_large(units, found):
    assert typical(units) == pytest.approx(found, nan_ok=True)
