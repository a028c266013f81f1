"""How right a set of confidences is. In: counts by confidence of what was shared and what was not. Out: numbers.

The one rule: everything is a function of two histograms over the percents 0 to 100, `shared` and `single`, whose last
axis is the percent and whose other axes are free. So a million units cost what a hundred do, ties are exact, and 500
bootstrap draws are one array. Where a number is not defined (no unit of one kind, nothing listed) it is NaN.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PERCENTS = 101
Counts = NDArray[np.float64]

SERVED_BINS: tuple[tuple[int, int], ...] = ((1, 25), (26, 50), (51, 80), (81, 95), (96, 100))
"""The parts of the scale that clients draw their lines at; inclusive percents."""

THRESHOLDS = (50, 80, 90, 95)

_PROBABILITY = np.arange(PERCENTS) / 100.0


class Histograms(NamedTuple):
    """How many units of each confidence are shared, and how many are not; (…, 101) each."""

    shared: Counts
    single: Counts

    @property
    def all(self) -> Counts:
        """Units of each confidence."""
        return self.shared + self.single


def histograms(confidence: NDArray[Any], shared: NDArray[np.bool_], weight: NDArray[Any] | None = None) -> Histograms:
    """The histograms of units. confidence: whole percents. weight: how often each unit counts; once by default."""
    found = [
        np.bincount(confidence[kind], None if weight is None else weight[kind], minlength=PERCENTS).astype(np.float64)
        for kind in (shared, ~shared)
    ]
    return Histograms(*found)


def roc_auc(counts: Histograms) -> Counts:
    """The probability that a shared unit has more confidence than one that is not; a tie counts half (Hanley 1982)."""
    below = np.cumsum(counts.single, axis=-1) - counts.single
    won = np.sum(counts.shared * (below + counts.single / 2.0), axis=-1)
    return _ratio(won, counts.shared.sum(-1) * counts.single.sum(-1))


def average_precision(counts: Histograms) -> Counts:
    """The area under precision over recall, as steps (scikit-learn's `average_precision_score`): Σ (Rₙ − Rₙ₋₁) Pₙ."""
    found, listed = _at_or_above(counts.shared), _at_or_above(counts.all)
    precision = np.divide(found, listed, out=np.zeros_like(found), where=listed > 0)
    return _ratio(np.sum(counts.shared * precision, axis=-1), counts.shared.sum(-1))


def brier(counts: Histograms) -> Counts:
    """The mean squared error of the probability (Brier 1950); 0.25 is what always saying one half gives."""
    error = counts.shared * (1.0 - _PROBABILITY) ** 2 + counts.single * _PROBABILITY**2
    return _ratio(error.sum(-1), counts.all.sum(-1))


def precision(counts: Histograms, threshold: int) -> Counts:
    """Of the units at or above a percent the share that is shared."""
    found = counts.shared[..., threshold:].sum(-1)
    return _ratio(found, counts.all[..., threshold:].sum(-1))


def recall(counts: Histograms, threshold: int) -> Counts:
    """Of the shared units the share at or above a percent."""
    return _ratio(counts.shared[..., threshold:].sum(-1), counts.shared.sum(-1))


class Reliability(NamedTuple):
    """A reliability table: for each bin the units in it, the mean probability told, and the share that is shared."""

    units: Counts
    told: Counts
    true: Counts


def reliability(counts: Histograms, bins: NDArray[np.int64]) -> Reliability:
    """bins: for each percent 0 to 100 the bin it falls into, from 0; a bin may be empty, its rates are then NaN."""
    member = (bins[:, None] == np.arange(bins.max() + 1)).astype(np.float64)
    units = counts.all @ member
    return Reliability(
        units, _ratio((counts.all * _PROBABILITY) @ member, units), _ratio(counts.shared @ member, units)
    )


def calibration_error(counts: Histograms, bins: NDArray[np.int64]) -> Counts:
    """The expected calibration error: |told − true| averaged over bins by their units (Naeini 2015)."""
    units, told, true = reliability(counts, bins)
    gap = np.where(units > 0, np.abs(told - true), 0.0)
    return _ratio(np.sum(units * gap, axis=-1), units.sum(-1))


def equal_width(number: int = 10) -> NDArray[np.int64]:
    """Bins of equal width on the scale: (0, 10], (10, 20] … percent; 0 belongs to the first."""
    return np.maximum(np.ceil(np.arange(PERCENTS) * number / 100.0).astype(np.int64) - 1, 0)


def equal_mass(counts: Histograms, number: int = 10) -> NDArray[np.int64]:
    """Bins that hold about the same number of units; a percent is never divided, so heavy ones make bins of their own.

    A percent falls where the middle of its units lies, one without units to the bin below it, or else the first: no bin
    is empty. counts: one pair of histograms, without further axes.
    """
    units = counts.all
    middle = np.cumsum(units) - units / 2.0
    rank = np.minimum(np.floor(number * middle / max(float(units.sum()), 1.0)), number - 1).astype(np.int64)
    bins = np.zeros(PERCENTS, dtype=np.int64)
    _, bins[units > 0] = np.unique(rank[units > 0], return_inverse=True)
    return np.maximum.accumulate(bins)


def served_bins() -> NDArray[np.int64]:
    """Each percent's place in `SERVED_BINS`; 0, which is never served, belongs to the first."""
    highs = np.array([high for _, high in SERVED_BINS])
    bins: NDArray[np.int64] = np.searchsorted(highs, np.arange(PERCENTS)).astype(np.int64)
    return bins


def worst_served_bin(counts: Histograms, units_min: int = 200) -> Counts:
    """The largest |told − true| over the served bins that hold at least so many units; NaN where none does."""
    units, told, true = reliability(counts, served_bins())
    gaps = np.where(units >= units_min, np.abs(told - true), -1.0).max(-1)
    worst: Counts = np.where(gaps < 0, np.nan, gaps)
    return worst


def stability(before: Counts, after: Counts, bins: NDArray[np.int64]) -> float:
    """The population stability index of two histograms: Σ (a − b) ln(a ⁄ b) over the shares of bins.

    Half a unit is added to each bin, so that an empty one does not make it infinite. Below 0.1 is usually read as
    little change, above 0.25 as much.
    """
    member = (bins[:, None] == np.arange(bins.max() + 1)).astype(np.float64)
    old, new = before @ member + 0.5, after @ member + 0.5
    old, new = old / old.sum(), new / new.sum()
    return float(np.sum((new - old) * np.log(new / old)))


def _at_or_above(counts: Counts) -> Counts:
    summed: Counts = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1]
    return summed


def _ratio(over: Counts, under: Counts) -> Counts:
    ratio: Counts = np.divide(over, under, out=np.full(np.shape(under), np.nan), where=np.asarray(under) > 0)
    return ratio
