"""What is learnt from: units with their truth, and what the rules look at for a given scorecard.

In: the observation tables of loads, what was heard over each unit, and the truth. Out: `Sample`. The one rule: a unit
is scored here exactly as a load scores it, by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import CONTEXT_COLUMNS, UNIT_COLUMNS
from mipdns.inference import crowd, features, surroundings
from mipdns.inference.ageing import traffic_kept_of
from mipdns.inference.exposure import Exposure, Usual
from mipdns.inference.operators import COUNTS, Operators
from mipdns.inference.population import ALL_SHARED, Population, Shares, counted, shows_many
from mipdns.inference.scorecard import MEASURED, OWN, Scorecard
from mipdns.inference.voices import NOTHING, Heard


class Sample(NamedTuple):
    """Units of one or more worlds (a world is one load), sorted by world and key.

    world: number of the load. age_days: since the unit was seen, on the day judged from. key, asn, declared, traffic,
    columns: as in `ObservationTable` and `crowd.Facts`. sets: into `heard`. known: whether the truth tells of it; the
    others stand here as neighbours. trust: how far that is believed, 0 to 1. shared: the truth. users: people a day, 0
    where not told. classes: `Class` bits of the truth.
    """

    world: NDArray[np.int64]
    key: NDArray[np.uint64]
    age_days: NDArray[np.int64]
    asn: NDArray[np.int64]
    declared: NDArray[np.int8]
    traffic: NDArray[np.int8]
    columns: dict[str, NDArray[np.float32]]
    sets: NDArray[np.int64]
    heard: list[Heard]
    known: NDArray[np.bool_]
    trust: NDArray[np.float64]
    shared: NDArray[np.bool_]
    users: NDArray[np.int64]
    classes: NDArray[np.int16]

    def take(self, at: NDArray[np.generic]) -> Sample:
        """Some of the units."""
        columns = {name: values[at] for name, values in self.columns.items()}
        return self._replace(
            columns=columns,
            **{
                name: getattr(self, name)[at]
                for name in (
                    "world",
                    "key",
                    "age_days",
                    "asn",
                    "declared",
                    "traffic",
                    "sets",
                    "known",
                    "trust",
                    "shared",
                    "users",
                    "classes",
                )
            },
        )


def as_told(sample: Sample, share: float) -> Sample:
    """The sample of one load as if that had been told the share of shared units among all, as `[load] prior`."""
    return _with_usual(sample, _exposure(sample).usual(share))


def _exposure(sample: Sample) -> Exposure:
    exposure = Exposure()
    exposure.add(sample.take(np.flatnonzero(counted(sample.key))).columns)
    return exposure


def _with_usual(sample: Sample, usual: Usual) -> Sample:
    return sample._replace(columns=sample.columns | usual.columns(sample.columns["agents_day_max"]))


def silent(sample: Sample) -> NDArray[np.bool_]:
    """Units of which neither a partner speaks nor a voice that may list alone."""
    return np.array([not one.alone and not one.partner for one in sample.heard])[sample.sets]


def shares(sample: Sample, card: Scorecard, told: float | None = None) -> Shares:
    """How many of the units of one load are shared, as the load finds it, or as it was told."""
    exposure = _exposure(sample)
    asked = _with_usual(sample, exposure.usual(told or ALL_SHARED))
    asked = asked.take(np.flatnonzero(counted(asked.key)))
    columns = around(asked, card)
    fresh = facts(asked, card, columns)._replace(left=None)
    total = crowd.weigh(fresh, crowd.Heards(asked.heard), card, card.prior)
    unspoken = silent(asked)
    population = Population(card, exposure.once)
    way = features.way_of(columns)
    many = shows_many(total.unlimited, way, columns)
    population.add(many[unspoken], way[unspoken], total.confidence[~unspoken])
    return population.shares(told)


def join(samples: Sequence[Sample]) -> Sample:
    """Several samples as one; worlds are numbered in their order."""
    heard: list[Heard] = [NOTHING]
    sets, worlds = [], []
    for number, sample in enumerate(samples):
        sets.append(sample.sets + len(heard))
        worlds.append(np.full(len(sample.key), number, dtype=np.int64))
        heard += sample.heard
    plain = ("key", "age_days", "asn", "declared", "traffic", "known", "trust", "shared", "users", "classes")
    together = {name: np.concatenate([getattr(sample, name) for sample in samples]) for name in plain}
    names = [*UNIT_COLUMNS, *CONTEXT_COLUMNS]
    columns = {name: np.concatenate([sample.columns[name] for sample in samples]) for name in names}
    return Sample(
        world=np.concatenate(worlds),
        columns=columns,
        sets=np.concatenate(sets),
        heard=heard,
        **together,
    )


def around(sample: Sample, card: Scorecard) -> dict[str, NDArray[np.float32]]:
    """The columns, with the neighbourhood as this scorecard sees it."""
    crowded = crowd.looks_crowded(crowd.measure(sample.columns, card, OWN), card)
    columns = dict(sample.columns)
    for number in np.unique(sample.world).tolist():
        at = np.flatnonzero(sample.world == number)
        counts = {name: columns[name][at] for name in COUNTS.values()}
        few = counted(sample.key[at])
        operators = Operators()
        operators.add(sample.asn[at][few], {name: values[few] for name, values in counts.items()})
        found = surroundings.neighbours(sample.key[at], sample.asn[at], crowded[at])
        for name, values in (found | operators.columns(sample.asn[at], counts, few)).items():
            if columns[name] is sample.columns[name]:
                columns[name] = sample.columns[name].copy()
            columns[name][at] = values
    return columns


def facts(sample: Sample, card: Scorecard, columns: dict[str, NDArray[np.float32]]) -> crowd.Facts:
    """What the rules look at. columns: of `around`."""
    measured = crowd.measure(columns, card, MEASURED)
    left = traffic_kept_of(sample.age_days, card.rules)
    way, rhythm, room = features.way_of(columns), crowd.rhythm(columns, card.rules), crowd.room(columns, card.rules)
    return crowd.Facts(measured, sample.declared, sample.traffic, sample.sets, way, rhythm, left, room)


def score(sample: Sample, card: Scorecard, prior: float | None = None) -> crowd.Total:
    """What a load with this scorecard would make of each unit."""
    found = facts(sample, card, around(sample, card))
    return crowd.weigh(found, crowd.Heards(sample.heard), card, prior or card.prior)
