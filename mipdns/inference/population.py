"""What share of the units that a load sees is shared, found in the load itself. In: what traffic says of units. Out: a
share.

The one rule: what nobody told is asked of all units together, and few units are taken to be as the scorecard's are.

Where few are shared, the same evidence means less. Of how many units traffic says much is a poor count of the shared
ones: some are missed, some taken for shared. How many of each, training tells, and the count is mended by it, as in
epidemiology the prevalence of a disease by the errors of the test (Rogan, Gladen, American Journal of Epidemiology 107,
1978; of classifiers, Forman, Data Mining and Knowledge Discovery 17, 2008). That uses nothing of what traffic says in
between, which differs most from place to place.

What lists, traceroutes and partners speak of counts among all as it is served, and its traffic is not counted: a list
cannot move what is found of units that it does not name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.columns import neighbourhoods
from mipdns.inference import features
from mipdns.inference.features import CONNECTIONS, OFTEN, SEEN, WAYS
from mipdns.inference.scorecard import Scorecard

ABOVE = 0
"""Log-odds in points, with the scorecard's own prior, from which on traffic is counted as speaking for many: 50 %."""
APART = 0.2
"""A way of seeing units that catches no more shared ones beyond others tells nothing of their share."""
ALL_SHARED = 1.0 / 3.0
"""Where a quarter of the others is shared, about a third of all is, with those that a list or a traceroute names."""
LEAST, MOST = 0.01, 0.9
"""No share beyond these is found, however all units look."""
UNITS_HALF = 500
"""Few units tell little: so many and the scorecard's share count alike, of five times as many it counts a
twenty-fifth."""
ONCE_MAX = 0.77
"""Where more units than in any world learnt from were seen in one hour only, nobody knows what counting them means."""
SHIFT_MOST, SHIFT_FINEST = 8.0, 1e-4
"""Of log-odds, how far from the usual a load's share is looked for, and how exactly."""
LOOKED_AT = ("agents_day_max", "agent_hours_day_max", "hours_day_max")
"""Columns of which `shows_many` asks."""
AGENTS_MOST = 4
"""More agents than a family has devices are not asked for, in however many hours."""
COUNTED_MAX = 256
"""Units of one neighbourhood: a /24 counts whole, and so much of a /48, where one tenant may have 65,536 of them."""


class Shares(NamedTuple):
    """Share of shared units among those seen: `unspoken` of those of which no voice that may list alone speaks and no
    partner; `all` of all.
    """

    unspoken: float
    all: float


class Population:
    """Units by the way they were seen, and how many of them traffic alone speaks for. once: `seen_once` of the load."""

    def __init__(self, card: Scorecard, once: float = 0.0) -> None:
        self._card = card
        self._known = not once > ONCE_MAX
        self._units = np.zeros(len(WAYS), dtype=np.int64)
        self._above = np.zeros(len(WAYS), dtype=np.int64)
        self._spoken = 0
        self._percents = 0

    def add(self, many: NDArray[np.bool_], way: NDArray[np.int8], confidence: NDArray[np.int16]) -> None:
        """Units nobody speaks of. many: `shows_many`. way: `features.way_of`. confidence: of units that somebody speaks
        of.
        """
        self._units += np.bincount(way, minlength=len(WAYS))
        self._above += np.bincount(way[many], minlength=len(WAYS))
        self._spoken += len(confidence)
        self._percents += int(confidence.sum())

    def shares(self, told: float | None = None) -> Shares:
        """Both shares. told: the share of shared units among all, where somebody told it."""
        spoken, unspoken = self._spoken, int(self._units.sum())
        shared = self._percents / 100.0
        if told is None:
            share = self._found()
            of_all = (unspoken * share + shared) / max(spoken + unspoken, 1)
            return Shares(share, _drawn(of_all, spoken + unspoken, ALL_SHARED, (0.001, 0.999)))
        bounds = min(LEAST, told), max(MOST, told)
        left = (told * (spoken + unspoken) - shared) / max(unspoken, 1)
        return Shares(_drawn(left, unspoken, told, bounds), told)

    @property
    def tells(self) -> bool:
        """Whether any unit was seen in a way that tells how many are shared."""
        return bool(self._units[self._asked()].any())

    def _asked(self) -> NDArray[np.bool_]:
        """The ways of being seen that tell it."""
        caught, mistaken = self._errors()
        asked: NDArray[np.bool_] = (caught - mistaken >= APART) & self._known
        return asked

    def _errors(self) -> NDArray[np.float64]:
        """`caught` and `mistaken` of each way."""
        return np.array([(line.caught, line.mistaken) for line in self._card.calibration.values()]).T

    def _found(self) -> float:
        """The share at which as many units are expected to be counted as are. Another share shifts the log-odds of each
        way alike from what is usual there, so those that tell nothing follow the others.
        """
        asked, (caught, mistaken) = self._asked(), self._errors()
        units, counted = self._units, float(self._above[asked].sum())
        if not units[asked].any():
            return self._card.prior
        usual = np.array([log_odds(line.usual) for line in self._card.calibration.values()])

        def shared(shift: float) -> NDArray[np.float64]:
            return 1.0 / (1.0 + np.exp(-(usual + shift)))

        def expected(shift: float) -> float:
            return float(units[asked] @ (mistaken + (caught - mistaken) * shared(shift))[asked])

        low, high = -SHIFT_MOST, SHIFT_MOST
        while high - low > SHIFT_FINEST:
            middle = (low + high) / 2.0
            low, high = (middle, high) if expected(middle) < counted else (low, middle)
        known = units * np.array([not name.startswith(CONNECTIONS) for name in self._card.calibration])
        share = float(known @ shared(high)) / int(known.sum())
        return _drawn(share, int(units[asked].sum()), self._card.prior, (LEAST, MOST))


def shows_many(
    points: NDArray[np.int64], way: NDArray[np.int8], columns: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Of which units traffic counts as speaking for many. points: log-odds with the scorecard's own prior, no ceiling.

    In the thinnest logs those that came with as many user agents as in hours of a day, of those that came in two and
    more: of shared ones nine in ten, of others a third, whether the log holds whole visits or single lines. What points
    say differs there from log to log.
    """
    thinnest = way % len(SEEN) < OFTEN
    hours = np.nan_to_num(features.values("request_hours", columns))
    agents = np.nan_to_num(features.values("agents_day_max", columns))
    somebody_else: NDArray[np.bool_] = (hours >= 2) & (agents >= np.minimum(hours, AGENTS_MOST))
    return np.where(thinnest, somebody_else, points >= ABOVE)


def counted(key: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Of sorted units those that are counted: of each neighbourhood the first so many."""
    _, start, of_unit = np.unique(neighbourhoods(key), return_index=True, return_inverse=True)
    first: NDArray[np.bool_] = np.arange(len(key)) - start[of_unit] < COUNTED_MAX
    return first


def _drawn(share: float, units: int, reference: float, bounds: tuple[float, float]) -> float:
    """A share within bounds, drawn towards a reference in log-odds; the reference where there are no units."""
    part = units**2 / (units**2 + UNITS_HALF**2)
    found = min(max(share, bounds[0]), bounds[1])
    drawn = 1.0 / (1.0 + math.exp(-(part * log_odds(found) + (1.0 - part) * log_odds(reference))))
    return min(max(round(drawn, 3), 0.001), 0.999)


def log_odds(share: float) -> float:
    """Natural logarithm of the odds of a share strictly between 0 and 1."""
    return math.log(share / (1.0 - share))
