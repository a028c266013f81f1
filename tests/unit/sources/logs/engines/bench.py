"""What the tests of engines share: hits as Parquet, the engines, and a ClickHouse behind real HTTP.

chDB is ClickHouse in this process, and a process has only one: every test of a session uses the same. Spark takes ten
seconds to start, so the tests of a session share that too.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from mipdns.errors import EngineError
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, EVIDENCE_SQL, HIT_COLUMNS, Engine, Share
from mipdns.sources.logs.engines.inprocess import Embedded

UNIT_MAX = (1 << 64) - 1
USER, PASSWORD = "mipdns", "s3cret"


def needed(*modules: str, java: bool = False) -> None:
    """Skip the test where an engine is absent, saying so; fail it where engines are required, as in CI."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    reason = f"{', '.join(absent)} not installed; pip install -e '.[test-engines]'" if absent else ""
    if not reason and java and not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        reason = "no Java; scripts/peers installs it"
    if reason and os.environ.get("MIPDNS_PEERS") == "required":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


Row = dict[str, Any]
Rows = list[tuple[Any, ...]]


def write_hits(folder: Path, rows: Sequence[Row], name: str = "hits.parquet") -> Path:
    """Hits as the loader writes them: `HIT_COLUMNS`, sorted by day and unit."""
    columns = ", ".join(f"{column} {kind}" for column, kind in HIT_COLUMNS.items())
    path = folder / name
    escaped = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE hit ({columns})")
        if rows:
            marks = ", ".join("?" * len(HIT_COLUMNS))
            connection.executemany(
                f"INSERT INTO hit VALUES ({marks})", [[row.get(column) for column in HIT_COLUMNS] for row in rows]
            )
        connection.execute(f"COPY (SELECT * FROM hit ORDER BY day, unit) TO '{escaped}' (FORMAT parquet)")
    return path


def share(folder: Path, *hits: Path, day: int, full: Sequence[int] = (), first: int = 0, last: int = UNIT_MAX) -> Share:
    """A share whose evidence goes to a fresh folder."""
    out = folder / f"out-{len(list(folder.iterdir()))}"
    out.mkdir()
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT COUNT(*) FROM read_parquet(?) WHERE day = ? AND unit BETWEEN ? AND ?",
            [[str(path) for path in hits], day, first, last],
        ).fetchone()
    assert found is not None
    return Share(tuple(hits), day, first, last, found[0], tuple(full), out)


class Reference:
    """Bare DuckDB: the SQL files as they stand."""

    rows_max: int | None = None

    def count(self, share: Share) -> None:
        package = importlib.resources.files("mipdns.sources.logs.counting")
        with duckdb.connect() as connection:
            connection.execute(
                "CREATE TABLE hit AS SELECT * FROM read_parquet(?) WHERE day = ? AND unit BETWEEN ? AND ?",
                [[str(path) for path in share.hits], share.day, share.first, share.last],
            )
            connection.execute("CREATE TABLE full_day (sensor UINTEGER, day INTEGER)")
            for sensor in share.full_sensors:
                connection.execute("INSERT INTO full_day VALUES (?, ?)", [sensor, share.day])
            for table, name in EVIDENCE_SQL.items():
                sql = package.joinpath(name).read_text("utf-8")
                columns = EVIDENCE_COLUMNS[table]
                out = str(share.out / f"{table}.parquet").replace("'", "''")
                casts = ", ".join(f"CAST({column} AS {kind}) AS {column}" for column, kind in columns.items())
                connection.execute(f"COPY (SELECT {casts} FROM ({sql})) TO '{out}'")


def counted(engine: Engine, share: Share) -> dict[str, tuple[list[tuple[str, str]], Rows]]:
    """Of each table: names and types of its columns, and its rows in order."""
    engine.count(share)
    found = {}
    with duckdb.connect() as connection:
        for table in EVIDENCE_COLUMNS:
            path = str(share.out / f"{table}.parquet")
            kinds = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
            rows = connection.execute("SELECT * FROM read_parquet(?) ORDER BY ALL", [path]).fetchall()
            units = connection.execute("SELECT unit FROM read_parquet(?)", [path]).fetchall()
            if not isinstance(engine, Reference):
                assert units == sorted(units), table
            found[table] = ([(kind[0], kind[1]) for kind in kinds], rows)
    return found


class FarClickHouse(HTTPServer):
    """ClickHouse's HTTP interface, as far as it is used, with chDB behind it: real statements, real HTTP.

    asked: the parameters and headers of each request. statements: those without a body. upset: (status, text) to answer
    with instead. silent_s: how long it waits before it answers.
    """

    def __init__(self, transport: Embedded, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.transport = transport
        self.folder = folder
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.statements: list[str] = []
        self.upset: tuple[int, str] | None = None
        self.silent_s = 0.0
        self.sessions: set[str] = set()

    def days_read(self) -> list[str]:
        """Where the days begin whose rows were read whole, in order."""
        begins = (re.search(r"ts >= toDateTime\((\d+)\)", text.replace("`", "")) for text in self.statements)
        found = zip(begins, self.statements, strict=True)
        return [begin[1] for begin, text in found if begin and text.startswith("CREATE TEMPORARY TABLE line")]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FarClickHouse

    def do_POST(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.server.asked.append((asked, headers))
        time.sleep(self.server.silent_s)
        if self.server.upset is not None:
            self._answer(self.server.upset[0], self.server.upset[1].encode())
        elif (headers.get("x-clickhouse-user"), headers.get("x-clickhouse-key")) != (USER, PASSWORD):
            self._answer(403, b"Code: 516. DB::Exception: mipdns: Authentication failed: password is incorrect.\n")
        elif "session_check" in asked and asked["session_id"] not in self.server.sessions:
            self._answer(404, b"Code: 372. DB::Exception: Session not found.\n")
        else:
            self.server.sessions.add(asked["session_id"])
            try:
                self._answer(200, self._run(asked, body))
            except EngineError as fault:
                self._answer(500, str(fault).encode())

    def _run(self, asked: dict[str, str], body: bytes) -> bytes:
        if "query" in asked:
            sent = self.server.folder / "sent.parquet"
            sent.write_bytes(body)
            into, _, form = asked["query"].rpartition(" FORMAT ")
            assert form == "Parquet"
            columns = into[into.index("(") + 1 : into.index(")")]
            return self.server.transport._query(f"{into} SELECT {columns} FROM file('{sent}', Parquet)", "Null")
        self.server.statements.append(body.decode())
        return self.server.transport._query(body.decode(), asked.get("default_format", "TabSeparated"))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


@contextmanager
def far_clickhouse(transport: Embedded, folder: Path) -> Iterator[FarClickHouse]:
    """The server, on loopback, until the end."""
    with FarClickHouse(transport, folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
