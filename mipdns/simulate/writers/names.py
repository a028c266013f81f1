"""Reverse names (PTR). In: the made world. Out: `address,name`, for a share of its IPv4 units; some names are stale."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KINDS
from mipdns.simulate.plan import NETWORKS, WorldPlan
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_csv

# {d}: the octets joined by dashes; {n}: a number. Of several forms a network has one; "" is a kind seldom named.
_FORMS: dict[str, tuple[str, ...]] = {
    "household": ("p{d}.dip0", "{d}.dynamic", "cpe-{d}.res", "host-{d}.dsl", "{d}.pool", "c-{d}.hsd"),
    "lone_office": ("{d}.static", "mail{n}", "static-{d}.biz"),
    "office": ("{d}.static", "gw{n}", "static-{d}.biz", "fw.office{n}"),
    "server": ("vps{n}", "s{n}.vps", "server-{d}", "web{n}"),
    "crawler": ("crawl-{d}",),
    "scanner": ("scan-{n}.census", ""),
    "cgnat": ("{d}.cgn", "nat-{d}.cgnat", "cgn-pool{n}", "{d}.dynamic", "{d}.pool"),
    "mobile": ("{d}.mobile", "{d}.lte.gw", "mob-{d}", ""),
    "vpn": ("", "exit{n}", "vpn-{n}", "vps{n}"),
    "forward_proxy": ("proxy{n}.sgw", ""),
    "reverse_proxy": ("",),
    "tor": ("tor-exit-{n}", "vps{n}", "this-is-a-tor-exit-{n}"),
    "relay": ("",),
    "campus": ("wifi-nat{n}", "nat{n}.campus", "eduroam-{n}"),
}
_LIKE = {"heavy": "household", "gamer": "household", "torrent": "household", "disguised_crawler": "server"}


def write_ptr(path: Path, world: World, plan: WorldPlan, rng: np.random.Generator) -> Written:
    """Names for the share `plan.named` of IPv4 units; of them the share `plan.misnamed` has another kind's."""
    rows: list[tuple[str, str]] = []
    units = world.units
    named = (units.key < 1 << 32) & (rng.random(len(units.key)) < plan.named)
    stale = rng.random(len(units.key)) < plan.misnamed
    home = [at for at, network in enumerate(NETWORKS) if "home" in network.roles]
    for unit in np.flatnonzero(named).tolist():
        kind = KINDS[int(units.kind[unit])].name
        at = int(units.network[unit])
        if stale[unit]:
            kind = KINDS[int(rng.integers(0, len(KINDS)))].name
        elif at in home and kind in ("scanner", "lone_office"):
            kind = "household"
        name = _name(kind, int(units.key[unit]), at)
        if name:
            rows.append((str(IPv4Address(int(units.key[unit]))), name))
    return write_csv(path, ("address", "name"), rows)


def _name(kind: str, key: int, network: int) -> str:
    forms = _FORMS.get(_LIKE.get(kind, kind), ("",))
    form = forms[(network + key // 65536) % len(forms)]
    if not form:
        return ""
    dashes = str(IPv4Address(key)).replace(".", "-")
    return f"{form.format(d=dashes, n=key % 997)}.{NETWORKS[network].domain}"
