"""ClickHouse in this process: chDB. In: statements and files. Out: text and files.

The one rule: what it keeps, it keeps in a folder of ours, which goes with the load.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mipdns.errors import EngineError
from mipdns.sources.logs.engines import rendering
from mipdns.sources.logs.engines.statements import literal


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
