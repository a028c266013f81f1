"""Whether traffic bears out what the sources of a load name. In: units as seen. Out: a `Tried` a source, for a warning.

The one rule: this moves no weight. A list is compared with chance alone: whether what it names looks more like crowds
than what it does not name, among units as busy of which as much is told.

The test is on the mean of what traffic says of a unit, without any voice, as a probability. Within a stratum (a band of
visits, and what logs tell) the units that a source names are compared with all others; strata count by what the source
names in each. A list that names at random comes to 0, whatever the load; one that is right comes to about what shared
units have above the others, which the same probabilities tell. A source is told of where its difference, even with
`ERRORS` standard errors added, is below `SHARE` of that. Units of one AS are alike, so that the standard error counts
an AS as one draw: what a list is compared with stands in the same ASes where it is random, and elsewhere where it names
pools.

Units in data centres, and where nobody tells whether they are in one, take no part: an exit of Tor or of a VPN stands
among servers and looks like one of them, since few of its users happen to visit one site. A source that names such
units for the most part is not judged at all: a list of exits in data centres also holds some at homes, which look like
homes. Neither is one of which logs saw few units or few networks. Memory grows with ASes, not with units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import Assertion
from mipdns.inference import crowd, features, space
from mipdns.inference.features import TOLD
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.trust import Trust
from mipdns.inference.voices import NOTHING, widened
from mipdns.net import Range
from mipdns.vocabulary import Signal

VISITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Bands of visits on the busiest day begin here. Below the first, a unit came less than most that came once."""

STRATA = len(VISITS) * len(TOLD)

UNITS_MIN, NETWORKS_MIN, OTHERS_MIN = 50, 12, 10
"""A source is judged from so many units in so many ASes on, in strata that hold so many others: clustered standard
errors are too small with fewer clusters."""

COMPARABLE_MIN = 0.5
"""A source is judged if of the busy units that it names such a share takes part, held against all busy units."""

ERRORS, SHARE = 3.0, 1 / 3

Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]


class _Sums:
    """Units and the sum of their percents by cell, a stratum within an AS. busy: how many there are, wherever."""

    def __init__(self) -> None:
        self.busy = 0
        self.cell: Ints = np.empty(0, dtype=np.int64)
        self.units: Ints = np.empty(0, dtype=np.int64)
        self.percents: Ints = np.empty(0, dtype=np.int64)

    def add(self, busy: int, cell: Ints, percent: Ints) -> None:
        """busy: units, with those that take no part. cell, percent: of each that does."""
        self.busy += busy
        cells, at = np.unique(np.concatenate([self.cell, cell]), return_inverse=True)
        before, now = at[: len(self.cell)], at[len(self.cell) :]
        units, percents = (np.zeros(len(cells), dtype=np.int64) for _ in range(2))
        np.add.at(units, before, self.units)
        np.add.at(units, now, 1)
        np.add.at(percents, before, self.percents)
        np.add.at(percents, now, percent)
        self.cell, self.units, self.percents = cells, units, percents


class Tried(NamedTuple):
    """A source against chance. units, networks: how many were compared, and in how many ASes.

    In percent of probability: difference, how much more shared what it names looks; its standard error; and what it
    would be about if all that it names were shared, `right`.
    """

    units: int
    networks: int
    difference: float
    error: float
    right: float

    @property
    def unsupported(self) -> bool:
        """Whether what it names hardly differs from what it does not name."""
        return self.difference + ERRORS * self.error < SHARE * self.right


class Bearing:
    """What traffic says of the units that each source names, and of all, stretch by stretch."""

    def __init__(self, said: Iterable[Assertion], card: Scorecard, trust: Trust) -> None:
        named: dict[str, list[Range]] = {}
        centres: list[Range] = []
        for one in said:
            term = card.assertions[one.origin]
            if term.datacentre:
                centres.append(widened(one))
            elif term.alone and one.signal is not Signal.PARTNER and (one.source, one.origin) not in trust.doubted:
                named.setdefault(one.source, []).append(widened(one))
        self._card = card
        self._silence = crowd.Heards([NOTHING])
        self._named = {source: space.keys_within(net.merge_ranges(ranges)) for source, ranges in sorted(named.items())}
        self._centres = space.keys_within(net.merge_ranges(centres))
        self._all = _Sums()
        self._squares = np.zeros(STRATA, dtype=np.int64)
        self._sums = {source: _Sums() for source in self._named}

    def add(
        self, key: Keys, asn: Ints, facts: crowd.Facts, columns: Mapping[str, NDArray[np.float32]], prior: float
    ) -> None:
        """A stretch of units, none added twice. facts: of each, whatever is heard of it. prior: as in the load."""
        if not self._named:
            return
        visits = features.values("visits", columns)
        band = np.searchsorted(np.array(VISITS), visits, side="right") - 1
        centre = (facts.declared == crowd.HOSTING) | (facts.traffic == crowd.HOSTING) | _within(self._centres, key)
        placed = (facts.declared >= 0) | (facts.traffic >= 0)
        busy = (band >= 0) & ~np.isnan(visits)
        at = np.flatnonzero(busy & placed & ~centre)
        unheard = facts.take(at)._replace(sets=np.zeros(len(at), dtype=np.int64))
        says = crowd.weigh(unheard, self._silence, self._card, prior).unlimited
        percent = crowd.confidences(says).astype(np.int64)
        stratum = band[at] * len(TOLD) + features.told_of(columns)[at]
        cell = asn[at] * STRATA + stratum
        self._all.add(int(np.sum(busy)), cell, percent)
        np.add.at(self._squares, stratum, percent * percent)
        for source, keys in self._named.items():
            is_named = _within(keys, key)
            if is_named.any():
                mine = is_named[at]
                self._sums[source].add(int(np.sum(is_named & busy)), cell[mine], percent[mine])

    def tried(self) -> dict[str, Tried]:
        """Each source that can be judged."""
        found = {source: self._try(sums) for source, sums in self._sums.items()}
        return {source: one for source, one in found.items() if one}

    def _try(self, named: _Sums) -> Tried | None:
        every = self._all
        stratum, network = every.cell % STRATA, every.cell // STRATA
        own = np.zeros((2, len(every.cell)))
        own[:, np.searchsorted(every.cell, named.cell)] = named.units, named.percents
        others = np.array([every.units, every.percents]) - own
        units, percents = _by_stratum(stratum, own)
        units_else, percents_else = _by_stratum(stratum, others)
        fit = (units > 0) & (units_else >= OTHERS_MIN)
        compared = int(units[fit].sum())
        networks = len(np.unique(network[(own[0] > 0) & fit[stratum]]))
        comparable = compared * every.busy >= COMPARABLE_MIN * named.busy * int(every.units.sum())
        if compared < UNITS_MIN or networks < NETWORKS_MIN or not comparable:
            return None
        weight = np.where(fit, units, 0.0) / compared
        mean, mean_else = _ratio(percents, units), _ratio(percents_else, units_else)
        # What shared units come to: the mean in which each unit counts by how likely it is shared.
        shared = _ratio(self._squares, percents + percents_else)
        apart = (own[1] - mean[stratum] * own[0]) * _ratio(weight, units)[stratum]
        apart -= (others[1] - mean_else[stratum] * others[0]) * _ratio(weight, units_else)[stratum]
        _, cluster = np.unique(network, return_inverse=True)
        draws = np.bincount(cluster, weights=apart)
        return Tried(
            compared,
            networks,
            float(weight @ (mean - mean_else)),
            math.sqrt(float(draws @ draws) * networks / (networks - 1)),
            float(weight @ (shared - mean_else)),
        )


def _by_stratum(stratum: Ints, sums: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [np.bincount(stratum, weights=column, minlength=STRATA).astype(np.float64) for column in sums]


def _ratio(sums: NDArray[np.float64] | Ints, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each sum by its count, 0 where there is none."""
    found = np.zeros(len(counts))
    np.divide(sums, counts, out=found, where=counts > 0)
    return found


def _within(bounds: tuple[Keys, Keys], key: Keys) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = space.find(*bounds, key) >= 0
    return found
