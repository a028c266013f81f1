"""What is served, told for people and programs: the newest build, where it came from, how old it is."""

from __future__ import annotations

import datetime
from pathlib import Path

from mipdns import store
from mipdns.config import Config
from mipdns.evidence import FileRead
from mipdns.server.control import running_server


def status(config: Config) -> dict[str, object]:
    """The newest build, its age, the sources it read and whether a server runs. Raises StoreError."""
    database = Path(config.store.database)
    build = store.latest_build(database)
    finished = datetime.datetime.fromisoformat(build.finished)
    age = datetime.datetime.now(datetime.UTC) - finished
    return {
        "database": str(database),
        **describe_build(build),
        "age_hours": round(age.total_seconds() / 3600, 1),
        "server": _server(config),
        "source": [_describe_source(source) for source in store.sources(database)],
    }


def _server(config: Config) -> str:
    running = running_server(Path(config.store.database))
    if running is None:
        return "not running"
    trouble = f", but it kept that: {running.fault}" if running.fault else ""
    return f"process {running.pid} serves build {running.serial} on {', '.join(running.listen)}{trouble}"


def _describe_source(file: FileRead) -> str:
    rejected = f", {file.rejected} rejected" if file.rejected else ""
    dropped = f", {file.dropped} in special-purpose space" if file.dropped else ""
    first = f" (first: line {file.examples[0].line}: {file.examples[0].reason})" if file.examples else ""
    return f"{file.source}: {file.file}, {file.rows} rows{rejected}{dropped}{first}, dated {file.dated}"


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
        "counts": {name: count for name, count in build.counts.items() if count},
        "seconds": {name: round(seconds, 1) for name, seconds in build.stages},
    }
