"""The rules that turn sums into one confidence, for one unit, in plain Python; `crowd.py` has the same for millions.

In: points by signal and what was heard. Out: the lines whose sum is the served log-odds. First what traffic and the
network around add up to is calibrated, and fades with age. The rules then, in order (docs/model.md says why):

1. A data centre counts once, and not at all where a list, a trace or a partner says that the address is shared; what
   only a list or a name says of it gives way to corroborated traffic.
2. Where such a voice speaks, traffic takes away at most `doubt`, and what the voice has lost to age and doubt.
3. Elsewhere one kind of evidence is not enough: the total stays below `uncorroborated_ceiling`, which each further kind
   lifts by `corroboration_slope` for what it has above `corroboration_starts`. Where devices are counted, that the
   address is in use as people use one (`rhythm`) is such a kind. Of whom little is seen may stand above it, by `room`
   at most, as far as it would without the loudest kind that the host shows itself.
4. A partner's word outweighs the rest: what the rest holds against it is bounded by `partner_bound`, and what the word
   has lost to age and doubt.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from operator import itemgetter

from mipdns.evidence import NETWORK_TYPES, NetworkType
from mipdns.inference.ageing import faded, traffic_kept
from mipdns.inference.features import WAYS
from mipdns.inference.scorecard import (
    CORROBORATING,
    DEVICES,
    OF_ONE_HOST,
    POINTS,
    Calibration,
    Rules,
    Scorecard,
    probability_points,
    to_points,
)
from mipdns.inference.voices import Heard, Line
from mipdns.vocabulary import Signal

CONFIDENCE_MIN, CONFIDENCE_MAX = 1, 99
"""100 would say that no mistake is possible, and 0 is what is not served."""


def confidence(points: int) -> int:
    """Log-odds in points as the percent that is served."""
    probability = 1.0 / (1.0 + math.exp(-max(min(points, 20 * POINTS), -20 * POINTS) / POINTS))
    return min(max(math.floor(100.0 * probability + 0.5), CONFIDENCE_MIN), CONFIDENCE_MAX)


def support(kinds: Iterable[int], rules: Rules) -> int:
    """How far kinds of evidence other than the loudest corroborate it, in points."""
    starts = to_points(rules.corroboration_starts)
    above = [max(points - starts, 0) for points in kinds]
    return sum(above) - max(above, default=0)


def borne_out(devices: Iterable[int], rhythm: int, rules: Rules) -> int:
    """What the rhythm of people corroborates, in points: nothing where no count of devices speaks for many."""
    return rhythm if max(devices) > to_points(rules.corroboration_starts) else 0


def ceiling(corroboration: int, rules: Rules) -> int:
    """The most that log-odds may reach where no voice may list alone, in points."""
    alone = probability_points(rules.uncorroborated_ceiling)
    return alone + corroboration * to_points(rules.corroboration_slope) // POINTS


def lost(partner: int, card: Scorecard) -> int:
    """What a partner's word has lost of its nominal weight to age and doubt, in points."""
    nominal = card.assertions["partner.confirm" if partner > 0 else "partner.deny"].points
    return max(abs(nominal) - abs(partner), 0)


def calibrated(points: int, line: Calibration) -> int:
    """What a sum of traffic and context is found to be worth, in points; interpolated between knots, rounded down."""
    knots = line.knots
    at = bisect_right(knots, points, key=itemgetter(0))
    if at in (0, len(knots)):
        return knots[max(at - 1, 0)][1]
    (low, low_true), (high, high_true) = knots[at - 1], knots[at]
    return low_true + (points - low) * (high_true - low_true) // (high - low)


def prior_tells(prior: float, card: Scorecard) -> list[int]:
    """What another share of shared units than the scorecard's says of each of them, in points: the part of it that
    their traffic does not show by itself. For each of `features.WAYS`.
    """
    other = probability_points(prior) - probability_points(card.prior)
    return [line.prior_share.of(other) for line in card.calibration.values()]


def weigh(
    measured: Mapping[Signal, int],
    heard: Heard,
    card: Scorecard,
    *,
    prior: float,
    declared: NetworkType | None = None,
    traffic: NetworkType | None = None,
    way: int = 0,
    rhythm: int = 0,
    room: int = 0,
    age_days: int = 0,
) -> list[Line]:
    """The lines beside the unit's own terms: prior, context, voices and rules, in this order.

    measured: the sum of the unit's own terms by signal, in points; empty where no log saw it. prior: strictly between
    0 and 1. declared, traffic: the network type as the AS says and as its traffic shows. way: of `features.way`.
    rhythm, room: the points of `Rules.rhythm` and of `Rules.room`. age_days: since a log saw it.
    """
    rules, left = card.rules, traffic_kept(age_days, card.rules)
    kinds = {kind: faded(measured.get(kind, 0), left) for kind in CORROBORATING}
    rhythm = borne_out([kinds[kind] for kind in DEVICES], faded(rhythm, left), rules)
    corroboration = support([*kinds.values(), rhythm, heard.names], rules)
    context = _context(declared, traffic, heard, corroboration, card)
    start = probability_points(card.prior)
    lines = [Line(None, "prior", start), *context]
    found = sum(measured.values()) + sum(line.points for line in context)
    shown = 0  # what the loudest kind that the host shows itself adds
    if measured:
        line = card.calibration[WAYS[way]]
        loudest = max(0, *(measured.get(kind, 0) for kind in OF_ONE_HOST))
        others = faded(calibrated(found - loudest, line), left)
        summed, found = found, calibrated(found, line)
        _note(lines, "calibration", found - summed)
        fresh, found = found, faded(found, left)
        _note(lines, "rule.age", found - fresh)
        shown = found - others
        other = prior_tells(prior, card)[way]
        _note(lines, "rule.prior", other)
        found += other
    traffic_says = found + heard.aside + heard.names
    lines += [line for line in heard.lines if line.signal is not Signal.PARTNER]
    if heard.alone:
        limited = max(traffic_says, -to_points(rules.doubt) - heard.faded)
        _note(lines, "rule.doubt", limited - traffic_says)
        total = start + limited + heard.speaks
    else:
        total = start + traffic_says
        allowed = min(total, max(ceiling(corroboration, rules), min(total - shown, ceiling(0, rules) + room)))
        _note(lines, "rule.uncorroborated", allowed - total)
        total = allowed
    if heard.partner:
        bound = to_points(rules.partner_bound) + lost(heard.partner, card)
        bounded = max(total, -bound) if heard.partner > 0 else min(total, bound)
        _note(lines, "rule.partner", bounded - total)
    lines += [line for line in heard.lines if line.signal is Signal.PARTNER]
    return lines


def _context(
    declared: NetworkType | None, traffic: NetworkType | None, heard: Heard, corroboration: int, card: Scorecard
) -> list[Line]:
    """What the network around says; of several that call it a data centre only the strongest, or none (rule 1)."""
    lines: list[Line] = []
    centres: list[Line] = []
    for signal, kind, term in (
        (Signal.NETWORK, declared, card.network.declared),
        (Signal.TRAFFIC, traffic, card.network.traffic),
    ):
        if kind is not None:
            line = Line(signal, f"{signal.name.lower()}.{kind}", term.points[NETWORK_TYPES.index(kind)])  # type: ignore[union-attr]  # a single bit has a name
            (centres if kind == "hosting" else lines).append(line)
    if heard.alone:
        return lines
    if heard.datacentre and not corroboration:
        centres.append(heard.datacentre)
    if centres:
        lines.append(min(centres, key=lambda line: line.points))
    return lines


def _note(lines: list[Line], rule: str, points: int) -> None:
    if points:
        lines.append(Line(None, rule, points))
