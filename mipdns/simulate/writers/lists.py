"""Published lists: egress ranges of Tor, VPN, relay, proxy, mobile and campus networks, and data centres. Out: files.

As in the field, a list names a part of its class, knows the large operators better than the small, learns late of what
is new, and a share of its entries is no longer true: the address has gone to somebody else, or to nobody.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KIND_NUMBER
from mipdns.simulate.layout import ALONE, Ints
from mipdns.simulate.plan import EIGHTS, v6_start
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_bytes, write_lines
from mipdns.simulate.writers.rows import prefix_text

_PLACES = ("US,US-NY,New York", "DE,DE-BE,Berlin", "JP,,Tokyo", "BR,BR-SP,", "GB,,London", "IN,IN-MH,Mumbai")
_LEARNT = 0.3
"""Chance that a list already knows what began within the window."""
_SILENT = EIGHTS[-1] << 24 | 0xE0 << 16
"""Where addresses lie that nobody uses any more."""
_KNOWN_HOSTERS = 0.8


def write_lists(
    folder: Path, world: World, as_of: datetime.date, rng: np.random.Generator, without: Sequence[str] = ()
) -> list[Written]:
    """Every list but those named in `without`; `simulate.configuration` says what class each is of."""
    pick = _Picker(world, rng)
    errors = world.plan.errors
    large, small = errors.list_large, errors.list_small
    made: dict[str, Callable[[], Written]] = {
        "tor": lambda: _cidr(
            folder / "tor-exits.txt", "Tor exits", as_of, pick(("tor",), errors.list_tor, errors.list_tor)
        ),
        "vpn": lambda: _cidr(folder / "vpn.txt.gz", "VPN ranges", as_of, pick(("vpn", "vpn6"), small, large)),
        "relay": lambda: _geofeed(folder / "relay-egress.csv", as_of, pick(("relay", "relay6"), 1.0, 1.0, stale=0.0)),
        "secure-web": lambda: _misp(
            folder / "secure-web-gateways.json", pick(("forward_proxy", "gateway6"), small, large)
        ),
        "edge-network": lambda: _cidr(
            folder / "edge-network.txt", "Edge network", as_of,
            pick(("reverse_proxy", "reverse_proxy6"), small, 1.0, stale=0.0),
        ),
        "mobile": lambda: _geofeed(folder / "mobile-geofeed.csv", as_of, pick.one_network("mobile")),
        "campus": lambda: _cidr(
            folder / "universities.txt.zst", "University networks", as_of, pick(("campus", "campus6"), small, large)
        ),
        "hosting": lambda: _cidr(folder / "datacentres.txt", "Data centres", as_of, _data_centres(world, rng)),
    }  # fmt: skip
    return [write() for name, write in made.items() if name not in without]


class _Picker:
    """Chooses what a list names. It holds the random numbers' state; each list draws from it in turn."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self._world, self._rng = world, rng
        single = np.isin(world.units.kind, [KIND_NUMBER[name] for name in ("server", "household", "scanner")])
        self._others = np.flatnonzero(single)

    def __call__(self, kinds: Sequence[str], small: float, large: float, *, stale: float | None = None) -> list[str]:
        """Whole pools and lone addresses, as the prefixes that hold just them: publishers list what they were allotted.

        small, large: chance of a pool of the smallest and of the largest network.
        """
        units, rows = self._world.units, self._rows(kinds)
        rank = np.array([network.rank for network in self._world.networks])
        _, group = np.unique(np.where(units.pool[rows] == ALONE, -1 - rows, units.pool[rows]), return_inverse=True)
        chance = small + (large - small) * rank[units.network[rows]]
        chance = np.where(units.since[rows] > 0, chance * _LEARNT, chance)
        draw = self._rng.random(int(group.max(initial=-1)) + 1)[group]
        chosen = rows[draw < chance]
        if not len(chosen):
            chosen = rows[:1]  # a list that names nobody would not be published
        texts = list(_covering(np.unique(units.key[chosen]).tolist()))
        return self._with_faults(texts, stale)

    def one_network(self, kind: str) -> list[str]:
        """The pools of the one operator that publishes them: the largest."""
        units, rows = self._world.units, self._rows((kind,))
        if not len(rows):
            return []
        largest = int(np.bincount(units.network[rows]).argmax())
        return list(_covering(np.unique(units.key[rows[units.network[rows] == largest]]).tolist()))

    def _rows(self, kinds: Sequence[str]) -> Ints:
        return np.flatnonzero(np.isin(self._world.units.kind, [KIND_NUMBER[name] for name in kinds]))

    def _with_faults(self, texts: list[str], stale: float | None) -> list[str]:
        """Add entries that were true once, half now somebody else's, half silent; and rows that are there twice."""
        errors = self._world.plan.errors
        share = errors.list_stale if stale is None else stale
        count = int(np.ceil(len(texts) * share))
        taken = self._rng.choice(self._others, size=min((count + 1) // 2, len(self._others)), replace=False)
        texts += [prefix_text(int(self._world.units.key[row])) for row in taken]
        silent = np.unique(self._rng.integers(0, 1 << 16, size=count // 2)).tolist()
        texts += [str(IPv4Address(_SILENT + last)) for last in silent]
        twice = self._rng.integers(0, max(1, len(texts)), round(len(texts) * errors.duplicated)).tolist()
        texts += [texts[at] for at in twice]
        return [texts[at] for at in self._rng.permutation(len(texts))]


def _covering(keys: list[int]) -> Iterable[str]:
    """The fewest prefixes that hold units and nothing else."""
    four = collapse_addresses([IPv4Network(key) for key in keys if key < 1 << 32])
    yield from (str(network).removesuffix("/32") for network in four)
    yield from map(str, collapse_addresses([IPv6Network((key << 64, 64)) for key in keys if key >= 1 << 32]))


def _data_centres(world: World, rng: np.random.Generator) -> list[str]:
    """Most of the networks that host servers, not all, and wrongly an ISP's blocks for business."""
    networks, units = world.networks, world.units
    roles = [set(network.roles) for network in networks]
    hosts = np.array([bool({"hosting", "vpn"} & each) for each in roles])
    known = hosts & (rng.random(len(networks)) < _KNOWN_HOSTERS)
    business = np.array(["office" in each and "home" in each for each in roles])
    four = units.key < 1 << 32
    texts: list[str] = []
    for flags, every in ((known, 1), (business, 8)):
        of_these = four & flags[units.network]
        blocks = np.unique(units.key[of_these] >> np.uint64(8))[::every].tolist()
        texts += map(str, collapse_addresses([IPv4Network((block << 8, 24)) for block in blocks]))
    texts += [str(IPv6Network((v6_start(at) << 64, 32))) for at in np.flatnonzero(known).tolist()]
    return texts


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
