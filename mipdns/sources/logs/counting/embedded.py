"""The engine inside: DuckDB in this process. In: a share of a day. Out: its evidence.

The one rule: memory has a limit. A share that fits is counted in it; one that does not, because a single unit has so
many hits, is read from its files for each count, and what is distinct goes to disk.
"""

from __future__ import annotations

import duckdb

from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, EVIDENCE_SQL, HIT_COLUMNS, Share
from mipdns.sources.logs.formats.layout import quoted
from mipdns.sources.logs.texts import counter_version, parquet, sql

BYTES_A_ROW = 700
"""Room that a hit takes while its share is counted, roughly."""

ROWS_LEAST = 50_000
"""A share is never cut smaller, however little memory there is: so many hits always fit."""


class Embedded:
    """Counts with a DuckDB connection, which keeps to its own memory limit. memory: that limit, in bytes."""

    rows_max: int | None

    def __init__(self, connection: duckdb.DuckDBPyConnection, memory: int) -> None:
        self._connection = connection
        self.rows_max: int | None = max(ROWS_LEAST, memory // BYTES_A_ROW)

    def count(self, share: Share) -> None:
        """Make the day evidence of a share."""
        connection = self._connection
        hit = (
            f"SELECT {', '.join(HIT_COLUMNS)} FROM read_parquet({parquet(share.hits)})"
            f" WHERE day = {share.day} AND unit BETWEEN {share.first}::UBIGINT AND {share.last}::UBIGINT"
        )
        fits = self.rows_max is not None and share.rows <= self.rows_max
        connection.execute("CREATE OR REPLACE TABLE full_day (sensor UINTEGER, day INTEGER)")
        for sensor in share.full_sensors:
            connection.execute("INSERT INTO full_day VALUES (?, ?)", [sensor, share.day])
        what = "TABLE" if fits else "VIEW"
        connection.execute(f"CREATE {what} hit AS {hit}")
        try:
            for table, name in EVIDENCE_SQL.items():
                cells = ", ".join(f"{column}::{kind} AS {column}" for column, kind in EVIDENCE_COLUMNS[table].items())
                connection.execute(
                    f"COPY (SELECT {cells} FROM ({sql('counting', name)}) ORDER BY unit)"
                    f" TO {quoted(str(share.out / f'{table}.parquet'))} (FORMAT parquet, COMPRESSION zstd,"
                    f" KV_METADATA {{mipdns_table: {quoted(table)}, mipdns_counter: {quoted(counter_version())}}})"
                )
        finally:
            connection.execute(f"DROP {what} hit")
