"""How fast our server answers beside rbldnsd, on the same listings, asked by the same dnsperf.

In: options. Out: JSON with the machine, the data, every run and the ratios of medians. The one rule: the two take
turns, run by run, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import io
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from mipdns import __version__, net
from mipdns.answer import Identity
from mipdns.config import shipped_zones
from mipdns.export import export_rbldnsd
from mipdns.vocabulary import Class, Signal, Verdict
from mipdns.zonefile import read_zones
from tests import peers, small
from tests.e2e import servers

ORIGIN = "mip.internal"
V6_SHARE = 0.2
HIT_SHARE = 0.5
TXT_SHARE = 0.2
QUERIES = 200_000
OUTSTANDING = 100
SEED = 5782

APEX = f"$SOA 3600 ns1.{ORIGIN} hostmaster.{ORIGIN} 1 3600 600 1209600 60\n$NS 3600 ns1.{ORIGIN}\n"
TTL = "$TTL 300\n"


class Run(NamedTuple):
    """One run of dnsperf.

    found_share: of answers that are NOERROR, to see that both serve the same. cpu_user_us, cpu_us: of the server, per
    completed query, in user space and in all.
    """

    server: str
    queries_per_s: float
    lost: int
    found_share: float
    latency_ms: float
    cpu_user_us: float
    cpu_us: float


def make_verdicts(count: int, chance: random.Random) -> list[Verdict]:
    """Single IPv4 addresses and /64s, all of them listed at the zone's floor, spread over unicast space."""
    wanted_v6 = round(count * V6_SHARE)
    keys: set[int] = set()
    while len(keys) < count - wanted_v6:
        number = chance.randrange(1 << 24, 224 << 24)
        if not net.is_special(net.V4_FIRST | number):
            keys.add(number)
    while len(keys) < count:
        keys.add((0x2A << 56) | chance.getrandbits(40) << 16)
    verdicts = []
    for key in sorted(keys):
        confidence, low = chance.randint(50, 100), 1 << chance.randint(1, 8)
        classes, asn = 1 << chance.randrange(len(Class)), chance.randint(1, 65_000)
        verdicts.append(
            Verdict(*net.unit_range(key), confidence, classes, low, low * 4, Signal.LIST, asn, "2026-11-20")
        )
    return verdicts


def make_queries(verdicts: list[Verdict], chance: random.Random) -> Iterator[str]:
    """Lines for dnsperf: half of them listed addresses, a fifth TXT; the others are near no listing in particular."""
    for _ in range(QUERIES):
        row = chance.choice(verdicts)
        address = chance.randint(row.first, row.last)
        if chance.random() >= HIT_SHARE:
            v4 = net.is_v4(row.first)
            address = (
                net.V4_FIRST | chance.randrange(1 << 24, 224 << 24) if v4 else 0x2 << 124 | chance.getrandbits(124)
            )
        yield f"{net.reverse_name(address)}.{ORIGIN} {'TXT' if chance.random() < TXT_SHARE else 'A'}\n"


def cpu_s(pid: int) -> tuple[float, float]:
    """Seconds that a process, its threads included, has spent in user space and in all (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = (int(fields[at]) / os.sysconf("SC_CLK_TCK") for at in (11, 12))
    return user, user + system


def run(server: str, pid: int, port: int, queries: Path, seconds: float) -> Run:
    """Ask one server for so long. Raises CalledProcessError if dnsperf fails."""
    user_before, all_before = cpu_s(pid)
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-q", str(OUTSTANDING)]
    told = subprocess.run([*command, "-l", f"{seconds:g}"], capture_output=True, text=True, check=True).stdout
    user_after, all_after = cpu_s(pid)

    def figure(label: str) -> float:
        found = re.search(rf"{label}:\s+([\d.]+)", told)
        if found is None:
            raise click.ClickException(f"dnsperf did not tell {label!r}:\n{told}")
        return float(found[1])

    completed = figure("Queries completed")
    return Run(
        server,
        figure("Queries per second"),
        int(figure("Queries lost")),
        int(found[1]) / completed if (found := re.search(r"NOERROR (\d+)", told)) else 0.0,
        figure(r"Average Latency \(s\)") * 1e3,
        (user_after - user_before) / completed * 1e6,
        (all_after - all_before) / completed * 1e6,
    )


def machine() -> dict[str, object]:
    """What a reader must know to judge the figures."""
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    rbldnsd = subprocess.run([peers.program("rbldnsd"), "-h"], capture_output=True, text=True, check=False)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "mipdns": f"{__version__} {commit.stdout.strip()}".strip(),
        "rbldnsd": (re.search(r"version (.+)", rbldnsd.stdout + rbldnsd.stderr) or ["", "unknown"])[1],
    }


def medians(runs: list[Run], server: str) -> dict[str, float]:
    """The median of each figure over a server's runs; of losses the sum."""
    own = [each for each in runs if each.server == server]
    fields = ("queries_per_s", "latency_ms", "cpu_user_us", "cpu_us")
    return {field: round(statistics.median(getattr(each, field) for each in own), 3) for field in fields} | {
        "lost": sum(each.lost for each in own)
    }


@click.command()
@click.option("--listings", default=100_000, show_default=True, type=click.IntRange(min=1))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Of each server.")
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(min=0.5), help="Of each run.")
def main(listings: int, runs: int, seconds: float) -> None:
    """Compare the servers and print JSON."""
    for name in ("dnsperf", "rbldnsd"):
        if peers.find_program(name) is None:
            raise click.ClickException(f"{name} is not installed; scripts/peers installs it")
    facts = machine()
    chance = random.Random(SEED)
    verdicts = make_verdicts(listings, chance)
    zone = read_zones(shipped_zones(), Identity()).by_origin[b"mip", b"internal"]
    v4, v6 = io.StringIO(), io.StringIO()
    export_rbldnsd(verdicts, v4, v6, rule=zone.lists[()])
    done: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="mipdns-bench-") as made:
        folder = Path(made)
        queries = folder / "queries"
        queries.write_text("".join(make_queries(verdicts, chance)))
        small.write_build(folder / "mip.db", verdicts)
        with (
            servers.start(servers.write_config(folder)) as ours,
            peers.rbldnsd(ORIGIN, {"ip4trie": APEX + TTL + v4.getvalue(), "ip6trie": TTL + v6.getvalue()}) as theirs,
        ):
            asked = [("mipdns", ours.process.pid, ours.addresses[0][1]), ("rbldnsd", theirs.pid, theirs.port)]
            for number in range(runs):
                for server, pid, port in asked if number % 2 == 0 else reversed(asked):
                    done.append(run(server, pid, port, queries, seconds))
                    click.echo(f"{server:8} {done[-1].queries_per_s:10.0f} queries/s", err=True)
    ours_said, theirs_said = medians(done, "mipdns"), medians(done, "rbldnsd")
    document = {
        "machine": facts,
        "data": {
            "listings": listings,
            "ipv6_share": V6_SHARE,
            "queries": QUERIES,
            "hit_share": HIT_SHARE,
            "txt_share": TXT_SHARE,
            "outstanding": OUTSTANDING,
            "seconds_a_run": seconds,
        },
        "runs": [each._asdict() for each in done],
        "medians": {"mipdns": ours_said, "rbldnsd": theirs_said},
        "mipdns_over_rbldnsd": {
            field: round(ours_said[field] / theirs_said[field], 3)
            for field in ("queries_per_s", "latency_ms", "cpu_user_us", "cpu_us")
            if theirs_said[field]
        },
    }
    json.dump(document, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
