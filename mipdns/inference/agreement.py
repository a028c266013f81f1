"""How the inference agrees with partners, had they kept silent. In: judged units. Out: a few numbers for the build.

The one rule: what a partner said never scores itself; every labelled confidence here is computed without the partner's
voice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mipdns.validation import metrics

Scores = dict[str, Any]
"""Plain data, as JSON has it."""


class Agreement:
    """Counts by confidence, of the units that a partner labelled and of all measured ones; in whatever order."""

    def __init__(self, listed: int) -> None:
        self._listed = listed
        self._shared = np.zeros(metrics.PERCENTS)
        self._single = np.zeros(metrics.PERCENTS)
        self._measured = np.zeros(metrics.PERCENTS, dtype=np.int64)

    def add(self, shared: NDArray[np.bool_], confidence: NDArray[np.int16]) -> None:
        """shared: what the partner says. confidence: percent, inferred without the partner."""
        found = metrics.histograms(confidence, shared)
        self._shared += found.shared
        self._single += found.single

    def measure(self, confidence: NDArray[np.int16]) -> None:
        """confidence: percent, as served, of measured units, whether anybody labelled them or not."""
        self._measured += np.bincount(confidence, minlength=metrics.PERCENTS)

    def histogram(self) -> tuple[int, ...]:
        """Measured units by confidence, 0 to 100 percent: what the next build's drift is measured against."""
        return tuple(self._measured.tolist())

    def scores(self) -> Scores | None:
        """The scores; None without any label.

        labelled, confirmed: counts. agreement: share on the partner's side of `listed`. brier: mean squared error of
        the probability (lower is better; always saying one half gives 0.25). ece: expected calibration error, ten bins
        of equal width. auc, pr_auc: areas under the ROC curve and under precision over recall, left out where partners
        only confirm or only deny. thresholds, reliability: as in `mipdns validate --json`, without intervals; a rate
        that is not defined is None.
        """
        counts = metrics.Histograms(self._shared, self._single)
        labelled = int(counts.all.sum())
        if not labelled:
            return None
        agreed = counts.shared[self._listed :].sum() + counts.single[: self._listed].sum()
        return {
            "labelled": labelled,
            "confirmed": int(counts.shared.sum()),
            "agreement": round(float(agreed) / labelled, 4),
            "brier": _plain(metrics.brier(counts)),
            "ece": _plain(metrics.calibration_error(counts, metrics.equal_width())),
            **(_areas(counts) if counts.shared.any() and counts.single.any() else {}),
            "thresholds": [
                {
                    "at": at,
                    "listed": int(counts.all[at:].sum()),
                    "precision": _plain(metrics.precision(counts, at)),
                    "recall": _plain(metrics.recall(counts, at)),
                }
                for at in metrics.THRESHOLDS
            ],
            "reliability": {"served": _served(counts)},
        }


def _areas(counts: metrics.Histograms) -> Scores:
    return {"auc": _plain(metrics.roc_auc(counts)), "pr_auc": _plain(metrics.average_precision(counts))}


def _served(counts: metrics.Histograms) -> list[Scores]:
    """For each part of the scale that clients draw their lines at: its units, what was told of them, what is true."""
    rows = zip(metrics.SERVED_BINS, *metrics.reliability(counts, metrics.served_bins()), strict=True)
    return [
        {"from": low, "to": high, "units": int(units), "told": _plain(told), "true": _plain(true)}
        for (low, high), units, told, true in rows
    ]


def _plain(value: metrics.Counts) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
