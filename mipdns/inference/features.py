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
    """A feature made of two columns: `left` operator `right`. `or`: the right one where the left is missing or 0."""

    left: str
    operator: Literal["/", "*", "or", "told"]
    right: str
    meaning: str


DERIVED: dict[str, Derived] = {
    "requests": Derived(
        "agent_requests_day_max", "or", "requests_day_max", "requests that carry a user agent; where none does, all"
    ),
    "request_hours": Derived("agent_hours_day_max", "or", "hours_day_max", "hours of a day with such requests"),
    "ports_per_agent": Derived("ports_hour_max", "/", "agents_hour_max", "source ports for each agent, busiest hours"),
    "requests_per_agent": Derived("requests", "/", "agents_day_max", "requests for each agent, busiest days"),
    "visits": Derived("requests", "/", "requests_lesser", "requests, by what a visit takes on this site"),
    "requests_relative": Derived("requests", "/", "requests_typical", "how busy it is among all of the load"),
    "exposure": Derived("requests_typical", "/", "requests_lesser", "how much the load sees of its visitors at all"),
    "visits_per_agent": Derived("visits", "/", "agents_day_max", "visits for each agent, busiest days"),
    "agents_per_hour": Derived("agents_day_max", "/", "request_hours", "agents for each hour of a day with requests"),
    "agents_per_address": Derived("agents_day_max", "/", "addresses_day_max", "agents for each full address of a /64"),
    "agents_per_family": Derived("agents_day_max", "/", "families_day_max", "agents for each family of browsers"),
    "agents_per_tls": Derived("agents_day_max", "/", "tls_day_max", "agent names for each TLS fingerprint"),
    "agent_evenness": Derived("agent_top_share", "*", "agents_day_max", "how often the commonest agent beats the mean"),
    "ports_per_block": Derived("ports_hour_max", "/", "blocks_hour_max", "ports for each block of 256 touched"),
    "agents_relative": Derived("agents_day_max", "/", "agents_lesser", "agents, by what households of the load show"),
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

SEEN = (
    *(f"{often} in {logs}" for logs in ("thinnest logs", "thin logs") for often in ("once", "twice", "often")),
    "little",
    "more",
    "most",
)
THIN_FROM = (0.37, 0.58)
THIN_SEEN_FROM = (2.0, 3.0)
SEEN_FROM = (3.0, 16.0)
"""How often a unit was seen. In logs that see many of their visitors for one hour only, by their `seen_once`, they are
`thin` and `thinnest` from there: in how many hours of one day, from which that is `twice` and `often`, since who
shares an address shows there by coming as somebody else. In others: by the visits on its busiest day, from which it is
`more` and `most`."""

OFTEN = len(SEEN_FROM) + 1
"""So many ways one after the other are of the same logs, told as much."""
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
    if derived.operator == "or":
        return left if left > 0 else right
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
    if derived.operator == "or":
        return np.where(left > 0, left, right)
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
    """How one unit was seen, as index into `WAYS`; one whose visits or hours are missing was seen little, or once."""
    once = value("seen_once", columns)
    thin = sum(once >= edge for edge in THIN_FROM)
    seen, edges = ("request_hours", THIN_SEEN_FROM) if thin else ("visits", SEEN_FROM)
    often = sum(value(seen, columns) >= edge for edge in edges)
    return told(columns) * len(SEEN) + (len(THIN_FROM) - thin) * OFTEN + often


def way_of(columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int8]:
    """The same of many units at once."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    def often(seen: str, edges: tuple[float, ...]) -> NDArray[np.int64]:
        return np.searchsorted(np.array(edges), np.nan_to_num(values(seen, columns)), side="right")

    thin = np.searchsorted(np.array(THIN_FROM), np.nan_to_num(values("seen_once", columns)), side="right")
    seen = np.where(thin > 0, often("request_hours", THIN_SEEN_FROM), often("visits", SEEN_FROM))
    at = told_of(columns) * len(SEEN) + (len(THIN_FROM) - thin) * OFTEN + seen
    found: NDArray[np.int8] = at.astype(np.int8)
    return found
