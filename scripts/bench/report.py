"""The page of results. In: docs/benchmarks.json. Out: docs/benchmarks.md, docs/benchmarks.svg, a part of README.md.

The one rule: no number is written by hand; what was not measured is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import plot

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
README_FROM, README_TO = "<!-- scripts/bench/all writes this -->\n", "<!-- up to here -->\n"
SHOWN = 1_000_000
"""How many listings the first table and the plot are about, if they were measured."""

Document = Mapping[str, Any]


def read() -> dict[str, Any]:
    """What was kept; nothing where nothing was."""
    path = DOCS / "benchmarks.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write(document: Document) -> None:
    """Keep the document and make the page and the plot from it."""
    (DOCS / "benchmarks.json").write_text(json.dumps(document, indent=1) + "\n")
    (DOCS / "benchmarks.md").write_text("\n".join(_page(document)) + "\n")
    if document.get("answers"):
        (DOCS / "benchmarks.svg").write_text(plot.draw(document["answers"], _shown(document)))
        readme = ROOT / "README.md"
        readme.write_text(with_results(readme.read_text(), document))


def with_results(readme: str, document: Document) -> str:
    """The README with this document's plot and table between its two marks."""
    before, _, rest = readme.partition(README_FROM)
    _, _, after = rest.partition(README_TO)
    return before + README_FROM + "\n".join(_summary(document)) + "\n" + README_TO + after


def _summary(document: Document) -> Iterator[str]:
    shown = next(each for each in document["answers"] if each["listings"] == _shown(document))
    yield "![CPU time a query of each server, and how it grows with the listings](docs/benchmarks.svg)"
    yield ""
    yield from _table(
        ("server", "user µs a query", "user and kernel µs", "÷ echo"),
        (
            (
                f"**{name}**" if name == "mipdns" else name,
                f"{each['user_us']:.2f}",
                f"{each['cpu_us']:.2f}",
                f"{shown['over_echo'][name]:.2f}" if name in shown["over_echo"] else "",
            )
            for name, each in sorted(shown["medians"].items(), key=lambda item: item[1]["cpu_us"])
        ),
    )
    yield ""
    yield (
        f"Server CPU time a query, {shown['listings']:,} listings, side by side in one run of "
        f"`scripts/bench/all --part answers --rounds {shown['rounds']} --seconds {shown['seconds']:g}` on "
        f"{document['machines']['answers']['cores']} shared cores; `echo` receives and sends and does nothing else."
    )


def _shown(document: Document) -> int:
    counts = [int(each["listings"]) for each in document["answers"]]
    return SHOWN if SHOWN in counts else max(counts)


def _page(document: Document) -> Iterator[str]:
    yield from (
        "# Benchmarks",
        "",
        "`scripts/bench/all` measures, keeps everything in [benchmarks.json](benchmarks.json) and writes this page and "
        "the plot. Each section names the command that makes it alone. What is compared ran side by side, in turns, in "
        "one go; figures are medians. Read the ratios: on another machine the times are others. No test depends on a "
        "time.",
    )
    for part, section in (
        ("answers", _answers),
        ("footprint", _footprint),
        ("reload", _reload),
        ("in_process", _in_process),
        ("index", _index),
        ("instructions", _instructions),
    ):
        if document.get(part):
            yield ""
            yield from section(document)
            yield ""
            yield _facts(document["machines"][part])


def _facts(machine: Mapping[str, object]) -> str:
    named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
    return f"<sub>{named}</sub>"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "--:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"


def _answers(document: Document) -> Iterator[str]:
    shown = next(each for each in document["answers"] if each["listings"] == _shown(document))
    yield "## What an answer costs: `scripts/bench/answers`"
    yield ""
    yield "![CPU time a query of each server, and how it grows with the listings](benchmarks.svg)"
    yield ""
    yield (
        f"{shown['listings']:,} listings, {shown['v6_share']:.0%} of them IPv6 /64s; half of the queries hit, "
        f"{shown['txt_share']:.0%} are TXT, the rest A. One thread on one core for the server, dnsperf on another, "
        f"over loopback, {shown['outstanding']} queries in flight; {shown['rounds']} rounds of {shown['seconds']:g} s. "
        "`echo` sends replies of our answers' mean size and does nothing else ([echo.c](../scripts/bench/echo.c))."
    )
    yield ""
    medians = shown["medians"]
    yield from _table(
        ("server", "user µs", "kernel µs", "all µs", "least–most", "÷ echo", "queries/s seen", "core busy", "reply B"),
        (
            (
                f"**{name}**" if name == "mipdns" else name,
                f"{each['user_us']:.3f}",
                f"{each['system_us']:.3f}",
                f"{each['cpu_us']:.3f}",
                f"{each['cpu_us_least']:.2f}–{each['cpu_us_most']:.2f}",
                f"{shown['over_echo'][name]:.2f}" if name in shown["over_echo"] else "",
                f"{each['queries_per_s']:,.0f}",
                f"{each['busy']:.0%}",
                f"{each['reply_size']:.0f}",
            )
            for name, each in sorted(medians.items(), key=lambda item: item[1]["cpu_us"])
        ),
    )
    yield ""
    yield (
        "Times are of all the server's threads and processes, per query answered (proc(5)). Where `core busy` is below "
        "100 %, dnsperf or the machine was the limit, so queries a second say little: compare the CPU time."
    )
    yield ""
    yield "As listings grow, µs in user space / in all:"
    yield ""
    names = list(medians)
    yield from _table(
        ("listings", *names),
        (
            (
                f"{each['listings']:,}",
                *(
                    f"{each['medians'][name]['user_us']:.3f} / {each['medians'][name]['cpu_us']:.2f}"
                    if name in each["medians"]
                    else ""
                    for name in names
                ),
            )
            for each in sorted(document["answers"], key=lambda each: int(each["listings"]))
        ),
    )


def _footprint(document: Document) -> Iterator[str]:
    yield "## Memory and start: `scripts/bench/footprint`"
    yield ""
    yield (
        "Bytes a listing beyond what the same server takes when nearly empty: `own` is the server's own memory, "
        "`mapped` is the index file, shared by all that map it. Start: from exec to the first answer; "
        "ours on a built index. `rbldnsd-shared` has equal texts side by side and `$` for the address (IPv4 only)."
    )
    yield ""
    yield from _table(
        ("server", "listings", "IPv6", "own", "mapped", "together", "start s"),
        (
            (
                f"**{name}**" if name == "mipdns" else name,
                f"{each['listings']:,}",
                f"{each['v6_share']:.0%}",
                f"{own['own_per_listing']:.1f}",
                f"{own['mapped_per_listing']:.1f}",
                f"{own['own_per_listing'] + own['mapped_per_listing']:.1f}",
                f"{own['start_s']:.3f}",
            )
            for each in document["footprint"]
            for name, own in each["servers"].items()
        ),
    )


def _reload(document: Document) -> Iterator[str]:
    told = document["reload"]
    yield "## Reload under load: `scripts/bench/reload`"
    yield ""
    took = told["until_served_s"]
    yield (
        f"{told['listings']:,} listings, {told['outstanding']} queries in flight, closed loop, runs of "
        f"{told['seconds']:g} s with and without reloads in turns, all cores for everybody. Counted are reloads that "
        "were over while queries still came. rbldnsd asks for a receive buffer of 64 KiB (mipdns: 4 MiB), "
        "which so many queries overflow, reload or not."
        + (f" A new build was served {min(took):.1f} to {max(took):.1f} s after it was put in place." if took else "")
    )
    yield ""
    yield from _table(
        ("server", "run", "queries/s", "lost", "dropped at its socket", "latest answer, ms"),
        (
            (
                f"**{run['server']}**" if run["server"] == "mipdns" else run["server"],
                "control" if run["reloads"] is None else f"{run['reloads']} reloads",
                f"{run['queries_per_s']:,}",
                run["lost"],
                run["socket_drops"],
                run["latest_ms"],
            )
            for run in told["runs"]
        ),
    )


def _in_process(document: Document) -> Iterator[str]:
    yield "## Answers a second and core, without sockets: `scripts/bench/in_process`"
    yield ""
    yield from _table(
        ("listings", "form", "ns an answer", "answers/s"),
        (
            (f"{each['listings']:,}", form, f"{each['ns'][form]:,.0f}", f"{each['answers_per_s'][form]:,}")
            for each in document["in_process"]
            for form in each["ns"]
        ),
    )


def _index(document: Document) -> Iterator[str]:
    yield "## The index file: `scripts/bench/index`"
    yield ""
    yield "Compiled from SQLite in a process of its own: read, written, synced and verified."
    yield ""
    yield from _table(
        ("listings", "IPv6", "bytes a listing", "compile s", "of it CPU s", "most memory, MiB", "open ms"),
        (
            (
                f"{each['listings']:,}",
                f"{each['v6_share']:.0%}",
                each["bytes_per_listing"],
                f"{each['compile_s']:.2f}",
                f"{each['compile_cpu_s']:.2f}",
                each["compile_rss_mib"],
                f"{each['open_s'] * 1e3:.2f}",
            )
            for each in document["index"]
        ),
    )


def _instructions(document: Document) -> Iterator[str]:
    yield "## Instructions a query: `scripts/bench/instructions`"
    yield ""
    yield "In user space, of the native form, counted by callgrind, which noise cannot touch; CI holds it to a budget."
    yield ""
    told = document["instructions"]
    yield from _table(("an answer", "budget"), [(f"{told['instructions_per_answer']:,}", f"{told['budget']:,}")])


if __name__ == "__main__":
    write(read())
