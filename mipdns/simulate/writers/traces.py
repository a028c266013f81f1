"""RIPE Atlas traceroutes from probes in the made world. In: its units. Out: one ndjson file.

What a probe sees first tells where it stands: a carrier NAT's shared space (RFC 6598) behind a home router, two private
hops of an ordinary access network, or a data centre that numbers its own routers from 100.64.0.0/10.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KINDS, Kind
from mipdns.simulate.plan import EIGHTS
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_lines
from mipdns.simulate.writers.rows import address_text, epoch_s

# Probes among 3,000 units; a larger world has more, up to as many as RIPE Atlas has.
_PROBES_A_KIND = {
    "household": 40, "household6": 12, "cgnat": 16, "mobile": 4, "server": 8, "lone_office": 3, "campus": 2,
}  # fmt: skip
_PROBES_FOR_UNITS = 3000
_PROBES_MOST = 12_000
_BACKBONE = EIGHTS[-1] << 24 | 0xF1 << 16
_TARGETS = ("33.240.0.53", "2a1e:ff00::53")


def write_atlas(path: Path, world: World, last_day: datetime.date, rng: np.random.Generator) -> Written:
    """Three measurements from each of a few probes a kind, over the last three days."""
    lines: list[str] = []
    probe = 0
    units = world.units
    scale = min(max(1.0, len(units.kind) / _PROBES_FOR_UNITS), _PROBES_MOST / sum(_PROBES_A_KIND.values()))
    now = units.until >= world.days - 1
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero((units.kind == number) & now)
        wanted = round(_PROBES_A_KIND.get(kind.name, 0) * scale)
        for unit in np.sort(rng.permutation(rows)[: min(wanted, max(1, len(rows) // 10))]).tolist():
            probe += 1
            shows = world.networks[int(units.network[unit])].shows
            for back in range(3):
                day = last_day - datetime.timedelta(days=back)
                at_s = epoch_s(day) + int(rng.integers(0, 86_000))
                lines.append(json.dumps(_result(kind, int(units.key[unit]), probe, at_s, rng, shows=shows)))
    return write_lines(path, lines)


def _result(kind: Kind, key: int, probe: int, at_s: int, rng: np.random.Generator, *, shows: bool) -> dict[str, object]:
    six = kind.family == 6
    source = address_text(key, 0x1234) if six else address_text(key)
    local, hops = _beginning(kind, source, probe, shows=shows)
    hops += ["2a1e:ff01:0:1::1", _TARGETS[1]] if six else [address_text(_BACKBONE + probe), _TARGETS[0]]
    return {
        "fw": 5080,
        "mver": "2.6.2",
        "lts": 21,
        "endtime": at_s + 4,
        "dst_name": _TARGETS[six],
        "dst_addr": _TARGETS[six],
        "src_addr": local,
        "proto": "ICMP",
        "af": kind.family,
        "size": 48,
        "paris_id": int(rng.integers(0, 16)),
        "result": [{"hop": at, "result": _replies(hop, at, rng)} for at, hop in enumerate(hops, 1)],
        "msm_id": 5051 if kind.family == 4 else 6051,
        "prb_id": 60_000 + probe,
        "timestamp": at_s,
        "msm_name": "Traceroute",
        "from": source,
        "type": "traceroute",
        "stored_timestamp": at_s + 60,
    }


def _replies(hop: str, at: int, rng: np.random.Generator) -> list[dict[str, object]]:
    if not hop:
        return [{"x": "*"}] * 3
    return [
        {"from": hop, "ttl": 65 - at, "size": 76, "rtt": round(float(at * rng.uniform(0.4, 4)), 3)} for _ in range(3)
    ]


def _beginning(kind: Kind, source: str, probe: int, *, shows: bool) -> tuple[str, list[str]]:
    """The probe's own address and the hops inside its access network; "" is a hop that does not answer.

    shows: its carrier NAT uses 100.64.0.0/10; the others use private space as ordinary networks do, or hide.
    """
    router = f"192.168.{probe % 3}.1"
    inside = f"192.168.{probe % 3}.{10 + probe % 200}"
    shared = f"100.{64 + probe % 64}.{probe % 256}.1"
    if kind.family == 6:
        return source, ["", f"{source.rsplit(':', 1)[0]}:1"]
    if kind.name == "cgnat" and shows:
        if probe % 5 == 0:  # a probe plugged in without a router: its own address is the shared one
            return f"100.{64 + probe % 64}.{probe % 256}.77", [shared, "10.255.0.1"]
        return inside, [router, shared, "" if probe % 4 else "10.255.0.1"]
    if kind.name == "mobile":
        return inside, [router, "", f"10.{probe % 250}.0.1"]
    if kind.name == "server":  # public from the first hop; some providers use shared space inside
        return source, ["100.100.100.1" if probe % 3 == 0 else "", f"10.71.{probe % 250}.17"]
    return inside, [
        router,
        f"10.{probe % 250}.12.1" if probe % 3 == 0 else f"172.16.{probe % 250}.1" if probe % 3 == 1 else "",
    ]
