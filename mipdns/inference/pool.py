"""The pool rule: which unmeasured IPv4 addresses are covered because crowds stand on both sides of them.

In: measured units with their verdicts, and what else is covered. Out: gaps and what to serve for them. The one rule: a
gap is covered only between crowded addresses of one /24 and one AS that share a class, are most of what was measured
there, and are not in a data centre; at a confidence below theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import halves
from mipdns.evidence import VerdictTable
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Ground, Origins
from mipdns.net import Range
from mipdns.vocabulary import Signal


class Measurements(NamedTuple):
    """Measured units, sorted by key. busy: seen often enough to count. centre: in a data centre."""

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


class Gap(NamedTuple):
    """An unmeasured range, 128-bit, and what the pool around it suggests. observed: days since 1970-01-01."""

    first: int
    last: int
    confidence: int
    classes: int
    users_low: int
    users_high: int
    asn: int
    observed: int


def covered(units: Measurements, ground: Ground, origins: Origins, holes: list[Range], card: Scorecard) -> VerdictTable:
    """What the pool rule covers, without what assertions, holes and other networks take. holes: merged."""
    whole = ground.whole
    rows: list[Gap] = []
    for gap in gaps(units, card):
        low = int(np.searchsorted(whole.last, gap.first & net.UNIT_V4_LAST, side="left"))
        high = int(np.searchsorted(whole.first, gap.last & net.UNIT_V4_LAST, side="right"))
        asserted = zip(whole.first[low:high].tolist(), whole.last[low:high].tolist(), strict=True)
        taken = net.merge_ranges((net.V4_FIRST | first, net.V4_FIRST | last) for first, last in asserted)
        for free in net.subtract(gap.first, gap.last, taken):
            for start, end in net.subtract(*free, holes):
                rows += [
                    gap._replace(first=first, last=last)
                    for first, last, asn in origins.split(start, end)
                    if asn == gap.asn
                ]

    def column(values: Iterable[int]) -> NDArray[np.int64]:
        return np.array(list(values), dtype=np.int64)

    return VerdictTable(
        halves([gap.first for gap in rows]),
        halves([gap.last for gap in rows]),
        column(gap.confidence for gap in rows),
        column(gap.classes for gap in rows),
        column(gap.users_low for gap in rows),
        column(gap.users_high for gap in rows),
        column(int(Signal.NEIGHBOURS) for _ in rows),
        column(gap.asn for gap in rows),
        column(gap.observed for gap in rows),
    )


def gaps(units: Measurements, card: Scorecard) -> Iterator[Gap]:
    """The gaps between measured units that the pool rule covers, in order; what asserts or splits them is not yet cut.

    `asn` is the pool's: the parts of a gap that another AS originates must not be covered.
    """
    near = units.key & np.uint64(~0xFF & net.UNIT_V4_LAST)
    v4 = (units.key <= np.uint64(net.UNIT_V4_LAST)) & (units.asn > 0)
    crowded = v4 & units.busy & ~units.centre & (units.confidence >= card.rules.listed)
    homes, counts = np.unique(near[crowded], return_counts=True)
    for home in homes[counts >= card.pool.units].tolist():
        low, high = np.searchsorted(units.key, [home, home + 256])
        block = Measurements._make(column[low:high] for column in units)
        yield from _gaps_of_block(block, crowded[low:high], card)


def _gaps_of_block(block: Measurements, crowded: NDArray[np.bool_], card: Scorecard) -> Iterator[Gap]:
    for asn in np.unique(block.asn[crowded]).tolist():
        seen = block.busy & (block.asn == asn)
        pool = card.pool
        best = max(pool.bits, key=lambda bit: int(np.sum(seen & crowded & (block.classes & bit > 0))), default=None)
        if best is None:
            return
        members = np.flatnonzero(seen & crowded & (block.classes & best > 0))
        if len(members) < pool.units or len(members) < pool.share * seen.sum():
            continue
        confidence = max(min(int(np.median(block.confidence[members])) - pool.step_down, pool.highest), 1)
        inside = block.key[members[0] : members[-1] + 1].tolist()
        for before, after in pairwise(inside):
            if after > before + 1:
                yield Gap(
                    net.V4_FIRST | (before + 1),
                    net.V4_FIRST | (after - 1),
                    confidence,
                    int(best),
                    int(block.users_low[members].min()),
                    int(block.users_high[members].max()),
                    asn,
                    int(block.observed[members].min()),
                )
