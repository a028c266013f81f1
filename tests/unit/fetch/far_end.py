"""A real HTTP server on loopback that answers, or misbehaves, as a test scripts it. Bounded: it ends with its test."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

TIMEOUT_S = 10.0


class Asked(NamedTuple):
    """One request as it came: its target, and its headers with names in lower case."""

    target: str
    headers: dict[str, str]
    method: str = "GET"


Play = Callable[[Asked, socket.socket], bytes | None]
"""Gives the bytes to answer a request with, or talks to the connection itself and gives None."""


def answer(body: bytes = b"", status: int = 200, *, length: int | None = None, **headers: str) -> bytes:
    """A whole answer; length: what Content-Length says, whatever the body is; -1 leaves it out."""
    told = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"Content-Length: {told}"] if told >= 0 else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


class FarEnd:
    """Plays its answers in order, and the last one again and again; `asked` keeps what was asked."""

    def __init__(self, plays: list[bytes | Play], tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.plays = plays
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.port = self._listener.getsockname()[1]
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, path: str = "/list") -> str:
        return f"http{'s' if self._tls else ''}://{'localhost' if self._tls else '127.0.0.1'}:{self.port}{path}"

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(TIMEOUT_S)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                request = read_head(connection)
                self.asked.append(request)
                play = self.plays[min(len(self.asked), len(self.plays)) - 1]
                if given := play if isinstance(play, bytes) else play(request, connection):
                    connection.sendall(given)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):  # so that closing does not reset what is on its way
                        pass


def read_head(connection: socket.socket) -> Asked:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("gone")
        head += piece
    first, *lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, target, _ = first.split(" ")
    return Asked(target, headers, method)


@contextmanager
def far_end(*plays: bytes | Play, tls: ssl.SSLContext | None = None) -> Iterator[FarEnd]:
    server = FarEnd(list(plays), tls)
    try:
        yield server
    finally:
        server.close()
