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
    operator: Literal["/", "*"]
    right: str
    meaning: str


DERIVED: dict[str, Derived] = {
    "ports_per_agent": Derived("ports_hour_max", "/", "agents_hour_max", "source ports for each agent, busiest hours"),
    "requests_per_agent": Derived("requests_day_max", "/", "agents_day_max", "requests for each agent, busiest days"),
    "agents_per_tls": Derived("agents_day_max", "/", "tls_day_max", "agent names for each TLS fingerprint"),
    "agent_evenness": Derived("agent_top_share", "*", "agents_day_max", "how often the commonest agent beats the mean"),
}
"""`agent_evenness` is 1 where all agents are used equally often, and high where one of many dominates."""

FEATURES: frozenset[str] = frozenset([*UNIT_COLUMNS, *CONTEXT_COLUMNS, *DERIVED])


def value(name: str, columns: Mapping[str, float | None]) -> float:
    """One unit's feature; NaN where missing. `columns` may leave columns out or hold None."""
    derived = DERIVED.get(name)
    if derived is None:
        plain = columns.get(name)
        return math.nan if plain is None else float(plain)
    left, right = value(derived.left, columns), value(derived.right, columns)
    if derived.operator == "*":
        return left * right
    return left / right if right else math.nan


def values(name: str, columns: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """The same of many units at once, as float64 (which holds every float32 exactly)."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    derived = DERIVED.get(name)
    if derived is None:
        return columns[name].astype(np.float64)
    left, right = values(derived.left, columns), values(derived.right, columns)
    if derived.operator == "*":
        return left * right
    ratio = np.full(len(left), np.nan)
    np.divide(left, right, out=ratio, where=right != 0)
    return ratio
