"""How evidence fades with time. In: points and ages. Out: points, nearer to 0.

The one rule: a word or a measurement is fresh for some days and then weighs half after each half-life, in whole points
towards 0; so what was true of an address fades as the address is given to others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mipdns.inference.scorecard import POINTS, Rules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def kept(age_days: int, half_life_days: int) -> int:
    """What is left of a weight so many days after it was fresh, in thousandths."""
    return math.floor(POINTS * math.exp2(-max(age_days, 0) / half_life_days))


def faded(points: int, thousandths: int) -> int:
    """So many thousandths of some points, rounded towards 0."""
    size: int = abs(points) * thousandths // POINTS
    return size if points > 0 else -size


def traffic_kept(age_days: int, rules: Rules) -> int:
    """What is left of what traffic says of a unit last seen so many days before the day judged, in thousandths."""
    return kept(age_days - rules.fresh_days, rules.traffic_half_life_days)


def traffic_kept_of(age_days: NDArray[np.int64], rules: Rules) -> NDArray[np.int64]:
    """`traffic_kept` of many units."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    days, at = np.unique(age_days, return_inverse=True)
    return np.array([traffic_kept(day, rules) for day in days.tolist()], dtype=np.int64)[at]


def faded_of(points: NDArray[np.int64], thousandths: NDArray[np.int64]) -> NDArray[np.int64]:
    """`faded` of many."""
    import numpy as np  # noqa: PLC0415  (reasons for one unit must not need numpy)

    left: NDArray[np.int64] = np.sign(points) * (np.abs(points) * thousandths // POINTS)
    return left
