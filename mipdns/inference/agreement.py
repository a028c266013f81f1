"""How the inference agrees with partners, had they kept silent. In: judged units. Out: a few numbers for the build.

The one rule: what a partner said never scores itself; every labelled confidence here is computed without the partner's
voice.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mipdns.validation import metrics

Scores = dict[str, float | int]


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
        of equal width. auc: area under the ROC curve, left out where partners only confirm or only deny.
        """
        counts = metrics.Histograms(self._shared, self._single)
        labelled = int(counts.all.sum())
        if not labelled:
            return None
        agreed = counts.shared[self._listed :].sum() + counts.single[: self._listed].sum()
        auc = float(metrics.roc_auc(counts))
        return {
            "labelled": labelled,
            "confirmed": int(counts.shared.sum()),
            "agreement": round(float(agreed) / labelled, 4),
            "brier": round(float(metrics.brier(counts)), 4),
            "ece": round(float(metrics.calibration_error(counts, metrics.equal_width())), 4),
            **({} if math.isnan(auc) else {"auc": round(auc, 4)}),
        }
