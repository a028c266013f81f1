"""What judging costs: seconds and memory for so many units, all of inference, without reading and writing.

In: options. Out: JSON. The one rule: units are made up chunk by chunk, as counted logs come, and forgotten when they
were judged; the time it takes to make them up is measured apart and taken off. Each size is a process of its own, and
its memory is the most it had (VmHWM).
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import measure
import numpy as np
import options

from mipdns.columns import neighbourhoods
from mipdns.evidence import UNIT_COLUMNS, Assertion, Chunk, LogEvidence, Profile, Route, Stance, UnitTable
from mipdns.inference import judge, shipped_scorecard
from mipdns.net import V4_FIRST
from mipdns.vocabulary import Class, Signal

AS_OF = datetime.date(2026, 11, 20)
FIRST, LAST = 0x0B000000, 0xDFFFFFFF
ROUTES, ASSERTIONS = 400_000, 80_000


class Logs:
    """Units spread evenly over IPv4, in chunks; seconds, cpu_seconds: what making them up took so far."""

    def __init__(self, units: int, chunk_units: int) -> None:
        self.seconds = self.cpu_seconds = 0.0
        self._units = units
        self._chunk_units = chunk_units

    def chunks(self) -> Iterator[Chunk]:
        """All of them, the same each time."""
        count = -(-self._units // self._chunk_units)
        borders = np.linspace(FIRST >> 8, LAST >> 8, count + 1).astype(np.int64)
        for number in range(count):
            start, cpu_start = time.perf_counter(), time.process_time()
            units = min(self._chunk_units, self._units - number * self._chunk_units)
            chunk = _chunk(int(borders[number]) << 8, int(borders[number + 1]) << 8, units, number)
            self.seconds += time.perf_counter() - start
            self.cpu_seconds += time.process_time() - cpu_start
            yield chunk


def _chunk(first: int, end: int, units: int, seed: int) -> Chunk:
    """A fifth of the /24s is crowded (a pool), the rest are households; each is seen by so many units."""
    rng = np.random.default_rng(seed)
    homes = rng.choice(np.arange(first >> 8, end >> 8), size=min(units // 20 + 1, (end - first) >> 8), replace=False)
    keys = np.unique((rng.choice(homes, size=int(units * 1.06)) << 8) | rng.integers(0, 256, size=int(units * 1.06)))
    key = np.sort(rng.permutation(keys)[:units]).astype(np.uint64)
    crowded = neighbourhoods(key) >> np.uint64(8) & np.uint64(0xFFF) < 800
    columns = {}
    for name in UNIT_COLUMNS:
        if name.endswith("share"):
            values = rng.random(len(key))
        else:
            values = np.floor(np.exp(rng.normal(np.where(crowded, 4.0, 1.0), 1.0)))
        columns[name] = np.where(rng.random(len(key)) < 0.1, np.nan, values).astype(np.float32)
    seen = np.unique(neighbourhoods(key))
    rows = np.repeat(seen, 48), np.tile(np.repeat([False, True], 24), len(seen)), np.tile(np.arange(24), 2 * len(seen))
    requests = rng.integers(0, 40, size=len(seen) * 48).astype(np.float64)
    profile = Profile(
        rows[0], rows[1], rows[2].astype(np.int8), requests, requests // 9, requests // 2, requests, requests // 3
    )
    last_day = np.full(len(key), (AS_OF - datetime.date(1970, 1, 1)).days, dtype=np.int32)
    return Chunk(UnitTable(key, last_day, columns), profile)


def _said() -> Iterator[Assertion]:
    origins = {
        "list.vpn": Class.VPN,
        "list.tor": Class.TOR,
        "list.hosting": Class(0),
        "list.relay": Class.RELAY,
    }
    step = (LAST - FIRST) // ASSERTIONS
    for at in range(ASSERTIONS):
        origin = list(origins)[at % len(origins)]
        first = V4_FIRST | (FIRST + at * step)
        stance: Stance = "hosting" if origin == "list.hosting" else "shared"
        days = AS_OF, AS_OF + datetime.timedelta(30)
        yield Assertion(first, first + at % 300, origin, Signal.LIST, stance, origins[origin], *days, False, "made", "")


def judge_one(units: int, chunk_units: int) -> dict[str, object]:
    """The figures of one size, of this process."""
    step = (LAST - FIRST) // ROUTES
    routes = [
        Route(V4_FIRST | (FIRST + at * step), V4_FIRST | (FIRST + (at + 1) * step - 1), 1 + at % 60_000)
        for at in range(ROUTES)
    ]
    logs = Logs(units, chunk_units)
    evidence = LogEvidence(logs.chunks, AS_OF, AS_OF, complete_days=7, complete_weekend_days=2, lines_outside=0)
    said = list(_said())
    began, cpu_began = time.perf_counter(), time.process_time()
    judgement = judge(evidence, routes, [], said, scorecard=shipped_scorecard(), as_of=AS_OF)
    surveyed = time.perf_counter() - began
    rows = sum(len(part.verdicts.asn) for part in judgement.parts)
    counts = judgement.conclude().counts
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    most_kib = int((re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()) or [0, 0])[1])
    return {
        "units": counts["units"],
        "verdicts": rows,
        "pooled": counts["pooled"],
        "survey_s": round(surveyed, 2),
        "judge_s": round(took - logs.seconds, 2),
        "judge_cpu_s": round(cpu - logs.cpu_seconds, 2),
        "rss_mib": round(most_kib / 1024, 1),
    }


@click.command(help=__doc__)
@click.option(
    "--units", default=[1_000_000, 2_000_000, 10_000_000], show_default=True, multiple=True, type=click.IntRange(min=1)
)
@click.option("--chunk-units", default=250_000, show_default=True, type=click.IntRange(min=1))
@click.option("--inside", is_flag=True, hidden=True)
def main(units: Sequence[int], chunk_units: int, inside: bool) -> None:
    """Judge each number of units and print JSON."""
    if inside:
        click.echo(json.dumps(judge_one(units[0], chunk_units)))
        return
    told = []
    for number in units:
        command = [sys.executable, __file__, "--inside", f"--units={number}", f"--chunk-units={chunk_units}"]
        told.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        options.say(f"{number:>10,} units: judged in {told[-1]['judge_s']} s, {told[-1]['rss_mib']} MiB")
    options.hand_over({"machine": measure.machine(), "judging": told})


if __name__ == "__main__":
    main()
