"""From sums to probabilities: isotonic regression, kept as a short table.

In: held-out sums of log-odds, the truth, weights. Out: knots for the scorecard. The one rule: a knot stands only
where units of such sums were seen.

Isotonic regression: Barlow et al. 1972; as calibration of classifiers, Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

Floats = NDArray[np.float64]
GRID = np.arange(-7.0, 7.01, 0.5)
REACH = 0.4
"""Each knot is the mean of the isotonic fit within this distance, in log-odds, so that its stairs become a line."""
SUREST = 5.5
"""Log-odds that no traffic exceeds, either way: some four mistakes in a thousand are always possible."""
UNITS_MIN = 150


def knots(
    sums: Floats, shared: NDArray[np.bool_], weight: Floats, prior_log_odds: float
) -> tuple[list[float], list[float]]:
    """`summed` and `true` of the calibration. sums: without the prior."""
    line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(sums, shared, sample_weight=weight)
    order = np.argsort(sums)
    ordered, fitted, mass = sums[order], line.predict(sums[order]), weight[order]
    summed, true = [], []
    for knot in GRID.tolist():
        low, high = np.searchsorted(ordered, [knot - REACH, knot + REACH])
        if high - low < UNITS_MIN:
            continue
        share = float(np.average(fitted[low:high], weights=mass[low:high]))
        share = min(max(share, 1e-4), 1 - 1e-4)
        odds = float(
            np.clip(np.log(share / (1 - share)) - prior_log_odds, -SUREST - prior_log_odds, SUREST - prior_log_odds)
        )
        summed.append(knot)
        true.append(odds)
    return summed, [round(float(value), 3) for value in np.maximum.accumulate(true)]
