"""Saying things to ClickHouse. In: our own SQL. Out: statements that are safe to send, and answers as values.

The one rule: a statement holds nothing but our own words and whole numbers; what comes from a configuration goes in
quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mipdns.errors import EngineError
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


def rows(transport: Transport, statement: str) -> list[list[str]]:
    """What a SELECT answers, its values as text; NULL is `\\N`, as no text is."""
    told = transport.run(statement)
    return [[_ESCAPED.sub(_unescaped, value) for value in line.split("\t")] for line in told.splitlines()]


_ESCAPED = re.compile(r"\\([^N])")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def literal(text: str) -> str:
    """SQL of ClickHouse: a text literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """SQL of ClickHouse: a quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
