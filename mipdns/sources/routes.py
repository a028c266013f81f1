"""Which AS originates which range. In: `ranges`, `pfx2as` or `iptoasn` files. Out: routes as read, and as a flat table.

The one rule: of overlapping ranges the narrowest speaks, as in forwarding (longest match).
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mipdns import net
from mipdns.config import Routes
from mipdns.evidence import Route
from mipdns.sources.reading import Read, Tally, clip, date_in_comment, expand, fields, lines

ASN_MAX = (1 << 32) - 1


class RawRoute(NamedTuple):
    """A route as a file has it; ranges may overlap. org: the AS's name in that file, "" where it gives none."""

    first: int
    last: int
    asn: int
    org: str


def read(source: Routes, *, bad_lines_max: float) -> Read[RawRoute]:
    """Every route of a source, in the order of its files and lines. Raises SourceError.

    AS 0 (RFC 7607: not routed) and default routes are well read and give no route. Of several origins of one prefix
    the first is kept: CAIDA puts the one that most of its peers saw first. Ranges wholly in special-purpose space are
    dropped and counted.
    """
    parse = _PARSERS[source.format]
    tally = Tally(source, bad_lines_max)
    routes: list[RawRoute] = []
    for path in expand(source):
        file = tally.file(path)
        for number, line in lines(path):
            if not line or line.isspace():
                continue
            if line.startswith("#"):
                file.saw(date_in_comment(line))
                continue
            try:
                route = parse(line)
            except ValueError as fault:
                if file.lines or not _HEADER.match(line):
                    file.bad(number, str(fault))
                continue
            if _is_all_special(route.first, route.last):
                file.dropped += 1
                continue
            file.rows += 1
            if route.asn and (route.first, route.last) not in _DEFAULT_ROUTES:
                routes.append(_beside_v4(route))
    return Read(routes, tally.close())


_DEFAULT_ROUTES = {(0, net.ADDRESS_MAX), (net.V4_FIRST, net.V4_LAST)}


_HEADER = re.compile(r'"?[A-Za-z_ ]+"?[,\t]')
"""A first line whose first column is a word: names of columns, which some publishers add."""


def _is_all_special(first: int, last: int) -> bool:
    return net.is_special(first) and not any(True for _ in net.subtract(first, last, net.SPECIAL))


def _beside_v4(route: RawRoute) -> RawRoute:
    """An IPv6 range that begins below ::ffff:0:0/96 must not claim the IPv4 addresses that lie within that."""
    if route.first < net.V4_FIRST and route.last >= net.V4_FIRST:
        return route._replace(first=net.V4_LAST + 1)
    return route


def _range(start: str, end: str) -> net.Range:
    first, last = net.parse_address(start), net.parse_address(end)
    if net.is_v4(first) != net.is_v4(last):
        raise ValueError(f"{clip(start)} to {clip(end)} runs from one address family into the other")
    if first > last:
        raise ValueError(f"{clip(start)} to {clip(end)} ends before it starts")
    return first, last


def _asn(text: str) -> int:
    digits = text[2:] if text[:2] in ("AS", "as") else text
    if not (digits.isascii() and digits.isdigit()) or int(digits[:20]) > ASN_MAX:
        raise ValueError(f"{clip(text)} is not an AS number")
    return int(digits)


def _parse_ranges(line: str) -> RawRoute:
    columns = fields(line) if '"' in line else line.split(",", 3)
    if len(columns) not in (3, 4):
        raise ValueError(f"has {len(columns)} columns, not start,end,asn,organisation: {clip(line)}")
    first, last = _range(columns[0].strip(), columns[1].strip())
    return RawRoute(first, last, _asn(columns[2].strip()), columns[3].strip() if len(columns) == 4 else "")


def _parse_pfx2as(line: str) -> RawRoute:
    columns = line.split()
    if len(columns) != 3:
        raise ValueError(f"has {len(columns)} columns, not prefix, length and AS: {clip(line)}")
    first, last = net.parse_range(f"{columns[0]}/{columns[1]}")
    origin = columns[2].replace("_", ",").replace("{", "").replace("}", "").split(",")[0]
    return RawRoute(first, last, _asn(origin), "")


def _parse_iptoasn(line: str) -> RawRoute:
    columns = line.split("\t")
    if len(columns) != 5:
        raise ValueError(f"has {len(columns)} tab-separated columns, not start, end, AS, country, name: {clip(line)}")
    first, last = _range(columns[0], columns[1])
    return RawRoute(first, last, _asn(columns[2]), columns[4].strip())


_PARSERS: dict[str, Callable[[str], RawRoute]] = {
    "ranges": _parse_ranges,
    "pfx2as": _parse_pfx2as,
    "iptoasn": _parse_iptoasn,
}


def flatten(raw: Sequence[RawRoute]) -> list[Route]:
    """Disjoint, sorted routes: at every address the narrowest range's AS, of equally wide ones the later in `raw`.

    Adjacent pieces of one AS are merged. O(n log n).
    """
    order = sorted(range(len(raw)), key=lambda at: raw[at].first)
    flat: list[Route] = []
    open_ranges: list[tuple[int, int, int, int]] = []  # a heap of (width, -place in raw, last, asn)
    position = 0

    def emit_to(end: int) -> None:
        nonlocal position
        while open_ranges and position <= end:
            _, _, last, asn = open_ranges[0]
            if last < position:
                heapq.heappop(open_ranges)
                continue
            stop = min(last, end)
            if flat and flat[-1].asn == asn and flat[-1].last + 1 == position:
                flat[-1] = Route(flat[-1].first, stop, asn)
            else:
                flat.append(Route(position, stop, asn))
            position = stop + 1

    for at in order:
        first, last, asn, _ = raw[at]
        emit_to(first - 1)
        position = first
        heapq.heappush(open_ranges, (last - first, -at, last, asn))
    emit_to(net.ADDRESS_MAX)
    return flat
