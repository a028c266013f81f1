"""The features that a scorecard may name: counted columns, what inference adds, and ratios and products of two.

In: a unit's columns, as numbers or as numpy arrays. Out: the feature's value in the same form; NaN (missing) where a
part is missing or a divisor is 0. The one rule: both forms give the same number for the same unit, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from mipdns.evidence import CONTEXT_COLUMNS, UNIT_COLUMNS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Derived(NamedTuple):
    """A feature made of two columns: `left` operator `right`."""

    left: str
    operator: Literal["/", "*", "told"]
    right: str
    meaning: str


DERIVED: dict[str, Derived] = {
    "ports_per_agent": Derived("ports_hour_max", "/", "agents_hour_max", "source ports for each agent, busiest hours"),
    "requests_per_agent": Derived("requests_day_max", "/", "agents_day_max", "requests for each agent, busiest days"),
    "visits": Derived("requests_day_max", "/", "requests_lesser", "requests, by what a visit takes on this site"),
    "requests_relative": Derived("requests_day_max", "/", "requests_typical", "how busy it is among all of the load"),
    "exposure": Derived("requests_typical", "/", "requests_lesser", "how much the load sees of its visitors at all"),
    "visits_per_agent": Derived("visits", "/", "agents_day_max", "visits for each agent, busiest days"),
    "agents_per_address": Derived("agents_day_max", "/", "addresses_day_max", "agents for each full address of a /64"),
    "agents_per_family": Derived("agents_day_max", "/", "families_day_max", "agents for each family of browsers"),
    "agents_per_tls": Derived("agents_day_max", "/", "tls_day_max", "agent names for each TLS fingerprint"),
    "agent_evenness": Derived("agent_top_share", "*", "agents_day_max", "how often the commonest agent beats the mean"),
    "ports_per_block": Derived("ports_hour_max", "/", "blocks_hour_max", "ports for each block of 256 touched"),
    "agents_told": Derived("agents_day_max", "told", "agents_day_max", "1 where logs tell user agents, else 0"),
    "others_agents_told": Derived(
        "agents_lesser", "told", "agents_lesser", "1 where logs tell user agents of any unit of the load, else 0"
    ),
    "tls_told": Derived("tls_day_max", "told", "tls_day_max", "1 where logs tell TLS fingerprints, else 0"),
    "ports_told": Derived("ports_hour_max", "told", "ports_hour_max", "1 where logs tell source ports, else 0"),
}
"""`agent_evenness` is 1 where all agents are used equally often, and high where one of many dominates."""

TOLD = (
    "fingerprints",
    "fingerprints without ports",
    "agents",
    "agents without ports",
    "connections",
    "connections beside requests",
)
"""The most that logs tell of a unit: fingerprints too, agents, or neither, and of requests also whether their ports. A
sum is worth more where more is told. Who only connects where others of the load come with requests is of another kind
than those: mostly scanners."""
CONNECTIONS = TOLD[4:]

SEEN = ("thinnest logs", "thin logs", "little", "more", "most")
SEEN_FROM = (3.0, 16.0)
THIN_FROM = (0.37, 0.58)
"""How often a unit was seen: in logs that see many of their visitors for one hour only, by their `seen_once`, from
which they are `thin` and the `thinnest`; in others by the visits on its busiest day, from which it is `more` and
`most`."""

WAYS = tuple(f"{told}, {seen}" for told in TOLD for seen in SEEN)
"""In which way a unit was seen: what logs tell of it, and how often they saw it. The same sum means more in one way
than in another, and so does another share of shared units."""

AROUND: frozenset[str] = frozenset(
    ["neighbours_seen", "neighbours_crowded", "nearest_crowded", "network_agents", "network_ports"]
)
"""Features of the neighbourhood and of the AS; all others are the unit's own, or held against the load as a whole."""

_FINEST = 1e6
"""Columns are float32, where nine tenths are a little less: to the millionth, so that what is at an edge is not
below it."""

FEATURES: frozenset[str] = frozenset([*UNIT_COLUMNS, *CONTEXT_COLUMNS, *DERIVED])


def value(name: str, columns: Mapping[str, float | None]) -> float:
    """One unit's feature; NaN where missing. `columns` may leave columns out or hold None."""
    derived = DERIVED.get(name)
    if derived is None:
        plain = columns.get(name)
        return math.nan if plain is None or math.isnan(plain) else round(plain * _FINEST) / _FINEST
    left, right = value(derived.left, columns), value(derived.right, columns)
    if derived.operator == "told":
        return float(not math.isnan(left))
    if derived.operator == "*":
        return left * right
    return left / right if right else math.nan


def values(name: str, columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """The same of many units at once, as float64."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    derived = DERIVED.get(name)
    if derived is None:
        return np.rint(columns[name].astype(np.float64) * _FINEST) / _FINEST
    left, right = values(derived.left, columns), values(derived.right, columns)
    if derived.operator == "told":
        return (~np.isnan(left)).astype(np.float64)
    if derived.operator == "*":
        return left * right
    ratio = np.full(len(left), np.nan)
    np.divide(left, right, out=ratio, where=right != 0)
    return ratio


def within(found: NDArray[np.float64], bounds: tuple[float | None, float | None]) -> NDArray[np.bool_]:
    """Which values of a feature are told and in half-open bounds."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    low, high = bounds
    inside: NDArray[np.bool_] = ~np.isnan(found)
    if low is not None:
        inside &= found >= low
    if high is not None:
        inside &= found < high
    return inside


def told(columns: Mapping[str, float | None]) -> int:
    """What logs tell of one unit, as index into `TOLD`."""
    agents, tls, ports = (value(name, columns) for name in ("agents_told", "tls_told", "ports_told"))
    if agents:
        return (0 if tls else 2) + (0 if ports else 1)
    return 5 if value("others_agents_told", columns) else 4


def told_of(columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int8]:
    """The same of many units at once."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    agents, tls, ports = (values(name, columns) > 0 for name in ("agents_told", "tls_told", "ports_told"))
    others = values("others_agents_told", columns) > 0
    asked = np.where(tls, 0, 2) + np.where(ports, 0, 1)
    return np.select([agents, others], [asked, 5], 4).astype(np.int8)


def way(columns: Mapping[str, float | None]) -> int:
    """How one unit was seen, as index into `WAYS`; one whose visits are missing was seen little."""
    visits = value("visits", columns)
    once = value("seen_once", columns)
    thin = sum(once >= edge for edge in THIN_FROM)
    often = 0 if thin else sum(visits >= edge for edge in SEEN_FROM)
    return told(columns) * len(SEEN) + len(THIN_FROM) - thin + often


def way_of(columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int8]:
    """The same of many units at once."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    visits = np.nan_to_num(values("visits", columns))
    once = values("seen_once", columns)
    often = np.searchsorted(np.array(SEEN_FROM), visits, side="right")
    often = np.select([once >= edge for edge in reversed(THIN_FROM)], range(len(THIN_FROM)), len(THIN_FROM) + often)
    found: NDArray[np.int8] = (told_of(columns) * len(SEEN) + often).astype(np.int8)
    return found
