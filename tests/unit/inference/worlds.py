"""Random evidence for laws: units, assertions, routes and exclusions that crowd into a little space and so overlap."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from mipdns import net
from mipdns.evidence import UNIT_COLUMNS, Route
from tests.unit.inference.build import CARD, assertion

SHARES = {name for name in UNIT_COLUMNS if name.endswith("share")}
COUNTS = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 31.0, 32.0, 60.0, 100.0, 300.0, 2000.0, 1e6])

V4_NET = net.parse_address("51.15.7.0")
V6_NET = net.parse_address("2a02:26f7:1:2::")
SPOTS = [
    V4_NET,
    V6_NET,
    V6_NET + (1 << 64),
    net.parse_address("100.63.255.250"),
    net.parse_address("2a02:26f7:1:ffff::"),
]


def column(name):
    """A value of a unit's column, often missing."""
    numbers = st.floats(0, 1, width=32) if name in SHARES else COUNTS
    return st.one_of(st.just(float("nan")), numbers)


def unit_columns():
    """All columns of a unit."""
    return st.fixed_dictionaries({name: column(name) for name in UNIT_COLUMNS})


@st.composite
def ranges(draw):
    """Ranges of either family, near each other, some reaching into special-purpose space or ending inside a /64."""
    spot = draw(st.sampled_from(SPOTS))
    start = spot + draw(st.integers(0, 40))
    length = draw(st.sampled_from([1, 1, 2, 3, 8, 16, 1 << 64, (1 << 64) + 5]))
    if net.is_v4(spot):
        length = min(length, 64)
    return start, start + length - 1


ORIGINS = st.sampled_from(sorted(CARD.assertions))


@st.composite
def assertions(draw):
    """An assertion of any origin, some expired."""
    first, last = draw(ranges())
    origin = draw(ORIGINS)
    told = assertion("51.15.7.9", origin, age_days=draw(st.integers(-2, 3)), life_days=draw(st.sampled_from([1, 90])))
    return told._replace(first=first, last=last, exact=draw(st.booleans()))


@st.composite
def route_tables(draw):
    """Disjoint, sorted routes around the spots, some ending inside a /64."""
    cuts = sorted({cut for first, last in draw(st.lists(ranges(), max_size=6)) for cut in (first, last + 1)})
    routes = []
    for low, high in pairwise(cuts):
        if net.is_v4(low) == net.is_v4(high - 1):
            asn = draw(st.sampled_from([0, 64500, 64501]))
            if asn:
                routes.append(Route(low, high - 1, asn))
    return routes


@st.composite
def unit_sets(draw):
    """Units by address, near the spots."""
    spots = draw(st.lists(st.tuples(st.sampled_from(SPOTS), st.integers(0, 12)), max_size=10))
    found = {}
    for spot, offset in spots:
        step = 1 if net.is_v4(spot) else 1 << 64
        found[net.format_address(net.unit(spot + offset * step)[0])] = draw(unit_columns())
    return found
