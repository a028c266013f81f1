"""How much a load sees: what is usual among its units, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference.exposure import REFERENCE, REFERENCE_UNITS, Exposure

REQUESTS = st.lists(
    st.one_of(st.integers(1, 200).map(float), st.floats(0.25, 1e6, width=32), st.just(math.nan)), max_size=400
)


def usual(*chunks: list[float]) -> dict[str, float]:
    exposure = Exposure()
    for chunk in chunks:
        exposure.add(np.array(chunk, dtype=np.float32))
    return exposure.usual()


def drawn(found: float, reference: float, units: int) -> float:
    share = units / (units + REFERENCE_UNITS)
    return math.exp(share * math.log(found) + (1 - share) * math.log(reference))


@given(REQUESTS)
def test_the_lesser_half_and_the_upper_quartile_are_those_of_all_requests_sorted(requests):
    told = sorted(min(math.ceil(np.float32(value)), 1 << 16) for value in requests if not math.isnan(value))
    found = usual(requests)
    if not told:
        assert found == REFERENCE
        return
    half = told[: (len(told) + 1) // 2]
    expected = {
        "requests_lesser": sum(half) / len(half),
        "requests_typical": told[math.ceil(0.75 * len(told)) - 1],
    }
    assert found == {name: pytest.approx(drawn(value, REFERENCE[name], len(told))) for name, value in expected.items()}


@given(REQUESTS, st.integers(0, 400))
def test_chunks_make_no_difference(requests, cut):
    assert usual(requests[:cut], requests[cut:]) == usual(requests)


@pytest.mark.parametrize(
    ("units", "least", "most"),
    [(0, 45, 45), (10, 35, 45), (REFERENCE_UNITS, math.sqrt(3 * 45), math.sqrt(3 * 45)), (100_000, 3, 3.1)],
)
def test_few_units_are_drawn_towards_the_reference_and_many_are_not(units, least, most):
    found = usual([3.0] * units)["requests_typical"]
    assert least == pytest.approx(found) or least <= found <= most


def test_a_site_whose_pages_take_more_requests_sees_as_much_of_its_visitors():
    rng = np.random.default_rng(1)
    visits = np.ceil(rng.lognormal(1, 1, 20_000))
    few, many = (usual((visits * pages).tolist()) for pages in (1, 7))
    assert many["requests_lesser"] / few["requests_lesser"] == pytest.approx(7, rel=0.06)
    assert many["requests_typical"] / few["requests_typical"] == pytest.approx(7, rel=0.06)
