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
        "source": [describe_source(source) for source in store.sources(database)],
    }


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
        "counts": {name: count for name, count in build.counts.items() if count},
        "seconds": {name: round(seconds, 1) for name, seconds in build.stages},
    }
