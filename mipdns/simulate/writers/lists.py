"""Published lists: egress ranges of Tor, VPN, relay, proxy, mobile and campus networks, and data centres. Out: files.

As in the field, a list names a part of its class, and a share of its entries is no longer true: the address has gone
to somebody else, or to nobody.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KIND_NUMBER
from mipdns.simulate.layout import Ints
from mipdns.simulate.plan import NETWORKS, WorldPlan, v4_base, v6_base
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_bytes, write_lines
from mipdns.simulate.writers.rows import prefix_text

_HOSTER = next(at for at, network in enumerate(NETWORKS) if "hosting" in network.roles)
_PLACES = ("US,US-NY,New York", "DE,DE-BE,Berlin", "JP,,Tokyo", "BR,BR-SP,", "GB,,London", "IN,IN-MH,Mumbai")


def write_lists(
    folder: Path, world: World, plan: WorldPlan, as_of: datetime.date, rng: np.random.Generator
) -> list[Written]:
    """Every list; `simulate.configuration` says what class each is of."""
    pick = _Picker(world, plan, rng)
    return [
        _cidr(folder / "tor-exits.txt", "Tor exits", as_of, pick.units(("tor",), plan.listed_tor)),
        _cidr(folder / "vpn.txt.gz", "VPN ranges", as_of, pick.pools(("vpn", "vpn6"), plan.listed_vpn)),
        _geofeed(folder / "relay-egress.csv", as_of, pick.pools(("relay", "relay6"), 1.0, stale=0.0)),
        _misp(folder / "secure-web-gateways.json", pick.pools(("forward_proxy",), plan.listed_proxy)),
        _cidr(
            folder / "edge-network.txt",
            "Edge network",
            as_of,
            pick.pools(("reverse_proxy", "reverse_proxy6"), 0.8, stale=0.0),
        ),
        _geofeed(folder / "mobile-geofeed.csv", as_of, pick.one_network("mobile")),
        _cidr(
            folder / "universities.txt.zst",
            "University networks",
            as_of,
            pick.pools(("campus", "campus6"), plan.listed_campus),
        ),
        _cidr(folder / "datacentres.txt", "Data centres", as_of, _data_centres()),
    ]


class _Picker:
    """Chooses what a list names. It holds the random numbers' state; each list draws from it in turn."""

    def __init__(self, world: World, plan: WorldPlan, rng: np.random.Generator) -> None:
        self._world, self._plan, self._rng = world, plan, rng
        single = np.isin(world.units.kind, [KIND_NUMBER[name] for name in ("server", "household", "scanner")])
        self._others = np.flatnonzero(single)

    def units(self, kinds: Sequence[str], share: float, *, stale: float | None = None) -> list[str]:
        rows = self._rows(kinds)
        chosen = rows[self._rng.random(len(rows)) < share]
        return self._with_stale([prefix_text(int(self._world.units.key[row])) for row in chosen], stale)

    def pools(self, kinds: Sequence[str], share: float, *, stale: float | None = None) -> list[str]:
        """Whole pools, as the prefixes that hold just them: publishers list what they were allotted."""
        units, rows = self._world.units, self._rows(kinds)
        numbers = np.unique(units.pool[rows])
        chosen = self._rng.permutation(numbers)[: max(1, round(share * len(numbers)))]
        texts = [
            text
            for number in chosen
            for text in _covering(sorted(units.key[rows[units.pool[rows] == number]].tolist()))
        ]
        return self._with_stale(texts, stale)

    def one_network(self, kind: str) -> list[str]:
        """The pools of the one operator that publishes them."""
        units, rows = self._world.units, self._rows((kind,))
        rows = rows[units.network[rows] == units.network[rows].min()]
        return [
            text
            for number in np.unique(units.pool[rows])
            for text in _covering(sorted(units.key[rows[units.pool[rows] == number]].tolist()))
        ]

    def _rows(self, kinds: Sequence[str]) -> Ints:
        return np.flatnonzero(np.isin(self._world.units.kind, [KIND_NUMBER[name] for name in kinds]))

    def _with_stale(self, texts: list[str], stale: float | None) -> list[str]:
        """Add entries that were true once: half now somebody else's, half silent."""
        share = self._plan.stale if stale is None else stale
        count = round(len(texts) * share) if share else 0
        taken = self._rng.choice(self._others, size=(count + 1) // 2, replace=False)
        texts += [prefix_text(int(self._world.units.key[row])) for row in taken]
        silent = self._rng.integers(200, 255, size=count // 2).tolist()
        texts += [str(IPv4Address(v4_base(_HOSTER) + (240 << 8) + last)) for last in silent]
        return [texts[at] for at in self._rng.permutation(len(texts))]


def _covering(keys: list[int]) -> Iterable[str]:
    """The fewest prefixes that hold a pool's units and nothing else."""
    if keys[0] < 1 << 32:
        return map(str, collapse_addresses([IPv4Network(key) for key in keys]))
    return map(str, collapse_addresses([IPv6Network((key << 64, 64)) for key in keys]))


def _data_centres() -> list[str]:
    """Hosting and VPN networks, less two that the list does not know, and, wrongly, an ISP's block for business."""
    known = [at for at, network in enumerate(NETWORKS) if {"hosting", "vpn"} & set(network.roles)][:-2]
    texts = [f"{IPv4Address(v4_base(at))}/16" for at in known]
    texts += [str(IPv6Network((v6_base(at) << 64, 32))) for at in known]
    wrong = next(at for at, network in enumerate(NETWORKS) if network.roles == ("home", "office"))
    return [*texts, f"{IPv4Address(v4_base(wrong))}/24"]


def _cidr(path: Path, title: str, as_of: datetime.date, texts: list[str]) -> Written:
    header = f"# {title}, made by mipdns simulate\n# Last updated: {as_of}\n"
    return write_lines(path, texts, header=header)


def _geofeed(path: Path, as_of: datetime.date, texts: list[str]) -> Written:
    """RFC 8805: prefix, country, region, city, and an empty postal code."""
    lines = [f"{text},{_PLACES[at % len(_PLACES)]}," for at, text in enumerate(texts)]
    return write_lines(path, lines, header=f"# RFC 8805 geofeed, made by mipdns simulate, {as_of}\n")


def _misp(path: Path, texts: list[str]) -> Written:
    document = {
        "name": "Secure web gateways",
        "type": "cidr",
        "version": 20260101,
        "description": "Made by mipdns simulate",
        "matching_attributes": ["ip-src"],
        "list": texts,
    }
    write_bytes(path, (json.dumps(document, indent=2) + "\n").encode())
    return Written(path, len(texts))
