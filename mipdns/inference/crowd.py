"""Terms and rules for all units at once, in numpy. In: columns and what was heard. Out: points and confidences.

The one rule: for each unit this gives what `weigh` gives in plain Python, to the point; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import NETWORK_TYPES
from mipdns.inference import features
from mipdns.inference.ageing import faded_of
from mipdns.inference.scorecard import (
    CORROBORATING,
    DEVICES,
    OF_ONE_HOST,
    POINTS,
    Bounds,
    Calibration,
    FeatureTerm,
    Rules,
    Scorecard,
    probability_points,
    to_points,
)
from mipdns.inference.voices import Heard
from mipdns.inference.weigh import ceiling, confidence, lost, prior_tells
from mipdns.vocabulary import Signal

Points = NDArray[np.int64]
Measured = dict[Signal, Points]
HOSTING = NETWORK_TYPES.index("hosting")


class Facts(NamedTuple):
    """All that the rules look at. measured: empty where no log saw the units. declared, traffic: index into
    NETWORK_TYPES, -1 unknown. sets: into `Heards`. way: of `features.way_of`, None where all are of the first of
    `features.WAYS`. rhythm: the points of `Rules.rhythm`, None where nobody's day is people's. left: what age leaves
    of traffic, in thousandths (`ageing.traffic_kept_of`), None where all is fresh. room: the points of `Rules.room`,
    None where nobody has any.
    """

    measured: Measured
    declared: NDArray[np.int8]
    traffic: NDArray[np.int8]
    sets: NDArray[np.int64]
    way: NDArray[np.int8] | None = None
    rhythm: Points | None = None
    left: Points | None = None
    room: Points | None = None

    def take(self, at: NDArray[np.int64]) -> Facts:
        """The facts of some of the units."""
        measured = {signal: points[at] for signal, points in self.measured.items()}
        way = None if self.way is None else self.way[at]
        beside = (None if points is None else points[at] for points in (self.rhythm, self.left, self.room))
        return Facts(measured, self.declared[at], self.traffic[at], self.sets[at], way, *beside)


class Total(NamedTuple):
    """What the rules made of each unit. points: log-odds. confidence: percent. signals: bits that did not add 0.

    unlimited: the log-odds that it would have if one kind of evidence were enough. lifted: whether it stands above what
    its own evidence may reach, by the room of those of whom little is seen.
    """

    points: Points
    confidence: NDArray[np.int16]
    signals: NDArray[np.int32]
    unlimited: Points
    lifted: NDArray[np.bool_]


class _Units:
    """Columns of units, and what terms ask of them, each once: many ask the same."""

    def __init__(self, columns: Mapping[str, NDArray[np.float32]]) -> None:
        self._columns = columns
        self._values: dict[str, NDArray[np.float64]] = {}
        self._within: dict[tuple[str, Bounds], NDArray[np.bool_]] = {}

    def values(self, name: str) -> NDArray[np.float64]:
        if name not in self._values:
            self._values[name] = features.values(name, self._columns)
        return self._values[name]

    def within(self, name: str, bounds: Bounds) -> NDArray[np.bool_]:
        """Where the feature is told and within bounds."""
        if (name, bounds) not in self._within:
            self._within[name, bounds] = features.within(self.values(name), bounds)
        return self._within[name, bounds]


def term_points(term: FeatureTerm, columns: Mapping[str, NDArray[np.float32]]) -> Points:
    """One term for every unit; 0 where its feature or a bound one is missing or out of bounds."""
    return _term_points(term, _Units(columns))


def _term_points(term: FeatureTerm, units: _Units) -> Points:
    found = units.values(term.feature)
    speaks = ~np.isnan(found)
    for name, bounds in term.when.items():
        speaks &= units.within(name, bounds)
    steps = np.searchsorted(np.array(term.edges), found, side="right").clip(max=len(term.edges))
    return np.where(speaks, np.array(term.points, dtype=np.int64)[steps], 0)


def measure(columns: Mapping[str, NDArray[np.float32]], card: Scorecard, signals: Sequence[Signal]) -> Measured:
    """The points of the terms that belong to `signals`, summed by signal."""
    size, units = len(next(iter(columns.values()))), _Units(columns)
    sums = {signal: np.zeros(size, dtype=np.int64) for signal in signals}
    for term in card.terms:
        if term.bit in sums:
            sums[term.bit] += _term_points(term, units)
    return sums


def rhythm(columns: Mapping[str, NDArray[np.float32]], rules: Rules) -> Points:
    """How far each unit is in use as people use an address: the points of `Rules.rhythm`."""
    units = _Units(columns)
    silence = np.zeros(len(next(iter(columns.values()))), dtype=np.int64)
    return sum((_term_points(term, units) for term in rules.rhythm), silence)


def room(columns: Mapping[str, NDArray[np.float32]], rules: Rules) -> Points:
    """How far above the ceiling each unit may stand by what it did not show itself: the points of `Rules.room`."""
    return term_points(rules.room, columns)


def support(kinds: Sequence[Points], rules: Rules) -> Points:
    """`weigh.support` of many units."""
    starts = to_points(rules.corroboration_starts)
    total = np.zeros_like(kinds[0])
    loudest = np.zeros_like(kinds[0])
    for points in kinds:
        above = np.maximum(points - starts, 0)
        total += above
        np.maximum(loudest, above, out=loudest)
    return total - loudest


def looks_crowded(measured: Measured, card: Scorecard) -> NDArray[np.float64]:
    """How likely each unit's own traffic is a crowd's, without its surroundings, 0.01 to 0.99 in whole hundredths."""
    kinds = [points for signal, points in measured.items() if signal is not Signal.NEIGHBOURS]
    return confidences(probability_points(card.prior) + np.sum(kinds, axis=0)) / 100.0


def calibrated(points: Points, line: Calibration) -> Points:
    """`weigh.calibrated` of many."""
    summed, true = np.array(line.knots, dtype=np.int64).T
    at = np.searchsorted(summed, points, side="right").clip(1, len(summed) - 1)
    inside = points.clip(summed[0], summed[-1])
    run, rise = summed[at] - summed[at - 1], true[at] - true[at - 1]
    found: Points = true[at - 1] + (inside - summed[at - 1]) * rise // run
    return found


class Heards:
    """The sets of voices of a load as columns, so that a unit's set is one gather away."""

    def __init__(self, heard: Sequence[Heard]) -> None:
        def column(values: list[int]) -> Points:
            return np.array(values, dtype=np.int64)

        self.speaks = column([one.speaks for one in heard])
        self.aside = column([one.aside for one in heard])
        self.names = column([one.names for one in heard])
        self.partner = column([one.partner for one in heard])
        self.faded = column([one.faded for one in heard])
        self.alone = np.array([one.alone for one in heard], dtype=np.bool_)
        self.signals = column([one.signals for one in heard])
        self.centre = column([one.datacentre.points if one.datacentre else 0 for one in heard])
        self.centre_signal = column([int(one.datacentre.signal or 0) if one.datacentre else 0 for one in heard])


def weigh(facts: Facts, heards: Heards, card: Scorecard, prior: float) -> Total:
    """`weigh.weigh` of many units."""
    rules, sets = card.rules, facts.sets
    names, alone, partner = heards.names[sets], heards.alone[sets], heards.partner[sets]
    corroboration = _corroboration(facts, heards, card)
    summed, signals = _traffic(facts, heards, card, corroboration)
    signals |= heards.signals[sets].astype(np.int32)
    start = probability_points(card.prior)
    found = _found(summed, facts, card) + _prior(prior, facts, card) if facts.measured else summed
    traffic_says = found + heards.aside[sets] + names
    heard_total = start + np.maximum(traffic_says, -to_points(rules.doubt) - heards.faded[sets]) + heards.speaks[sets]
    lift = corroboration * to_points(rules.corroboration_slope) // POINTS
    unlimited = np.where(alone, heard_total, start + traffic_says)
    held = np.minimum(unlimited, ceiling(0, rules) + lift)
    limited = held
    if facts.measured and facts.room is not None:
        limited = _with_room(facts.room, held, unlimited, summed, facts, card)
    total = np.where(alone, heard_total, limited)
    total, unlimited = (_with_partner(points, partner, card) for points in (total, unlimited))
    return Total(total, confidences(total), signals, unlimited, ~alone & (limited > held))


def _with_room(
    room: Points, limited: Points, unlimited: Points, summed: Points, facts: Facts, card: Scorecard
) -> Points:
    """The totals with the room of those that rule 3 holds: what each would come to without the loudest kind that the
    host shows itself.
    """
    held = np.flatnonzero((limited < unlimited) & (room > 0))
    seen, total = facts.take(held), limited.copy()
    loudest = np.max([seen.measured[kind] for kind in OF_ONE_HOST if kind in seen.measured], axis=0, initial=0)
    shown = _found(summed[held], seen, card) - _found(summed[held] - loudest, seen, card)
    above = np.minimum(unlimited[held] - shown, ceiling(0, card.rules) + room[held])
    total[held] = np.maximum(total[held], above)
    return total


def _with_partner(total: Points, partner: Points, card: Scorecard) -> Points:
    words, at = np.unique(partner, return_inverse=True)
    less = np.array([lost(word, card) if word else 0 for word in words.tolist()], dtype=np.int64)
    bound = to_points(card.rules.partner_bound) + less[at]
    total = np.where(partner > 0, np.maximum(total, -bound), total)
    return np.where(partner < 0, np.minimum(total, bound), total) + partner


def _found(summed: Points, facts: Facts, card: Scorecard) -> Points:
    """What traffic and the network around come to, once calibrated, after so many days."""
    return _faded(_calibrated(summed, facts, card), facts)


def _prior(prior: float, facts: Facts, card: Scorecard) -> Points:
    """What another share of shared units than the scorecard's adds to each."""
    other = np.array(prior_tells(prior, card), dtype=np.int64)
    found: Points = other[0 if facts.way is None else facts.way]
    return found


def _calibrated(summed: Points, facts: Facts, card: Scorecard) -> Points:
    lines = list(card.calibration.values())
    if facts.way is None:
        return calibrated(summed, lines[0])
    found = np.empty_like(summed)
    for way in np.unique(facts.way).tolist():
        here = facts.way == way
        found[here] = calibrated(summed[here], lines[way])
    return found


def traffic_sum(facts: Facts, heards: Heards, card: Scorecard) -> Points:
    """What terms and the network around add up to, before calibration: what training calibrates."""
    return _traffic(facts, heards, card, _corroboration(facts, heards, card))[0]


def _corroboration(facts: Facts, heards: Heards, card: Scorecard) -> Points:
    kinds = {kind: _faded(facts.measured[kind], facts) for kind in CORROBORATING if kind in facts.measured}
    devices = [kinds[kind] for kind in DEVICES if kind in kinds]
    if facts.rhythm is not None and devices:
        counted = np.max(devices, axis=0) > to_points(card.rules.corroboration_starts)
        kinds[Signal.SHAPE] = np.where(counted, _faded(facts.rhythm, facts), 0)
    return support([*kinds.values(), heards.names[facts.sets]], card.rules)


def _faded(points: Points, facts: Facts) -> Points:
    return points if facts.left is None else faded_of(points, facts.left)


def _traffic(facts: Facts, heards: Heards, card: Scorecard, corroboration: Points) -> tuple[Points, NDArray[np.int32]]:
    """The sum of terms and context, and the signals in it that do not add 0."""
    summed, signals = _context(facts, heards, card, corroboration)
    for signal, points in facts.measured.items():
        summed = summed + points
        signals |= np.where(points != 0, int(signal), 0).astype(np.int32)
    return summed, signals


def _context(facts: Facts, heards: Heards, card: Scorecard, corroboration: Points) -> tuple[Points, NDArray[np.int32]]:
    """Points of what the network around says, and the signals that said it (rule 1)."""
    sets = facts.sets
    total = np.zeros(len(sets), dtype=np.int64)
    signals = np.zeros(len(sets), dtype=np.int32)
    centre = np.zeros(len(sets), dtype=np.int64)
    centre_signal = np.zeros(len(sets), dtype=np.int32)
    on_list = np.where(corroboration > 0, 0, heards.centre[sets])
    for signal, kinds, term in (
        (Signal.NETWORK, facts.declared, card.network.declared),
        (Signal.TRAFFIC, facts.traffic, card.network.traffic),
    ):
        points = np.array([*term.points, 0], dtype=np.int64)[kinds]
        is_centre = kinds == HOSTING
        total += np.where(is_centre, 0, points)
        signals |= np.where(~is_centre & (points != 0), int(signal), 0).astype(np.int32)
        stronger = is_centre & (points < centre)
        centre = np.where(stronger, points, centre)
        centre_signal = np.where(stronger, int(signal), centre_signal).astype(np.int32)
    stronger = on_list < centre
    centre = np.where(stronger, on_list, centre)
    centre_signal = np.where(stronger, heards.centre_signal[sets], centre_signal).astype(np.int32)
    counts = ~heards.alone[sets]
    return total + np.where(counts, centre, 0), signals | np.where(counts, centre_signal, 0).astype(np.int32)


_TABLE_END = 6 * POINTS
_TABLE = np.array([confidence(points) for points in range(-_TABLE_END, _TABLE_END + 1)], dtype=np.int16)


def confidences(points: Points) -> NDArray[np.int16]:
    """`weigh.confidence` of many; beyond 6 log-odds it is 1 or 99."""
    found: NDArray[np.int16] = _TABLE[points.clip(-_TABLE_END, _TABLE_END) + _TABLE_END]
    return found
