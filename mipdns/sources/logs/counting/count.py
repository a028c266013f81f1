"""From the table `line` to evidence. In: a DuckDB connection that holds the lines. Out: numpy columns.

The one rule: units are counted a partition at a time, because what counts distinct needs room in proportion to its
input, and memory has a limit. Every feature is of one unit, so partitions by unit change no number.
"""

from __future__ import annotations

import datetime
from importlib import resources

import duckdb
import numpy as np

from mipdns.evidence import UNIT_COLUMNS, LogEvidence, Profile, UnitTable
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
    full = full_days(hours, first, last)
    connection.execute("CREATE TABLE full_day (sensor UINTEGER, day INTEGER)")
    if full:
        connection.executemany("INSERT INTO full_day VALUES (?, ?)", full)
    progress("count logs", 0.0)
    hits = _make_hits(connection, first, last)
    connection.execute(_TABLES)
    parts = max(1, -(-hits * BYTES_A_ROW // memory))
    for part in range(parts):
        progress("count logs", 0.2 + 0.8 * part / parts)
        _count_partition(connection, part, parts)
    progress("count logs", 1.0)
    return LogEvidence(
        units=_units(connection),
        profile=_profile(connection),
        as_of=as_of,
        first_day=EPOCH + datetime.timedelta(days=first),
        complete_days=len({day for _, day in full}),
    )


def _make_hits(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> int:
    """Make `hits`, the lines of the window that count, with what their agents are. Returns how many."""
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
            CASE WHEN l.agent = '' THEN {NONE} ELSE HASH(l.agent) END AS agent,
            HASH(a.family) AS family,
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


_FEATURES = ", ".join(f"{name} FLOAT" for name in UNIT_COLUMNS)
_TABLES = f"""
    CREATE TABLE hour_count (
        unit UBIGINT, hour INTEGER, day INTEGER, requests BIGINT, full_requests BIGINT, full_agent_requests BIGINT,
        full_crawler_requests BIGINT, full_mobile_requests BIGINT, ports INTEGER, blocks INTEGER, agents BIGINT
    );
    CREATE TABLE day_count (
        unit UBIGINT, day INTEGER, requests BIGINT, agent_requests BIGINT, crawler_requests BIGINT,
        mobile_requests BIGINT, forwarded_told BIGINT, forwarded_requests BIGINT, agents BIGINT, families BIGINT,
        top_agent_requests BIGINT, tls BIGINT, forwarded BIGINT, addresses BIGINT
    );
    CREATE TABLE score_count (unit UBIGINT, day INTEGER, bot_score UTINYINT, requests BIGINT);
    CREATE TABLE unit (unit UBIGINT, last_day INTEGER, {_FEATURES});
    CREATE TABLE profile (
        neighbourhood UBIGINT, weekend UTINYINT, hour_of_day UTINYINT, requests DOUBLE, crawler_requests DOUBLE,
        mobile_requests DOUBLE, agent_requests DOUBLE, unit_hours DOUBLE
    );
"""


def _count_partition(connection: duckdb.DuckDBPyConnection, part: int, parts: int) -> None:
    """Add the units of one partition to `unit`, and their activity to `profile`."""
    chosen = f" WHERE HASH(unit) % {parts} = {part}" if parts > 1 else ""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW hit AS SELECT * FROM hits{chosen}")
    for table, name in (("hour_count", "hours.sql"), ("day_count", "days.sql"), ("score_count", "scores.sql")):
        connection.execute(f"TRUNCATE {table}")
        connection.execute(f"INSERT INTO {table} {sql('counting', name)}")
    connection.execute(f"INSERT INTO unit {sql('counting', 'units.sql')}")
    connection.execute(f"INSERT INTO profile {sql('counting', 'profile.sql')}")


def _units(connection: duckdb.DuckDBPyConnection) -> UnitTable:
    found = connection.execute("SELECT * FROM unit ORDER BY unit").fetchnumpy()
    return UnitTable(
        key=np.asarray(found["unit"], dtype=np.uint64),
        last_day=np.asarray(found["last_day"], dtype=np.int32),
        columns={
            name: np.ma.filled(np.ma.asarray(found[name], dtype=np.float32), np.float32(np.nan))
            for name in UNIT_COLUMNS
        },
    )


def _profile(connection: duckdb.DuckDBPyConnection) -> Profile:
    sums = ("requests", "crawler_requests", "mobile_requests", "agent_requests", "unit_hours")
    found = connection.execute(
        f"SELECT neighbourhood, weekend, hour_of_day, {', '.join(f'SUM({name}) AS {name}' for name in sums)}"
        " FROM profile GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchnumpy()
    return Profile(
        np.asarray(found["neighbourhood"], dtype=np.uint64),
        np.asarray(found["weekend"], dtype=np.bool_),
        np.asarray(found["hour_of_day"], dtype=np.int8),
        *(np.asarray(found[name], dtype=np.float64) for name in sums),
    )
