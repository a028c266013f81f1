"""Logs: who came, when, from which ports and with which agents. In: log sources. Out: counted units.

The path of a line: `files` looks every file over; `formats` say how its lines are to be read; `scan` is how DuckDB
gets at them; `lines` turns them into integers; `ingest` keeps those in a DuckDB file and accounts for each line;
`counting` makes day evidence of them, and features of that.

The one rule: DuckDB reads and counts; nothing here loops over lines in Python.
"""

from __future__ import annotations

import datetime
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb

from mipdns import config
from mipdns.config import memory_bytes
from mipdns.errors import SourceError
from mipdns.evidence import FileRead, LogEvidence
from mipdns.progress import Progress
from mipdns.sources import reading
from mipdns.sources.logs.counting.count import count, sql
from mipdns.sources.logs.files import inspect
from mipdns.sources.logs.ingest import account, create_tables, ingest
from mipdns.sources.logs.scan import Numbered

__all__ = ["read_logs"]


def read_logs(
    sources: Sequence[config.Logs], load: config.Load, progress: Progress, *, now: datetime.date
) -> tuple[LogEvidence | None, list[FileRead]]:
    """Read and count all log sources of a load; None and nothing where there are none.

    Works in a fresh folder under `load.work`, removed at the end, and within `load.memory`. Raises SourceMissing,
    SourceUnreadable and TooManyBadLines; what names a file or a column that is not there is raised before anything is
    counted.
    """
    if not sources:
        return None, []
    paths = [_without_empty(reading.expand(source)) for source in sources]
    files: list[list[Numbered]] = []
    for source, found in zip(sources, paths, strict=True):
        first = sum(map(len, files))
        files.append([Numbered(first + at, inspect(source, path)) for at, path in enumerate(found)])
    try:
        with _work_folder(Path(load.work)) as folder, _connect(folder, load) as connection:
            reads = _read(connection, sources, files, load, progress)
            evidence = count(
                connection,
                as_of=load.as_of,
                window_days=load.window_days,
                now=now,
                memory=memory_bytes(load.memory),
                progress=progress,
            )
    except duckdb.OutOfMemoryException as fault:
        raise SourceError(
            f"logs: counting does not fit into [load] memory = {load.memory!r}: {str(fault).splitlines()[0]}"
        ) from None
    except (duckdb.IOException, OSError) as fault:
        raise SourceError(f"logs: [load] work folder {load.work}: {str(fault).splitlines()[0]}") from None
    return evidence, reads


def _without_empty(paths: list[Path]) -> list[Path]:
    """Of several files those that hold anything: right after a rotation the newest log is empty. One alone stays."""
    return [path for path in paths if path.stat().st_size] or paths


@contextmanager
def _work_folder(work: Path) -> Iterator[Path]:
    """A fresh folder, removed at the end. Those that killed loads left go too: a live one is locked by its owner.

    `work` itself is locked meanwhile, so that no other load finds the fresh folder before it is locked.
    """
    work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _locked(work, wait=True):
            for left in work.glob("logs-*"):
                # One that its owner removes right now is gone, as it should be.
                with suppress(FileNotFoundError), _locked(left) as ours:
                    if ours:
                        shutil.rmtree(left, ignore_errors=True)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logs-", dir=work)))
            stack.enter_context(_locked(folder))
        yield folder


@contextmanager
def _locked(folder: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the folder's lock, if nobody else does; or once nobody does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            free = False
        else:
            free = True
        yield free
    finally:
        os.close(descriptor)


def _connect(folder: Path, load: config.Load) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        folder / "lines.duckdb",
        config={
            "memory_limit": f"{memory_bytes(load.memory) >> 10}KiB",
            "temp_directory": str(folder / "spill"),
            "threads": load.threads or os.cpu_count() or 1,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _read(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[config.Logs],
    files: Sequence[Sequence[Numbered]],
    load: config.Load,
    progress: Progress,
) -> list[FileRead]:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute(sql("lines", "macros.sql"))
    create_tables(connection)
    _name_origins(connection, sources, files)
    total = sum(numbered.file.bytes for group in files for numbered in group)
    done = 0
    reads: list[FileRead] = []
    progress("read logs", 0.0)
    for source, group in zip(sources, files, strict=True):
        for read in ingest(connection, source, group):
            done += read
            progress("read logs", done / max(total, 1))
        reads += account(connection, source, group, load.bad_lines_max)
    return reads


def _name_origins(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[config.Logs], files: Sequence[Sequence[Numbered]]
) -> None:
    """Table `origin`: each file's source and sensor. A source that names no sensor is one of its own."""
    sensors = {
        name: at for at, name in enumerate(dict.fromkeys(source.sensor or f"/{source.name}" for source in sources))
    }
    rows = [
        (numbered.number, sensors[source.sensor or f"/{source.name}"], at)
        for at, (source, group) in enumerate(zip(sources, files, strict=True))
        for numbered in group
    ]
    connection.execute("CREATE TABLE origin (file UINTEGER, sensor UINTEGER, source UINTEGER)")
    connection.executemany("INSERT INTO origin VALUES (?, ?, ?)", rows)
