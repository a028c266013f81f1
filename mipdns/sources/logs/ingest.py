"""Files into hits. In: looked-over files. Out: one Parquet file of hits for each group of them, and an account of each.

A group is read into `line`, a Parquet file of every line with what became of it, in the order that the scan gives;
then its agents are told apart, its lines accounted for, and those that count written sorted by day and unit. `line`
goes when the next group comes: what a load has on disk at once does not depend on how much it reads.

The one rule: every line is accounted for. It is a row of `line`, with what became of it or the reason why it cannot be
read, or it is one of those that DuckDB could not even cut out of the file, whose numbers DuckDB keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import duckdb

from mipdns.config import Logs
from mipdns.errors import SourceUnreadable
from mipdns.sources import reading
from mipdns.sources.logs.counting.engine import HIT_COLUMNS
from mipdns.sources.logs.files import LINE_BYTES_MAX
from mipdns.sources.logs.formats.layout import quoted
from mipdns.sources.logs.lines.normalise import COUNTS, LINE_COLUMNS, NONE, NOTHING, SPECIAL, normalised
from mipdns.sources.logs.scan import Batch, Numbered, batches, blank_lines, raw
from mipdns.sources.logs.texts import parquet, sql
from mipdns.sources.logs.watching import watched

FILES_WITH_EXAMPLES = 10
"""Line numbers cost a second look at a file; of a source with many bad files, the first ones must do."""

BLANKS_KEPT = 100_000
"""Blank lines of a CSV file that are counted to number the lines after them."""

_REASONS = {
    "INVALID ENCODING": "not UTF-8 text",
    "LINE SIZE OVER MAXIMUM": f"longer than {LINE_BYTES_MAX >> 20} MiB",
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": "a quote that does not end",
}

STAGE_SHARE = 0.6
"""Of the time that a group takes, roughly what it takes to read its lines; the rest is sorting and writing."""

HITS_OPTIONS = "FORMAT parquet, COMPRESSION zstd"


class Ingested(NamedTuple):
    """What became of a file's lines. newest: a day since 1970, None without a line. examples: (line number, reason).

    hours: lines by hour since 1970, counting or not. days: hits by day.
    """

    file: Numbered
    rows: int
    dropped: int
    rejected: int
    newest: int | None
    examples: tuple[tuple[int, str], ...]
    hours: tuple[tuple[int, int], ...]
    days: tuple[tuple[int, int], ...]


class Group(NamedTuple):
    """Files that were read together, and where their hits are; None where there are none."""

    files: tuple[Ingested, ...]
    hits: Path | None


def ingest(
    connection: duckdb.DuckDBPyConnection,
    source: Logs,
    files: Sequence[Numbered],
    scratch: Path,
    *,
    sensor_number: int,
    source_number: int,
    report: Callable[[float], None],
) -> Iterator[Group]:
    """Read a source's files, group by group. report: told how many stored bytes are read. Raises SourceUnreadable.

    The numbers of the files follow one another. Hits are left in `scratch`, for the caller to take before the next.
    """
    lines, hits = scratch / "lines", scratch / "hits.parquet"
    connection.execute("CREATE OR REPLACE TABLE rejected (file UINTEGER, number BIGINT, reason VARCHAR)")
    looked_at, done = 0, 0
    for first, group in groupby(batches(files), key=lambda batch: batch.files[0].number):
        lines.mkdir(exist_ok=True)
        members: tuple[Numbered, ...] = ()
        for at, batch in enumerate(group):
            members = batch.files
            with watched(connection, partial(_tell, report, done, sum(numbered.file.bytes for numbered in members))):
                stage(connection, source, batch, lines / f"{first}-{at}.parquet")
        _unchanged(members)
        connection.execute(
            f"CREATE OR REPLACE VIEW line AS SELECT * FROM read_parquet({parquet(sorted(lines.iterdir()))})"
        )
        accounts = _accounts(connection, source, members, FILES_WITH_EXAMPLES - looked_at)
        looked_at += sum(bool(account.examples) for account in accounts)
        some = any(account.days for account in accounts)
        if some:
            _write_hits(connection, hits, sensor_number, source_number)
        for path in lines.iterdir():
            path.unlink()
        done += sum(numbered.file.bytes for numbered in members)
        report(done)
        yield Group(accounts, hits if some else None)


def _tell(report: Callable[[float], None], before: int, stored: int, share: float) -> None:
    report(before + STAGE_SHARE * share * stored)


def stage(connection: duckdb.DuckDBPyConnection, source: Logs, batch: Batch, to: Path) -> None:
    """Read a batch into a Parquet file of every line, and `rejected` those that never got so far."""
    kinds = (column.split() for column in LINE_COLUMNS.split(","))
    cells = ", ".join(f"{name}::{kind} AS {name}" for name, kind in kinds if name != "number")
    try:
        connection.execute(
            f"COPY (WITH raw AS NOT MATERIALIZED ({raw(batch, numbered=False)})"
            f" SELECT {cells} FROM ({normalised(batch.part.layout, source)}))"
            f" TO {quoted(str(to))} (FORMAT parquet)"
        )
        if batch.part.layout.scan.how != "parquet":
            _keep_rejects(connection, batch)
    except (duckdb.OutOfMemoryException, duckdb.InternalException):
        raise
    except duckdb.Error as fault:
        if "No space left" in str(fault) or str(to) in str(fault):
            raise  # it is the work folder that is at fault
        names = ", ".join(str(numbered.file.path) for numbered in batch.files[:3])
        more = f" and {len(batch.files) - 3} more" if len(batch.files) > 3 else ""
        raise SourceUnreadable(
            f"source {source.name!r}: {names}{more}: cannot be read as {source.format}: {str(fault).splitlines()[0]}"
        ) from None


def _unchanged(files: Sequence[Numbered]) -> None:
    """Raise SourceUnreadable where another file has taken the name, or the file has shrunk. It may have grown."""
    for numbered in files:
        path, content = numbered.file.path, numbered.file.content
        told = path.stat() if path.exists() else None
        if told is None or told.st_ino != numbered.file.inode or told.st_size < content.bytes:
            raise SourceUnreadable(f"{path}: was replaced while it was read (rotated?); load again")


def _write_hits(connection: duckdb.DuckDBPyConnection, to: Path, sensor_number: int, source_number: int) -> None:
    hits = hits_of_lines(connection, sensor_number=sensor_number, source_number=source_number)
    connection.execute(f"COPY ({hits} ORDER BY day, unit) TO {quoted(str(to))} ({HITS_OPTIONS})")
    connection.execute("DROP TABLE agent")


def hits_of_lines(connection: duckdb.DuckDBPyConnection, *, sensor_number: int, source_number: int) -> str:
    """SQL of the lines of `line` that count, with what their agents are. Makes the table `agent`, which it needs.

    HASH(NULL) is a number, so a log that tells no agent must not reach it: it would be one agent more.
    """
    connection.execute(
        "CREATE OR REPLACE TABLE agent_text AS SELECT HASH(agent) AS agent, LOWER(agent) AS text"
        f" FROM (SELECT DISTINCT agent FROM line WHERE fate = {COUNTS} AND agent <> '')"
    )
    connection.execute(f"CREATE OR REPLACE TABLE agent AS {sql('lines', 'agents.sql')}")
    connection.execute("DROP TABLE agent_text")
    made = {
        "day": "(l.seconds // 86400)",
        "hour": "(l.seconds // 3600)",
        "agent": f"CASE WHEN l.agent = '' THEN {NONE}::UBIGINT WHEN l.agent IS NOT NULL THEN HASH(l.agent) END",
        "family": "CASE WHEN a.family IS NOT NULL THEN HASH(a.family) END",
        "is_crawler": "a.is_crawler",
        "is_mobile": "a.is_mobile",
        "sensor": str(sensor_number),
        "source": str(source_number),
    }
    cells = [f"{made.get(name, f'l.{name}')}::{kind} AS {name}" for name, kind in HIT_COLUMNS.items()]
    return (
        f"SELECT {', '.join(cells)} FROM line AS l LEFT JOIN agent AS a ON a.agent = HASH(l.agent)"
        f" WHERE l.fate = {COUNTS}"
    )


def rewrite_hits(
    connection: duckdb.DuckDBPyConnection, hits: Path, to: Path, files: Sequence[int], first_day: int
) -> None:
    """Write a file of hits anew, with those of these files only, from that day on."""
    columns = ", ".join(HIT_COLUMNS)
    connection.execute(
        f"COPY (SELECT {columns} FROM read_parquet({parquet([hits])}) WHERE day >= {first_day}"
        f" AND file IN ({', '.join(map(str, files))}) ORDER BY day, unit) TO {quoted(str(to))} ({HITS_OPTIONS})"
    )


def _keep_rejects(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Note the lines that DuckDB could not cut out. A file in parts is scanned once for each; each takes its own."""
    last = batch.part.last if batch.part.last is not None else 1 << 62
    reasons = " ".join(f"WHEN '{kind}' THEN '{reason}'" for kind, reason in _REASONS.items())
    connection.execute(
        f"INSERT INTO rejected SELECT file_id + {batch.files[0].number}, line,"
        f" ANY_VALUE(CASE error_type {reasons} ELSE LOWER(error_type::VARCHAR) END) FROM reject"
        f" WHERE line BETWEEN {batch.part.first} AND {last} GROUP BY ALL"
    )
    _forget_rejects(connection)


def _forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DROP TABLE IF EXISTS reject")
    connection.execute("DROP TABLE IF EXISTS reject_scan")


def _accounts(
    connection: duckdb.DuckDBPyConnection, source: Logs, files: Sequence[Numbered], examples_left: int
) -> tuple[Ingested, ...]:
    """The account of the files in `line`. examples_left: bad files that may still be looked at for line numbers."""
    first, last = files[0].number, files[-1].number
    counted = {
        row[0]: row[1:]
        for row in connection.execute(
            f"""
            SELECT
                file,
                COUNT(*) FILTER (reason IS NULL AND fate NOT IN ({SPECIAL}, {NOTHING})),
                COUNT(*) FILTER (fate = {SPECIAL}),
                COUNT(reason),
                MAX(CASE WHEN fate <> {NOTHING} THEN seconds // 86400 END)
            FROM line GROUP BY file
            """
        ).fetchall()
    }
    hours = _by_file(connection, f"seconds // 3600, COUNT(*) FROM line WHERE seconds IS NOT NULL AND fate <> {NOTHING}")
    days = _by_file(connection, f"seconds // 86400, COUNT(*) FROM line WHERE fate = {COUNTS}")
    uncut = _rejects(connection, first, last)
    accounts = []
    for numbered in files:
        rows, dropped, bad, newest = counted.get(numbered.number, (0, 0, 0, None))
        lost, rejects = uncut.get(numbered.number, (0, []))
        examples: list[tuple[int, str]] = []
        if (bad or rejects) and examples_left > 0:
            examples_left -= 1
            examples = _examples(connection, source, numbered, rejects, look=bad > 0)
        accounts.append(
            Ingested(
                file=numbered,
                rows=rows,
                dropped=dropped,
                rejected=bad + lost,
                newest=newest,
                examples=tuple(examples),
                hours=tuple(hours.get(numbered.number, ())),
                days=tuple(days.get(numbered.number, ())),
            )
        )
    return tuple(accounts)


def _by_file(connection: duckdb.DuckDBPyConnection, counted: str) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for file, at, count in connection.execute(f"SELECT file, {counted} GROUP BY ALL ORDER BY ALL").fetchall():
        found.setdefault(file, []).append((at, count))
    return found


def _rejects(
    connection: duckdb.DuckDBPyConnection, first: int, last: int
) -> dict[int, tuple[int, list[tuple[int, str]]]]:
    """Of each file that has any: how many lines could not be cut out, and the first of them with the reason."""
    rows = connection.execute(
        f"""
        SELECT file, COUNT(*) OVER (PARTITION BY file), number, reason
        FROM rejected WHERE file BETWEEN ? AND ?
        QUALIFY ROW_NUMBER() OVER (PARTITION BY file ORDER BY number) <= {reading.EXAMPLES_KEPT}
        ORDER BY file, number
        """,
        [first, last],
    ).fetchall()
    found: dict[int, tuple[int, list[tuple[int, str]]]] = {}
    for file, count, number, reason in rows:
        found.setdefault(file, (count, []))[1].append((number, reason))
    return found


def _examples(
    connection: duckdb.DuckDBPyConnection,
    source: Logs,
    numbered: Numbered,
    rejects: list[tuple[int, str]],
    *,
    look: bool,
) -> list[tuple[int, str]]:
    """The first bad lines of a file with their numbers: a second look at the file, in order, until enough are found."""
    found = list(rejects)
    for part in numbered.file.parts if look else ():
        batch = Batch((numbered,), part)
        rows = connection.execute(
            f"WITH raw AS NOT MATERIALIZED ({raw(batch, numbered=True)}) SELECT number, reason"
            f" FROM ({normalised(part.layout, source)}) WHERE reason IS NOT NULL LIMIT {reading.EXAMPLES_KEPT}"
        ).fetchall()
        missing = [number for number, _ in rejects]
        if part.layout.scan.how == "csv":
            _forget_rejects(connection)
            missing += [row[0] for row in connection.execute(f"{blank_lines(batch)} LIMIT {BLANKS_KEPT}").fetchall()]
        found += [(_stored_number(number, sorted(missing)), reason) for number, reason in rows]
        _forget_rejects(connection)
    return [
        (number, " ".join(reason.split())[: reading.REASON_CHARACTERS])
        for number, reason in sorted(found)[: reading.EXAMPLES_KEPT]
    ]


def _stored_number(number: int, missing: list[int]) -> int:
    """The line's number in the file, from its number among the lines that came; missing: those that did not, sorted.

    Of the lines that could not be cut out, the first few are enough: what comes after them is no first example.
    """
    for other in missing:
        if other > number:
            break
        number += 1
    return number
