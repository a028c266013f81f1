"""Days that are counted once. In: files of hits, and which day needs what. Out: day evidence, in place and named.

The one rule: a day has a key, a digest of all that its evidence depends on: the contents it was read from, how they
were read, which sensors saw the whole day, and the SQL. A day whose key has changed is counted anew, whole; one whose
key is the same is not looked at. So late files, grown files, a changed configuration and a new version are one case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from mipdns.progress import Progress
from mipdns.sources.logs.counting.engine import AGENTS_MAX, EVIDENCE_COLUMNS, Engine, Share
from mipdns.sources.logs.counting.ranges import KEY_MAX, UnitRange, unit_ranges
from mipdns.sources.logs.manifest import Manifest, ShareKept, day_text
from mipdns.sources.logs.texts import counter_version, parquet
from mipdns.sources.logs.workplace import Workplace, remove


class DayHits(NamedTuple):
    """What a day is counted from. contents: (reading, content) of each file with hits on it. rows: how many hits."""

    day: int
    contents: frozenset[tuple[str, str]]
    segments: frozenset[int]
    rows: int
    full_sensors: tuple[tuple[int, str], ...]
    """(number, name) of the sensors that saw the whole day."""

    @property
    def key(self) -> str:
        """Of all that the day's evidence depends on."""
        told = [counter_version(), self.day, sorted(self.contents), sorted(name for _, name in self.full_sensors)]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def share_folder(place: Workplace, key: str, day: int, number: int) -> Path:
    """Where the evidence of a share stands."""
    return place.days / f"{day_text(day)}-{key}-{number}"


def count_days(
    connection: duckdb.DuckDBPyConnection,
    place: Workplace,
    manifest: Manifest,
    engine: Engine,
    days: Sequence[DayHits],
    progress: Progress,
) -> None:
    """Count the days that are not counted yet, and finish those that an interrupted load began."""
    _plan(connection, place, manifest, engine, days)
    by_day = {day.day: day for day in days}
    todo = [share for share in manifest.shares() if share.day in by_day and share.bytes is None]
    total, done = sum(share.rows for share in todo), 0
    for share in todo:
        progress("count logs", done / max(total, 1))
        _count(connection, place, manifest, engine, by_day[share.day], share)
        done += share.rows
    progress("count logs", 1.0)


def _plan(
    connection: duckdb.DuckDBPyConnection,
    place: Workplace,
    manifest: Manifest,
    engine: Engine,
    days: Sequence[DayHits],
) -> None:
    known = manifest.days()
    for day in days:
        if known.get(day.day) == day.key:
            continue
        ranges = [UnitRange(0, KEY_MAX, day.rows)]
        if engine.rows_max is not None and day.rows > engine.rows_max:
            files = parquet(place.segment(number) for number in sorted(day.segments))
            relation = f"SELECT unit FROM read_parquet({files}) WHERE day = {day.day}"
            ranges = unit_ranges(connection, relation, engine.rows_max)
        manifest.plan_day(day.day, day.key, ranges)


def _count(
    connection: duckdb.DuckDBPyConnection,
    place: Workplace,
    manifest: Manifest,
    engine: Engine,
    day: DayHits,
    share: ShareKept,
) -> None:
    out = place.scratch / f"{share.day}-{share.number}"
    remove(out)
    out.mkdir()
    engine.count(
        Share(
            hits=tuple(place.segment(number) for number in sorted(day.segments)),
            day=day.day,
            first=share.first,
            last=share.last,
            rows=share.rows,
            full_sensors=tuple(number for number, _ in day.full_sensors),
            out=out,
        )
    )
    (hour_rows,) = _one(connection, f"SELECT COUNT(*) FROM read_parquet({parquet([out / 'hour_count.parquet'])})")
    (capped,) = _one(
        connection,
        f"SELECT COUNT(*) FROM read_parquet({parquet([out / 'day_count.parquet'])}) WHERE agents >= {AGENTS_MAX}",
    )
    stored = bytes_of(out)
    goal = share_folder(place, day.key, share.day, share.number)
    remove(goal)
    place.publish(out, goal)
    manifest.counted(share._replace(bytes=stored, hour_rows=hour_rows, agents_capped=capped))


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without groups has one row
    return row


def bytes_of(folder: Path) -> int:
    """Of all files in a folder of day evidence; 0 where it is not there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def expire_days(place: Workplace, manifest: Manifest, first_day: int) -> None:
    """Forget days before that one, and days whose evidence is not as it was left; sweep away what nobody names."""
    keys, damaged = manifest.days(), set()
    names = set()
    for share in manifest.shares():
        folder = share_folder(place, keys[share.day], share.day, share.number)
        if share.day < first_day or (share.bytes is not None and bytes_of(folder) != share.bytes):
            damaged.add(share.day)
        elif share.bytes is not None:
            names.add(folder.name)
    for day in damaged | {day for day in keys if day < first_day}:
        manifest.drop_day(day)
    place.sweep([f"{number}.parquet" for number in manifest.segments()], names)


def relation(folders: Iterable[Path], table: str, columns: Mapping[str, str] | None = None) -> str:
    """SQL of a table of day evidence over these folders; without rows where there are none."""
    columns = columns or EVIDENCE_COLUMNS[table]
    files = [folder / f"{table}.parquet" for folder in folders]
    if not files:
        return f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in columns.items())} WHERE FALSE"
    cells = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    return f"SELECT {cells} FROM read_parquet({parquet(files)})"
