"""Reverse names (PTR). In: the made world. Out: `address,name`, for a share of its IPv4 units; some names are stale.

Whether a network names its addresses at all is the network's; small ones seldom do. Many shared addresses have a name
that says nothing, and a name outlives the use that it was made for.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.networks import Network
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_csv

# {d}: the octets joined by dashes; {n}: a number. Of several forms a network has one; "" is a kind seldom named.
_FORMS: dict[str, tuple[str, ...]] = {
    "household": ("p{d}.dip0", "{d}.dynamic", "cpe-{d}.res", "host-{d}.dsl", "{d}.pool", "c-{d}.hsd", "ip-{d}"),
    "lone_office": ("{d}.static", "mail{n}", "static-{d}.biz", "ip-{d}"),
    "office": ("{d}.static", "gw{n}", "static-{d}.biz", "fw.office{n}", "ip-{d}", "mail{n}"),
    "hotspot": ("{d}.dynamic", "host-{d}.dsl", "wifi{n}.guest", "{d}.static", "ip-{d}"),
    "server": ("vps{n}", "s{n}.vps", "server-{d}", "web{n}", "ip-{d}"),
    "crawler": ("crawl-{d}", "vps{n}", "ip-{d}"),
    "scanner": ("scan-{n}.census", "", "vps{n}"),
    "cgnat": ("{d}.cgn", "nat-{d}.cgnat", "cgn-pool{n}", "nat{n}.pool", "{d}.lsn"),
    "mobile": ("{d}.mobile", "{d}.lte.gw", "mob-{d}", "apn{n}", ""),
    "vpn": ("", "exit{n}", "vpn-{n}", "vps{n}", "ip-{d}"),
    "forward_proxy": ("proxy{n}.sgw", "", "gw{n}", "ip-{d}"),
    "reverse_proxy": ("", "edge{n}"),
    "tor": ("tor-exit-{n}", "vps{n}", "this-is-a-tor-exit-{n}", "ip-{d}"),
    "relay": ("", "edge{n}"),
    "campus": ("wifi-nat{n}", "nat{n}.campus", "eduroam-{n}", "ip-{d}"),
}
_LIKE = {"heavy": "household", "gamer": "household", "torrent": "household", "rotator": "server"}
_GENERIC = frozenset(("cgnat", "mobile", "campus", "forward_proxy", "tor", "vpn"))
"""Shared addresses that a share of networks names as they name their lines or servers."""


def write_ptr(path: Path, world: World, rng: np.random.Generator) -> Written:
    """Names for a share of the IPv4 units of networks that name theirs; some are of another use, some there twice."""
    units, errors = world.units, world.plan.errors
    four = units.key < 1 << 32
    by_network = np.array([network.named for network in world.networks])
    named = four & by_network[units.network] & (rng.random(len(units.key)) < errors.names)
    # Of a unit whose use changed, the name is of the earlier one.
    named &= units.since == 0
    stale = rng.random(len(units.key)) < errors.names_stale
    other = rng.integers(0, len(KINDS), len(units.key))
    generic = rng.random(len(world.networks)) < errors.names_generic
    twice = rng.random(len(units.key)) < errors.duplicated

    def rows() -> Iterator[tuple[str, str]]:
        for unit in np.flatnonzero(named).tolist():
            at = int(units.network[unit])
            network = world.networks[at]
            kind = KINDS[int(other[unit] if stale[unit] else units.kind[unit])].name
            if generic[at] and kind in _GENERIC:
                kind = "server" if KINDS[KIND_NUMBER[kind]].role in ("hosting", "vpn") else "household"
            elif "home" in network.roles and kind in ("scanner", "lone_office", "rotator"):
                kind = "household"
            address = str(IPv4Address(int(units.key[unit])))
            name = _name(kind, address, int(units.key[unit]), network)
            if name:
                yield from [(address, name)] * (1 + bool(twice[unit]))

    return write_csv(path, ("address", "name"), rows())


def _name(kind: str, address: str, key: int, network: Network) -> str:
    forms = _FORMS.get(_LIKE.get(kind, kind), ("",))
    form = forms[network.form % len(forms)]
    return f"{form.format(d=address.replace('.', '-'), n=key % 997)}.{network.domain}" if form else ""
