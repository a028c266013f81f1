"""Where sources contradict each other most: a list that a person can work through, from the largest down.

In: a database. Out: `Contradictions`. The one rule: a contradiction is as large as the weaker of its two sides, so that
what leads the list is what both sides are sure of.

Wherever anything was said, every source's own word is looked at, and where logs saw a unit what its traffic says. The
loudest voice for sharing stands against the loudest one for a single user. A data centre is context and contradicts
nobody.
"""

from __future__ import annotations

import datetime
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mipdns import inference, net, store
from mipdns.evidence import Assertion
from mipdns.inference import Scorecard, Trust
from mipdns.inference.reasons import traffic_log_odds
from mipdns.inference.scorecard import POINTS
from mipdns.inference.sweeping import sweep
from mipdns.inference.trust import weight

TRAFFIC = "traffic"
"""The side that is no source's word but what the logs counted."""

NO_AS = 0
"""A source's record within an AS is left to the verdict; here it is held against its record everywhere."""


CLEARLY = 1.0
SEEN_MIN = 100
"""Traffic is clearly one user's from so many log-odds on; a source is held suspicious from so many places on."""


class Side(NamedTuple):
    """Who says it: a configured source (or `feedback`, or `TRAFFIC`), by which evidence, and how loud in log-odds."""

    source: str
    origin: str
    log_odds: float


class Disagreement(NamedTuple):
    """Addresses of which one side says that many use them, and another that one does. served: what came out, percent.

    size: log-odds of the weaker side.
    """

    first: int
    last: int
    shared: Side
    single: Side
    served: int | None
    size: float


class Tested(NamedTuple):
    """Of the places that a source calls shared and logs saw: how many there are, and in how many the traffic is clearly
    one user's (`CLEARLY`).
    """

    source: str
    seen: int
    single: int

    @property
    def suspicious(self) -> bool:
        """Whether traffic speaks against most of what it names: a list that is wrong, stale or poisoned, or one of
        crowds that look like one program, as behind a proxy that ends TLS itself.
        """
        return self.seen >= SEEN_MIN and 2 * self.single > self.seen


class Contradictions(NamedTuple):
    """largest: the first of them, the largest first. pairs: over how many places each pair of sides contradicts.
    tested: each source against the traffic, the most contradicted first.
    """

    largest: list[Disagreement]
    pairs: list[tuple[str, str, int]]
    tested: list[Tested]


def find(database: Path, limit: int, card: Scorecard | None = None) -> Contradictions:
    """The `limit` largest disagreements of a build, by the weights given or those shipped. Raises StoreError."""
    build = store.latest_build(database)
    card = card or inference.shipped_scorecard()
    trust = Trust.of(store.beliefs(database))
    spoken = list(_spoken(store.assertions(database), card, trust, build.as_of))
    traffic: dict[int, list[tuple[net.Range, Side]]] = {}
    for number, seen in store.observations_within(database, ((first, last) for first, last, _ in spoken)):
        if log_odds := traffic_log_odds(seen.features, card):
            traffic.setdefault(number, []).append(((seen.first, seen.last), Side(TRAFFIC, TRAFFIC, log_odds)))
    pairs: Counter[tuple[str, str]] = Counter()
    largest: list[tuple[float, int, int, Side, Side]] = []
    named: Counter[str] = Counter()
    denied: Counter[str] = Counter()
    for number, (first, last, sides) in enumerate(spoken):
        for _, side in traffic.get(number, []):
            for said in sides:
                if said.log_odds > 0:
                    named[said.source] += 1
                    denied[said.source] += side.log_odds <= -CLEARLY
        places = [((max(low, first), min(high, last)), [*sides, side]) for (low, high), side in traffic.get(number, [])]
        for (low, high), heard in [*places, ((first, last), sides)]:
            shared = max(heard, key=lambda side: (side.log_odds, side))
            single = min(heard, key=lambda side: (side.log_odds, side))
            size = min(shared.log_odds, -single.log_odds)
            if size <= 0 or (heard is sides and places):
                continue
            pairs[shared.source, single.source] += 1
            heapq.heappush(largest, (size, -low, -high, shared, single))
            if len(largest) > limit:
                heapq.heappop(largest)
    return Contradictions(
        [
            Disagreement(-low, -high, shared, single, _served(database, -low), size)
            for size, low, high, shared, single in sorted(largest, reverse=True)
        ],
        [(shared, single, places) for (shared, single), places in pairs.most_common()],
        sorted(
            (Tested(source, seen, denied[source]) for source, seen in named.items()),
            key=lambda one: (-one.single / one.seen, one.source),
        ),
    )


def _spoken(
    assertions: Iterable[Assertion], card: Scorecard, trust: Trust, as_of: datetime.date
) -> Iterator[tuple[int, int, list[Side]]]:
    """Ranges with what each source says there, sorted and disjoint: the loudest of its words."""
    ids: dict[Side, int] = {}
    claims: list[tuple[int, int, int]] = []
    for one in assertions:
        if not card.assertions[one.origin].datacentre and (points := weight(one, NO_AS, card, as_of, trust)):
            side = Side(one.source, one.origin, points / POINTS)
            claims.append((one.first, one.last, ids.setdefault(side, len(ids))))
    sides = list(ids)
    sets: dict[tuple[int, ...], int] = {(): 0}
    pieces = list(sweep(claims, sets))
    members = list(sets)
    for first, last, heard in pieces:
        loudest: dict[str, Side] = {}
        for side in (sides[member] for member in members[heard]):
            if side.source not in loudest or abs(side.log_odds) > abs(loudest[side.source].log_odds):
                loudest[side.source] = side
        yield first, last, list(loudest.values())


def _served(database: Path, address: int) -> int | None:
    verdict = store.find_verdict(database, address)
    return verdict.confidence if verdict else None


def as_document(found: Contradictions) -> Mapping[str, object]:
    """The list for programs."""
    return {
        "disagreements": [
            {
                "range": net.format_range(one.first, one.last),
                "size": round(one.size, 3),
                "served": one.served,
                "shared": one.shared._asdict(),
                "single": one.single._asdict(),
            }
            for one in found.largest
        ],
        "pairs": [{"shared": shared, "single": single, "places": places} for shared, single, places in found.pairs],
        "tested": [one._asdict() | {"suspicious": one.suspicious} for one in found.tested],
    }


def as_text(found: Contradictions) -> str:
    """The list for people."""
    if not found.largest:
        return "no two sources contradict each other"
    lines = ["log-odds  served  range, and who says what"]
    for one in found.largest:
        served = "-" if one.served is None else f"{one.served} %"
        lines.append(
            f"{one.size:8.2f}  {served:>6}  {net.format_range(one.first, one.last)}: many, says {_told(one.shared)}; "
            f"one, says {_told(one.single)}"
        )
    lines += ["", "places  many, says | one, says"]
    lines += [f"{places:6d}  {shared} | {single}" for shared, single, places in found.pairs]
    if found.tested:
        lines += ["", "  seen  traffic is one user's  source that names it shared"]
        lines += [
            f"{one.seen:6d}  {one.single:6d}  {one.single / one.seen:12.0%}  {one.source}"
            + (": against most of it; wrong, stale, or crowds that look like one program" * one.suspicious)
            for one in found.tested
        ]
    return "\n".join(lines)


def _told(side: Side) -> str:
    by = "" if side.source == side.origin else f" ({side.origin})"
    return f"{side.source}{by} {side.log_odds:+.2f}"
