"""ClickHouse's HTTP interface. In: statements and files. Out: text and files. One session, one connection at a time.

The one rule: the password goes into a header of the request and nowhere else: no URL, no message, no log.
"""

from __future__ import annotations

import http.client
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode, urlsplit

from mipdns.errors import EngineError
from mipdns.sources.logs.engines.rendering import first_line

SESSION_TIMEOUT_S = 3600
"""How long the far end keeps our tables after the last statement, if we vanish: the most that it grants by default."""

CONNECT_TIMEOUT_S = 10.0

_ERROR_BYTES = 4096
_PIECE_BYTES = 1 << 20


class Http:
    """A `clickhouse.Transport` over HTTP or HTTPS. url: with port and path, if any. timeout_s: of a statement."""

    def __init__(self, url: str, *, user: str, password: str, database: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self.name = f"ClickHouse at {url}"
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (8443 if self._tls else 8123)
        self._path = parts.path or "/"
        self._timeout_s = timeout_s
        self._headers = {"X-ClickHouse-User": user, "X-ClickHouse-Database": database}
        if password:
            self._headers["X-ClickHouse-Key"] = password
        self._session = {"session_id": f"mipdns-{secrets.token_hex(16)}", "session_timeout": str(SESSION_TIMEOUT_S)}
        self._begun = False

    def run(self, statement: str) -> str:
        """What a statement answers, as tab-separated text."""
        with self._sent(statement, {"default_format": "TabSeparated"}) as pieces:
            return b"".join(pieces).decode("utf-8", "replace")

    def insert(self, table: str, columns: str, path: Path) -> None:
        """Put a Parquet file into a table, piece by piece."""
        with path.open("rb") as file, self._sent(f"INSERT INTO {table} ({columns}) FORMAT Parquet", {}, file) as pieces:
            for _ in pieces:
                pass

    def fetch(self, statement: str, path: Path) -> None:
        """Write a SELECT's result to a Parquet file, piece by piece."""
        with self._sent(f"{statement} FORMAT Parquet", {}) as pieces, path.open("wb") as file:
            file.writelines(pieces)

    @contextmanager
    def _sent(
        self, statement: str, parameters: dict[str, str], body: BinaryIO | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The answer to a statement, in pieces; with a body, the statement itself goes into the address.

        wait_end_of_query: the far end answers once it knows how the statement ended, so that a status tells the truth.
        """
        asked = {**self._session, "wait_end_of_query": "1", **parameters}
        if self._begun:
            asked["session_check"] = "1"
        headers = dict(self._headers)
        if body is not None:
            asked["query"] = statement
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        connection = self._connection()
        try:
            with self._faults():
                connection.connect()
                connection.sock.settimeout(self._timeout_s)
                # Who is refused may find the connection closed before all was sent; the answer says why.
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(
                        "POST",
                        f"{self._path}?{urlencode(asked)}",
                        body=statement.encode() if body is None else body,
                        headers=headers,
                    )
                answer = connection.getresponse()
                if answer.status != http.client.OK:
                    raise EngineError(f"{self.name}: {_refusal(answer)}")
            self._begun = True
            yield self._pieces(answer)
        finally:
            connection.close()

    def _pieces(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        while True:
            with self._faults():
                piece = answer.read(_PIECE_BYTES)
            if not piece:
                return
            yield piece

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise EngineError(f"{self.name}: did not answer in time, within {self._timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as fault:
            why = first_line(str(fault) or type(fault).__name__)
            raise EngineError(f"{self.name}: cannot be reached: {why}") from None

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=min(CONNECT_TIMEOUT_S, self._timeout_s), blocksize=_PIECE_BYTES)


def _refusal(answer: http.client.HTTPResponse) -> str:
    text = answer.read(_ERROR_BYTES).decode("utf-8", "replace")
    if 300 <= answer.status < 400:
        return f"answers {answer.status} and sends elsewhere; name the server itself"
    return first_line(text) if text.strip() else f"answers {answer.status} {answer.reason}"
