"""How much of its visitors a load sees at all. In: the requests of every unit, in chunks. Out: what is typical of them.

The one rule: it is a property of the load, the same for all its units, and missing where too few were seen to tell.

Ten requests are a busy crowd's share to who sees a tenth of the traffic, and a household's to who sees all of it; no
count of a unit's own tells the two apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNITS_MIN = 200
"""Fewer units tell nothing of what is typical."""
QUANTILE = 0.75
"""The median is a unit that came once or twice, on small sites as on large ones; the upper quartile moves with them."""
_MOST = 1 << 16


class Exposure:
    """Requests of units on their busiest day, as a histogram of whole requests; the last bin holds all above it."""

    def __init__(self) -> None:
        self._units = np.zeros(_MOST + 1, dtype=np.int64)

    def add(self, requests: NDArray[np.float32]) -> None:
        """The `requests_day_max` of a chunk's units; what is missing counts nowhere."""
        told = requests[~np.isnan(requests)]
        self._units += np.bincount(np.minimum(np.ceil(told), _MOST).astype(np.int64), minlength=_MOST + 1)

    def typical(self) -> float:
        """Requests that `QUANTILE` of the units do not exceed on their busiest day; NaN of fewer than `UNITS_MIN`."""
        below = np.cumsum(self._units)
        if below[-1] < UNITS_MIN:
            return float("nan")
        return float(np.searchsorted(below, QUANTILE * below[-1], side="left"))
