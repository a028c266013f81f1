"""Judging units again, with some evidence left out. In: `Units` and what was said. Out: a confidence each.

The one rule: what made a label does not score it. Judging is the load's own (`inference.crowd`), on what the load kept;
only what people's words taught about sources is left out always, since they may have spoken of the same network.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import Assertion
from mipdns.inference import crowd, features, space, trust
from mipdns.inference.ageing import traffic_kept_of
from mipdns.inference.rollup import EPOCH
from mipdns.inference.scorecard import MEASURED, Scorecard
from mipdns.validation.units import Units
from mipdns.vocabulary import Signal, names
from mipdns.whatif import NOBODY, Silence


class Judge:
    """Judges the same units again and again. said: of the build, whole, since how much a source names tells how far it
    is believed; then what speaks of none of the units is put aside.
    """

    def __init__(
        self, units: Units, said: Sequence[Assertion], card: Scorecard, *, as_of: datetime.date, prior: float
    ) -> None:
        self._units = units
        self._card = card
        self._as_of = as_of
        self._prior = prior
        self._way = features.way_of(units.columns)
        self._measured = crowd.measure(units.columns, card, MEASURED)
        self._rhythm = crowd.rhythm(units.columns, card.rules)
        self._room = crowd.room(units.columns, card.rules)
        age_days = as_of.toordinal() - EPOCH - units.last_day.astype(np.int64)
        self._left = traffic_kept_of(age_days, card.rules)
        self._said = _touching(said, units.key)
        self._believed = trust.learn((), said, card, space.Origins([]).split)

    def confidence(self, silent: Silence = NOBODY) -> NDArray[np.int64]:
        """Percent for each unit; 0 where nothing is left that speaks of it."""
        units, card = self._units, self._card
        kept = spared(self._said, silent)
        ground = space.survey(kept, space.Origins([]), {}, card, self._as_of, trust=self._believed)
        heards = crowd.Heards(ground.heard)
        sets = _heard(ground, units)
        nothing = np.zeros(len(units.key), dtype=np.int64)
        measured, way, rhythm, room = self._measured, self._way, self._rhythm, self._room
        if untold := silent.untold:
            missing = np.full(len(units.key), np.nan, dtype=np.float32)
            columns = {name: missing if name in untold else column for name, column in units.columns.items()}
            measured, way = crowd.measure(columns, card, MEASURED), features.way_of(columns)
            rhythm, room = crowd.rhythm(columns, card.rules), crowd.room(columns, card.rules)
        facts = crowd.Facts(
            {signal: nothing if signal in silent.signals else points for signal, points in measured.items()},
            np.full_like(units.declared, -1) if Signal.NETWORK in silent.signals else units.declared,
            np.full_like(units.traffic, -1) if Signal.TRAFFIC in silent.signals else units.traffic,
            sets,
            way,
            nothing if Signal.SHAPE in silent.signals else rhythm,
            self._left,
            room,
        )
        unknown = np.full_like(units.declared, -1)
        unseen = facts._replace(measured={}, declared=unknown, traffic=unknown)  # context weighs traffic
        by_traffic = crowd.weigh(facts, heards, card, self._prior).confidence
        by_word = np.where(sets > 0, crowd.weigh(unseen, heards, card, self._prior).confidence, 0)
        logs_speak = units.seen & (not silent.of_logs)
        judged: NDArray[np.int64] = np.where(logs_speak, by_traffic, by_word).astype(np.int64)
        return judged


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


def _heard(ground: space.Ground, units: Units) -> NDArray[np.int64]:
    """For each unit the set of voices over it, 0 for none."""
    whole = ground.whole
    heard = np.append(whole.heard, 0)[space.find(whole.first, whole.last, units.key)]
    for piece in ground.odd:  # what ends inside a /64
        first, last = (np.bytes_(net.to_blob(side)) for side in (piece.first, piece.last))
        begin = np.searchsorted(units.address, first, side="left")
        heard[begin : np.searchsorted(units.address, last, side="right")] = piece.heard
    return heard
