"""The seam between what is to be counted and what counts it. In: hits of one UTC day. Out: day evidence, as Parquet.

A *hit* is a request or connection that counts, as integers; its columns are `HIT_COLUMNS`. A `Share` is the hits of one
day whose units lie in one range of keys. An `Engine` runs hours.sql, days.sql and scores.sql, which stand beside this,
over the relations `hit` and `full_day(sensor, day)`, and leaves their results in `Share.out`, one Parquet file each (or
one folder of Parquet files each), named after the tables of `EVIDENCE_COLUMNS` and sorted by unit.

The one rule: a unit is whole within a share, so every count is exact, however a day is cut into shares.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

HIT_COLUMNS: dict[str, str] = {
    "unit": "UBIGINT",
    "host": "UBIGINT",
    "day": "INTEGER",
    "hour": "INTEGER",
    "port": "USMALLINT",
    "agent": "UBIGINT",
    "family": "UBIGINT",
    "is_crawler": "UTINYINT",
    "is_mobile": "UTINYINT",
    "tls": "UBIGINT",
    "forwarded": "UBIGINT",
    "bot_score": "UTINYINT",
    "sensor": "UINTEGER",
    "source": "UINTEGER",
    "file": "UINTEGER",
}
"""The columns of `hit`, in order, with DuckDB's types.

unit: `net.unit_key`. host: the low half of an IPv6 address, 0 for IPv4. day, hour: since 1970-01-01, UTC. port: the
client's, NULL unknown. agent, tls: a hash; 0 where the log tells that there was none, NULL where it cannot tell.
family: a hash of the agent's family; is_crawler, is_mobile: 0 or 1; all three NULL without an agent. forwarded: 0 no
header, 1 a header that names no address, else a hash of the address; NULL where the log cannot tell. bot_score: 1 to
99, or NULL. sensor, source, file: numbers that stand for them; only whether two are equal means anything.
"""

HOUR_COLUMNS: dict[str, str] = {
    "unit": "UBIGINT",
    "hour": "INTEGER",
    "day": "INTEGER",
    "requests": "BIGINT",
    "full_requests": "BIGINT",
    "full_agent_requests": "BIGINT",
    "full_crawler_requests": "BIGINT",
    "full_mobile_requests": "BIGINT",
    "ports": "INTEGER",
    "blocks": "INTEGER",
    "agents": "BIGINT",
}
DAY_COLUMNS: dict[str, str] = {
    "unit": "UBIGINT",
    "day": "INTEGER",
    "requests": "BIGINT",
    "agent_requests": "BIGINT",
    "crawler_requests": "BIGINT",
    "mobile_requests": "BIGINT",
    "forwarded_told": "BIGINT",
    "forwarded_requests": "BIGINT",
    "agents": "BIGINT",
    "families": "BIGINT",
    "top_agent_requests": "BIGINT",
    "tls": "BIGINT",
    "forwarded": "BIGINT",
    "addresses": "BIGINT",
}
SCORE_COLUMNS: dict[str, str] = {"unit": "UBIGINT", "day": "INTEGER", "bot_score": "UTINYINT", "requests": "BIGINT"}

EVIDENCE_COLUMNS: dict[str, dict[str, str]] = {
    "hour_count": HOUR_COLUMNS,
    "day_count": DAY_COLUMNS,
    "score_count": SCORE_COLUMNS,
}
"""The tables of day evidence, their columns in order, with DuckDB's types: see docs/evidence.md."""

EVIDENCE_SQL: dict[str, str] = {"hour_count": "hours.sql", "day_count": "days.sql", "score_count": "scores.sql"}
"""The SELECT that makes each table, in this package."""

AGENTS_MAX = 65_536
"""Distinct agents that count for a unit in an hour or a day, as the SQL has it: more say nothing more of a crowd."""


class Share(NamedTuple):
    """Hits of one day that are counted together: those in `hits` with `day`, and `first` <= unit <= `last`.

    hits: Parquet files, sorted by day and unit; they also hold other days and units. rows: how many hits it is.
    full_sensors: those that saw the whole day, for `full_day`. out: an empty folder, for hour_count.parquet,
    day_count.parquet and score_count.parquet.
    """

    hits: tuple[Path, ...]
    day: int
    first: int
    last: int
    rows: int
    full_sensors: tuple[int, ...]
    out: Path


class Engine(Protocol):
    """What counts. rows_max: hits that it can take at once; None: any number, so a day is one share."""

    rows_max: int | None

    def count(self, share: Share) -> None:
        """Make the day evidence of a share. Raises SourceError, naming the engine, where it cannot."""
        ...
