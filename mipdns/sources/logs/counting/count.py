"""From the table `line` to evidence. In: a DuckDB connection that holds the lines. Out: numpy columns.

The one rule: neighbourhoods are counted a partition at a time, because what counts distinct needs room in proportion
to its input, and memory has a limit. Every number is of one unit or one neighbourhood, so partitions change none.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import UNIT_COLUMNS, Chunk, LogEvidence, Profile, UnitTable
from mipdns.progress import Progress
from mipdns.sources.logs.counting.coverage import EPOCH, SensorHour, day_number, full_days, newest_day
from mipdns.sources.logs.lines.normalise import COUNTS, NONE, NOTHING

BYTES_A_ROW = 700
"""Room that a hit takes while its partition is counted, roughly; partitions are cut so that memory holds one."""


def sql(package: str, name: str) -> str:
    """The text of one of our SQL files."""
    return resources.files(f"mipdns.sources.logs.{package}").joinpath(name).read_text("utf-8")


def count(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime.date | None,
    window_days: int,
    now: datetime.date,
    memory: int,
    progress: Progress,
) -> LogEvidence:
    """Count the tables `line` and `origin(file, sensor, source)`. memory: bytes that DuckDB may take."""
    hours = [
        SensorHour(*row)
        for row in connection.execute(
            f"""
            SELECT o.sensor, l.seconds // 3600 AS hour, COUNT(*)
            FROM line AS l JOIN origin AS o ON l.file = o.file
            WHERE l.seconds IS NOT NULL AND l.fate <> {NOTHING}
            GROUP BY ALL
            """
        ).fetchall()
    ]
    as_of = as_of or newest_day(hours, now)
    last = day_number(as_of)
    first = last - window_days + 1
    outside = sum(seen.lines for seen in hours if not first <= seen.hour // 24 <= last)
    full = full_days(hours, first, last)
    connection.execute("CREATE TABLE full_day (sensor UINTEGER, day INTEGER)")
    if full:
        connection.executemany("INSERT INTO full_day VALUES (?, ?)", full)
    progress("count logs", 0.0)
    hits = _make_hits(connection, first, last)
    connection.execute(_TABLES)
    parts = max(1, -(-hits * BYTES_A_ROW // memory))
    units, profiles = [], []
    for part in range(parts):
        progress("count logs", 0.2 + 0.8 * part / parts)
        _count_partition(connection, part, parts)
        units.append(_fetch(connection, sql("counting", "units.sql"), _UNIT_KINDS))
        profiles.append(_fetch(connection, sql("counting", "profile.sql"), _PROFILE_KINDS))
    progress("count logs", 1.0)
    chunk = Chunk(_units(units), _profile(profiles))
    return LogEvidence(
        chunks=lambda: [chunk],
        as_of=as_of,
        first_day=EPOCH + datetime.timedelta(days=first),
        complete_days=len(complete := {day for _, day in full}),
        complete_weekend_days=sum((EPOCH + datetime.timedelta(days=day)).weekday() >= 5 for day in complete),
        lines_outside=outside,
    )


def _make_hits(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> int:
    """Make `hits`, the lines of the window that count, with what their agents are. Returns how many.

    HASH(NULL) is a number, so a log that tells no agent must not reach it: it would be one agent more.
    """
    window = f"fate = {COUNTS} AND seconds BETWEEN {first * 86400} AND {last * 86400 + 86399}"
    connection.execute(
        "CREATE TABLE agent_text AS SELECT HASH(agent) AS agent, LOWER(agent) AS text"
        f" FROM (SELECT DISTINCT agent FROM line WHERE {window} AND agent <> '')"
    )
    connection.execute(f"CREATE TABLE agent AS {sql('lines', 'agents.sql')}")
    connection.execute(
        f"""
        CREATE TABLE hits AS
        SELECT
            l.unit,
            l.host,
            (l.seconds // 86400)::INTEGER AS day,
            (l.seconds // 3600)::INTEGER AS hour,
            l.port,
            CASE WHEN l.agent = '' THEN {NONE} WHEN l.agent IS NOT NULL THEN HASH(l.agent) END AS agent,
            CASE WHEN a.family IS NOT NULL THEN HASH(a.family) END AS family,
            a.is_crawler::UTINYINT AS is_crawler,
            a.is_mobile::UTINYINT AS is_mobile,
            l.tls,
            l.forwarded,
            l.bot_score,
            o.sensor,
            o.source
        FROM line AS l
        JOIN origin AS o ON l.file = o.file
        LEFT JOIN agent AS a ON a.agent = HASH(l.agent)
        WHERE {window}
        """
    )
    connection.execute("DROP TABLE line")
    connection.execute("DROP TABLE agent_text")
    counted = connection.execute("SELECT COUNT(*) FROM hits").fetchone()
    return int(counted[0]) if counted else 0


_TABLES = """
    CREATE TEMP TABLE hour_count (
        unit UBIGINT, hour INTEGER, day INTEGER, requests BIGINT, full_requests BIGINT, full_agent_requests BIGINT,
        full_crawler_requests BIGINT, full_mobile_requests BIGINT, ports INTEGER, blocks INTEGER, agents BIGINT
    );
    CREATE TEMP TABLE day_count (
        unit UBIGINT, day INTEGER, requests BIGINT, agent_requests BIGINT, crawler_requests BIGINT,
        mobile_requests BIGINT, forwarded_told BIGINT, forwarded_requests BIGINT, agents BIGINT, families BIGINT,
        top_agent_requests BIGINT, tls BIGINT, forwarded BIGINT, addresses BIGINT
    );
    CREATE TEMP TABLE score_count (unit UBIGINT, day INTEGER, bot_score UTINYINT, requests BIGINT);
"""

_NEIGHBOURHOOD = "CASE WHEN unit <= 4294967295 THEN unit >> 8 ELSE unit >> 16 END"


def _count_partition(connection: duckdb.DuckDBPyConnection, part: int, parts: int) -> None:
    """Make the day evidence of one partition, which holds whole neighbourhoods."""
    chosen = f" WHERE HASH({_NEIGHBOURHOOD}) % {parts} = {part}" if parts > 1 else ""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE hit AS SELECT * FROM hits{chosen}")
    for table, name in (("hour_count", "hours.sql"), ("day_count", "days.sql"), ("score_count", "scores.sql")):
        connection.execute(f"TRUNCATE {table}")
        connection.execute(f"INSERT INTO {table} {sql('counting', name)}")


_Columns = dict[str, NDArray[Any]]

_UNIT_KINDS: dict[str, type[np.generic]] = {"unit": np.uint64, "last_day": np.int32}
_UNIT_KINDS |= dict.fromkeys(UNIT_COLUMNS, np.float32)
_PROFILE_KINDS: dict[str, type[np.generic]] = {"neighbourhood": np.uint64, "weekend": np.bool_, "hour_of_day": np.int8}
_PROFILE_KINDS |= dict.fromkeys(
    ("requests", "crawler_requests", "mobile_requests", "agent_requests", "unit_hours"), np.float64
)


def _fetch(connection: duckdb.DuckDBPyConnection, query: str, kinds: Mapping[str, type[np.generic]]) -> _Columns:
    """A result as columns of the given kinds; NULL is NaN."""
    found = connection.execute(query).fetchnumpy()
    columns = {}
    for name, kind in kinds.items():
        column = found.pop(name).astype(kind)
        columns[name] = np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column
    return columns


def _joined(parts: Sequence[_Columns], by: Sequence[str]) -> _Columns:
    """The parts as one, sorted by some of their columns. Takes the parts apart: memory holds no more than one copy."""
    names = list(parts[0])
    whole = {name: np.concatenate([part.pop(name) for part in parts]) for name in names}
    order = np.lexsort([whole[name] for name in reversed(by)])
    for name in names:
        whole[name] = whole[name][order]
    return whole


def _units(parts: Sequence[_Columns]) -> UnitTable:
    whole = _joined(parts, ["unit"])
    return UnitTable(whole.pop("unit"), whole.pop("last_day"), whole)


def _profile(parts: Sequence[_Columns]) -> Profile:
    return Profile(*_joined(parts, ["neighbourhood", "weekend", "hour_of_day"]).values())
