"""How far a source is believed: its record against people's words, and whether it can be right at all.

In: labels and assertions. Out: a `Trust`, which turns an assertion's nominal weight into what it weighs here and now.
The one rule: every correction moves a weight towards 0, "this says nothing", and never past it.

Three things take credit from an assertion, in this order:

- Age. Beyond `fresh_days` a weight halves with each half-life (`half_life_days`): what was true of an address fades
  as addresses are given to others.
- Record. Where people confirmed or denied ranges that a source speaks of, the weight moves from the precision that the
  scorecard claims to the one that was found: the posterior mean of a Beta distribution, first for the source
  everywhere, then, from there, for the source within one AS.
- Extent. A source that names more addresses than all of its kind together can be (`extent`) is mostly wrong: what it
  says is true of a random address only for the plausible part.
"""

from __future__ import annotations

import datetime
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mipdns import net
from mipdns.evidence import Assertion, Belief, Label
from mipdns.inference.ageing import faded, kept
from mipdns.inference.scorecard import POINTS, AssertionTerm, Scorecard, probability_points, to_points
from mipdns.net import Range
from mipdns.vocabulary import Signal

SOURCE_PRIOR, AS_PRIOR = 400, 20
"""What a claimed precision counts for, in labels: everywhere, and then within one AS."""

LABELS_PER_NEIGHBOURHOOD = 1
"""Labels of one /24 or /48 are seldom independent, so that they count as one."""

EVERYWHERE = 0
"""Stands for all ASes together; no AS has the number 0 (RFC 7607)."""

Split = Callable[[int, int], Iterator[tuple[int, int, int]]]


class Trust(NamedTuple):
    """records: (right, wrong) by source and AS, `EVERYWHERE` for their sum. doubted: the share of what a source names
    under an origin that can be true, where that is below 1.
    """

    records: Mapping[tuple[str, int], tuple[int, int]]
    doubted: Mapping[tuple[str, str], float]

    def depends_on_as(self, source: str) -> bool:
        """Whether the source has a record at all, so that its weight differs between ASes."""
        return (source, EVERYWHERE) in self.records

    @classmethod
    def of(cls, beliefs: Iterable[Belief]) -> Trust:
        """The trust that `beliefs` told."""
        kept = list(beliefs)
        return cls(
            {(one.source, one.asn): (one.right, one.wrong) for one in kept if not one.origin},
            {(one.source, one.origin): one.plausible for one in kept if one.origin},
        )

    def beliefs(self) -> list[Belief]:
        """The same as rows: first the records, by source and AS, then the extents."""
        records = [Belief(source, asn, "", *record, 1.0) for (source, asn), record in sorted(self.records.items())]
        extents = sorted(self.doubted.items())
        return records + [Belief(source, EVERYWHERE, origin, 0, 0, share) for (source, origin), share in extents]


UNTESTED = Trust({}, {})


def weight(assertion: Assertion, asn: int, card: Scorecard, as_of: datetime.date, trust: Trust = UNTESTED) -> int:
    """What an assertion weighs in an AS (0: in none) on a day, in points.

    It has the sign of its nominal weight and is never more.
    """
    term = card.assertions[assertion.origin]
    age_days = (as_of - assertion.observed).days - card.rules.fresh_days
    points = faded(term.points, kept(age_days, term.half_life_days))
    if assertion.signal is not Signal.PARTNER and not term.datacentre:
        for place, strength in ((EVERYWHERE, SOURCE_PRIOR), (asn, AS_PRIOR))[: 2 if asn else 1]:
            if record := trust.records.get((assertion.source, place)):
                points = _with_record(points, *record, strength, card.prior)
    share = trust.doubted.get((assertion.source, assertion.origin), 1.0)
    return points if share >= 1.0 else _diluted(points, share, card.prior)


def learn(labels: Iterable[Label], assertions: Iterable[Assertion], card: Scorecard, split: Split) -> Trust:
    """What labels and the extents of sources teach. split: cuts a range at AS borders, `(first, last, asn)`.

    Labels are words on shared or not; a source that names shared ranges is right where they are confirmed, one that
    names single users where they are denied. Partners do not judge themselves, and one who speaks of more than he can
    know judges nobody.
    """
    every = [one for one in assertions if one.origin in card.assertions]
    doubted = dict(_doubted(every, card))
    boasters = {one.source for one in every if one.signal is Signal.PARTNER and (one.source, one.origin) in doubted}
    claims = {origin for origin, term in card.assertions.items() if not term.datacentre}
    said = [one for one in every if one.signal is not Signal.PARTNER and one.origin in claims]
    return Trust(_records([one for one in labels if one.source not in boasters], said, split), doubted)


def _records(
    labels: Sequence[Label], assertions: Iterable[Assertion], split: Split
) -> dict[tuple[str, int], tuple[int, int]]:
    words = _Words(labels)
    heard: set[tuple[str, int, int, bool]] = set()
    for assertion in assertions:
        for label in words.on(assertion.first, assertion.last):
            place = max(assertion.first, label.first)
            ((_, _, asn),) = split(place, place)
            right = label.confirmed == (assertion.stance == "shared")
            heard.add((assertion.source, asn, net.neighbourhood_key(net.unit_key(place)), right))
    found: Counter[tuple[str, int, bool]] = Counter()
    for source, asn, _, right in heard:
        found[source, EVERYWHERE, right] += LABELS_PER_NEIGHBOURHOOD
        if asn:
            found[source, asn, right] += LABELS_PER_NEIGHBOURHOOD
    places = {(source, asn) for source, asn, _ in found}
    return {(source, asn): (found[source, asn, True], found[source, asn, False]) for source, asn in places}


class _Words:
    """Labels by place. Those that overlap stand together in one cluster."""

    def __init__(self, labels: Sequence[Label]) -> None:
        clusters = net.merge_ranges((label.first, label.last) for label in labels)
        self.firsts = [first for first, _ in clusters]
        self.lasts = [last for _, last in clusters]
        self.members: list[list[Label]] = [[] for _ in clusters]
        for label in labels:
            self.members[bisect_right(self.firsts, label.first) - 1].append(label)

    def on(self, first: int, last: int) -> Iterator[Label]:
        """The labels that speak of any address of a range."""
        for at in range(bisect_left(self.lasts, first), bisect_right(self.firsts, last)):
            yield from (label for label in self.members[at] if label.first <= last and label.last >= first)


def _doubted(assertions: Iterable[Assertion], card: Scorecard) -> Iterator[tuple[tuple[str, str], float]]:
    """Sources that name more than there can be, by source and origin."""
    ranges: dict[tuple[str, str], list[Range]] = {}
    for assertion in assertions:
        if card.assertions[assertion.origin].extent:
            ranges.setdefault((assertion.source, assertion.origin), []).append((assertion.first, assertion.last))
    for (source, origin), said in ranges.items():
        if (share := plausible_share(said, card.assertions[origin])) < 1.0:
            yield (source, origin), share


def plausible_share(ranges: Iterable[Range], term: AssertionTerm) -> float:
    """The share of what ranges name that can be true under a term. IPv4 counts by address, IPv6 by /32 begun."""
    v4 = v6 = 0
    begun = -1
    for first, last in net.merge_ranges(ranges):
        if net.is_v4(first):
            v4 += last - first + 1
        else:
            v6 += (last >> 96) - max(first >> 96, begun + 1) + 1
            begun = last >> 96
    most = term.extent
    return min(1.0, most.v4 / max(v4, 1), most.v6_32s / max(v6, 1)) if most else 1.0


def _with_record(points: int, right: int, wrong: int, strength: int, prior: float) -> int:
    """Points once the claimed precision has met a record. More than the claim is never given."""
    sign = 1 if points > 0 else -1
    base = probability_points(prior) * sign
    claimed = 1.0 / (1.0 + math.exp(-(base + abs(points)) / POINTS))
    found = (claimed * strength + right) / (strength + right + wrong)
    return sign * min(max(probability_points(found) - base, 0), abs(points))


def _diluted(points: int, share: float, prior: float) -> int:
    """Points of a claim that holds for a share of what it names, and says nothing of the rest."""
    base = probability_points(prior)
    claimed = 1.0 / (1.0 + math.exp(-(base + points) / POINTS))
    mixed = share * claimed + (1.0 - share) * prior
    return to_points(math.log(mixed / (1.0 - mixed))) - base
