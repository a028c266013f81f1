"""Routes in each format, and PeeringDB. In: the made world's networks. Out: files.

Each route file knows a part of the networks, and they overlap; all are right. What PeeringDB says is as the networks
declare it: some nothing, some wrongly, and the small ones are seldom there.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import numpy as np

from mipdns.simulate.networks import Network
from mipdns.simulate.plan import EIGHTS, v6_start
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_bytes, write_csv, write_lines


def write_routes(folder: Path, world: World) -> list[Written]:
    """`ranges` of every network, `pfx2as` and `iptoasn` of some; the transit network's wide routes lie over them."""
    networks, transit = world.networks, len(world.networks) - 1
    prefixes = list(_prefixes(world))
    ranges = [
        (_text(first), _text(first + (1 << bits) - 1), networks[at].asn, networks[at].name)
        for at, first, bits in prefixes
    ]
    some = [row for row in prefixes if row[0] % 3 == 0 or row[0] == transit]
    pfx2as = [
        f"{_text(first)}\t{_width(first) - bits}\t{_origins(networks[at], networks[transit])}"
        for at, first, bits in some
    ]
    iptoasn = [
        "\t".join((_text(first), _text(first + (1 << bits) - 1), str(entry.asn), entry.country, entry.name))
        for at, first, bits in prefixes
        if at % 3 == 1 and (entry := networks[at])
    ]
    return [
        write_csv(folder / "ranges.csv.gz", (), ranges),
        write_lines(folder / "pfx2as.txt", pfx2as),
        write_lines(folder / "iptoasn.tsv.zst", iptoasn),
    ]


def _prefixes(world: World) -> Iterator[tuple[int, int, int]]:
    """Network, first address and host bits of every route: the /22s in use, a /32 each, the transit's /8s over all."""
    units, transit = world.units, len(world.networks) - 1
    four = units.key < 1 << 32
    pairs = np.unique(np.stack([units.network[four], (units.key[four] >> np.uint64(10)).astype(np.int64)]), axis=1)
    for at, block in pairs.T.tolist():
        yield at, block << 10, 10
    for at in np.unique(units.network[~four]).tolist():
        yield at, v6_start(at) << 64, 96
    for eight in EIGHTS:
        yield transit, eight << 24, 24
    yield transit, v6_start(transit) << 64, 96


def _width(address: int) -> int:
    return 32 if address < 1 << 32 else 128


def _text(address: int) -> str:
    return str(IPv4Address(address) if address < 1 << 32 else IPv6Address(address))


def _origins(network: Network, transit: Network) -> str:
    """Some prefixes have two origins: the anycast of reverse proxies."""
    return f"{network.asn}_{transit.asn}" if "cdn" in network.roles else str(network.asn)


def write_peeringdb(folder: Path, world: World, as_of: datetime.date) -> list[Written]:
    """Two pages of the API and an older dump. The dump still has types that networks have corrected since."""
    known = [(at, network) for at, network in enumerate(world.networks) if network.declared is not None]
    half = len(known) // 2
    written = []
    for number, part in enumerate((known[:half], known[half:]), 1):
        path = folder / f"net-{number}.json"
        updated = as_of - datetime.timedelta(days=40)
        rows = [_net(at, network, network.declared or "", updated) for at, network in part]
        write_bytes(path, (json.dumps({"data": rows, "meta": {}}, indent=1) + "\n").encode())
        written.append(Written(path, len(rows)))
    old = [_net(at, network, "Not Disclosed", as_of - datetime.timedelta(days=900)) for at, network in known[::4]]
    path = folder / "dump.json.gz"
    write_bytes(path, json.dumps({"net": {"data": old, "meta": {"generated": 0}}}).encode())
    return [*written, Written(path, len(old))]


def _net(place: int, network: Network, info_type: str, updated: datetime.date) -> dict[str, object]:
    return {
        "id": place + 1,
        "org_id": 100 + place,
        "name": network.name,
        "aka": "",
        "website": f"https://{network.domain}",
        "asn": network.asn,
        "info_type": info_type,
        "info_types": [info_type] if info_type else [],
        "info_traffic": ("1-5Gbps", "", "100-200Gbps")[place % 3],
        "info_ratio": "Mostly Inbound" if "home" in network.roles else "Balanced",
        "info_scope": ("Regional", "Europe", "Global", "")[place % 4],
        "info_unicast": True,
        "info_ipv6": True,
        "created": "2010-05-04T00:00:00Z",
        "updated": f"{updated}T08:00:00Z",
        "status": "ok",
    }
