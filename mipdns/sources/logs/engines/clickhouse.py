"""Counting in ClickHouse: over its HTTP interface, or in this process with chDB. In: a share. Out: its day evidence.

The hits go into a temporary table of one session, which ends with it, so a load that dies leaves nothing behind.

The one rule: a statement holds nothing but our own SQL and names; what comes from a configuration goes in quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import duckdb

from mipdns.errors import EngineError
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, HIT_COLUMNS, Share
from mipdns.sources.logs.engines import rendering

DIALECT = "clickhouse"

VERSION_MIN = (24, 8)
"""The oldest release that is known to count as we do: its analyzer reads a WITH as the standard has it."""

SETTINGS = (
    "SETTINGS join_use_nulls = 1, prefer_column_name_to_alias = 1, count_distinct_implementation = 'uniqExact',"
    " output_format_parquet_compression_method = 'zstd'"
)
"""ClickHouse by the standard: an outer join gives NULL, a name is first a column's, what is distinct is exact."""

_KINDS = {"UBIGINT": "UInt64", "INTEGER": "Int32", "USMALLINT": "UInt16", "UTINYINT": "UInt8", "UINTEGER": "UInt32"}


class Transport(Protocol):
    """How statements get to ClickHouse, all of them in one session. Each raises EngineError."""

    name: str

    def run(self, statement: str) -> str:
        """What a statement answers, as tab-separated text; it is small."""
        ...

    def insert(self, table: str, columns: str, path: Path) -> None:
        """Put a Parquet file into a table, by the names of its columns."""
        ...

    def fetch(self, statement: str, path: Path) -> None:
        """Write a SELECT's result to a Parquet file."""
        ...


class ClickHouse:
    """An engine (`counting.engine.Engine`). scratch: a folder for what comes over, before it is put in order."""

    rows_max: int | None = None

    def __init__(self, transport: Transport, connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self._transport = transport
        self._connection = connection
        self._scratch = scratch
        check_version(transport)

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
        if share.full_sensors:
            rows = ", ".join(f"({int(sensor)}, {int(share.day)})" for sensor in share.full_sensors)
            transport.run(f"INSERT INTO full_day VALUES {rows}")


def create(transport: Transport, table: str, columns: Mapping[str, str], order: str) -> None:
    """Make a temporary table, on disk, with these columns (DuckDB's types)."""
    kinds = ", ".join(
        f"{name} {_KINDS[kind] if name in rendering.HIT_NEVER_NULL else f'Nullable({_KINDS[kind]})'}"
        for name, kind in columns.items()
    )
    transport.run(f"DROP TEMPORARY TABLE IF EXISTS {table}")
    transport.run(f"CREATE TEMPORARY TABLE {table} ({kinds}) ENGINE = MergeTree ORDER BY {order}")


def check_version(transport: Transport) -> None:
    """Raise EngineError where the far end is too old, or no ClickHouse."""
    told = transport.run("SELECT version()").strip()
    parts = told.split(".")
    if not (len(parts) >= 2 and parts[0].isdigit() and parts[1].isdigit()):
        raise EngineError(f"{transport.name}: is no ClickHouse: asked for its version it says {told[:60]!r}")
    if (int(parts[0]), int(parts[1])) < VERSION_MIN:
        raise EngineError(
            f"{transport.name}: is ClickHouse {told}; counting needs {VERSION_MIN[0]}.{VERSION_MIN[1]} or newer"
        )


def literal(text: str) -> str:
    """SQL of ClickHouse: a text literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """SQL of ClickHouse: a quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Embedded:
    """chDB: ClickHouse in this process, with what it keeps in a folder of ours."""

    name = "chDB"

    def __init__(self, folder: Path) -> None:
        try:
            from chdb.session import Session  # noqa: PLC0415  # 300 MB that only this needs
        except ImportError:
            raise EngineError(
                "[engine.clickhouse] url = 'chdb': chdb is not installed; install it with: pip install chdb"
            ) from None
        self._session = Session(str(folder))

    def run(self, statement: str) -> str:
        """What a statement answers, as tab-separated text."""
        return self._query(statement, "TabSeparated").decode("utf-8", "replace")

    def insert(self, table: str, columns: str, path: Path) -> None:
        """Put a Parquet file into a table."""
        self._query(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM file({literal(str(path))}, Parquet)", "Null"
        )

    def fetch(self, statement: str, path: Path) -> None:
        """Write a SELECT's result to a Parquet file."""
        path.write_bytes(self._query(statement, "Parquet"))

    def _query(self, statement: str, form: str) -> bytes:
        try:
            return bytes(self._session.query(statement, form).bytes())
        except RuntimeError as fault:
            raise EngineError(f"{self.name}: {rendering.first_line(str(fault))}") from None

    def close(self) -> None:
        """End the session."""
        self._session.close()


@contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    """A session of chDB that keeps its tables in `folder`."""
    transport = Embedded(folder)
    try:
        yield transport
    finally:
        transport.close()
