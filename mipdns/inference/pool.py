"""The pool rule: which unmeasured IPv4 addresses are covered because crowds stand on both sides of them.

In: measured units with their verdicts, and what else is covered. Out: gaps and what to serve for them. The one rule: a
gap is covered only between crowded addresses of one /24 and one AS that share a class, are most of what was measured
there, however little, and are not in a data centre; at a confidence below theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import unit_bounds
from mipdns.evidence import VerdictTable
from mipdns.inference.ranges import Keys, subtract
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Ground, Origins
from mipdns.inference.surroundings import groups
from mipdns.vocabulary import Signal


class Measurements(NamedTuple):
    """Measured units, sorted by key. busy: seen often enough to make a pool. centre: in a data centre."""

    key: NDArray[np.uint64]
    asn: NDArray[np.int64]
    confidence: NDArray[np.int64]
    classes: NDArray[np.int64]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]
    observed: NDArray[np.int64]
    busy: NDArray[np.bool_]
    centre: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        judged: VerdictTable,
        key: NDArray[np.uint64],
        requests: NDArray[np.float32],
        centre: NDArray[np.bool_],
        card: Scorecard,
    ) -> Measurements:
        """The measured rows as the pool rule needs them. requests: on the busiest day."""
        busy = np.nan_to_num(requests, nan=0.0) >= card.pool.requests
        return cls(
            key,
            judged.asn,
            judged.confidence,
            judged.classes,
            judged.users_low,
            judged.users_high,
            judged.observed,
            busy,
            centre,
        )


class Pools(NamedTuple):
    """Crowds of one /24 and one AS that make a pool. first, last: where its outermost members stand among the units.

    confidence, classes, users_low, users_high, observed (days since 1970): what is served between them.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    asn: NDArray[np.int64]
    confidence: NDArray[np.int64]
    classes: NDArray[np.int64]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]
    observed: NDArray[np.int64]


def covered(
    units: Measurements, ground: Ground, origins: Origins, holes: tuple[Keys, Keys], card: Scorecard
) -> VerdictTable:
    """What the pool rule covers, without what assertions, holes and other networks take.

    units: sorted by key, those of IPv4 first. holes: first and last keys, disjoint and sorted.
    """
    v4 = int(np.searchsorted(units.key > np.uint64(net.UNIT_V4_LAST), True, side="left"))
    units = Measurements._make(column[:v4] for column in units)
    pools = find_pools(units, card)
    pool, first, last = gaps(units.key, pools)
    for taken in ((ground.whole.first, ground.whole.last), holes):
        which, first, last = subtract(first, last, *taken)
        pool = pool[which]
    which, asn, first, last = origins.of_ranges(first, last)
    pool = pool[which]
    same = asn == pools.asn[pool]
    pool, asn = pool[same], asn[same]
    return VerdictTable(
        *unit_bounds(first[same], last[same]),
        pools.confidence[pool],
        pools.classes[pool],
        pools.users_low[pool],
        pools.users_high[pool],
        np.full(len(pool), int(Signal.NEIGHBOURS), dtype=np.int64),
        asn,
        pools.observed[pool],
    )


def gaps(key: Keys, pools: Pools) -> tuple[NDArray[np.int64], Keys, Keys]:
    """The unmeasured keys between the outermost members of each pool: (pool, first, last)."""
    size = pools.last - pools.first
    pool = np.repeat(np.arange(len(size)), size)
    before = np.arange(len(pool)) - np.repeat(np.cumsum(size) - size, size) + pools.first[pool]
    one = np.uint64(1)
    free = key[before + 1] > key[before] + one
    return pool[free], key[before[free]] + one, key[before[free] + 1] - one


def find_pools(units: Measurements, card: Scorecard) -> Pools:
    """The pools among IPv4 units, sorted by key."""
    rule = card.pool
    listed = (units.asn > 0) & ~units.centre & (units.confidence >= card.rules.listed)
    crowded = listed & units.busy
    group, number = groups(units.key, units.asn)
    # The class that most of the crowds of a group share; of several the one that the rule names first.
    best, most = np.zeros(number, dtype=np.int64), np.zeros(number, dtype=np.int64)
    for bit in rule.bits:
        count = np.bincount(group[crowded & (units.classes & bit > 0)], minlength=number)
        best, most = np.where(count > most, bit, best), np.maximum(count, most)
    # Of all that was seen, however little: what a log misses between crowds is rather the households there, which it
    # sees little of, than crowds, which come to everybody.
    alike = np.bincount(group[listed & (units.classes & best[group] > 0)], minlength=number)
    seen = np.bincount(group[units.asn > 0], minlength=number)
    is_pool = (most >= rule.units) & (alike >= rule.share * seen)
    member = np.flatnonzero(crowded & (units.classes & best[group] > 0) & is_pool[group])
    order = np.lexsort((units.confidence[member], group[member]))
    confidence = units.confidence[member][order]
    # By group, and within it by key, for the units are sorted.
    member = member[np.argsort(group[member], kind="stable")]
    size = np.bincount(group[member], minlength=number)[is_pool]
    start = np.cumsum(size) - size
    if not len(size):
        return Pools(*[np.empty(0, dtype=np.int64)] * 8)
    median = (confidence[start + (size - 1) // 2] + confidence[start + size // 2]) // 2
    return Pools(
        member[start],
        member[start + size - 1],
        units.asn[member[start]],
        np.clip(median - rule.step_down, 1, rule.highest),
        best[is_pool],
        np.minimum.reduceat(units.users_low[member], start),
        np.maximum.reduceat(units.users_high[member], start),
        np.minimum.reduceat(units.observed[member], start),
    )
