"""From sums to probabilities: a rising line beside what names say, kept as a short table.

In: held-out sums of log-odds, the truth, weights. Out: knots for the scorecard. The one rule: a knot stands only
where units of such sums were seen.

As isotonic regression calibrates (Barlow et al. 1972; of classifiers, Zadrozny and Elkan, KDD 2002), but by log-odds,
so that names keep their weight beside it: units with a name are no other population than those without.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mipdns.inference.training import additive
from mipdns.inference.training.additive import Steps

Floats = NDArray[np.float64]
GRID = np.arange(-7.0, 7.01, 0.5)
SUREST = 5.5
"""Log-odds that no traffic exceeds, either way: some four mistakes in a thousand are always possible."""
UNITS_MIN = 150


def knots(sums: Floats, shared: NDArray[np.bool_], weight: Floats, said: Floats) -> tuple[list[float], list[float]]:
    """`summed` and `true` of the calibration. sums: without the prior. said: log-odds beside them, the prior included.

    Each knot is worth what the units nearest to it are, together; one with few takes those of the next.
    """
    nearest = np.abs(sums[:, None] - GRID).argmin(axis=1)
    units = np.bincount(nearest, minlength=len(GRID))
    kept = np.flatnonzero(units >= UNITS_MIN)
    if len(kept) < 2:
        return [], []
    bins = np.abs(GRID[nearest][:, None] - GRID[kept]).argmin(axis=1)
    # A rising line keeps `high`; what falls below the other bound is cut off by `within`.
    line = Steps(bins.astype(np.int64), len(kept), "rising", low=-SUREST, high=SUREST)
    (heights,) = additive.fit([line], shared, weight, said, ridge=0.0, start=0.0).heights
    return GRID[kept].tolist(), list(within(heights.tolist()))


def within(true: Iterable[float]) -> tuple[float, ...]:
    """Log-odds in thousandths, none surer than may be."""
    return tuple(round(min(max(one, -SUREST), SUREST), 3) for one in true)
