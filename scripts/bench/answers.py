"""What an answer costs each server: CPU time a query, user and system, and queries a second, on the same listings.

In: options. Out: JSON with the machine, every run, and per server the medians and their ratios. The one rule: the
servers take turns, run by run, in an order that rotates, so that whatever else the machine does meets all of them.

A server has one thread and one core; dnsperf has another. Where dnsperf is the slower of the two the server's core is
not `busy` all the time and queries a second say more of dnsperf: CPU time a query is the figure to compare.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import measure
import options
import subjects
from forms import HIT_SHARE, QUERIES, TXT_SHARE, Forms

DEFAULT_SERVERS = ("echo", "mipdns", "rbldnsd", "knot", "nsd", "powerdns")
WARM_UP_S = 2.0
FIGURES = ("user_us", "system_us", "cpu_us", "queries_per_s", "busy", "latency_ms", "found_share", "reply_size")


class Run(NamedTuple):
    """One run. user_us, system_us, cpu_us: of the server, per completed query. busy: the share of its core in use."""

    server: str
    queries_per_s: float
    lost: int
    found_share: float
    reply_size: int
    latency_ms: float
    user_us: float
    system_us: float
    cpu_us: float
    busy: float


def run(server: subjects.Running, queries: Path, seconds: float, outstanding: int) -> Run:
    """Ask one server for so long."""
    pids = measure.family(server.process.pid)
    before = measure.cpu(pids)
    load = measure.dnsperf(server.port, queries, seconds, outstanding=outstanding)
    after = measure.cpu(pids)
    user_us = (after.user_s - before.user_s) / load.completed * 1e6
    system_us = (after.system_s - before.system_s) / load.completed * 1e6
    return Run(
        server.name,
        load.queries_per_s,
        load.lost,
        load.found_share,
        load.reply_size,
        load.latency_ms,
        user_us,
        system_us,
        user_us + system_us,
        (user_us + system_us) * load.queries_per_s / 1e6,
    )


def compare(
    forms: Forms, names: Sequence[str], *, rounds: int, seconds: float, outstanding: int = 100
) -> dict[str, object]:
    """All servers on one set of listings, in one go. The echo's replies are as long as ours are on average."""
    queries = forms.queries()
    runs: list[Run] = []
    with ExitStack() as stack:
        servers: dict[str, subjects.Running] = {}
        reply_size = 100
        for name in sorted(names, key=lambda name: name == "echo"):
            echo = {"reply_size": reply_size} if name == "echo" else {}
            servers[name] = stack.enter_context(subjects.start(name, forms, **echo))
            warm = measure.dnsperf(servers[name].port, queries, min(WARM_UP_S, seconds), outstanding=outstanding)
            if name in ("mipdns", "mipdns-python"):
                reply_size = warm.reply_size
        for number in range(rounds):
            for turn in range(len(names)):
                name = names[(turn + number) % len(names)]
                runs.append(run(servers[name], queries, seconds, outstanding))
                said = runs[-1]
                options.say(
                    f"{forms.count:>10,} {name:14} {said.user_us:7.3f} + {said.system_us:6.3f} us a query, "
                    f"{said.queries_per_s:9,.0f} queries/s, core {said.busy:4.0%}, {said.lost} lost"
                )
    medians = {name: _medians([each for each in runs if each.server == name]) for name in names}
    return {
        "listings": forms.count,
        "v6_share": forms.v6_share,
        "rounds": rounds,
        "seconds": seconds,
        "outstanding": outstanding,
        "queries": QUERIES,
        "hit_share": HIT_SHARE,
        "txt_share": TXT_SHARE,
        "medians": medians,
        "mipdns_over": _ratios(medians, "mipdns"),
        "over_echo": {name: round(own["cpu_us"] / medians["echo"]["cpu_us"], 3) for name, own in medians.items()}
        if "echo" in medians
        else {},
        "runs": [each._asdict() for each in runs],
    }


def _medians(runs: list[Run]) -> dict[str, float]:
    told = {figure: round(statistics.median(getattr(each, figure) for each in runs), 4) for figure in FIGURES}
    spread = [each.cpu_us for each in runs]
    return (
        told
        | {"cpu_us_least": round(min(spread), 4), "cpu_us_most": round(max(spread), 4)}
        | {"lost": sum(each.lost for each in runs)}
    )


def _ratios(medians: Mapping[str, Mapping[str, float]], ours: str) -> dict[str, dict[str, float]]:
    """Our CPU time a query over each other server's: user space, and in all."""
    if ours not in medians:
        return {}
    return {
        name: {
            figure: round(medians[ours][figure] / other[figure], 3) for figure in ("user_us", "cpu_us") if other[figure]
        }
        for name, other in medians.items()
        if name != ours
    }


@click.command(help=__doc__)
@click.option("--listings", default=[1_000_000], show_default=True, multiple=True, type=click.IntRange(min=100))
@click.option("--server", "names", default=DEFAULT_SERVERS, multiple=True, type=click.Choice(list(subjects.SUBJECTS)))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(min=0.5), help="Of each run.")
@click.option("--outstanding", default=100, show_default=True, type=click.IntRange(1, 500), help="Queries in flight.")
@click.option("--v6-share", default=0.1, show_default=True, type=click.FloatRange(0, 1))
@options.work
def main(
    listings: Sequence[int],
    names: Sequence[str],
    rounds: int,
    seconds: float,
    outstanding: int,
    v6_share: float,
    work: Path,
) -> None:
    """Compare the servers and print JSON."""
    facts = measure.machine()
    told = [
        compare(Forms(work, count, v6_share=v6_share), names, rounds=rounds, seconds=seconds, outstanding=outstanding)
        for count in listings
    ]
    options.hand_over({"machine": facts, "answers": told})


if __name__ == "__main__":
    main()
