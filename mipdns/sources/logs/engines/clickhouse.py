"""Counting in ClickHouse: over its HTTP interface, or in this process with chDB. In: a share. Out: its day evidence.

The hits go into a temporary table of one session, which ends with it, so a load that dies leaves nothing behind.

The one rule: of a log that lies in ClickHouse nothing travels but the counts.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from mipdns.config import Logs
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, HIT_COLUMNS, Share
from mipdns.sources.logs.engines import rendering
from mipdns.sources.logs.engines.statements import DIALECT, SETTINGS, Transport, check_version, create
from mipdns.sources.logs.engines.tables import Table


class ClickHouse:
    """An engine (`counting.engine.Engine`). scratch: a folder for what comes over, before it is put in order."""

    rows_max: int | None = None

    def __init__(self, transport: Transport, connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self._transport = transport
        self._connection = connection
        self._scratch = scratch
        self._tables: list[tuple[Table, int, int]] = []
        check_version(transport)

    def add_table(self, source: Logs, sensor: int, number: int) -> Table:
        """Count the source's table too, from now on. sensor, number: what stands for its sensor and itself in hits."""
        table = Table(self._transport, source)
        self._tables.append((table, sensor, number))
        return table

    def count(self, share: Share) -> None:
        """Make the day evidence of a share. Raises EngineError."""
        self.take(share)
        for table in EVIDENCE_COLUMNS:
            made = self._scratch / f"{table}.made.parquet"
            self._transport.fetch(f"{rendering.select(table, DIALECT)} {SETTINGS}", made)
            rendering.keep(table, str(made), share.out, self._connection)
            made.unlink()
        self._transport.run("DROP TEMPORARY TABLE hit")
        self._transport.run("DROP TEMPORARY TABLE full_day")

    def take(self, share: Share) -> None:
        """Fill the session's tables `hit` and `full_day` with a share's."""
        transport = self._transport
        create(transport, "hit", HIT_COLUMNS, "unit")
        create(transport, "full_day", {"sensor": "UINTEGER", "day": "INTEGER"}, "sensor")
        names = ", ".join(HIT_COLUMNS)
        for path in share.hits:
            # Files hold other days and units too; what is not of the share never travels.
            part = self._scratch / "hit.part.parquet"
            target = str(part).replace("'", "''")
            self._connection.execute(
                f"COPY (SELECT {names} FROM read_parquet($path) WHERE day = $day AND unit BETWEEN $first AND $last)"
                f" TO '{target}' (FORMAT parquet, COMPRESSION zstd)",
                {"path": str(path), "day": share.day, "first": share.first, "last": share.last},
            )
            transport.insert("hit", names, part)
            part.unlink()
        for table, sensor, source in self._tables:
            table.insert_hits(share.day, share.first, share.last, sensor=sensor, source=source)
        if share.full_sensors:
            rows = ", ".join(f"({int(sensor)}, {int(share.day)})" for sensor in share.full_sensors)
            transport.run(f"INSERT INTO full_day VALUES {rows}")
