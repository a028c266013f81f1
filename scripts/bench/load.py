"""What loading logs costs: time beside bare DuckDB SQL doing the same counts, and memory at several sizes.

In: options. Out: JSON. `ours` is what `mipdns load` does with logs: every file hashed, each line accounted for, hits
kept, days counted share by share within `--memory`, window features read chunk by chunk. `bare` is the same SQL, from
text to window features, in one connection with all the memory of the machine, and nothing kept or checked.

The one rule: each run is a process of its own on the same made-up files. Its CPU time stands beside the time it took,
for a machine that does other work besides stretches the latter more; its memory is the most it had (VmHWM).
"""

from __future__ import annotations

import datetime
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import duckdb
import measure
import options

from mipdns import config
from mipdns.sources.logs import read_logs
from mipdns.sources.logs.counting.engine import EVIDENCE_SQL
from mipdns.sources.logs.files import inspect
from mipdns.sources.logs.formats.layout import quoted
from mipdns.sources.logs.ingest import hits_of_lines
from mipdns.sources.logs.lines.normalise import COUNTS, normalised
from mipdns.sources.logs.scan import Numbered, batches, raw
from mipdns.sources.logs.texts import sql

DAYS = 7
FIRST_SECOND = 1_794_700_800  # 2026-11-15 00:00 UTC
DAY_AFTER = datetime.date(2026, 11, 23)
FILES_OF_ROWS = 10_000_000
COLUMNS = {
    "time": "EdgeStartTimestamp",
    "client": "ClientIP",
    "port": "ClientSrcPort",
    "agent": "ClientRequestUserAgent",
    "ja4": "JA4",
    "bot_score": "BotScore",
}

_MADE_UP = """
    WITH request AS (
        SELECT i, HASH(i) AS a, HASH(i + 1000000007) AS b, HASH(i + 2000000011) AS c FROM RANGE({first}, {end}) AS t(i)
    ),
    -- one unit in 20 requests, some with many more than others
    seen AS (SELECT *, HASH(31 * (POWER((a % 1000003) / 1000003.0, 2.5) * {units})::UBIGINT) AS unit FROM request)
    SELECT
        CASE
            WHEN unit % 5 > 0 THEN CONCAT(11 + unit % 100, '.', (unit >> 8) % 256, '.', (unit >> 16) % 256, '.',
                (unit >> 24) % 256)
            ELSE FORMAT('2a{{:02x}}:{{:x}}:{{:x}}:{{:x}}::{{:x}}', unit % 16, (unit >> 8) % 65536, (unit >> 24) % 256,
                (unit >> 40) % 65536, b % 3 + 1)
        END AS "ClientIP",
        (1024 + b % 64000)::INTEGER AS "ClientSrcPort",
        CONCAT('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
            100 + c % 50, '.0.', unit % 20, '.0 Safari/537.36') AS "ClientRequestUserAgent",
        {first_second} + i * 86400 * {days} // {rows} AS "EdgeStartTimestamp",
        CONCAT('t13d1516h2_8daaf6152771_', c % 300) AS "JA4",
        (1 + b % 99)::INTEGER AS "BotScore"
    FROM seen
"""


def made(work: Path, rows: int, form: str) -> config.Logs:
    """Files of so many requests over seven days, made if they are not there; as a source."""
    folder = work / f"requests-{rows}-{form}"
    suffix = "parquet" if form == "parquet" else "ndjson.gz"
    if not folder.is_dir():
        options.say(f"{rows:>12,} requests as {form}: making them")
        making = folder.with_name("making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        how = "FORMAT parquet" if form == "parquet" else "FORMAT json, COMPRESSION gzip"
        with duckdb.connect(config={"memory_limit": "2GiB", "temp_directory": str(work / "spill")}) as connection:
            for number, first in enumerate(range(0, rows, FILES_OF_ROWS)):
                made_up = _MADE_UP.format(
                    first=first,
                    end=min(first + FILES_OF_ROWS, rows),
                    units=max(1000, rows // 20),
                    first_second=FIRST_SECOND,
                    days=DAYS,
                    rows=rows,
                )
                connection.execute(f"COPY ({made_up}) TO {quoted(str(making / f'{number:03}.{suffix}'))} ({how})")
        making.rename(folder)
    path = str(folder / f"*.{suffix}")
    if form == "parquet":
        return config.Logs(name="requests", format="parquet", path=path, columns=COLUMNS)  # type: ignore[arg-type]  # the keys are columns
    return config.Logs(name="requests", format="logpush", path=path)


def ours(source: config.Logs, work: Path, memory: str, threads: int) -> dict[str, Any]:
    """Read, count, and go through the window's features once; in a fresh work folder."""
    folder = work / "load"
    shutil.rmtree(folder, ignore_errors=True)
    load = config.Load(work=str(folder), memory=memory, threads=threads, window_days=DAYS)
    began: dict[str, float] = {}

    def progress(stage: str, done: float) -> None:
        del done
        began.setdefault(stage, time.perf_counter())

    try:
        with read_logs([source], load, progress, now=DAY_AFTER) as (evidence, _):
            counted = time.perf_counter()
            units = sum(len(chunk.units.key) for chunk in evidence.chunks()) if evidence else 0
            kept = sum(path.stat().st_size for path in (folder / "evidence").rglob("*.parquet"))
        ended = [*list(began.values())[1:], counted]
        stages = {stage: round(end - start, 2) for (stage, start), end in zip(began.items(), ended, strict=True)}
        return {"units": units, "kept_mib": kept >> 20, "stages_s": stages}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bare(source: config.Logs, work: Path, threads: int) -> dict[str, Any]:
    """The same SQL, at once."""
    database = work / "bare.duckdb"
    database.unlink(missing_ok=True)
    files = [
        Numbered(at, inspect(source, path)) for at, path in enumerate(sorted(Path(source.paths[0]).parent.iterdir()))
    ]
    began, cpu_began = time.perf_counter(), time.process_time()
    with duckdb.connect(database, config={"threads": threads, "preserve_insertion_order": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(sql("lines", "macros.sql"))
        for number, batch in enumerate(batches(files)):
            lines = (
                f"WITH raw AS NOT MATERIALIZED ({raw(batch, numbered=False)})"
                f" SELECT * EXCLUDE (number) FROM ({normalised(batch.part.layout, source)}) WHERE fate = {COUNTS}"
            )
            connection.execute(f"INSERT INTO line {lines}" if number else f"CREATE TABLE line AS {lines}")
            connection.execute("DROP TABLE IF EXISTS reject")
            connection.execute("DROP TABLE IF EXISTS reject_scan")
        connection.execute(f"CREATE TABLE hit AS {hits_of_lines(connection, sensor_number=0, source_number=0)}")
        connection.execute("DROP TABLE line")
        connection.execute("CREATE TABLE full_day AS SELECT DISTINCT sensor, day FROM hit")
        for table, name in EVIDENCE_SQL.items():
            connection.execute(f"CREATE TABLE {table} AS {sql('counting', name)}")
        connection.execute("DROP TABLE hit")
        found = connection.execute(sql("counting", "units.sql")).fetchnumpy()
        connection.execute(sql("counting", "profile.sql")).fetchnumpy()
    database.unlink()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    return {"units": len(found["unit"]), "seconds": round(took, 2), "cpu_s": round(cpu, 2)}


def in_a_process(what: str, rows: int, form: str, work: Path, memory: str, threads: int) -> dict[str, Any]:
    """Run one subject and add what it took."""
    arguments = [what, str(rows), form, str(work), memory, str(threads)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "--subject", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    options.say(
        f"{rows:>12,} requests as {form}: {what:4} {told['seconds']:8.1f} s, CPU {told['cpu_s']:8.1f} s, "
        f"{told['peak_mib']:7,.0f} MiB"
    )
    return told


def subject(what: str, rows: str, form: str, work: str, memory: str, threads: str) -> None:
    """One run, in this process; prints what it took."""
    source = made(Path(work), int(rows), form)
    runs: dict[str, Callable[[], dict[str, Any]]] = {
        "ours": lambda: ours(source, Path(work), memory, int(threads)),
        "bare": lambda: bare(source, Path(work), int(threads)),
    }
    began = time.perf_counter()
    told = runs[what]()
    used = resource.getrusage(resource.RUSAGE_SELF)
    most_kib = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])
    figures = {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": round(most_kib / 1024, 1),
    }
    print(json.dumps(figures | told))


@click.command(help=__doc__)
@click.option(
    "--rows",
    default=[1_000_000, 10_000_000, 100_000_000],
    show_default=True,
    multiple=True,
    type=click.IntRange(min=1000),
    help="Sizes at which memory is measured, as Parquet; 500000000 takes an hour and 60 GB.",
)
@click.option("--beside", default=10_000_000, show_default=True, help="The size at which bare SQL runs beside.")
@click.option("--memory", default="1GiB", show_default=True, help="[load] memory.")
@click.option("--threads", default=2, show_default=True, help="[load] threads, and those of bare DuckDB.")
@options.work
def main(rows: Sequence[int], beside: int, memory: str, threads: int, work: Path) -> None:
    """Measure and print JSON."""
    facts = measure.machine()
    work.mkdir(parents=True, exist_ok=True)
    for count, form in [*((count, "parquet") for count in rows), (beside, "parquet"), (beside, "logpush")]:
        made(work, count, form)
    options.hand_over(
        {
            "machine": facts | {"duckdb": duckdb.__version__, "memory": memory, "threads": threads},
            "aggregation": [side_by_side(beside, form, work, memory, threads) for form in ("parquet", "logpush")],
            "memory": [
                {"rows": count, **in_a_process("ours", count, "parquet", work, memory, threads)} for count in rows
            ],
        }
    )


def side_by_side(rows: int, form: str, work: Path, memory: str, threads: int) -> dict[str, Any]:
    """Both, one after the other, on the same files."""
    told = {what: in_a_process(what, rows, form, work, memory, threads) for what in ("bare", "ours")}
    ratios = {f"{of}_ratio": round(told["ours"][of] / told["bare"][of], 2) for of in ("seconds", "cpu_s")}
    return {"rows": rows, "format": form, **told, **ratios}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--subject"]:
        subject(*sys.argv[2:])
    else:
        main()
