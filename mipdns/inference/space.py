"""The address space cut into pieces: where which voices are heard, who originates it, and what is never judged.

In: assertions, routes and holes (special-purpose and excluded space). Out: a `Ground`. The one rule: pieces are
disjoint and sorted, none lies in a hole, none crosses the border of an AS.

Most pieces consist of whole units and are kept by unit key (`net.unit_key`), as arrays. The few that end inside an
IPv6 /64 are "odd" and kept as 128-bit ranges.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import Assertion, Label, Route
from mipdns.inference.ranges import Index, Keys, intersect
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.sweeping import sweep
from mipdns.inference.trust import Trust, learn
from mipdns.inference.voices import NOTHING, Heard, Voice, hear, voice, widened, without_people
from mipdns.net import Range

V6_FIRST = (net.UNIT_V4_LAST + 1) << 64
"""Below lie the IPv4-mapped addresses and special-purpose space only."""
INSIDE = (1 << 64) - 1


class Piece(NamedTuple):
    """Addresses over which the same voices are heard, within one AS. heard: index into `Ground.heard`; asn 0: none."""

    first: int
    last: int
    heard: int
    asn: int


class Whole(NamedTuple):
    """Pieces of whole units, sorted: first and last unit key (uint64), index of what is heard, AS (0: none)."""

    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    heard: NDArray[np.int64]
    asn: NDArray[np.int64]


class Ground(NamedTuple):
    """Where voices are heard. heard[0] is `NOTHING`; voices: what each entry is made of.

    kept: the assertions that count, or would if their source were believed. dropped: how many expired, how many faded
    to a voice that nowhere says anything, and how many lie in each kind of hole, even in part; as `doubted_` and its
    name, what percentage of what a source names can be true, where it names too much: under the origin doubted most.
    trust: how far each source is believed.
    """

    whole: Whole
    odd: list[Piece]
    heard: list[Heard]
    voices: list[tuple[Voice, ...]]
    kept: list[Assertion]
    dropped: dict[str, int]
    trust: Trust


class Origins:
    """Which AS originates an address; disjoint, sorted routes."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = routes
        self._firsts = [route.first for route in routes]
        known = [
            (low, high, route.asn)
            for route in routes
            for low, high in key_ranges(route.first, route.last, first_only=True)
        ]
        self._lows = np.array([low for low, _, _ in known], dtype=np.uint64)
        self._highs = np.array([high for _, high, _ in known], dtype=np.uint64)
        self._asns = np.array([*(asn for _, _, asn in known), 0], dtype=np.int64)

    def split(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """A range cut at the borders of routes: (first, last, asn), asn 0 where no route covers it."""
        at = max(bisect_right(self._firsts, first) - 1, 0)
        while at < len(self.routes) and self.routes[at].first <= last:
            route = self.routes[at]
            if route.last >= first:
                if route.first > first:
                    yield first, route.first - 1, 0
                    first = route.first
                yield first, min(route.last, last), route.asn
                if route.last >= last:
                    return
                first = route.last + 1
            at += 1
        yield first, last, 0

    def of_units(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The AS of each unit's first address, 0 where none."""
        return self._asns[find(self._lows, self._highs, keys)]

    def of_ranges(self, first: Keys, last: Keys) -> tuple[Index, NDArray[np.int64], Keys, Keys]:
        """Ranges of IPv4 units cut at the borders of routes: (index of the range, AS, first, last), what is routed."""
        which, route, first, last = intersect(first, last, self._lows, self._highs)
        return which, self._asns[route], first, last


def find(lows: NDArray[np.uint64], highs: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The index of the range that holds each key, -1 for none. Ranges are inclusive, disjoint and sorted."""
    at = np.searchsorted(lows, keys, side="right").astype(np.int64) - 1
    if not len(lows):
        return at
    at[(at >= 0) & (highs[at] < keys)] = -1
    return at


def key_ranges(first: int, last: int, *, first_only: bool = False) -> Iterator[tuple[int, int]]:
    """The unit keys, first and last, of the units that lie wholly in a range; or whose first address does."""
    low, high = max(first, net.V4_FIRST), min(last, net.V4_LAST)
    if low <= high:
        yield low & net.UNIT_V4_LAST, high & net.UNIT_V4_LAST
    low = (max(first, V6_FIRST) + INSIDE) >> 64
    high = last >> 64 if first_only else ((last + 1) >> 64) - 1
    if low <= high:
        yield low, high


def keys_within(ranges: Iterable[Range]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """First and last key of the units that lie wholly in a range; for `find`. ranges: merged."""
    keys = [bounds for first, last in ranges for bounds in key_ranges(first, last)]
    lows, highs = np.array(keys, dtype=np.uint64).reshape(-1, 2).T
    return lows, highs


def broken_units(ranges: Iterable[Range]) -> set[int]:
    """Keys of the IPv6 units inside which a range starts or ends."""
    keys: set[int] = set()
    for first, last in ranges:
        if first & INSIDE and first >= V6_FIRST:
            keys.add(first >> 64)
        if (last + 1) & INSIDE and last >= V6_FIRST:
            keys.add(last >> 64)
    return keys


def survey(
    assertions: Iterable[Assertion],
    origins: Origins,
    holes: dict[str, list[Range]],
    card: Scorecard,
    as_of: datetime.date,
    labels: Iterable[Label] = (),
    trust: Trust | None = None,
) -> Ground:
    """Where which assertions are heard, and how loud.

    holes: by the name under which what lies in them is counted, each merged. labels: what people said; sources that
    they bear out or contradict are believed accordingly. trust: how far sources are believed, where that is known.
    """
    kept: list[Assertion] = []
    dropped = {f"assertions_{name}": 0 for name in ("expired", "faded", *holes)}
    said = list(assertions)
    alive = [assertion for assertion in said if assertion.expires >= as_of]
    dropped["assertions_expired"] = len(said) - len(alive)
    trust = learn(labels, alive, card, origins.split) if trust is None else trust
    for (source, _), share in trust.doubted.items():
        dropped[f"doubted_{source}"] = min(int(100 * share), dropped.get(f"doubted_{source}", 100))
    ids: dict[Voice, int] = {}
    claims: list[tuple[int, int, int]] = []
    for assertion in alive:
        left = [widened(assertion)]
        for name, ranges in holes.items():
            before, left = left, [part for range_ in left for part in net.subtract(*range_, ranges)]
            dropped[f"assertions_{name}"] += before != left
        if left:
            kept.append(assertion)
            if trust.depends_on_as(assertion.source):
                parts = [part for range_ in left for part in origins.split(*range_)]
            else:
                parts = [(first, last, 0) for first, last in left]
            audible = False
            for first, last, asn in parts:
                one = voice(assertion, card, as_of, asn, trust)
                audible |= one.audible
                if any(each.audible for each in (one, *without_people([one]))):
                    claims.append((first, last, ids.setdefault(one, len(ids))))
            dropped["assertions_faded"] += not audible
    sets: dict[tuple[int, ...], int] = {(): 0}
    swept = list(sweep(claims, sets))
    by_id = list(ids)
    voices = [tuple(by_id[one] for one in members) for members in sets]
    heard = [hear(said, card) for said in voices]
    pieces = [
        Piece(first, last, at, asn)
        for start, end, at in swept
        if heard[at] is not NOTHING
        for first, last, asn in origins.split(start, end)
    ]
    whole, odd = _whole_and_odd(pieces)
    return Ground(whole, odd, heard, voices, kept, dropped, trust)


def _whole_and_odd(pieces: list[Piece]) -> tuple[Whole, list[Piece]]:
    rows: list[tuple[int, int, int, int]] = []
    odd: list[Piece] = []
    for first, last, heard, asn in pieces:
        if net.is_v4(first):
            rows.append((first & net.UNIT_V4_LAST, last & net.UNIT_V4_LAST, heard, asn))
            continue
        low, high = (first + INSIDE) >> 64, ((last + 1) >> 64) - 1
        if low > high + 1:
            odd.append(Piece(first, last, heard, asn))
            continue
        if first < low << 64:
            odd.append(Piece(first, (low << 64) - 1, heard, asn))
        if low <= high:
            rows.append((low, high, heard, asn))
        if last >= (high + 1) << 64:
            odd.append(Piece((high + 1) << 64, last, heard, asn))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    whole = Whole(
        np.array(columns[0], dtype=np.uint64),
        np.array(columns[1], dtype=np.uint64),
        np.array(columns[2], dtype=np.int64),
        np.array(columns[3], dtype=np.int64),
    )
    return whole, odd
