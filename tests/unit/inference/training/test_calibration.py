"""The calibration that training learns: laws of its knots, and that it finds a distortion that was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference import crowd, weigh
from mipdns.inference.scorecard import Calibration, PriorShare
from mipdns.inference.training.calibration import knots

PRIOR = -0.7


def units(stretch, seed=1, size=60_000):
    """Sums, and units that are shared as often as the sum times `stretch` says."""
    rng = np.random.default_rng(seed)
    sums = rng.normal(0.0, 3.0, size)
    return sums, rng.random(size) < 1 / (1 + np.exp(-(PRIOR + stretch * sums)))


@pytest.mark.parametrize("stretch", [0.5, 1.0, 1.4])
def test_a_stretch_is_found(stretch):
    sums, shared = units(stretch)
    summed, true = knots(sums, shared, np.ones(60_000), np.full(60_000, PRIOR))
    for low, high in zip(summed, true, strict=True):
        if abs(stretch * low) < 3.5:
            assert high == pytest.approx(stretch * low, abs=0.35)


@pytest.mark.parametrize("stretch", [0.2, 1.0, 3.0])
def test_more_is_never_less(stretch):
    sums, shared = units(stretch, seed=2)
    summed, true = knots(sums, shared, np.ones(60_000), np.full(60_000, PRIOR))
    assert list(summed) == sorted(set(summed))
    assert list(true) == sorted(true)


def test_what_names_say_keeps_its_weight_beside_the_line():
    sums, _ = units(1.0, seed=3)
    rng = np.random.default_rng(4)
    said = np.where(rng.random(60_000) < 0.3, 2.5, 0.0) + PRIOR
    shared = rng.random(60_000) < 1 / (1 + np.exp(-(said + sums)))
    for low, high in zip(*knots(sums, shared, np.ones(60_000), said), strict=True):
        if abs(low) < 3:
            assert high == pytest.approx(low, abs=0.35)


def test_a_knot_stands_only_where_units_were_seen():
    summed, true = knots(np.full(60_000, 0.1), np.ones(60_000, dtype=bool), np.ones(60_000), np.zeros(60_000))
    assert (summed, true) == ([], [])


@given(
    st.lists(st.integers(-9000, 9000), min_size=2, max_size=8, unique=True).map(sorted),
    st.lists(st.integers(-9000, 9000), min_size=8, max_size=8).map(sorted),
    st.lists(st.integers(-12000, 12000), min_size=1, max_size=30),
)
def test_both_forms_interpolate_alike_and_rise(summed, true, points):
    ends = (tuple(one / 1000 for one in summed), tuple(one / 1000 for one in true[: len(summed)]))
    line = Calibration(
        *ends, prior_share=PriorShare(1.0, 1.0, 1.0), usual=0.25, caught=0.0, mistaken=0.0, reason="made up"
    )
    plain = [weigh.calibrated(one, line) for one in sorted(points)]
    assert crowd.calibrated(np.array(sorted(points)), line).tolist() == plain
    assert plain == sorted(plain)
