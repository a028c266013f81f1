"""Numbers that look random and follow from what they belong to. In: whole numbers. Out: the same for the same.

Its one rule: what a device, a unit or a pool has for good is worked out from its number and the seed and held nowhere,
so that a world of millions needs no room for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_INDEX_BITS = 26


def mixed(number: NDArray[np.integer], *salt: int) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: neighbouring numbers become unrelated ones. Each salt makes other ones."""
    x = number.astype(np.uint64)
    with np.errstate(over="ignore"):
        for value in (*salt, 0):
            x = x + np.uint64((value * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
            x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
            x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            x = x ^ x >> np.uint64(31)
    return x


def uniform(number: NDArray[np.integer], *salt: int) -> NDArray[np.float64]:
    """The same as numbers from 0 up to 1."""
    result: NDArray[np.float64] = (mixed(number, *salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result


def sorted_by_time(time_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The order of times of a day, and the times in it, to the microsecond; ties keep their order on any machine.

    One sort of whole numbers that hold time and row is several times faster than an argsort.
    """
    if len(time_s) >> _INDEX_BITS:
        raise ValueError(f"a slice of {len(time_s)} rows a day is too large to sort")
    keys = (time_s * 1e6).astype(np.int64) << _INDEX_BITS | np.arange(len(time_s))
    keys.sort()
    return keys & ((1 << _INDEX_BITS) - 1), (keys >> _INDEX_BITS) / 1e6
