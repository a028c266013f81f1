"""How much a load sees of its visitors. In: counts of every unit, in chunks. Out: what is usual among them.

The one rule: these are properties of the load, the same for all units that it sees alike, and missing only where no
unit tells them.

Ten requests are much to who sees a tenth of the traffic, or whose pages take one request each; they are little to who
sees all of it, or whose pages take dozens. No count of a unit's own tells these apart; the counts of all units do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.inference import features

REFERENCE = {"requests_lesser": 3.5, "requests_typical": 45.0}
"""What the made world as shipped has, seen whole."""
LESSER = {"hours_day_max": 2.0, "agents_day_max": 1.2, "ports_hour_max": 2.0}
"""What a unit of its lesser half, by each, shows of hours in a day, agents in a day and ports in an hour."""
ONCE = 0.19
"""The share of its units that it sees in one hour only."""
LESSER_MOST = {"hours_day_max": 4.0, "agents_day_max": 2.5, "ports_hour_max": 4.0}
"""Beyond these, some two fifths above any world that was learnt from, nobody knows what it means: it says nothing."""
BUSIEST = 0.25 * math.sqrt(3.0)
"""Where a third are shared, a quarter are busy. Crowds are busy, and so are some who are alone: of a population with a
third of the crowds not a third as many are busy, but about the root of it (in made worlds of 12, 33 and 45 %)."""
REFERENCE_UNITS = 500
"""Few units tell little: so many and the reference count alike, of five times as many it counts a twenty-fifth."""
COUNTED = ("requests", "request_hours", *LESSER)
_MOST = 1 << 16


class Usual(NamedTuple):
    """What is usual in a load: among units that name a user agent, and among those that only connect."""

    asking: Mapping[str, float]
    connecting: Mapping[str, float]

    def columns(self, agents: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Beside each unit what is usual among those like it. agents: `agents_day_max`."""
        connects = np.isnan(agents)
        return {
            name: np.where(connects, self.connecting[name], value).astype(np.float32)
            for name, value in self.asking.items()
        }


class Exposure:
    """Counts of all units, those that name a user agent apart: who only connects is seen by other observers."""

    def __init__(self) -> None:
        self._asking = _Counts()
        self._connecting = _Counts()
        self._days = 0.0

    def add(self, columns: Mapping[str, NDArray[np.float32]]) -> None:
        """A chunk of units: what is counted here, and `days`; what is missing counts nowhere."""
        connects = np.isnan(columns["agents_day_max"])
        counted = {name: features.values(name, columns) for name in COUNTED}
        self._asking.add({name: values[~connects] for name, values in counted.items()})
        self._connecting.add({name: values[connects] for name, values in counted.items()})
        self._days = max(self._days, float(np.nanmax(columns["days"], initial=0.0)))

    @property
    def once(self) -> float:
        """`seen_once` of those that name agents, or of the others where nobody does."""
        return (self._asking if self._asking.size else self._connecting).once()

    def usual(self, prior: float) -> Usual:
        """Requests of a unit on its busiest day. `requests_lesser`: what the lesser half of the units make in an hour
        in which they are active at all, about a visit; `requests_typical`: what the busiest quarter of the units
        exceed, or less of them where fewer are shared. prior: the share of shared units among all. `hours_lesser`,
        `agents_lesser`, `ports_lesser`: what the lesser half, by each, shows: mostly households. NaN where no unit
        tells it, or beyond `LESSER_MOST`. `seen_once`: the share of units that were never active in more than one hour
        of a day: most of those that a log shows which sees little of anybody, and few of one that sees all. Each is of
        units alike: `asking` or `connecting`. Of all the same: `days_logged`; `agents_lesser`; `agents_share`, the
        share whose agents are told.

        A unit that comes more often has more such hours: a visit is not taken for larger where people come often.
        """
        asking, connecting = self._asking.usual(prior), self._connecting.usual(prior)
        share = self._asking.size / max(self._asking.size + self._connecting.size, 1)
        load = {
            "days_logged": self._days or math.nan,
            "agents_lesser": asking["agents_lesser"],
            "agents_share": round(share, 6),
        }
        return Usual(asking | load, connecting | load)


class _Counts:
    """Units alike by their whole counts; the last bin holds all above it."""

    def __init__(self) -> None:
        self._units = {name: np.zeros(_MOST + 1, dtype=np.int64) for name in COUNTED}

    def add(self, counts: Mapping[str, NDArray[np.float64]]) -> None:
        for name, values in counts.items():
            whole = np.minimum(np.ceil(values[~np.isnan(values)]), _MOST).astype(np.int64)
            self._units[name] += np.bincount(whole, minlength=_MOST + 1)

    @property
    def size(self) -> int:
        return int(self._units["requests"].sum())

    def once(self) -> float:
        """The share of one hour at most, drawn towards that of the reference; NaN where there are none."""
        hours = self._units["request_hours"]
        whole = int(hours.sum())
        part = _part(whole)
        return part * float(hours[:2].sum()) / whole + (1.0 - part) * ONCE if whole else math.nan

    def usual(self, prior: float) -> dict[str, float]:
        found = {
            name: _drawn(_lesser_half(self._units[name]), usual, int(self._units[name].sum()))
            for name, usual in (LESSER | {"request_hours": LESSER["hours_day_max"]}).items()
        }
        hours, agents, ports = (
            found[name] if self._units[name].any() and found[name] <= most else math.nan
            for name, most in LESSER_MOST.items()
        )
        requests = self._units["requests"]
        reference = REFERENCE["requests_lesser"] * LESSER["hours_day_max"]
        exceeded = _exceeded(requests, BUSIEST * math.sqrt(prior))
        return {
            "requests_lesser": _drawn(_lesser_half(requests), reference, self.size) / found["request_hours"],
            "requests_typical": _drawn(exceeded, REFERENCE["requests_typical"], self.size),
            "hours_lesser": hours,
            "agents_lesser": agents,
            "ports_lesser": ports,
            "seen_once": self.once(),
        }


def _lesser_half(units: NDArray[np.int64]) -> float:
    """The mean of the lesser half. units: how many there are of each whole value; 0 where there are none."""
    below = np.cumsum(units)
    half = np.diff(np.minimum(below, (below[-1] + 1) // 2), prepend=0)
    return float(half @ np.arange(len(half))) / max(float(half.sum()), 1.0)


def _exceeded(units: NDArray[np.int64], share: float) -> float:
    """What a share of the units exceed."""
    below = np.cumsum(units)
    return float(np.searchsorted(below, (1.0 - min(share, 1.0)) * below[-1], side="left"))


def _part(units: int) -> float:
    return units**2 / (units**2 + REFERENCE_UNITS**2)


def _drawn(found: float, reference: float, units: int) -> float:
    """The geometric mean of what was found and the reference, each with the square of its units."""
    share = _part(units)
    return math.exp(share * math.log(max(found, 1.0)) + (1.0 - share) * math.log(reference))
