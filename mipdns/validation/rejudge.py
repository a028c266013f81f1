"""Judging units again, with some evidence left out. In: `Units` and what was said. Out: a confidence each.

The one rule: what made a label does not score it. Judging is the load's own (`inference.crowd`), on what the load kept,
among as many shared units as a load without that evidence would find; only what people's words taught about sources is
left out always, since they may have spoken of the same network.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import Assertion
from mipdns.inference import crowd, features, space, trust
from mipdns.inference.ageing import traffic_kept_of
from mipdns.inference.population import Population, log_odds, shows_many
from mipdns.inference.rollup import EPOCH
from mipdns.inference.scorecard import MEASURED, Scorecard
from mipdns.inference.voices import Heard
from mipdns.validation.units import Evidence, Units
from mipdns.vocabulary import Signal, names
from mipdns.whatif import NOBODY, Silence


class Census:
    """What share of the units that nobody speaks of is shared: of the build as it was found or told, and under a
    silence as a load without what is silent would find it. Whom a list named is then one of whom nobody speaks.

    units: of the load (`units.drawn`), whatever truth there is. said: of the build, whole. prior: of the build.
    """

    def __init__(
        self, units: Evidence, said: Sequence[Assertion], card: Scorecard, *, as_of: datetime.date, prior: float
    ) -> None:
        self._card = card
        self._prior = prior
        self._bench = _Bench(units, said, card, as_of)
        self._found: dict[Silence, float] = {}

    def prior(self, silent: Silence = NOBODY) -> float:
        """The share. What silence changes in it is the difference that it makes to what is found here, in log-odds:
        the build's own was found with what was usual among all its units, or told.
        """
        if silent == NOBODY:
            return self._prior
        if silent.of_logs:
            return self._card.prior
        moved = log_odds(self._prior) + log_odds(self._share(silent)) - log_odds(self._share(NOBODY))
        return min(max(1.0 / (1.0 + math.exp(-moved)), 0.001), 0.999)

    def _share(self, silent: Silence) -> float:
        if silent not in self._found:
            self._found[silent] = self._ask(silent)
        return self._found[silent]

    def _ask(self, silent: Silence) -> float:
        """As the load asks it (`inference.judgement`)."""
        card = self._card
        heard = self._bench.hear(silent)
        facts = heard.facts._replace(left=None)  # as when each was seen
        total = crowd.weigh(facts, crowd.Heards(heard.voices), card, card.prior)
        spoken = np.array([one.alone or bool(one.partner) for one in heard.voices])[facts.sets]
        way = heard.way
        once = features.values("seen_once", heard.columns)
        population = Population(card, float(once[way.argmin()]) if len(way) else 0.0)
        many = shows_many(total.unlimited, way, heard.columns)
        population.add(many[~spoken], way[~spoken], total.confidence[spoken])
        return population.shares().unspoken


class Judge:
    """Judges the same units again and again. said: of the build, whole, since how much a source names tells how far it
    is believed.
    """

    def __init__(
        self, units: Units, said: Sequence[Assertion], card: Scorecard, *, as_of: datetime.date, census: Census
    ) -> None:
        self._seen = units.seen
        self._card = card
        self._census = census
        self._bench = _Bench(units.evidence, said, card, as_of)

    def confidence(self, silent: Silence = NOBODY) -> NDArray[np.int64]:
        """Percent for each unit; 0 where nothing is left that speaks of it."""
        card, prior = self._card, self._census.prior(silent)
        heard = self._bench.hear(silent)
        facts, heards = heard.facts, crowd.Heards(heard.voices)
        unknown = np.full_like(facts.declared, -1)
        unseen = facts._replace(measured={}, declared=unknown, traffic=unknown)  # context weighs traffic
        by_traffic = crowd.weigh(facts, heards, card, prior).confidence
        by_word = np.where(facts.sets > 0, crowd.weigh(unseen, heards, card, prior).confidence, 0)
        logs_speak = self._seen & (not silent.of_logs)
        judged: NDArray[np.int64] = np.where(logs_speak, by_traffic, by_word).astype(np.int64)
        return judged


class _Hearing(NamedTuple):
    """What is known of units under a silence. voices: the sets of `facts`. way: of `features.way_of`."""

    facts: crowd.Facts
    voices: list[Heard]
    way: NDArray[np.int8]
    columns: Mapping[str, NDArray[np.float32]]


class _Bench:
    """Hears the evidence of the same units again and again; what speaks of none of them is put aside."""

    def __init__(self, units: Evidence, said: Sequence[Assertion], card: Scorecard, as_of: datetime.date) -> None:
        self._units = units
        self._card = card
        self._as_of = as_of
        self._way = features.way_of(units.columns)
        self._measured = crowd.measure(units.columns, card, MEASURED)
        self._rhythm = crowd.rhythm(units.columns, card.rules)
        self._room = crowd.room(units.columns, card.rules)
        age_days = as_of.toordinal() - EPOCH - units.last_day.astype(np.int64)
        self._left = traffic_kept_of(age_days, card.rules)
        self._said = _touching(said, units.key)
        self._believed = trust.learn((), said, card, space.Origins([]).split)

    def hear(self, silent: Silence) -> _Hearing:
        """The evidence less what is not heard."""
        units, card, columns = self._units, self._card, self._units.columns
        kept = spared(self._said, silent)
        ground = space.survey(kept, space.Origins([]), {}, card, self._as_of, trust=self._believed)
        nothing = np.zeros(len(units.key), dtype=np.int64)
        measured, way, rhythm, room = self._measured, self._way, self._rhythm, self._room
        if untold := silent.untold:
            missing = np.full(len(units.key), np.nan, dtype=np.float32)
            columns = {name: missing if name in untold else column for name, column in columns.items()}
            measured, way = crowd.measure(columns, card, MEASURED), features.way_of(columns)
            rhythm, room = crowd.rhythm(columns, card.rules), crowd.room(columns, card.rules)
        facts = crowd.Facts(
            {signal: nothing if signal in silent.signals else points for signal, points in measured.items()},
            np.full_like(units.declared, -1) if Signal.NETWORK in silent.signals else units.declared,
            np.full_like(units.traffic, -1) if Signal.TRAFFIC in silent.signals else units.traffic,
            _heard(ground, units),
            way,
            nothing if Signal.SHAPE in silent.signals else rhythm,
            self._left,
            room,
        )
        return _Hearing(facts, ground.heard, way, columns)


def spared(said: Iterable[Assertion], silent: Silence) -> list[Assertion]:
    """What is still said under a silence."""
    return [*filter(silent.spares, said)]


def speaking(said: Iterable[Assertion]) -> list[Signal]:
    """The signals among assertions, lowest bit first."""
    return sorted({one.signal for one in said})


def told(silent: Silence) -> list[str]:
    """A silence as names; a source may be called as its signal is."""
    return sorted({*(name for signal in silent.signals for name in names(signal)), *silent.sources})


def _touching(said: Sequence[Assertion], keys: NDArray[np.uint64]) -> list[Assertion]:
    """The assertions that cover any of the units, sorted keys given."""
    ordered = np.sort(keys)
    bounds = np.array([(net.unit_key(one.first), net.unit_key(one.last)) for one in said], dtype=np.uint64)
    low, high = bounds.reshape(-1, 2).T
    count = np.searchsorted(ordered, high, side="right") - np.searchsorted(ordered, low, side="left")
    return [said[at] for at in np.flatnonzero(count).tolist()]


def _heard(ground: space.Ground, units: Evidence) -> NDArray[np.int64]:
    """For each unit the set of voices over it, 0 for none."""
    whole = ground.whole
    heard = np.append(whole.heard, 0)[space.find(whole.first, whole.last, units.key)]
    for piece in ground.odd:  # what ends inside a /64
        first, last = (np.bytes_(net.to_blob(side)) for side in (piece.first, piece.last))
        begin = np.searchsorted(units.address, first, side="left")
        heard[begin : np.searchsorted(units.address, last, side="right")] = piece.heard
    return heard
