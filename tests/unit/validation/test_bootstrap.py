"""Networks are drawn, and what is drawn is what drawing by hand would give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mipdns.validation import bootstrap, metrics

RNG = np.random.default_rng(7)
NETWORK = RNG.integers(64500, 64540, 3000)
TRULY = RNG.random(3000) < 0.4
TOLD = np.clip((RNG.normal(0.3 + 0.4 * TRULY, 0.2, 3000) * 100).astype(np.int64), 1, 99)
UNITS = bootstrap.clusters(NETWORK, TOLD, TRULY)


def auc(counts: metrics.Histograms) -> metrics.Counts:
    return metrics.roc_auc(counts)


def test_all_networks_once_is_the_world_itself():
    whole = metrics.histograms(TOLD, TRULY)
    assert UNITS.shared.sum() + UNITS.single.sum() == 3000
    again = metrics.Histograms(
        np.bincount(UNITS.confidence, UNITS.shared, metrics.PERCENTS).astype(np.float64),
        np.bincount(UNITS.confidence, UNITS.single, metrics.PERCENTS).astype(np.float64),
    )
    np.testing.assert_array_equal(again, whole)


def test_draws_are_worlds_of_whole_networks(monkeypatch):
    times = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), size=5)
    monkeypatch.setattr(bootstrap, "_ROOM", 1)  # one draw at a time
    for drawn, how_often in zip(bootstrap.draws(UNITS, number=5, seed=3), times, strict=True):
        chosen = np.concatenate(
            [np.flatnonzero(64500 + name == NETWORK) for name in np.repeat(np.arange(40), how_often)]
        )
        by_hand = metrics.histograms(TOLD[chosen], TRULY[chosen])
        np.testing.assert_array_equal(drawn.shared[0], by_hand.shared)
        np.testing.assert_array_equal(drawn.single[0], by_hand.single)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    first, same, other = (
        bootstrap.intervals(bootstrap.sampled(UNITS, {"auc": auc}, seed=seed)["auc"]) for seed in (1, 1, 2)
    )
    assert first == same != other
    ((low, high),) = first
    assert low < metrics.roc_auc(metrics.histograms(TOLD, TRULY)) < high


def test_what_differs_between_networks_is_wider_than_what_differs_within():
    """A network's addresses say the same thing a thousand times: its interval must not be a thousand addresses'."""
    clumped = bootstrap.clusters(np.repeat(np.arange(20), 100), np.repeat(TOLD[:20], 100), np.repeat(TRULY[:20], 100))
    spread = bootstrap.clusters(np.arange(2000), np.repeat(TOLD[:20], 100), np.repeat(TRULY[:20], 100))
    widths = []
    for one in (clumped, spread):
        ((low, high),) = bootstrap.intervals(bootstrap.sampled(one, {"brier": metrics.brier})["brier"])
        widths.append(high - low)
    assert widths[0] > 5 * widths[1]


@pytest.mark.parametrize("number", [0, 1])
def test_one_network_has_no_interval(number):
    few = bootstrap.clusters(np.zeros(number), np.full(number, 50), np.ones(number, dtype=np.bool_))
    ((low, high),) = bootstrap.intervals(bootstrap.sampled(few, {"auc": auc})["auc"])
    assert math.isnan(low)
    assert math.isnan(high)


def test_an_interval_needs_half_of_the_draws():
    draws = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [3.0, 5.0, 1.0], [4.0, np.nan, np.nan]])
    (_, (low, high), (nothing, _)) = bootstrap.intervals(draws)
    assert (low, high) == (5.0, 5.0)
    assert math.isnan(nothing)
