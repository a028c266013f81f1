"""One address to its end. In: an address and conditions. Out: its bytes in a file, or "not modified".

The one rule: an answer counts only when it is 200 and whole, or 304 to a condition that we set. What may pass is tried
again with a growing, random pause (full jitter); what will not is said at once.
"""

from __future__ import annotations

import datetime
import email.message
import email.utils
import random
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from mipdns import __version__
from mipdns.errors import FetchError
from mipdns.fetch.exchange import PIECE_BYTES, request

REDIRECTS_MAX = 5
PAUSE_S = 1.0
PAUSE_MAX_S = 30.0
RETRY_AFTER_MAX_S = 60.0
"""A server that asks for a longer pause is not waited for: this try fails, and the next fetch keeps to its wish."""
RETRY_AFTER_KEPT_MAX_S = 86400.0

_PASSING = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}


class Limits(NamedTuple):
    """What one file may cost. Seconds and bytes; attempts count the first."""

    timeout_s: float = 30.0
    deadline_s: float = 600.0
    attempts: int = 4
    bytes_max: int = 1 << 30
    unpacked_max: int = 8 << 30
    shrink_max: float = 0.5
    parallel: int = 4
    contact: str = ""


class Answer(NamedTuple):
    """What came: 200, its body written, or 304; etag and last_modified are "" where they were not told."""

    status: int
    etag: str = ""
    last_modified: str = ""


class Client:
    """Asks addresses within limits. sleep and chance stand in for time and luck in tests."""

    def __init__(
        self,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self.sleep = sleep
        self._tls = tls or ssl.create_default_context()
        self._chance = chance

    def get(self, url: str, into: BinaryIO, *, headers: Mapping[str, str] = {}, authorization: str = "") -> Answer:
        """Write the body of an address into an empty file, Content-Encoding taken off, or get "not modified".

        authorization goes to the address's own origin over https only, never along with a redirect elsewhere. Raises
        FetchError with `wait_s` where the server asked not to be asked for so long.
        """
        deadline = time.monotonic() + self.limits.deadline_s
        for attempt in range(self.limits.attempts):
            try:
                into.seek(0)
                into.truncate()
                return self._follow(url, into, dict(headers), authorization, deadline)
            except FetchError as fault:
                last = attempt + 1 == self.limits.attempts
                pause_s = self._pause_s(attempt, fault.wait_s)
                if not fault.passing or last or pause_s is None or time.monotonic() + pause_s >= deadline:
                    tries = f", after {attempt + 1} tries" if attempt else ""
                    raise FetchError(f"{fault}{tries}", passing=fault.passing, wait_s=fault.wait_s) from fault
            self.sleep(pause_s)
        raise AssertionError("attempts is at least 1")

    def _pause_s(self, attempt: int, wait_s: float | None) -> float | None:
        """How long to wait before the next try; None for longer than we wait."""
        if wait_s is not None:
            return wait_s if wait_s <= RETRY_AFTER_MAX_S else None
        return min(PAUSE_MAX_S, PAUSE_S * 2.0**attempt) * self._chance()

    def _follow(self, url: str, into: BinaryIO, headers: dict[str, str], secret: str, deadline: float) -> Answer:
        asked = url
        for _ in range(REDIRECTS_MAX + 1):
            sent = self._headers(headers, secret if _origin(asked) == _origin(url) else "")
            with request(asked, sent, tls=self._tls, timeout_s=self.limits.timeout_s, deadline=deadline) as (
                status,
                told,
                body,
            ):
                if status in _REDIRECTS:
                    asked = _redirected(asked, told.get("Location", ""))
                    continue
                if status == 304 and ("If-None-Match" in headers or "If-Modified-Since" in headers):
                    return Answer(304, told.get("ETag", ""), told.get("Last-Modified", ""))
                if status != 200:
                    raise FetchError(
                        f"it answers {status}", passing=status in _PASSING, wait_s=_wait_s(told.get("Retry-After", ""))
                    )
                self._take(told, body, into)
                return Answer(200, told.get("ETag", ""), told.get("Last-Modified", ""))
        raise FetchError(f"it redirects more than {REDIRECTS_MAX} times, in the end to {asked}")

    def _headers(self, headers: dict[str, str], secret: str) -> dict[str, str]:
        contact = f"; {self.limits.contact}" if self.limits.contact else ""
        sent = {
            "User-Agent": f"mipdns/{__version__} (list fetcher{contact})",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
        }
        return sent | headers | ({"Authorization": secret} if secret else {})

    def _take(self, told: email.message.Message, body: Iterator[bytes], into: BinaryIO) -> None:
        most = self.limits.bytes_max
        length = told.get("Content-Length", "")
        if length.isascii() and length.isdigit() and int(length) > most:
            raise FetchError(f"it is of {int(length)} bytes, more than bytes_max allows ({most})")
        coding = told.get("Content-Encoding", "").strip().lower()
        pieces: Iterable[bytes] = _bounded(body, most, "bytes_max")
        if coding in ("gzip", "x-gzip"):
            pieces = _bounded(_gunzipped(pieces), self.limits.unpacked_max, "unpacked_max")
        elif coding not in ("", "identity"):
            raise FetchError(f"it sends Content-Encoding {coding[:40]!r}, which was not asked for")
        for piece in pieces:
            into.write(piece)


def _bounded(pieces: Iterable[bytes], most: int, name: str) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise FetchError(f"it is of more bytes than {name} allows ({most})")
        yield piece


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content under a Content-Encoding of gzip, all members, in pieces bounded however well it was packed."""
    unpacker = None
    try:
        for piece in pieces:
            rest = piece
            while rest:
                unpacker = unpacker or zlib.decompressobj(wbits=31)
                yield unpacker.decompress(rest, PIECE_BYTES)
                rest = unpacker.unconsumed_tail
                if unpacker.eof:
                    rest, unpacker = unpacker.unused_data, None
        while unpacker and not unpacker.eof and (more := unpacker.decompress(b"", PIECE_BYTES)):
            yield more
    except zlib.error as fault:
        raise FetchError(f"its Content-Encoding gzip is damaged: {fault}", passing=True) from None
    if unpacker and not unpacker.eof:
        raise FetchError("its Content-Encoding gzip ends too early", passing=True)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _redirected(asked: str, location: str) -> str:
    if not location:
        raise FetchError("it redirects without saying where")
    # Headers arrive as Latin-1; what is no ASCII in them is sent back percent-encoded (RFC 3986 §2.1).
    goal = quote(location.strip(), safe="%/:?#[]@!$&'()*+,;=~", encoding="latin-1")
    try:
        goal = urljoin(asked, goal)
        parts = urlsplit(goal)
        known = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise FetchError(f"it redirects to {goal[:200]!r}, which cannot be fetched")
    if urlsplit(asked).scheme == "https" and parts.scheme == "http":
        raise FetchError(f"it redirects from https to {goal[:200]}, where anybody could change it")
    return goal


def _wait_s(retry_after: str) -> float | None:
    """Retry-After in seconds from now (RFC 9110 §10.2.3), at most a day; None where it says nothing of sense."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_KEPT_MAX_S)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=datetime.UTC)
    return min(max(0.0, (then - datetime.datetime.now(datetime.UTC)).total_seconds()), RETRY_AFTER_KEPT_MAX_S)
