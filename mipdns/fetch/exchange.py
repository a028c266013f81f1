"""One HTTP request (RFC 9110, 9112). In: an address, headers, a deadline. Out: status, headers and the body in pieces.

The one rule: no wait without an end. Every read of the socket, the headers' too, is bounded by the time-out and by the
deadline, so that a server that sends a byte a minute is left like one that sends none.
"""

from __future__ import annotations

import base64
import email.message
import http.client
import io
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from mipdns.errors import FetchError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 64 << 10
LINGER_S = 0.5
"""How long to wait for what a server sends beyond the length it told; one that closes is not waited for."""


class Response(NamedTuple):
    """An answer's head, and its body as transferred (chunks put together, Content-Encoding still on)."""

    status: int
    headers: email.message.Message
    body: Iterator[bytes]


class _Clock:
    """How long the next operation on a socket may take."""

    def __init__(self, timeout_s: float, deadline: float) -> None:
        self.timeout_s = timeout_s
        self.deadline = deadline

    def left_s(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("took longer than deadline_s in all")
        return min(self.timeout_s, left)


class _TimedReader(io.RawIOBase):
    """A socket's incoming bytes, each read under the clock."""

    def __init__(self, raw: socket.socket, clock: _Clock) -> None:
        self._raw = raw
        self._clock = clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._raw.settimeout(self._clock.left_s())
        return self._raw.recv_into(buffer)


class _TimedSocket:
    """What http.client uses of a socket, under the clock."""

    def __init__(self, raw: socket.socket, clock: _Clock) -> None:
        self.raw = raw
        self.clock = clock

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # http.client reads bytes
        return io.BufferedReader(_TimedReader(self.raw, self.clock), PIECE_BYTES)

    def sendall(self, data: bytes) -> None:
        self.raw.settimeout(self.clock.left_s())
        self.raw.sendall(data)

    def close(self) -> None:
        """Nothing yet: http.client closes before it reads the body. `request` closes the raw socket."""


@contextmanager
def request(
    url: str, headers: dict[str, str], *, tls: ssl.SSLContext, timeout_s: float, deadline: float
) -> Iterator[Response]:
    """Send a GET and give the answer, whatever its status; the connection is closed at the end.

    deadline: of the whole exchange, as time.monotonic() tells it. A proxy is taken from the environment (`https_proxy`,
    `http_proxy`, `no_proxy`). Raises FetchError, passing where another try may help; so does reading the body.
    """
    clock = _Clock(timeout_s, deadline)
    try:
        sock, target, proxy_headers = _connected(urlsplit(url), url, tls, clock)
        try:
            connection = http.client.HTTPConnection(*_host_port(urlsplit(url)))
            connection.sock = sock  # it has all that http.client uses
            connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
            for name, value in {
                "Host": urlsplit(url).netloc,
                **headers,
                **proxy_headers,
                "Connection": "close",
            }.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            with answer:
                yield Response(answer.status, answer.headers, _body(answer, clock))
        finally:
            sock.raw.close()
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise _told(fault) from fault


def _connected(
    parts: SplitResult, url: str, tls: ssl.SSLContext, clock: _Clock
) -> tuple[_TimedSocket, str, dict[str, str]]:
    """A connection to an address's host, or to the proxy for it; what to ask it for; headers for the proxy."""
    host, port = _host_port(parts)
    proxy = _proxy(parts)
    raw = socket.create_connection(_host_port(proxy) if proxy else (host, port), clock.left_s())
    try:
        target = parts._replace(scheme="", netloc="", fragment="", path=parts.path or "/").geturl()
        headers: dict[str, str] = {}
        if proxy and parts.scheme == "https":
            _tunnel(_TimedSocket(raw, clock), host, port, _proxy_headers(proxy))
        elif proxy:
            target, headers = url, _proxy_headers(proxy)
        if parts.scheme == "https":
            raw.settimeout(clock.left_s())
            raw = tls.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise
    return _TimedSocket(raw, clock), target, headers


def _host_port(parts: SplitResult) -> tuple[str, int]:
    if not parts.hostname:
        raise ValueError(f"{parts.geturl()!r} names no host")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for an address; only proxies that are spoken to in plain HTTP are known."""
    named = urllib.request.getproxies_environment().get(parts.scheme)
    if not named or _bypassed(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http":
        raise ValueError(f"the proxy for {parts.scheme} is of scheme {proxy.scheme!r}; only http:// proxies are known")
    return proxy


_bypassed: Callable[[str], bool] = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # undescribed


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    word = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(word).decode()}


def _tunnel(sock: _TimedSocket, host: str, port: int, headers: dict[str, str]) -> None:
    """Ask a proxy for a tunnel (RFC 9110 §9.3.6)."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}", *(f"{name}: {value}" for name, value in headers.items())]
    sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
    answer = http.client.HTTPResponse(sock, method="CONNECT")  # type: ignore[arg-type]  # it has what is used of one
    with answer:
        answer.begin()
        if not 200 <= answer.status < 300:
            raise OSError(f"the proxy refuses a tunnel: {answer.status} {answer.reason}")


def _body(answer: http.client.HTTPResponse, clock: _Clock) -> Iterator[bytes]:
    """The body in pieces. Raises FetchError where it is shorter or longer than its Content-Length."""
    try:
        yield from _pieces(answer, clock)
    except (OSError, http.client.HTTPException) as fault:
        raise _told(fault) from fault


def _pieces(answer: http.client.HTTPResponse, clock: _Clock) -> Iterator[bytes]:
    length = _told_length(answer)
    answer.length = None  # we count ourselves: http.client neither reports what is missing nor sees what is too much
    got = 0
    while length is None or got < length:
        piece = answer.read1(PIECE_BYTES)
        if not piece:
            if length is not None:
                raise FetchError(f"the answer ends after {got} of {length} bytes", passing=True)
            return
        got += len(piece)
        if length is not None and got > length:
            raise FetchError(f"more is sent than the {length} bytes told in Content-Length", passing=True)
        yield piece
    clock.timeout_s = min(clock.timeout_s, LINGER_S)
    try:
        surplus = answer.read1(1)
    except OSError:
        return  # it keeps the connection open, or has closed it hard; the body is whole
    if surplus:
        raise FetchError(f"more is sent than the {length} bytes told in Content-Length", passing=True)


def _told_length(answer: http.client.HTTPResponse) -> int | None:
    """The body's Content-Length; None where chunks or the connection's end tell it (RFC 9112 §6.3)."""
    coding = answer.headers.get("Transfer-Encoding", "")
    if coding and coding.strip().lower() != "chunked":
        raise FetchError(f"Transfer-Encoding {coding[:40]!r} is not known")
    told = {one.strip() for value in answer.headers.get_all("Content-Length", []) for one in value.split(",")}
    if coding or not told:
        return None
    (one, *others) = told
    if others or not (one.isascii() and one.isdigit()):
        raise FetchError(f"Content-Length is told as {', '.join(sorted(told))[:60]!r}")
    return int(one)


def _told(fault: Exception) -> FetchError:
    """A fault of the connection in words; what the certificate or the address is at fault for will not pass."""
    match fault:
        case FetchError():
            return fault
        case ssl.SSLCertVerificationError():
            return FetchError(f"its certificate is not good: {fault.verify_message}")
        case TimeoutError():
            words = str(fault)
            return FetchError(words if "deadline_s" in words else "it does not answer in time", passing=True)
        case http.client.InvalidURL() | ValueError():
            return FetchError(str(fault))
        case socket.gaierror():
            return FetchError(f"its name cannot be resolved: {fault.strerror}", passing=True)
        case OSError():
            return FetchError(f"the connection fails: {fault.strerror or fault}", passing=True)
        case _:
            return FetchError(
                f"it does not speak HTTP as it should: {type(fault).__name__}: {fault}"[:200], passing=True
            )
