"""The networks of a made world. In: how many units each role has, a seeded generator. Out: `Network` rows.

Its one rule: size decides what is known of a network. Large ones tell PeeringDB and name their addresses; many small
ones do neither, so that what is missing is not missing at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mipdns.simulate.agents import MARKETS
from mipdns.simulate.kinds import Role
from mipdns.simulate.plan import Errors

FIRST_ASN = 4_200_000_000
"""For private use (RFC 6996), names end in `.example` (RFC 2606): no real network is spoken of."""
MOST_NETWORKS = 20_000


class Network(NamedTuple):
    """An AS. zone_h: its local time less UTC, hours. market: into `MARKETS`. declared: PeeringDB `info_type`, None
    where it has no entry. named: whether its addresses have names; form: which of the usual forms. weight: its share
    of the units of its roles. rank: 0 the smallest of its role, 1 the largest. separate: pools lie apart from lines.
    delegated: bits of the prefix that an IPv6 line gets. shows: traceroutes show 100.64.0.0/10 inside.
    """

    asn: int
    name: str
    domain: str
    country: str
    zone_h: float
    market: int
    roles: tuple[Role, ...]
    declared: str | None
    named: bool
    form: int
    weight: float
    rank: float
    separate: bool
    delegated: int
    shows: bool


_PLACES: tuple[tuple[str, float], ...] = (
    ("DE", 1), ("GB", 0), ("FR", 1), ("NL", 1), ("PL", 1), ("ES", 1), ("EG", 2), ("ZA", 2), ("TR", 3), ("IN", 5.5),
    ("ID", 7), ("TH", 7), ("SG", 8), ("JP", 9), ("AU", 10), ("BR", -3), ("AR", -3), ("CL", -4), ("US", -5), ("US", -6),
    ("US", -8), ("MX", -6), ("CO", -5), ("NG", 1), ("KE", 3),
)  # fmt: skip
_SYLLABLES = (
    "nor", "del", "ser", "kum", "alp", "ven", "tal", "lum", "ost", "mar", "ril", "cas", "ban", "or", "vik", "ze",
)  # fmt: skip
_KIND_WORDS: dict[Role, tuple[str, ...]] = {
    "home": ("Broadband", "Cable", "Fiber", "Telecom"), "cgnat": ("Net", "Broadband", "Wireless", "Telecom"),
    "mobile": ("Mobile", "Cellular", "Telecom"), "office": ("Business", "Offices", "Net"),
    "campus": ("University", "College", "Schools"), "hosting": ("Hosting", "Cloud", "Servers", "Networks"),
    "vpn": ("Private Net", "Networks", "Hosting"), "relay": ("Edge", "Networks"), "cdn": ("Edge", "Networks"),
    "gateway": ("Secure Web", "Security"), "search": ("Search", "Networks"), "transit": ("Backbone", "Carrier"),
}  # fmt: skip
_DECLARED: dict[Role, tuple[tuple[str, float], ...]] = {
    "home": (("Cable/DSL/ISP", 0.8), ("NSP", 0.2)), "cgnat": (("Cable/DSL/ISP", 0.75), ("NSP", 0.25)),
    "mobile": (("Cable/DSL/ISP", 0.55), ("NSP", 0.45)), "office": (("Enterprise", 0.6), ("NSP", 0.4)),
    "campus": (("Educational/Research", 0.9), ("Non-Profit", 0.1)), "hosting": (("Content", 0.6), ("NSP", 0.4)),
    "vpn": (("NSP", 0.5), ("Content", 0.5)), "relay": (("Content", 1.0),), "cdn": (("Content", 1.0),),
    "gateway": (("Enterprise", 0.6), ("Content", 0.4)), "search": (("Content", 1.0),), "transit": (("NSP", 1.0),),
}  # fmt: skip
_ALL_TYPES = ("Cable/DSL/ISP", "NSP", "Content", "Enterprise", "Educational/Research", "Non-Profit", "Not Disclosed")
# Roles that one network may play besides its first, and how often.
_SECOND: dict[Role, tuple[tuple[Role, float], ...]] = {
    "cgnat": (("home", 0.3), ("mobile", 0.1)), "home": (("office", 0.2), ("mobile", 0.06)), "hosting": (("vpn", 0.4),),
    "relay": (("cdn", 0.4),), "mobile": (("home", 0.1),), "cdn": (("gateway", 0.2),),
}  # fmt: skip


def make_networks(units: Mapping[Role, int], per_network: int, errors: Errors, rng: np.random.Generator, *,
                  shows: float) -> tuple[Network, ...]:  # fmt: skip
    """Networks for so many units of each role, the transit network last. shows: share of them that show their insides.

    Every role has two networks at least; their sizes differ as a Pareto's do.
    """
    made: list[Network] = []
    whole = sum(units.values())
    per_network = max(per_network, -(-whole // (MOST_NETWORKS - 40)))
    for role, count in units.items():
        number = max(2, round(count / per_network))
        weights = np.sort(1 + rng.pareto(1.1, number))
        shown = rng.permutation(number) < np.ceil(shows * number)
        for at in range(number):
            made.append(_network(role, float(weights[at]), at / max(1, number - 1), errors, rng, shows=bool(shown[at])))
    order = rng.permutation(len(made))
    made = [made[at] for at in order.tolist()]
    made.append(_network("transit", 1.0, 1.0, errors, rng, shows=False))
    return tuple(
        network._replace(asn=FIRST_ASN + 7 * at, domain=f"{network.domain}{at}.example")
        for at, network in enumerate(made)
    )


def _network(role: Role, weight: float, rank: float, errors: Errors, rng: np.random.Generator, *,
             shows: bool) -> Network:  # fmt: skip
    country, zone_h = _PLACES[int(rng.integers(len(_PLACES)))]
    stem = "".join(_SYLLABLES[int(at)] for at in rng.integers(0, len(_SYLLABLES), 3))
    words = _KIND_WORDS[role]
    roles = (role, *(other for other, chance in _SECOND.get(role, ()) if rng.random() < chance))
    return Network(
        asn=0,
        name=f"{stem.title()} {words[int(rng.integers(len(words)))]}",
        domain=stem,
        country=country,
        zone_h=zone_h,
        market=int(rng.integers(len(MARKETS))),
        roles=roles,
        declared=_declared(role, rank, errors, rng),
        named=bool(rng.random() >= _between(errors.names_missing_small, errors.names_missing_large, rank)),
        form=int(rng.integers(1 << 16)),
        weight=weight,
        rank=rank,
        separate=bool(rng.random() < 0.4),
        delegated=(56, 56, 48, 60, 64)[int(rng.integers(5))],
        shows=shows,
    )


def _declared(role: Role, rank: float, errors: Errors, rng: np.random.Generator) -> str | None:
    missing = _between(errors.peeringdb_missing_small, errors.peeringdb_missing_large, rank)
    absent, fault, choice, wrong = rng.random(4).tolist()
    if absent < missing:
        return None
    if fault < errors.peeringdb_empty:
        return ""
    if fault < errors.peeringdb_empty + errors.peeringdb_wrong:
        return _ALL_TYPES[int(wrong * len(_ALL_TYPES))]
    types = _DECLARED[role]
    below = 0.0
    for name, share in types:
        below += share
        if choice < below:
            return name
    return types[-1][0]


def _between(small: float, large: float, rank: float) -> float:
    return small + (large - small) * rank
