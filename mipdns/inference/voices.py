"""What assertions add up to where they overlap: lists, traceroutes, reverse names and partners heard at one place.

In: the distinct voices over an address. Out: `Heard`, their sums in points. The one rule: the same thing said twice
counts once, as loud as the one that is believed most, and the order in which it was said never matters.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mipdns import net
from mipdns.errors import ConfigError
from mipdns.evidence import Assertion
from mipdns.inference import trust
from mipdns.inference.scorecard import Scorecard, probability_points, to_points
from mipdns.inference.trust import UNTESTED, Trust
from mipdns.net import Range
from mipdns.vocabulary import Signal

AUDIBLE_POINTS = 100
"""What weighs less, either way, says nothing. It would move no percent by more than three, and yet give its class and a
verdict to all that it names: half the Internet, where a list that claims it is doubted. Fresh words weigh far more.
"""


class Voice(NamedTuple):
    """All of an assertion that counts where it is heard: many assertions share one voice.

    partner_width: addresses that a partner spoke of, 0 for every other voice. points: what it weighs (`trust.weight`);
    claimed: what it would without any label, by age and extent alone.
    """

    origin: str
    signal: Signal
    classes: int
    observed: datetime.date
    partner_width: int
    points: int
    claimed: int

    @property
    def audible(self) -> bool:
        """Whether it says anything."""
        return abs(self.points) >= AUDIBLE_POINTS


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
    faded: what the least faded of those voices has lost to age and doubt.
    classes: of the voices that may; hinted: of the others that speak for sharing. signals: bits that spoke.
    observed: the newest date. lines: how `speaks`, `aside`, `names` and `partner` came about.
    """

    speaks: int
    aside: int
    names: int
    datacentre: Line | None
    partner: int
    alone: bool
    faded: int
    classes: int
    hinted: int
    signals: int
    observed: datetime.date
    lines: tuple[Line, ...]


NOTHING = Heard(0, 0, 0, None, 0, False, 0, 0, 0, 0, datetime.date.min, ())


def voice(
    assertion: Assertion, card: Scorecard, as_of: datetime.date, asn: int = 0, believed: Trust = UNTESTED
) -> Voice:
    """The assertion's voice in an AS on a day. Raises ConfigError where the scorecard has no weight for its origin."""
    if assertion.origin not in card.assertions:
        raise ConfigError(
            f"scorecard {card.name!r} has no weight for {assertion.origin!r}, which source {assertion.source!r} says"
        )
    width = assertion.last - assertion.first + 1 if assertion.signal is Signal.PARTNER else 0
    points = trust.weight(assertion, asn, card, as_of, believed)
    claimed = trust.weight(assertion, asn, card, as_of, believed._replace(records={}))
    return Voice(assertion.origin, assertion.signal, int(assertion.classes), assertion.observed, width, points, claimed)


def widened(assertion: Assertion) -> Range:
    """The addresses an assertion is judged to speak of: whole units, unless it is exact."""
    if assertion.exact or net.is_v4(assertion.first):
        return assertion.first, assertion.last
    return net.unit(assertion.first)[0], net.unit(assertion.last)[1]


def without_people(voices: Iterable[Voice]) -> list[Voice]:
    """What is heard where people keep silent: no partner, and no source held against a label."""
    return [one._replace(points=one.claimed) for one in voices if one.signal is not Signal.PARTNER]


def hear(voices: Iterable[Voice], card: Scorecard) -> Heard:
    """Add up the voices over one place; `NOTHING` where none of them is audible."""
    said = sorted({one for one in voices if one.audible})
    if not said:
        return NOTHING
    loudest = _loudest(one for one in said if one.signal is not Signal.PARTNER)
    context = {one for one in loudest if card.assertions[one.origin].datacentre}
    speaking = {one for one in loudest if _may_list(one, card)}
    rest = loudest - context - speaking
    sums, alone = _sum(speaking | rest, card), {one.origin for one in speaking}
    speaks = [line for line in sums if line.origin in alone]
    aside = [line for line in sums if line.origin not in alone]
    words = _partner(said)
    partners = [Line(Signal.PARTNER, *word) for word in sorted({(one.origin, one.points) for one in words})]
    partner = sum(line.points for line in partners)
    confirming = [one for one in words if partner > 0 and one.points > 0]
    lines = (*speaks, *aside, *partners)
    named = sum(line.points for line in aside if line.signal is Signal.NAMES)
    return Heard(
        speaks=sum(line.points for line in speaks),
        aside=sum(line.points for line in aside) - named,
        names=named,
        datacentre=min(
            (Line(one.signal, one.origin, one.points) for one in context if one.points),
            key=lambda line: (line.points, line.origin),
            default=None,
        ),
        partner=partner,
        alone=bool(speaking) or any(_may_list(one, card) for one in confirming),
        faded=min((card.assertions[one.origin].points - one.points for one in (*speaking, *confirming)), default=0),
        classes=_classes((*speaking, *confirming)),
        hinted=_classes(one for one in rest if one.points > 0),
        signals=_signals(lines),
        observed=max(one.observed for one in said),
        lines=lines,
    )


def _loudest(voices: Iterable[Voice]) -> set[Voice]:
    """Of each origin the voice that weighs most; the classes of all of them are its own."""
    loudest: dict[str, Voice] = {}
    for one in voices:
        other = loudest.get(one.origin)
        both = one.classes | (other.classes if other else 0)
        louder = one if other is None or abs(one.points) > abs(other.points) else other
        loudest[one.origin] = louder._replace(classes=both)
    return set(loudest.values())


def _may_list(one: Voice, card: Scorecard) -> bool:
    """Whether a voice may list alone: it is of a kind that may, and still weighs enough to."""
    enough = probability_points(card.rules.listed / 100.0) - probability_points(card.prior)
    return card.assertions[one.origin].alone and one.points >= enough


def _sum(voices: Iterable[Voice], card: Scorecard) -> list[Line]:
    """Of each signal and direction the strongest origin counts in full, every further one by `further_share`."""
    lines: list[Line] = []
    groups: set[tuple[Signal, bool]] = set()
    for one in sorted(voices, key=lambda one: (-abs(one.points), one.origin)):
        group = one.signal, one.points > 0
        lines.append(Line(one.signal, one.origin, _share(one.points, card) if group in groups else one.points))
        groups.add(group)
    return lines


def _share(points: int, card: Scorecard) -> int:
    size = abs(points) * to_points(card.rules.further_share) // 1000
    return size if points > 0 else -size


def _partner(said: list[Voice]) -> list[Voice]:
    """The partners' words that count: for the narrowest range, of several the newest; two that differ cancel out."""
    words = [one for one in said if one.signal is Signal.PARTNER]
    first = min(map(_rank, words), default=None)
    return [one for one in words if _rank(one) == first]


def _rank(one: Voice) -> tuple[int, datetime.timedelta]:
    return one.partner_width, datetime.date.max - one.observed


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
