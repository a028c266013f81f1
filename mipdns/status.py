"""What is served, told for people and programs: the newest build, where it came from, how old it is, how the last load
went, and what of all that is trouble."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mipdns import store
from mipdns.config import Config
from mipdns.errors import StoreError
from mipdns.evidence import FileRead
from mipdns.fetch.telling import copy_trouble, standing
from mipdns.schedule.attempt import Attempt, Outcome, last_attempt
from mipdns.server.control import running_server

DOUBTED = "doubted_"
"""Counts of a build that begin so name a source that names too much, and the percentage of it that can be true."""

UNSUPPORTED = "unsupported_"
"""Counts of a build that begin so name a source that traffic does not bear out, and how many of its units were held
against others.
"""

OUTSIDE = "outside_window_"
"""Counts of a build that begin so name a source most of whose lines lie outside the window, and the percentage."""


def status(config: Config, *, age_max_s: float | None = None) -> dict[str, object]:
    """The newest build, its age, its sources, the last load and whether a server runs.

    `trouble` is a list of lines, empty if all is well: a database that cannot be read, a last load that failed, a build
    older than `age_max_s`, a source that names more than can be. `warnings` is one of what is likely, and no proof of
    trouble. Where there is no build to tell of, what describes one is left out.
    """
    database = Path(config.store.database)
    trouble: list[str] = []
    suspected: list[str] = []
    document: dict[str, object] = {"database": str(database)}
    sources: list[FileRead] = []
    try:
        with store.snapshot(database) as kept:
            build, sources = store.latest_build(kept), store.sources(kept)
    except StoreError as fault:
        trouble.append(str(fault))
    else:
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(build.finished)
        trouble += doubts(build)
        suspected += suspicions(build)
        document |= describe_build(build) | {"age_hours": round(age.total_seconds() / 3600, 1)}
        if age_max_s is not None and age.total_seconds() > age_max_s:
            allowed = datetime.timedelta(seconds=age_max_s)
            trouble.append(
                f"{database}: build {build.serial} is {str(age).split('.')[0]} old, and {allowed} is the limit"
            )
    attempt = last_attempt(database)
    if attempt and (line := _load_trouble(*attempt)):
        trouble.append(line)
    fetched = standing(config.sources)
    trouble += [line for copy in fetched if (line := copy_trouble(copy))]
    return document | {
        "last_load": describe_attempt(*attempt) if attempt else None,
        "server": _server(config),
        "trouble": trouble,
        "warnings": suspected,
        "source": [describe_source(source) for source in sources],
        **({"fetched": fetched} if fetched else {}),
    }


def doubts(build: store.Build) -> list[str]:
    """A line for each source of a build that names more than can be true of its kind."""
    return [
        f"source {name.removeprefix(DOUBTED)!r} names far more addresses than all of its kind can be, and is "
        f"believed as far as {share} % of them; see that nobody tampered with it"
        for name, share in build.counts.items()
        if name.startswith(DOUBTED)
    ]


def suspicions(build: store.Build) -> list[str]:
    """A line for each source of a build whose addresses look by their traffic like any others, or whose days are not
    those that are judged.
    """
    window = f"{build.window_days} days up to {build.as_of}"
    return [
        f"source {name.removeprefix(OUTSIDE)!r}: {share} % of its lines lie outside the window ({window}) and are not "
        "judged; look at [load] as_of and window_days, at the clock that wrote them, and whether the log goes on"
        for name, share in build.counts.items()
        if name.startswith(OUTSIDE)
    ] + [
        f"source {name.removeprefix(UNSUPPORTED)!r} is not borne out by traffic: {units} addresses that it names look "
        "no more shared than those that it does not name; see that it is neither stale nor tampered with"
        for name, units in build.counts.items()
        if name.startswith(UNSUPPORTED)
    ]


def describe_attempt(attempt: Attempt, outcome: Outcome) -> dict[str, object]:
    """The load that runs, or the last that was tried, for printing."""
    return {
        "outcome": outcome,
        "began": attempt.began,
        "seconds": attempt.seconds,
        "process": attempt.pid,
        "serial": attempt.serial or None,
        "error": (outcome == "failed" and attempt.fault) or None,
        "failures_in_a_row": attempt.failures + (outcome == "killed"),
    }


def _load_trouble(attempt: Attempt, outcome: Outcome) -> str:
    match outcome:
        case "failed":
            return f"the last load, begun {attempt.began}, failed: {attempt.fault}"
        case "killed":
            return f"the last load, begun {attempt.began}, did not live to its end: killed, or the machine went down"
        case "running" if attempt.failures:
            why = attempt.fault or "killed, or the machine went down"
            return f"a load runs since {attempt.began}; the one before came to nothing: {why}"
        case _:
            return ""


def describe_source(file: FileRead) -> dict[str, object]:
    """A file that was read, for printing; `bad_lines` holds the first of the rejected ones."""
    return {
        "name": file.source,
        "file": file.file,
        "dated": str(file.dated),
        "rows": file.rows,
        "rejected": file.rejected,
        "special": file.dropped,
        "bad_lines": [f"{bad.file}:{bad.line}: {bad.reason}" for bad in file.examples],
        "sha256": file.digest,
        "licence": file.licence,
    }


def by_source(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each source, of its files as `describe_source` gives them."""
    together: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        together.setdefault(file["name"], []).append(file)
    width = max(map(len, together), default=0)
    lines = []
    for name, read in together.items():
        rows, rejected, special = (sum(file[of] for file in read) for of in ("rows", "rejected", "special"))
        told = [
            f"{len(read):,} {'file' if len(read) == 1 else 'files'}",
            f"{rows:,} {'row' if rows == 1 else 'rows'}",
            *([f"{rejected:,} rejected"] if rejected else []),
            *([f"{special:,} special"] if special else []),
            f"newest {max(file['dated'] for file in read)}",
        ]
        lines.append(f"{name:<{width}}  {', '.join(told)}")
    return lines


def _server(config: Config) -> str:
    running = running_server(Path(config.store.database))
    if running is None:
        return "not running"
    trouble = f", but it kept that: {running.fault}" if running.fault else ""
    return f"process {running.pid} serves build {running.serial} on {', '.join(running.listen)}{trouble}"


def describe_build(build: store.Build) -> dict[str, object]:
    """A build for printing: its serial, window, counts, and seconds by stage."""
    return {
        "serial": build.serial,
        "finished": build.finished,
        "judged_as_of": str(build.as_of),
        "window_days": build.window_days,
        "model": build.model,
        "verdicts": build.verdicts,
        "listed_ipv4": build.listed_v4,
        "listed_ipv6_64s": build.listed_v6,
        "counts": {name: count for name, count in build.counts.items() if count or name.startswith(DOUBTED)},
        "seconds": {name: round(seconds, 1) for name, seconds in build.stages},
    }
