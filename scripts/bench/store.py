"""What writing a build costs: seconds, memory, and the size of the file after one load and after more.

In: options. Out: JSON. The one rule: every row is an address of its own that no other touches, the most rows that so
many addresses can come to, and from load to load a tenth of them changes. Each load is a process of its own, as
`mipdns load` is, and its memory is the most it had (VmHWM).
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

from mipdns import store
from mipdns.columns import unit_bounds
from mipdns.evidence import CONTEXT_COLUMNS, UNIT_COLUMNS, Conclusion, ObservationTable, Part, VerdictTable

AS_OF = datetime.date(2026, 11, 20)
FIRST, LAST = 0x0B000000, 0xDFFFFFFF
PART_ROWS = 1 << 17


def parts(rows: int, load: int, *, observed: bool) -> Iterator[Part]:
    """So many verdicts, evenly over IPv4; those of another load differ in a tenth."""
    step = (LAST - FIRST) // rows
    if step < 2:
        raise click.UsageError(f"there is room for {(LAST - FIRST) // 2:,} rows that do not touch")
    for start in range(0, rows, PART_ROWS):
        at = np.arange(start, min(start + PART_ROWS, rows), dtype=np.uint64)
        key = np.uint64(FIRST) + at * np.uint64(step)
        moved = (at * np.uint64(2654435761) + np.uint64(load) >> np.uint64(7)) % np.uint64(10) == load % 10
        payload = (at + np.where(moved, np.uint64(load), np.uint64(0))).astype(np.int64)
        verdicts = VerdictTable(
            *unit_bounds(key, key),
            confidence=1 + payload * 37 % 99,
            classes=1 << payload % 8,
            users_low=1 << payload % 5,
            users_high=64 << payload % 3,
            sources=3 + payload % 13,
            asn=1 + payload % 60_000,
            observed=(AS_OF - datetime.date(1970, 1, 1)).days - payload % 7,
        )
        yield Part(verdicts, _observations(key, verdicts) if observed else _observations(key[:0], verdicts))


def _observations(key: np.ndarray[tuple[int], np.dtype[np.uint64]], verdicts: VerdictTable) -> ObservationTable:
    rows = len(key)
    names = [*UNIT_COLUMNS, *CONTEXT_COLUMNS]
    columns = {name: (verdicts.confidence[:rows] % (at + 3)).astype(np.float32) for at, name in enumerate(names)}
    return ObservationTable(
        key, verdicts.observed[:rows].astype(np.int32), verdicts.asn[:rows], np.zeros(rows, dtype=np.int8), columns
    )


def write_one(database: Path, rows: int, load: int, *, observed: bool) -> dict[str, object]:
    """The figures of one load, of this process."""
    contents = store.Contents(
        parts=parts(rows, load, observed=observed),
        conclude=lambda: Conclusion([], {}, None, 0.3),
        names={},
        assertions=[],
        files=[],
        labels=[],
        as_of=AS_OF,
        window_days=7,
        model="made",
        counts={},
        stages=[],
    )
    began, cpu_began = time.perf_counter(), time.process_time()
    build = store.regenerate(database, contents, change_max=0.5)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    most_kib = int((re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()) or [0, 0])[1])
    return {
        "rows": build.verdicts,
        "observed": observed,
        "load": load,
        "listed": build.listed_v4,
        "write_s": round(took - dict(build.stages)["judge"], 2),
        "process_cpu_s": round(cpu, 2),
        "rss_mib": round(most_kib / 1024, 1),
        "file_mib": round(sum(path.stat().st_size for path in database.parent.glob(f"{database.name}*")) / 2**20, 1),
    }


@click.command(help=__doc__)
@click.option("--rows", default=[1_000_000, 10_000_000], show_default=True, multiple=True, type=click.IntRange(min=1))
@click.option("--loads", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--observed/--no-observed", default=False, show_default=True, help="An observation for each row, too.")
@click.option("--inside", nargs=2, type=(click.Path(path_type=Path), int), hidden=True)
@options.work
def main(rows: Sequence[int], loads: int, observed: bool, inside: tuple[Path, int] | None, work: Path) -> None:
    """Write each number of rows so many times and print JSON."""
    if inside:
        click.echo(json.dumps(write_one(inside[0], rows[0], inside[1], observed=observed)))
        return
    told = []
    work.mkdir(parents=True, exist_ok=True)
    database = work / "written.db"
    for number in rows:
        for load in range(loads):
            command = [sys.executable, __file__, f"--rows={number}", "--observed" if observed else "--no-observed"]
            command += ["--inside", str(database), str(load)]
            told.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            options.say(
                f"{number:>10,} rows, load {load + 1}: {told[-1]['write_s']} s, {told[-1]['rss_mib']} MiB of memory, "
                f"{told[-1]['file_mib']} MiB of file"
            )
        for path in work.glob(f"{database.name}*"):
            path.unlink()
    options.hand_over({"machine": measure.machine(), "store": told})


if __name__ == "__main__":
    main()
