"""Answers a second and core without sockets: the native form and the readable one, on the same packets.

In: options. Out: JSON. The one rule: one thread, the same packets in the same order, the index mapped as a server
maps it; the forms take turns.
"""

from __future__ import annotations

import itertools
import mmap
import statistics
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import click
import measure
import options
from forms import Forms

from mipdns import native
from mipdns.answer import Identity, Peer, respond
from mipdns.config import shipped_zones
from mipdns.index.compile import compile_index
from mipdns.index.mapped import open_index
from mipdns.zonefile import read_zones

PACKETS = 200_000
PYTHON_PACKETS = 20_000
SECRET = bytes(16)
_TYPES = {"A": 1, "TXT": 16}


def packet(line: str, number: int) -> bytes:
    """A line of dnsperf's as a query, without EDNS."""
    name, kind = line.split()
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!xHH", _TYPES[kind], 1)


def compare(forms: Forms, *, rounds: int) -> dict[str, object]:
    """Both forms on one set of listings."""
    from mipdns.native._native import Served, bench  # noqa: PLC0415 absent where nothing was compiled

    index = forms.database().with_suffix(".idx")
    compile_index(forms.database(), index)
    zones = read_zones(shipped_zones(), Identity())
    with forms.queries().open() as lines:
        packets = [packet(line, number) for number, line in enumerate(itertools.islice(lines, PACKETS))]
    snapshot = open_index(index)
    peer = Peer("udp", bytes((127, 0, 0, 1)), int(time.time()), (SECRET,), False)
    ns: dict[str, list[float]] = {"native": [], "python": []}
    with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        served = Served(zones, memoryview(mapped), (SECRET,))
        bench(served, packets, 1)
        for _ in range(rounds):
            ns["native"].append(bench(served, packets, 5) / (5 * len(packets)) * 1e9)
            began = time.perf_counter()
            for one in packets[:PYTHON_PACKETS]:
                respond(one, snapshot, zones, peer)
            ns["python"].append((time.perf_counter() - began) / PYTHON_PACKETS * 1e9)
        del served
    told = {form: round(statistics.median(each), 1) for form, each in ns.items()}
    for form, median in told.items():
        options.say(f"{forms.count:>10,} {form:8} {median:9.1f} ns an answer, {1e9 / median:12,.0f} answers/s")
    return {
        "listings": forms.count,
        "v6_share": forms.v6_share,
        "rounds": rounds,
        "packets": len(packets),
        "ns": told,
        "answers_per_s": {form: round(1e9 / median) for form, median in told.items()},
        "runs_ns": ns,
    }


@click.command(help=__doc__)
@click.option("--listings", default=[1_000_000], show_default=True, multiple=True, type=click.IntRange(min=100))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@options.work
def main(listings: Sequence[int], rounds: int, work: Path) -> None:
    """Compare the forms and print JSON."""
    if not native.available():
        raise click.ClickException("the native form is not compiled here: nothing to measure")
    facts = measure.machine()
    told = [compare(Forms(work, count), rounds=rounds) for count in listings]
    options.hand_over({"machine": facts, "in_process": told})


if __name__ == "__main__":
    main()
