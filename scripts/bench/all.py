"""Every benchmark in one go. In: options. Out: docs/benchmarks.json, and the page and plot made from it.

The one rule: each part is kept as soon as it is done, with what the machine was then; parts that were not asked for
stay as they were.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import answers
import click
import footprint
import in_process
import index
import measure
import options
import reload
import report
from forms import Forms

from mipdns import native

PARTS = ("answers", "footprint", "reload", "in_process", "index", "instructions")
COUNTS = (10_000, 1_000_000, 10_000_000)
LARGE = 2_000_000
LARGE_SERVERS = ("echo", "mipdns", "rbldnsd")
"""Above LARGE listings: Knot and NSD would need many gigabytes of memory, PowerDNS many minutes to be loaded."""

HERE = Path(__file__).resolve().parent


@click.command(help=__doc__)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="All of them, if none is named.")
@click.option("--listings", "counts", default=COUNTS, multiple=True, show_default=True, type=click.IntRange(min=1000))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(min=2), help="Of each run.")
@options.work
def main(parts: Sequence[str], counts: Sequence[int], rounds: int, seconds: float, work: Path) -> None:
    """Measure, keep, and write the page."""

    def measure_answers() -> list[dict[str, object]]:
        return [
            answers.compare(
                Forms(work, count),
                answers.DEFAULT_SERVERS if count <= LARGE else LARGE_SERVERS,
                rounds=rounds,
                seconds=seconds,
            )
            for count in counts
        ]

    def measure_footprint() -> list[dict[str, object]]:
        return [
            footprint.compare(
                Forms(work, count, v6_share=share),
                [name for name in footprint.DEFAULT_SERVERS if share == 0 or name != "rbldnsd-shared"],
                starts=5,
                seconds=min(seconds, 5),
            )
            for count in counts
            for share in (0.0, 1.0)
            if count > 100_000
        ]

    def measure_reload() -> dict[str, object]:
        forms = Forms(work, min(max(counts), report.SHOWN))
        return reload.compare(forms, reload.SERVERS, rounds=min(rounds, 3), seconds=max(seconds, reload.SECONDS))

    def measure_in_process() -> list[dict[str, object]]:
        return [in_process.compare(Forms(work, count), rounds=rounds) for count in counts] if native.available() else []

    def measure_index() -> list[dict[str, object]]:
        return [index.compile_one(Forms(work, count, v6_share=share)) for count in counts for share in (0.0, 1.0)]

    def measure_instructions() -> Any:  # noqa: ANN401 what that script prints
        command = HERE / "instructions"
        if not command.exists():
            return {}
        told = subprocess.run([str(command)], stdout=subprocess.PIPE, check=False).stdout
        return json.loads(told or b"{}")  # it fails where the budget is passed, and has printed then

    ways: dict[str, Callable[[], Any]] = {
        "answers": measure_answers,
        "footprint": measure_footprint,
        "reload": measure_reload,
        "in_process": measure_in_process,
        "index": measure_index,
        "instructions": measure_instructions,
    }
    for part in parts or ways:
        options.say(f"== {part}")
        facts = measure.machine()
        told = ways[part]()
        document = report.read()
        document.setdefault("machines", {})[part] = facts
        document[part] = told
        report.write(document)


if __name__ == "__main__":
    main()
