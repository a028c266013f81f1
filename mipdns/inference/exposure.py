"""How much a load sees of its visitors. In: the requests of every unit, in chunks. Out: what is usual among them.

The one rule: these are properties of the load, the same for all its units, and never missing.

Ten requests are much to who sees a tenth of the traffic, or whose pages take one request each; they are little to who
sees all of it, or whose pages take dozens. No count of a unit's own tells these apart; the counts of all units do.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

REFERENCE = {"requests_lesser": 5.0, "requests_typical": 45.0}
"""What the made world as shipped has, seen whole."""
REFERENCE_UNITS = 500
"""Few units tell little: what they tell is drawn towards the reference, as if so many of its units had been seen."""
_MOST = 1 << 16


class Exposure:
    """Requests of units on their busiest day, as a histogram of whole requests; the last bin holds all above it."""

    def __init__(self) -> None:
        self._units = np.zeros(_MOST + 1, dtype=np.int64)

    def add(self, requests: NDArray[np.float32]) -> None:
        """The `requests_day_max` of a chunk's units; what is missing counts nowhere."""
        told = requests[~np.isnan(requests)]
        self._units += np.bincount(np.minimum(np.ceil(told), _MOST).astype(np.int64), minlength=_MOST + 1)

    def usual(self) -> dict[str, float]:
        """Requests of a unit on its busiest day. `requests_lesser`: the mean of the lesser half of the units, about a
        visit or two; `requests_typical`: what three in four units do not exceed.
        """
        below = np.cumsum(self._units)
        units = int(below[-1])
        if not units:
            return dict(REFERENCE)
        half = np.diff(np.minimum(below, (units + 1) // 2), prepend=0)
        lesser = float(half @ np.arange(len(half))) / float(half.sum())
        typical = float(np.searchsorted(below, 0.75 * units, side="left"))
        found = {"requests_lesser": lesser, "requests_typical": typical}
        return {name: _drawn(value, REFERENCE[name], units) for name, value in found.items()}


def _drawn(found: float, reference: float, units: int) -> float:
    """The geometric mean of what was found and the reference, each with its units."""
    share = units / (units + REFERENCE_UNITS)
    return math.exp(share * math.log(max(found, 1.0)) + (1.0 - share) * math.log(reference))
