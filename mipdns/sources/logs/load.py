"""The stages of a load of logs, in order. In: log sources. Out: the window's evidence, and an account of every file.

The one rule: what a load has done it leaves done, file by file and share by share, so that whatever ends it, the next
one goes on from there; and what it left counts only when a load has come to its end.
"""

from __future__ import annotations

import datetime
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import duckdb
import msgspec

from mipdns import config, enginekeys
from mipdns.config import memory_bytes
from mipdns.errors import SourceError
from mipdns.evidence import Chunk, FileRead, LogEvidence
from mipdns.progress import Progress
from mipdns.sources import reading
from mipdns.sources.logs import engines, residents
from mipdns.sources.logs.counting.coverage import (
    EPOCH,
    OUTSIDE_SHARE,
    day_number,
    full_days,
    newest_day,
    share_outside,
)
from mipdns.sources.logs.counting.days import DayHits, count_days, expire_days, share_folder
from mipdns.sources.logs.counting.embedded import Embedded
from mipdns.sources.logs.counting.engine import Engine
from mipdns.sources.logs.counting.window import EvidenceOf, Window
from mipdns.sources.logs.files import inspect
from mipdns.sources.logs.holdings import Counting, OnDisk, counting, how
from mipdns.sources.logs.holdings import reading as reading_of
from mipdns.sources.logs.ingest import Ingested, ingest, rewrite_hits
from mipdns.sources.logs.manifest import Counts, Kept, Manifest, opened_manifest
from mipdns.sources.logs.scan import Numbered
from mipdns.sources.logs.texts import sql
from mipdns.sources.logs.workplace import Workplace, opened


@contextmanager
def read_logs(
    sources: Sequence[config.Logs],
    load: config.Load,
    progress: Progress,
    *,
    now: datetime.date,
    keys: enginekeys.Engine = enginekeys.Engine(),  # noqa: B008 - it is frozen
) -> Iterator[tuple[LogEvidence | None, list[FileRead]]]:
    """Read and count all log sources of a load; None and nothing where there are none.

    Holds `load.work` against other loads as long as the context lasts; the evidence may be read as long. Works within
    `load.memory`. Raises SourceMissing, SourceUnreadable and TooManyBadLines; what names a file or a column that is not
    there is raised before anything is read.
    """
    if not sources:
        yield None, []
        return
    with ExitStack() as held:
        with _faults(load):
            job = _Job(held, sources, load, progress, keys)
            told = job.evidence(now)
        yield told


@contextmanager
def _faults(load: config.Load) -> Iterator[None]:
    """Turn what DuckDB, SQLite and the file system raise into one line."""
    try:
        yield
    except duckdb.OutOfMemoryException as fault:
        if "offload" in str(fault):  # what does not fit into memory goes to disk, and that is full
            raise SourceError(f"logs: [load] work folder {load.work}: {_FULL}") from None
        raise SourceError(
            f"logs: counting does not fit into [load] memory = {load.memory!r}: {str(fault).splitlines()[0]}"
        ) from None
    except (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException, OSError, sqlite3.Error) as fault:
        full = "No space left" in str(fault) or "disk is full" in str(fault)
        why = _FULL if full else str(fault).splitlines()[0]
        raise SourceError(f"logs: [load] work folder {load.work}: {why}") from None


_FULL = "there is no space left; make room and load again, it goes on from here"


class _Job:
    """One load of logs."""

    def __init__(
        self,
        held: ExitStack,
        sources: Sequence[config.Logs],
        load: config.Load,
        progress: Progress,
        keys: enginekeys.Engine,
    ) -> None:
        self.sources = sources
        self.load = load
        self.progress = progress
        self.readings = {source.name: reading_of(source) for source in sources}
        self.paths = [_without_empty(reading.expand(source)) for source in sources]
        self.place: Workplace = held.enter_context(opened(Path(load.work)))
        self.manifest: Manifest = held.enter_context(opened_manifest(self.place))
        self.connection = held.enter_context(closing(self.connect()))
        engine = engines.opened(held, load, keys, self.connection, self.place.scratch)
        self.engine: Engine = engine or Embedded(self.connection, memory_bytes(load.memory))
        self.tables = {
            source.name: engine.add_table(source, self._sensor(source), self._number(source))
            for source in sources
            if source.table and isinstance(engine, engines.ClickHouse)
        }

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that keeps to the configured memory and threads."""
        connection = duckdb.connect(
            config={
                "memory_limit": f"{memory_bytes(self.load.memory) >> 10}KiB",
                "temp_directory": str(self.place.scratch / "spill"),
                "threads": self.load.threads or os.cpu_count() or 1,
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        return connection

    def _sensor(self, source: config.Logs) -> int:
        """The number that stands for a source's sensor. A source that names none is one of its own."""
        return self.manifest.origin(f"sensor {source.sensor or f'/{source.name}'}")

    def _number(self, source: config.Logs) -> int:
        return self.manifest.origin(f"source {source.name}")

    def evidence(self, now: datetime.date) -> tuple[LogEvidence, list[FileRead]]:
        """All of it: look, read, count."""
        self.connection.execute(sql("lines", "macros.sql"))
        self._drop_lost_segments()
        found = self._look(now)
        while True:
            kept = self._read(found)
            hours = self.manifest.hours([file.id for file in kept.files])
            as_of = self.load.as_of or newest_day(hours, now)
            last = day_number(as_of)
            first = last - self.load.window_days + 1
            again = self._to_read_again(kept, first, last)
            if not again:
                break
            self.manifest.forget(again)
            found = self._look(now)
        # A window that is looked at for once, or ends in a time that has not come, makes nothing expire.
        expiry = min(first, day_number(newest_day(hours, now)) - self.load.window_days + 1)
        kept = self._accept(kept, expiry)
        hours = self.manifest.hours([file.id for file in kept.files])
        full = full_days(hours, first, last)
        self._tidy(kept, expiry)
        days = self._days(kept, full, first, last)
        expire_days(self.place, self.manifest, expiry)
        count_days(self.connection, self.place, self.manifest, self.engine, days, self.progress)
        window, capped = self._window(days)
        complete = {day for _, day in full}
        evidence = LogEvidence(
            chunks=lambda: self._chunks(window),
            as_of=as_of,
            first_day=EPOCH + datetime.timedelta(days=first),
            complete_days=len(complete),
            complete_weekend_days=sum((EPOCH + datetime.timedelta(days=day)).weekday() >= 5 for day in complete),
            lines_outside=sum(seen.lines for seen in hours if not first <= seen.hour // 24 <= last),
            agents_capped=capped,
            outside=self._outside(kept, first, last),
        )
        return evidence, self._account(found, kept)

    # ── look ──

    def _look(self, now: datetime.date) -> list[OnDisk]:
        """Every file that the sources name, looked over where it is new. Those of one content: one, and its twins."""
        files = self.manifest.files()
        known = {(kept.reading, kept.content) for kept in files}
        earlier: dict[str, dict[str, int]] = {}
        for kept in files:
            earlier.setdefault(kept.reading, {})[kept.content] = kept.content_bytes
        total = sum(path.stat().st_size for paths in self.paths for path in paths)
        done, now_ns = 0, time.time_ns()
        found, sightings = [], []
        first: dict[tuple[str, str], Path] = {}
        for source, paths in zip(self.sources, self.paths, strict=True):
            alike, read_as = how(source), self.readings[source.name]
            for path in paths:
                self.progress("look at logs", done / max(total, 1))
                told = path.stat()
                file, content = None, self.manifest.sighted(path)
                if content is None or (
                    (read_as, content.content) not in known and (alike, content.content) not in first
                ):
                    file = inspect(source, path, earlier.get(read_as))
                    content = file.content
                sightings.append((told, content))
                twin = first.get((alike, content.content))
                first.setdefault((alike, content.content), path)
                read = twin is None and (read_as, content.content) not in known
                found.append(OnDisk(source, read_as, alike, path, content, file if read else None, twin))
                done += told.st_size
        self.manifest.sight(sightings, now_ns)
        for source in self.sources:
            if source.name in self.tables:
                today = day_number(self.load.as_of or now)
                found += residents.look(source, self.tables[source.name], today, self.load.window_days)
        return found

    # ── read ──

    def _read(self, found: Sequence[OnDisk]) -> Counting:
        """Read what is new, source by source; then say what counts. Raises TooManyBadLines."""
        known = {(kept.reading, kept.content): kept for kept in self.manifest.files()}
        todo = [one for one in found if one.file and (one.reading, one.content.content) not in known]
        total, done = sum(one.content.bytes for one in todo), 0
        self.progress("read logs", 0.0)
        residents.read(self.manifest, self.tables, found, self._sensor, self.progress)
        for source in self.sources:
            new = [one for one in todo if one.source is source]
            done = self._ingest(source, new, total, done) if new else done
            self._check_bad_lines(source, found)
        self.progress("read logs", 1.0)
        return self._counting(found)

    def _ingest(self, source: config.Logs, new: Sequence[OnDisk], total: int, done: int) -> int:
        by_content = {kept.content: kept.id for kept in self.manifest.files() if kept.reading == new[0].reading}
        by_path = {one.path: one for one in new}
        numbered = [
            Numbered(number, one.file)
            for number, one in enumerate(new, start=self.manifest.next_file())
            if one.file is not None
        ]
        sensor = self._sensor(source)
        groups = ingest(
            self.connection,
            source,
            numbered,
            self.place.scratch,
            sensor_number=sensor,
            source_number=self._number(source),
            report=lambda read: self.progress("read logs", (done + read) / max(total, 1)),
        )
        for group in groups:
            segment, stored = None, 0
            if group.hits is not None:
                segment, stored = self.manifest.next_segment(), group.hits.stat().st_size
                self.place.publish(group.hits, self.place.segment(segment))
            self.manifest.add(
                [
                    (
                        _kept(source, by_path[file.file.file.path], file, sensor, segment),
                        Counts(file.hours, file.days),
                        [by_content[content] for content in file.file.file.begins if content in by_content],
                    )
                    for file in group.files
                ],
                segment or 0,
                stored,
            )
        return done + sum(one.content.bytes for one in new)

    def _check_bad_lines(self, source: config.Logs, found: Sequence[OnDisk]) -> None:
        contents = {one.content.content: str(one.path) for one in found if one.source is source and one.twin is None}
        kept = [
            file._replace(path=contents[file.content])
            for file in self.manifest.files()
            if file.reading == self.readings[source.name] and file.content in contents
        ]
        reading.check_bad_lines(
            source.name,
            self.load.bad_lines_max,
            rows=sum(file.rows + file.dropped for file in kept),
            rejected=sum(file.rejected for file in kept),
            examples=[example for file in kept for example in file.bad_lines()][:1],
        )

    def _counting(self, found: Sequence[OnDisk]) -> Counting:
        for kept, one in self._here(found):
            moved = kept._replace(
                path=str(one.path),
                digest=one.content.digest,
                bytes=one.content.bytes,
                dated=_dated(one.source, one.path, kept.newest),
            )
            if moved != kept:
                self.manifest.update(moved)
        told = counting(
            self.manifest.files(),
            found,
            set(self.readings.values()),
            self.manifest.grown(),
            self.manifest.file_hours,
        )
        # A table holds what it holds: its days do not rotate away.
        return told._replace(gone=[file for file in told.gone if file.source not in self.tables])

    def _here(self, found: Sequence[OnDisk]) -> list[tuple[Kept, OnDisk]]:
        named = {(one.reading, one.content.content): one for one in found if one.twin is None}
        return [
            (kept, named[kept.reading, kept.content])
            for kept in self.manifest.files()
            if (kept.reading, kept.content) in named
        ]

    def _to_read_again(self, kept: Counting, first: int, last: int) -> list[int]:
        """Files on disk whose hits are not kept any more, and are needed."""
        by_number = {file.id: file for file in kept.here.values()}
        return sorted(
            {
                file
                for file, day, _ in self.manifest.file_days()
                if file in by_number and first <= day <= last and not self._has(by_number[file], day)
            }
        )

    # ── keep ──

    def _accept(self, kept: Counting, expiry: int) -> Counting:
        """Take these files in, without those that are gone and have no day left that matters."""
        newest = {
            file.id: max((hour for hour, _ in self.manifest.file_hours(file.id)), default=0) for file in kept.gone
        }
        # The day before the window tells whether its first day was seen whole.
        gone = [file for file in kept.gone if newest[file.id] // 24 >= expiry - 1]
        kept = Counting(kept.here, gone)
        self.manifest.accept([file.id for file in kept.files])
        return kept

    def _drop_lost_segments(self) -> None:
        """Forget files of hits that are not as they were left: somebody has been in the folder."""
        for number, stored in self.manifest.segments().items():
            path = self.place.segment(number)
            if not path.is_file() or path.stat().st_size != stored:
                self.manifest.drop_segment(number)

    def _tidy(self, kept: Counting, expiry: int) -> None:
        """Drop segments that nobody needs; write those anew that hold hits of files that do not count."""
        counting_files = {file.id for file in kept.files}
        needed = {file for file, day, _ in self.manifest.file_days() if day >= expiry}
        for number, files in self.manifest.segment_files().items():
            living = sorted(files & counting_files)
            if not needed.intersection(living):
                self.manifest.drop_segment(number)
            elif len(living) < len(files):
                made = self.place.scratch / "hits.parquet"
                rewrite_hits(self.connection, self.place.segment(number), made, living, expiry)
                new, stored = self.manifest.next_segment(), made.stat().st_size
                self.place.publish(made, self.place.segment(new))
                self.manifest.replace_segment(number, new, stored, living, expiry)

    # ── count ──

    def _days(self, kept: Counting, full: Sequence[tuple[int, int]], first: int, last: int) -> list[DayHits]:
        """The days of the window that have hits, and what each is counted from."""
        now = {file.id: file for file in self.manifest.files()}
        counting_files = {file.id for file in kept.files}
        contents: dict[int, set[tuple[str, str]]] = {}
        segments: dict[int, set[int]] = {}
        rows: dict[int, int] = {}
        for number, day, hits in self.manifest.file_days():
            file = now[number]
            if number in counting_files and first <= day <= last and self._has(file, day):
                contents.setdefault(day, set()).add((file.reading, file.content))
                segments.setdefault(day, set()).update(() if file.segment is None else (file.segment,))
                rows[day] = rows.get(day, 0) + hits
        names = {
            self.manifest.origin(name): name
            for name in (f"sensor {source.sensor or f'/{source.name}'}" for source in self.sources)
        }
        return [
            DayHits(
                day=day,
                contents=frozenset(contents[day]),
                segments=frozenset(segments[day]),
                rows=rows[day],
                full_sensors=tuple(sorted((sensor, names[sensor]) for sensor, whole in full if whole == day)),
            )
            for day in sorted(rows)
        ]

    def _has(self, file: Kept, day: int) -> bool:
        """Whether a file's hits of that day are kept; those of a table lie there."""
        return file.source in self.tables or (file.segment is not None and day >= file.kept_from)

    def _window(self, days: Sequence[DayHits]) -> tuple[Window, int]:
        keys = {day.day: day.key for day in days}
        shares = [share for share in self.manifest.shares() if share.day in keys]
        evidence = [
            EvidenceOf(share_folder(self.place, keys[share.day], share.day, share.number), share.first, share.last)
            for share in shares
        ]
        window = Window(self.connect, evidence, memory_bytes(self.load.memory), self.place.scratch)
        return window, sum(share.agents_capped or 0 for share in shares)

    def _chunks(self, window: Window) -> Iterator[Chunk]:
        with _faults(self.load):
            yield from window.chunks()

    # ── tell ──

    def _outside(self, kept: Counting, first: int, last: int) -> tuple[tuple[str, int], ...]:
        """The sources of which most lies outside the window, each with the percentage that does."""
        told = []
        for source in self.sources:
            files = [file.id for file in kept.files if file.reading == self.readings[source.name]]
            share = share_outside(self.manifest.hours(files), first, last)
            if share >= OUTSIDE_SHARE:
                told.append((source.name, int(100 * share)))
        return tuple(told)

    def _account(self, found: Sequence[OnDisk], kept: Counting) -> list[FileRead]:
        """Of every file on disk, then of those that are gone and still count, source by source."""
        told = []
        for source in self.sources:
            for one in found:
                if one.source is source:
                    twin = one.twin is not None
                    file = None if twin else kept.here[one.reading, one.content.content]
                    told.append(_file_read(source, file, one))
            told += [_file_read(source, file, None) for file in kept.gone if file.reading == self.readings[source.name]]
        return told


def _without_empty(paths: list[Path]) -> list[Path]:
    """Of several files those that hold anything: right after a rotation the newest log is empty. One alone stays."""
    return [path for path in paths if path.stat().st_size] or paths


def _dated(source: config.Logs, path: Path, newest: int | None) -> str:
    day = None if newest is None else EPOCH + datetime.timedelta(days=newest)
    return reading.date_of(source, path, day).isoformat()


def _kept(source: config.Logs, one: OnDisk, file: Ingested, sensor: int, segment: int | None) -> Kept:
    return Kept(
        id=file.file.number,
        source=source.name,
        reading=one.reading,
        how=one.how,
        sensor=sensor,
        path=str(one.path),
        digest=one.content.digest,
        bytes=one.content.bytes,
        content=one.content.content,
        content_bytes=one.content.content_bytes,
        rows=file.rows,
        dropped=file.dropped,
        rejected=file.rejected,
        newest=file.newest,
        examples=msgspec.json.encode(file.examples).decode(),
        dated=_dated(source, one.path, file.newest),
        segment=segment if file.days else None,
        kept_from=0,
        accepted=False,
    )


def _file_read(source: config.Logs, kept: Kept | None, one: OnDisk | None) -> FileRead:
    """kept: None for a file whose content counts elsewhere. one: None for a file that is gone."""
    return FileRead(
        source=source.name,
        kind=source.kind,
        format=source.format,
        file=str(one.path) if one else kept.path if kept else "",
        digest=one.content.digest if one else kept.digest if kept else "",
        bytes=one.content.bytes if one else kept.bytes if kept else 0,
        rows=kept.rows if kept else 0,
        rejected=kept.rejected if kept else 0,
        dropped=kept.dropped if kept else 0,
        examples=kept.bad_lines() if kept else (),
        dated=datetime.date.fromisoformat(kept.dated if kept else _dated(source, one.path, None) if one else ""),
        licence=source.licence,
    )
