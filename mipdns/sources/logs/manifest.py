"""What a work folder holds, in SQLite. In: files that were read, days that were counted. Out: the same, after a crash.

The one rule: a statement of the manifest is true whenever the process dies: it is made in one transaction, after the
Parquet files it speaks of are in place, and taken back before they go.
"""

from __future__ import annotations

import datetime
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from mipdns.evidence import BadLine
from mipdns.sources.logs.counting.coverage import SensorHour
from mipdns.sources.logs.files import Content
from mipdns.sources.logs.workplace import Workplace

SCHEMA_VERSION = 1
"""Of the manifest and of the Parquet files it names; a folder of another version is emptied and made anew."""

FRESH_NS = 2_000_000_000
"""A file that changed so shortly before it was looked at may change once more within one tick of its clock."""


class Kept(NamedTuple):
    """A log file that was read, as table `file` has it."""

    id: int
    source: str
    reading: str
    how: str
    sensor: int
    path: str
    digest: str
    bytes: int
    content: str
    content_bytes: int
    rows: int
    dropped: int
    rejected: int
    newest: int | None
    examples: str
    dated: str
    segment: int | None
    kept_from: int
    accepted: bool

    def bad_lines(self) -> tuple[BadLine, ...]:
        """The first bad lines, at the path where the file is now."""
        return tuple(
            BadLine(self.path, line, reason)
            for line, reason in msgspec.json.decode(self.examples, type=list[tuple[int, str]])
        )


class Counts(NamedTuple):
    """Of a file that was just read: its lines by hour, its hits by day."""

    hours: Sequence[tuple[int, int]]
    days: Sequence[tuple[int, int]]


class ShareKept(NamedTuple):
    """A share of a day. bytes, hour_rows, agents_capped: None until it is counted."""

    day: int
    number: int
    first: int
    last: int
    rows: int
    bytes: int | None
    hour_rows: int | None
    agents_capped: int | None


@contextmanager
def opened_manifest(place: Workplace) -> Iterator[Manifest]:
    """The manifest of a work folder. One that is damaged or of another version is thrown away with all it names."""
    if not _usable(place.manifest):
        place.clear()
        with closing(sqlite3.connect(place.manifest)) as connection:
            connection.executescript(
                f"BEGIN; {resources.files(__package__).joinpath('manifest.sql').read_text('utf-8')}"
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
    with closing(sqlite3.connect(place.manifest, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        yield Manifest(connection)


def _usable(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return bool(version == SCHEMA_VERSION and connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # no database, or a damaged one
        return False


class Manifest:
    """The open manifest of a work folder; each method that changes it is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def origin(self, name: str) -> int:
        """The number that stands for a source or a sensor."""
        while (row := self._connection.execute("SELECT id FROM origin WHERE name = ?", [name]).fetchone()) is None:
            with self._transaction() as connection:
                connection.execute("INSERT INTO origin (name) VALUES (?)", [name])
        return int(row[0])

    # ── files ──

    def sighted(self, path: Path) -> Content | None:
        """What is inside a file that has not changed since it was last looked into; None where that is not known."""
        told = path.stat()
        row = self._connection.execute(
            "SELECT digest, bytes, content, content_bytes FROM sighting"
            " WHERE device = ? AND inode = ? AND bytes = ? AND changed_ns = ?",
            [_signed(told.st_dev), _signed(told.st_ino), told.st_size, told.st_mtime_ns],
        ).fetchone()
        return None if row is None else Content(*row)

    def sight(self, seen: Iterable[tuple[os.stat_result, Content]], now_ns: int) -> None:
        """Remember what is inside these files, and forget all others. The stat is from before they were read."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM sighting")
            connection.executemany(
                "INSERT OR REPLACE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        _signed(told.st_dev),
                        _signed(told.st_ino),
                        content.bytes,
                        told.st_mtime_ns,
                        content.digest,
                        content.content,
                        content.content_bytes,
                    )
                    for told, content in seen
                    if told.st_mtime_ns < now_ns - FRESH_NS and told.st_size == content.bytes
                ],
            )

    def files(self) -> list[Kept]:
        """All files that were read and not forgotten, in the order in which they were read."""
        names = ", ".join(Kept._fields)
        rows = self._connection.execute(f"SELECT {names} FROM file ORDER BY id").fetchall()
        return [Kept._make((*row[:-1], bool(row[-1]))) for row in rows]

    def next_file(self) -> int:
        """The number of the next file that is read."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'file'").fetchone()
        return int(row[0]) + 1 if row else 1

    def next_segment(self) -> int:
        """The number of the next file of hits."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'segment'").fetchone()
        return int(row[0]) + 1 if row else 1

    def add(self, files: Sequence[tuple[Kept, Counts, Collection[int]]], segment: int, segment_bytes: int) -> None:
        """Take in files that were read together, with the older files that each has grown from.

        segment: where their hits are; 0 bytes: there are none.
        """
        with self._transaction() as connection:
            if segment_bytes:
                connection.execute("INSERT INTO segment VALUES (?, ?)", [segment, segment_bytes])
            for kept, counts, older in files:
                marks = ", ".join("?" * len(Kept._fields))
                connection.execute(f"INSERT INTO file ({', '.join(Kept._fields)}) VALUES ({marks})", kept)
                for table, rows in (("file_hour", counts.hours), ("file_day", counts.days)):
                    connection.executemany(
                        f"INSERT INTO {table} VALUES (?, ?, ?)", [(kept.id, at, count) for at, count in rows]
                    )
                connection.executemany("INSERT INTO grown VALUES (?, ?)", [(kept.id, number) for number in older])
                if counts.days and segment_bytes:
                    connection.execute("INSERT INTO segment_file VALUES (?, ?)", [segment, kept.id])

    def update(self, kept: Kept) -> None:
        """A file has moved, or was packed: note where it is now."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE file SET path = ?, digest = ?, bytes = ?, dated = ? WHERE id = ?",
                [kept.path, kept.digest, kept.bytes, kept.dated, kept.id],
            )

    def grown(self) -> dict[int, set[int]]:
        """Of each file that has grown from others: which."""
        found: dict[int, set[int]] = {}
        for newer, older in self._connection.execute("SELECT newer, older FROM grown"):
            found.setdefault(newer, set()).add(older)
        return found

    def forget(self, files: Collection[int]) -> None:
        """Files that are to be read again, or that count no more. Their hits stay until `dead` is acted upon."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM file WHERE id = ?", [(number,) for number in files])

    def accept(self, files: Collection[int]) -> None:
        """A load takes these files in, and forgets all others."""
        with self._transaction() as connection:
            connection.execute("CREATE TEMP TABLE taken (id INTEGER PRIMARY KEY)")
            connection.executemany("INSERT INTO taken VALUES (?)", [(number,) for number in files])
            connection.execute("DELETE FROM file WHERE id NOT IN (SELECT id FROM taken)")
            connection.execute("UPDATE file SET accepted = 1")
            connection.execute("DROP TABLE taken")

    def hours(self, files: Collection[int]) -> list[SensorHour]:
        """How many lines each sensor wrote in each hour, by these files."""
        return [
            SensorHour(*row)
            for row in self._connection.execute(
                "SELECT sensor, hour, SUM(lines) FROM file_hour JOIN file ON file.id = file"
                " WHERE file.id IN (SELECT value FROM json_each(?)) GROUP BY sensor, hour ORDER BY sensor, hour",
                [msgspec.json.encode(sorted(files)).decode()],
            )
        ]

    def file_hours(self, file: int) -> list[tuple[int, int]]:
        """A file's lines by hour, in order."""
        return self._connection.execute(
            "SELECT hour, lines FROM file_hour WHERE file = ? ORDER BY hour", [file]
        ).fetchall()

    def file_days(self) -> list[tuple[int, int, int]]:
        """(file, day, hits) of all files, whether the hits are kept or not."""
        return self._connection.execute("SELECT file, day, hits FROM file_day ORDER BY file, day").fetchall()

    # ── segments ──

    def segments(self) -> dict[int, int]:
        """Files of hits: number to bytes."""
        return dict(self._connection.execute("SELECT id, bytes FROM segment ORDER BY id").fetchall())

    def segment_files(self) -> dict[int, set[int]]:
        """Whose hits are in which segment, files that were forgotten included."""
        found: dict[int, set[int]] = {number: set() for number in self.segments()}
        for segment, file in self._connection.execute("SELECT segment, file FROM segment_file"):
            found[segment].add(file)
        return found

    def drop_segment(self, number: int) -> None:
        """A segment whose hits nobody needs, or that is not there any more."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM segment WHERE id = ?", [number])
            connection.execute("UPDATE file SET segment = NULL WHERE segment = ?", [number])

    def replace_segment(self, old: int, new: int, new_bytes: int, files: Collection[int], kept_from: int) -> None:
        """A segment was written anew with the hits of these files only, from that day on."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO segment VALUES (?, ?)", [new, new_bytes])
            connection.executemany("INSERT INTO segment_file VALUES (?, ?)", [(new, file) for file in files])
            connection.execute(
                "UPDATE file SET segment = ?, kept_from = MAX(kept_from, ?) WHERE segment = ?", [new, kept_from, old]
            )
            connection.execute("DELETE FROM segment WHERE id = ?", [old])

    # ── days ──

    def days(self) -> dict[int, str]:
        """Days that are counted or being counted, each with the key of what it is counted from."""
        return dict(self._connection.execute("SELECT day, key FROM day ORDER BY day").fetchall())

    def drop_day(self, day: int) -> None:
        """A day whose evidence nobody needs, or that is not there any more."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM day WHERE day = ?", [day])

    def plan_day(self, day: int, key: str, shares: Sequence[tuple[int, int, int]]) -> None:
        """Begin a day: its shares as (first unit, last unit, hits). What was counted of it before is forgotten."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM day WHERE day = ?", [day])
            connection.execute("INSERT INTO day VALUES (?, ?)", [day, key])
            connection.executemany(
                "INSERT INTO share (day, number, first, last, rows) VALUES (?, ?, ?, ?, ?)",
                [(day, number, str(first), str(last), rows) for number, (first, last, rows) in enumerate(shares)],
            )

    def shares(self) -> list[ShareKept]:
        """All shares of all days, in order of day and unit."""
        rows = self._connection.execute(f"SELECT {', '.join(ShareKept._fields)} FROM share ORDER BY day, number")
        return [ShareKept(row[0], row[1], int(row[2]), int(row[3]), *row[4:]) for row in rows]

    def counted(self, share: ShareKept) -> None:
        """A share is counted and its evidence in place."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE share SET bytes = ?, hour_rows = ?, agents_capped = ? WHERE day = ? AND number = ?",
                [share.bytes, share.hour_rows, share.agents_capped, share.day, share.number],
            )


def _signed(number: int) -> int:
    """A 64-bit number as SQLite takes it."""
    return number - (1 << 64) if number >= 1 << 63 else number


def day_text(day: int) -> str:
    """A day since 1970 as a date."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()
