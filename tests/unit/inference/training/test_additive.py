"""The fit of monotone step functions: what it must never do, and what it finds where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mipdns.inference.training.additive import Steps, fit


def drawn(rates, units, rng):
    """Units spread over bins, shared at each bin's rate."""
    bins = rng.integers(0, len(rates), units)
    return bins, rng.random(units) < np.array(rates)[bins]


def run(bins, shared, monotone, size, **rest):
    steps = [Steps(bins, size, monotone)]
    return fit(steps, shared, np.ones(len(bins)), np.zeros(len(bins)), ridge=rest.pop("ridge", 1e-9), **rest)


def test_one_free_term_finds_the_rate_of_each_bin():
    rates = [0.1, 0.4, 0.2, 0.9]
    bins, shared = drawn(rates, 40_000, np.random.default_rng(1))
    found = run(bins, shared, "free", 4, start=0.0)
    seen = np.array([shared[bins == one].mean() for one in range(4)])
    assert found.heights[0] == pytest.approx(np.log(seen / (1 - seen)), abs=0.01)


@pytest.mark.parametrize(("monotone", "sign"), [("rising", 1), ("falling", -1)])
def test_a_monotone_term_never_turns(monotone, sign):
    bins, shared = drawn([0.5, 0.2, 0.8, 0.1, 0.6], 3_000, np.random.default_rng(2))
    (heights,) = run(bins, shared, monotone, 5).heights
    assert (sign * np.diff(heights) >= 0).all()


def test_rising_data_fit_a_falling_term_as_a_level_line():
    bins, shared = drawn([0.2, 0.5, 0.8], 20_000, np.random.default_rng(3))
    (heights,) = run(bins, shared, "falling", 3, start=0.0).heights
    level = np.log(shared.mean() / (1 - shared.mean()))
    assert heights == pytest.approx([level] * 3, abs=0.02)


@pytest.mark.parametrize("monotone", ["rising", "free"])
@pytest.mark.parametrize("most", [0.3, 1.0])
def test_no_step_exceeds_its_bound_and_others_take_up_what_it_may_not_say(monotone, most):
    bins, shared = drawn([0.2, 0.5, 0.95], 20_000, np.random.default_rng(7))
    terms = [Steps(bins, 3, monotone, high=most), Steps(np.where(bins == 2, 0, -1), 1, "free")]
    bounded, rest = fit(terms, shared, np.ones(20_000), np.zeros(20_000), ridge=1e-6, start=0.0).heights
    assert bounded.max() <= most + 1e-9
    assert bounded[2] + rest[0] == pytest.approx(np.log(0.95 / 0.05), abs=0.15)


@pytest.mark.parametrize(("monotone", "rates"), [("rising", [0.2, 0.5, 0.95]), ("falling", [0.95, 0.5, 0.2])])
def test_a_bound_holds_where_the_other_end_is_held_at_0(monotone, rates):
    bins, shared = drawn(rates, 20_000, np.random.default_rng(9))
    steps = [Steps(bins, 3, monotone, "first", low=-0.8, high=0.8)]
    (heights,) = fit(steps, shared, np.ones(20_000), np.zeros(20_000), ridge=1e-6).heights
    assert heights[0] == 0
    assert abs(heights[2]) == pytest.approx(0.8, abs=0.05)


def test_a_falling_term_keeps_above_its_bound():
    bins, shared = drawn([0.9, 0.5, 0.05], 20_000, np.random.default_rng(8))
    steps = [Steps(bins, 3, "falling", low=-0.7)]
    (heights,) = fit(steps, shared, np.ones(20_000), np.zeros(20_000), ridge=1e-6, start=0.0).heights
    assert heights[2] == pytest.approx(-0.7, abs=1e-6)
    assert heights[0] == pytest.approx(np.log(9), abs=0.15)


def test_where_a_term_is_silent_only_the_start_and_the_offset_speak():
    rng = np.random.default_rng(4)
    shared = rng.random(20_000) < 0.3
    silent = np.full(20_000, -1)
    found = fit([Steps(silent, 2, "rising")], shared, np.ones(20_000), np.full(20_000, 1.0), ridge=1e-6)
    assert found.start + 1.0 == pytest.approx(np.log(shared.mean() / (1 - shared.mean())), abs=0.01)
    assert found.heights[0] == pytest.approx([0.0, 0.0], abs=1e-3)


def test_two_terms_that_tell_the_same_share_it():
    bins, shared = drawn([0.1, 0.9], 20_000, np.random.default_rng(5))
    steps = [Steps(bins, 2, "rising"), Steps(bins, 2, "rising")]
    found = fit(steps, shared, np.ones(20_000), np.zeros(20_000), ridge=1e-3, start=0.0)
    assert found.heights[0] == pytest.approx(found.heights[1], abs=0.02)


def test_weights_count_as_repetition():
    bins, shared = drawn([0.2, 0.6], 5_000, np.random.default_rng(6))
    twice = np.where(bins == 1, 2.0, 1.0)
    rows = np.concatenate([np.arange(5_000), np.flatnonzero(bins == 1)])
    weighed = fit([Steps(bins, 2, "free")], shared, twice, np.zeros(5_000), ridge=1e-2)
    repeated = run(bins[rows], shared[rows], "free", 2, ridge=1e-2)
    assert weighed.heights[0] == pytest.approx(repeated.heights[0], abs=1e-3)
