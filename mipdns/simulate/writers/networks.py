"""Routes in each format, and PeeringDB. In: the made world's networks. Out: files.

Each route file knows a part of the networks, and they overlap; all are right. What PeeringDB says is as the networks
declare it: some nothing, one wrongly.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import numpy as np

from mipdns.simulate.plan import NETWORKS, TRANSIT, Network, transit_v4, v4_base, v6_base
from mipdns.simulate.population import Population
from mipdns.simulate.writers.files import Written, write_bytes, write_csv, write_lines


def write_routes(folder: Path, units: Population) -> list[Written]:
    """`ranges` of every network, `pfx2as` and `iptoasn` of some; the transit network's wide routes lie over them."""
    prefixes = list(_prefixes(units))
    ranges = [
        (_text(first), _text(first + (1 << bits) - 1), NETWORKS[at].asn, NETWORKS[at].name)
        for at, first, bits in prefixes
    ]
    some = [row for row in prefixes if row[0] % 3 == 0 or row[0] == TRANSIT]
    pfx2as = [f"{_text(first)}\t{_width(first) - bits}\t{_origins(at)}" for at, first, bits in some]
    iptoasn = [
        "\t".join((_text(first), _text(first + (1 << bits) - 1), str(entry.asn), entry.country, entry.name))
        for at, first, bits in prefixes
        if at % 3 == 1 and (entry := NETWORKS[at])
    ]
    return [
        write_csv(folder / "ranges.csv.gz", (), ranges),
        write_lines(folder / "pfx2as.txt", pfx2as),
        write_lines(folder / "iptoasn.tsv.zst", iptoasn),
    ]


def _prefixes(units: Population) -> Iterator[tuple[int, int, int]]:
    """Network, first address and host bits of every route: the /16s in use, a /32 each, the transit's /8s over all."""
    four = units.key < 1 << 32
    for at in range(len(NETWORKS)):
        if at == TRANSIT:
            continue
        for block in np.unique(units.key[four & (units.network == at)] >> np.uint64(16)).tolist() or [
            v4_base(at) >> 16
        ]:
            yield at, block << 16, 16
        yield at, v6_base(at) << 64, 96
    for first in transit_v4():
        yield TRANSIT, first, 24
    yield TRANSIT, v6_base(TRANSIT) << 64, 96


def _width(address: int) -> int:
    return 32 if address < 1 << 32 else 128


def _text(address: int) -> str:
    return str(IPv4Address(address) if address < 1 << 32 else IPv6Address(address))


def _origins(at: int) -> str:
    """One prefix in the table has two origins: the anycast of the reverse proxy."""
    asn = NETWORKS[at].asn
    return f"{asn}_{NETWORKS[TRANSIT].asn}" if NETWORKS[at].roles == ("cdn",) else str(asn)


def write_peeringdb(folder: Path, as_of: datetime.date) -> list[Written]:
    """Two pages of the API and an older dump. The dump still has a type that its network has corrected since."""
    known = [network for network in NETWORKS if network.declared is not None]
    half = len(known) // 2
    written = []
    for number, part in enumerate((known[:half], known[half:]), 1):
        path = folder / f"net-{number}.json"
        rows = [_net(network, network.declared or "", as_of - datetime.timedelta(days=40)) for network in part]
        write_bytes(path, (json.dumps({"data": rows, "meta": {}}, indent=1) + "\n").encode())
        written.append(Written(path, len(rows)))
    old = [_net(network, "Not Disclosed", as_of - datetime.timedelta(days=900)) for network in known[::4]]
    path = folder / "dump.json.gz"
    write_bytes(path, json.dumps({"net": {"data": old, "meta": {"generated": 0}}}).encode())
    return [*written, Written(path, len(old))]


def _net(network: Network, info_type: str, updated: datetime.date) -> dict[str, object]:
    place = NETWORKS.index(network)
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
