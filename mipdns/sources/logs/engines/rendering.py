"""The one portable SELECT in an engine's own words, and what it gave in DuckDB's. In: table names. Out: SQL, Parquet.

The one rule: what is counted is written once, in `counting/*.sql`; here it is only translated, and what comes back is
cast to the types that DuckDB would have given, in the order that it would have had.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import duckdb

from mipdns.errors import EngineError
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, EVIDENCE_SQL

HIT_NEVER_NULL = frozenset({"unit", "host", "day", "hour", "sensor", "source", "file"})


@cache
def select(table: str, dialect: str) -> str:
    """The SELECT that makes an evidence table, in sqlglot's dialect. Raises EngineError without sqlglot."""
    text = resources.files("mipdns.sources.logs.counting").joinpath(EVIDENCE_SQL[table]).read_text("utf-8")
    return translate(text, dialect)


@cache
def agents(dialect: str) -> str:
    """The SELECT of `lines/agents.sql`, likewise."""
    return translate(resources.files("mipdns.sources.logs.lines").joinpath("agents.sql").read_text("utf-8"), dialect)


def expression(text: str, dialect: str) -> str:
    """A portable expression in a dialect."""
    return translate(f"SELECT {text}", dialect).removeprefix("SELECT ")


def translate(text: str, dialect: str) -> str:
    """One portable statement in a dialect, without its comments. Raises EngineError without sqlglot."""
    try:
        import sqlglot  # noqa: PLC0415  # only the engines need it
    except ImportError:
        raise not_installed("sqlglot") from None
    (statement,) = sqlglot.transpile(text, read="duckdb", write=dialect, comments=False)
    return str(statement)


def not_installed(package: str) -> EngineError:
    """The error for an engine whose library is absent."""
    return EngineError(f"[load] engine: {package} is not installed; install it with: pip install 'mipdns[engines]'")


def first_line(text: str) -> str:
    """The first line of somebody else's message, of bearable length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no reason given"


def keep(table: str, made: str, out: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write what an engine made of an evidence table as the Parquet file that DuckDB would have written.

    made: a file or glob of Parquet with the SELECT's columns in their order, whatever their names. out: a folder.
    """
    columns = EVIDENCE_COLUMNS[table]
    names = ", ".join(f'"{name}"' for name in columns)
    casts = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
    target = str(out / f"{table}.parquet").replace("'", "''")
    connection.execute(
        f"COPY (SELECT {casts} FROM read_parquet($made) AS made({names}) ORDER BY ALL) TO '{target}' (FORMAT parquet)",
        {"made": made},
    )
