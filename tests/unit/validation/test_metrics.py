"""The metrics against scikit-learn, against tables by hand, and against their own laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from mipdns.validation import metrics
from mipdns.validation.metrics import Histograms

units = st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=200)
both_kinds = units.filter(lambda some: len({shared for _, shared in some}) == 2)


def columns(some):
    return np.array([one[0] for one in some]), np.array([one[1] for one in some], dtype=np.bool_)


def counted(some) -> Histograms:
    return metrics.histograms(*columns(some))


@given(both_kinds)
def test_areas_and_brier_are_scikit_learns(some):
    confidence, shared = columns(some)
    counts = counted(some)
    assert math.isclose(metrics.roc_auc(counts), oracle.roc_auc_score(shared, confidence))
    assert math.isclose(metrics.average_precision(counts), oracle.average_precision_score(shared, confidence))
    assert math.isclose(metrics.brier(counts), oracle.brier_score_loss(shared, confidence / 100), abs_tol=1e-12)


@given(units, st.integers(1, 99))
def test_precision_and_recall_are_scikit_learns(some, at):
    confidence, shared = columns(some)
    ours = metrics.precision(counted(some), at), metrics.recall(counted(some), at)
    listed = confidence >= at
    theirs = [
        oracle.precision_score(shared, listed, zero_division=np.nan),
        oracle.recall_score(shared, listed, zero_division=np.nan),
    ]
    np.testing.assert_allclose(ours, theirs)


@given(units)
def test_calibration_error_by_the_definition(some):
    confidence, shared = columns(some)
    total = 0.0
    for low in range(0, 100, 10):
        members = (confidence > low) & (confidence <= low + 10)
        if members.any():
            total += abs(confidence[members].mean() / 100 - shared[members].mean()) * members.sum()
    found = metrics.calibration_error(counted(some), metrics.equal_width(10))
    assert math.isclose(found, total / len(some), abs_tol=1e-12)


BY_HAND = [
    # told, shared, auc, average precision, brier, ece
    ([90, 80, 30, 20], [1, 1, 0, 0], 1.0, 1.0, (0.01 + 0.04 + 0.09 + 0.04) / 4, (0.1 + 0.2 + 0.3 + 0.2) / 4),
    ([90, 80, 30, 20], [0, 0, 1, 1], 0.0, (1 / 3 + 2 / 4) / 2, (0.81 + 0.64 + 0.49 + 0.64) / 4, 0.8),
    ([50, 50], [1, 0], 0.5, 0.5, 0.25, 0.0),
    ([95, 95, 95, 95], [1, 1, 1, 0], 0.5, 0.75, (3 * 0.0025 + 0.9025) / 4, 0.2),
]


@pytest.mark.parametrize(("told", "shared", "auc", "average", "brier", "ece"), BY_HAND)
def test_by_hand(told, shared, auc, average, brier, ece):
    counts = metrics.histograms(np.array(told), np.array(shared, dtype=np.bool_))
    found = [
        metrics.roc_auc(counts),
        metrics.average_precision(counts),
        metrics.brier(counts),
        metrics.calibration_error(counts, metrics.equal_width()),
    ]
    np.testing.assert_allclose(found, [auc, average, brier, ece])


@pytest.mark.parametrize("shared", [[], [True], [False]])
def test_what_is_not_defined_is_not_a_number(shared):
    counts = metrics.histograms(np.full(len(shared), 70), np.array(shared, dtype=np.bool_))
    assert math.isnan(metrics.roc_auc(counts))
    assert math.isnan(metrics.precision(counts, 80))
    assert math.isnan(metrics.average_precision(counts)) == (True not in shared)
    assert math.isnan(metrics.brier(counts)) == (not shared)
    assert math.isnan(metrics.worst_served_bin(counts))


@given(st.lists(units, min_size=1, max_size=4))
def test_many_at_once_are_each_by_itself(worlds):
    singly = [counted(some) for some in worlds]
    together = Histograms(np.stack([one.shared for one in singly]), np.stack([one.single for one in singly]))
    bins = metrics.equal_width()
    for metric in (
        metrics.roc_auc,
        metrics.average_precision,
        metrics.brier,
        lambda counts: metrics.precision(counts, 50),
        lambda counts: metrics.calibration_error(counts, bins),
        lambda counts: metrics.reliability(counts, bins).true,
    ):
        np.testing.assert_allclose(metric(together), [metric(one) for one in singly])


@given(units)
def test_weights_are_repetitions(some):
    confidence, shared = columns(some)
    doubled = metrics.histograms(confidence, shared, np.full(len(some), 2.0))
    again = metrics.histograms(np.repeat(confidence, 2), np.repeat(shared, 2))
    np.testing.assert_array_equal(doubled, again)


@given(units, st.integers(1, 20))
def test_bins_of_equal_mass_keep_order_and_are_filled(some, number):
    counts = counted(some)
    bins = metrics.equal_mass(counts, number)
    assert (np.diff(bins) >= 0).all()
    assert (np.diff(bins) <= 1).all()
    assert bins[0] == 0
    assert bins[-1] < number
    held = metrics.reliability(counts, bins).units
    assert (held > 0).all() or not counts.all.any()


def test_bins_of_equal_mass_hold_equally_many():
    told = np.repeat(np.arange(1, 100), 10)
    counts = metrics.histograms(told, np.zeros(len(told), dtype=np.bool_))
    held = metrics.reliability(counts, metrics.equal_mass(counts, 9)).units
    assert held.tolist() == [110.0] * 9


@pytest.mark.parametrize(
    ("percent", "place"), [(0, 0), (1, 0), (25, 0), (26, 1), (50, 1), (51, 2), (80, 2), (96, 4), (100, 4)]
)
def test_served_bins(percent, place):
    assert metrics.served_bins()[percent] == place


@pytest.mark.parametrize(("percent", "place"), [(0, 0), (1, 0), (10, 0), (11, 1), (90, 8), (91, 9), (100, 9)])
def test_equal_width(percent, place):
    assert metrics.equal_width(10)[percent] == place


def test_the_worst_served_bin_needs_units():
    told = np.repeat([20, 60], [300, 150])
    shared = np.repeat([False, True], [300, 150])
    counts = metrics.histograms(told, shared)
    assert math.isclose(metrics.worst_served_bin(counts), 0.2)
    assert math.isclose(metrics.worst_served_bin(counts, units_min=100), 0.4)


def test_stability():
    bins = metrics.equal_width(10)
    flat, heap = np.full(101, 100.0), np.zeros(101)
    heap[95] = 10_100
    assert metrics.stability(flat, flat, bins) == 0.0
    assert metrics.stability(flat, 3 * flat, bins) == pytest.approx(0.0, abs=1e-4)
    assert metrics.stability(flat, heap, bins) > 5.0
    # By hand: 60 and 40 of 100 against 40 and 60.
    before, after = np.zeros(101), np.zeros(101)
    before[[5, 95]], after[[5, 95]] = (60, 40), (40, 60)
    two = metrics.equal_width(2)
    share = 60.5 / 101
    assert metrics.stability(before, after, two) == pytest.approx(2 * (2 * share - 1) * math.log(share / (1 - share)))
