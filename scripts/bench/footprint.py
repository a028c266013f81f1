"""What a listing costs in memory, and how long a server takes from exec to its first answer.

In: options. Out: JSON. The one rule: memory is read after every page that queries touch has been touched, and what the
same server takes with 100 listings is subtracted: what is left is the price of the listings.

`own` is a server's memory without a mapped index, pages that its processes share counted once. A mapped index is
counted by the size of its file, pages that nobody touched included: the pages in memory are shared by all processes
that map it, and with the kernel's file cache. The first start of mipdns compiles the index and is not counted: a start
is one on a built index.

rbldnsd is there twice: with a text for each listing, as `mipdns export rbldnsd` writes it, and with what it can share.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import click
import measure
import options
import subjects
from forms import Forms

DEFAULT_SERVERS = ("mipdns", "rbldnsd", "rbldnsd-shared")
ALMOST_NONE = 100


def weigh(name: str, forms: Forms, seconds: float) -> measure.Memory:
    """A server's memory after it has been asked for so long."""
    with subjects.start(name, forms) as server:
        measure.dnsperf(server.port, forms.queries(), seconds)
        return measure.memory(measure.family(server.process.pid))


def compare(forms: Forms, names: Sequence[str], *, starts: int, seconds: float) -> dict[str, object]:
    """Memory and start of each server on one set of listings; the servers start in turns."""
    nearly_empty = Forms(forms.folder.parent, ALMOST_NONE, v6_share=forms.v6_share)
    servers = {}
    for name in names:
        for unmeasured in (nearly_empty, forms):  # whatever is made at a first start is made here
            with subjects.start(name, unmeasured):
                pass
        bare, full = weigh(name, nearly_empty, seconds), weigh(name, forms, seconds)
        count = forms.count - ALMOST_NONE
        servers[name] = {
            "own_bytes": full.own,
            "resident_bytes": full.resident,
            "mapped_index_bytes": full.mapped,
            "own_bytes_when_empty": bare.own,
            "own_per_listing": round((full.own - bare.own) / count, 2),
            "mapped_per_listing": round((full.mapped - bare.mapped) / count, 2),
        }
        options.say(
            f"{forms.count:>10,} {name:14} {servers[name]['own_per_listing']:6.1f} own + "
            f"{servers[name]['mapped_per_listing']:5.1f} mapped bytes a listing"
        )
    took: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(starts):
        for name in names:
            with subjects.start(name, forms) as server:
                took[name].append(round(server.start_s, 4))
    for name in names:
        servers[name]["start_s"] = round(statistics.median(took[name]), 4)
        options.say(f"{forms.count:>10,} {name:14} {servers[name]['start_s']:.3f} s from exec to the first answer")
    return {
        "listings": forms.count,
        "v6_share": forms.v6_share,
        "seconds": seconds,
        "servers": servers,
        "starts_s": took,
    }


@click.command(help=__doc__)
@click.option("--listings", default=[1_000_000], show_default=True, multiple=True, type=click.IntRange(min=1000))
@click.option("--server", "names", default=DEFAULT_SERVERS, multiple=True, type=click.Choice(list(subjects.SUBJECTS)))
@click.option("--starts", default=5, show_default=True, type=click.IntRange(min=1), help="Of each server.")
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(min=0.5), help="Of asking, before.")
@click.option("--v6-share", default=[0.0], show_default=True, multiple=True, type=click.FloatRange(0, 1))
@options.work
def main(
    listings: Sequence[int], names: Sequence[str], starts: int, seconds: float, v6_share: Sequence[float], work: Path
) -> None:
    """Compare the servers and print JSON."""
    facts = measure.machine()
    told = [
        compare(Forms(work, count, v6_share=share), names, starts=starts, seconds=seconds)
        for count in listings
        for share in v6_share
    ]
    options.hand_over({"machine": facts, "footprint": told})


if __name__ == "__main__":
    main()
