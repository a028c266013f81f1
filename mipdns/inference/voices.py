"""What assertions add up to where they overlap: lists, traceroutes, reverse names and partners heard at one place.

In: the distinct voices over an address. Out: `Heard`, their sums in points. The one rule: the same thing said twice
counts once, and the order in which it was said never matters.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mipdns import net
from mipdns.errors import ConfigError
from mipdns.evidence import Assertion
from mipdns.inference.scorecard import Scorecard, to_points
from mipdns.net import Range
from mipdns.vocabulary import Signal


class Voice(NamedTuple):
    """All of an assertion that its weight depends on: many assertions share one voice.

    partner_width: addresses that a partner spoke of, 0 for every other voice.
    """

    origin: str
    signal: Signal
    classes: int
    observed: datetime.date
    partner_width: int


class Line(NamedTuple):
    """A part of a sum, in points of log-odds. signal None: the prior or a rule."""

    signal: Signal | None
    origin: str
    points: int


class Heard(NamedTuple):
    """The sum of the voices at one place, in points.

    speaks: what may list alone (lists, traces). aside: other lists and traces, such as a host that holds its address.
    names: words in reverse names, which count as one more statistical kind. datacentre: the strongest context that
    says so, or None. partner: the partner's word, 0 without. alone: whether any voice may list alone.
    classes: of the voices that may; hinted: of the others that speak for sharing. signals: bits that spoke.
    observed: the newest date. lines: how `speaks`, `aside`, `names` and `partner` came about.
    """

    speaks: int
    aside: int
    names: int
    datacentre: Line | None
    partner: int
    alone: bool
    classes: int
    hinted: int
    signals: int
    observed: datetime.date
    lines: tuple[Line, ...]


NOTHING = Heard(0, 0, 0, None, 0, False, 0, 0, 0, datetime.date.min, ())


def voice(assertion: Assertion, card: Scorecard) -> Voice:
    """The assertion's voice. Raises ConfigError where the scorecard has no weight for its origin."""
    if assertion.origin not in card.assertions:
        raise ConfigError(
            f"scorecard {card.name!r} has no weight for {assertion.origin!r}, which source {assertion.source!r} says"
        )
    width = assertion.last - assertion.first + 1 if assertion.signal is Signal.PARTNER else 0
    return Voice(assertion.origin, assertion.signal, int(assertion.classes), assertion.observed, width)


def widened(assertion: Assertion) -> Range:
    """The addresses an assertion is judged to speak of: whole units, unless it is exact."""
    if assertion.exact or net.is_v4(assertion.first):
        return assertion.first, assertion.last
    return net.unit(assertion.first)[0], net.unit(assertion.last)[1]


def hear(voices: Iterable[Voice], card: Scorecard) -> Heard:
    """Add up the voices over one place."""
    said = sorted(set(voices))
    if not said:
        return NOTHING
    partners = _partner(said, card)
    others = [one for one in said if one.signal is not Signal.PARTNER]
    context = {one.origin: one.signal for one in others if card.assertions[one.origin].datacentre}
    speaking = {one.origin: one.signal for one in others if card.assertions[one.origin].alone}
    rest = {one.origin: one.signal for one in others if one.origin not in context and one.origin not in speaking}
    speaks, aside = _sum(speaking, card), _sum(rest, card)
    lines = (*speaks, *aside, *partners)
    named = sum(line.points for line in aside if line.signal is Signal.NAMES)
    partner = sum(line.points for line in partners)
    alone = bool(speaking) or partner > 0
    return Heard(
        speaks=sum(line.points for line in speaks),
        aside=sum(line.points for line in aside) - named,
        names=named,
        datacentre=min(
            (Line(signal, origin, card.assertions[origin].points) for origin, signal in context.items()),
            key=lambda line: (line.points, line.origin),
            default=None,
        ),
        partner=partner,
        alone=alone,
        classes=_classes(one for one in said if one.origin in speaking or _prevails(one, partner, card)),
        hinted=_classes(one for one in others if one.origin in rest and card.assertions[one.origin].weight > 0),
        signals=_signals(lines),
        observed=max(one.observed for one in said),
        lines=lines,
    )


def _sum(origins: dict[str, Signal], card: Scorecard) -> list[Line]:
    """Of each signal and direction the strongest origin counts in full, every further one by `further_share`."""
    lines: list[Line] = []
    groups: set[tuple[Signal, bool]] = set()
    for origin in sorted(origins, key=lambda name: (-abs(card.assertions[name].points), name)):
        points, signal = card.assertions[origin].points, origins[origin]
        group = signal, points > 0
        lines.append(Line(signal, origin, _share(points, card) if group in groups else points))
        groups.add(group)
    return lines


def _share(points: int, card: Scorecard) -> int:
    size = abs(points) * to_points(card.rules.further_share) // 1000
    return size if points > 0 else -size


def _partner(said: list[Voice], card: Scorecard) -> list[Line]:
    """The partner's word for the narrowest range; of several for it the newest; two that then differ cancel out."""
    words = [one for one in said if one.signal is Signal.PARTNER]
    if not words:
        return []
    width, day = min((one.partner_width, datetime.date.max - one.observed) for one in words)
    last_words = {one.origin for one in words if (one.partner_width, datetime.date.max - one.observed) == (width, day)}
    return [Line(Signal.PARTNER, origin, card.assertions[origin].points) for origin in sorted(last_words)]


def _prevails(one: Voice, partner: int, card: Scorecard) -> bool:
    return one.signal is Signal.PARTNER and partner > 0 and card.assertions[one.origin].weight > 0


def _classes(voices: Iterable[Voice]) -> int:
    bits = 0
    for one in voices:
        bits |= one.classes
    return bits


def _signals(lines: Iterable[Line]) -> int:
    """The signals whose lines do not cancel out."""
    sums: Counter[Signal | None] = Counter()
    for line in lines:
        sums[line.signal] += line.points
    return sum(int(signal or 0) for signal, points in sums.items() if points)
