"""What an index file costs: bytes a listing, time and memory to compile it, time to open it.

In: options. Out: JSON. The one rule: each compiling is a process of its own that does nothing else, as `mipdns load`
and a server's compiler do it: it reads SQLite, writes, syncs and verifies. Its CPU time stands beside the time that
passed, for a machine that does other work besides stretches the latter more. Its memory is the most it had (VmHWM),
pages of files that it mapped included.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import measure
import options
from forms import Forms

_COMPILE = """
import json, re, sys, time
from pathlib import Path
from mipdns.index.compile import compile_index
from mipdns.index.mapped import open_index

database, index = map(Path, sys.argv[1:])
began, cpu_began = time.perf_counter(), time.process_time()
compile_index(database, index)
took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
most_kib = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
began = time.perf_counter()
snapshot = open_index(index)
opened = time.perf_counter() - began
began = time.perf_counter()
snapshot.verify()
verified = time.perf_counter() - began
print(json.dumps({
    "compile_s": round(took, 3), "compile_cpu_s": round(cpu, 3),
    "compile_rss_mib": round(most_kib / 1024, 1),
    "open_s": round(opened, 6), "verify_s": round(verified, 4),
    "file_bytes": len(snapshot.buffer), "bytes_per_listing": round(len(snapshot.buffer) / len(snapshot), 2),
    "payloads": snapshot.header.payloads,
}))
"""


def compile_one(forms: Forms) -> dict[str, object]:
    """The figures of one set of listings."""
    database = forms.database()
    index = database.with_name("measured.idx")
    index.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _COMPILE, database, index], check=True, capture_output=True, text=True
        )
    finally:
        index.unlink(missing_ok=True)
    told: dict[str, object] = {"listings": forms.count, "v6_share": forms.v6_share, **json.loads(done.stdout)}
    options.say(
        f"{forms.count:>10,} listings, {forms.v6_share:.0%} IPv6: {told['bytes_per_listing']} bytes each, compiled in "
        f"{told['compile_s']} s ({told['compile_cpu_s']} s CPU, {told['compile_rss_mib']} MiB), opened in "
        f"{told['open_s']} s"
    )
    return told


@click.command(help=__doc__)
@click.option(
    "--listings",
    default=[10_000, 1_000_000, 10_000_000],
    show_default=True,
    multiple=True,
    type=click.IntRange(min=1000),
)
@click.option("--v6-share", default=[0.0, 1.0], show_default=True, multiple=True, type=click.FloatRange(0, 1))
@options.work
def main(listings: Sequence[int], v6_share: Sequence[float], work: Path) -> None:
    """Measure each set of listings and print JSON."""
    facts = measure.machine()
    told = [compile_one(Forms(work, count, v6_share=share)) for count in listings for share in v6_share]
    options.hand_over({"machine": facts, "index": told})


if __name__ == "__main__":
    main()
