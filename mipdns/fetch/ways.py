"""What an address means. In: a source's address and its way. Out: one file's bytes, or "as you have it".

The one rule: four ways and no more: the answer is the file; it is a log that names the newest file; it is pages of one
JSON list; it is a measurement, asked for a window of whole days.
"""

from __future__ import annotations

import datetime
import io
import re
from typing import BinaryIO
from urllib.parse import urljoin

import msgspec

from mipdns.config import Atlas, Source
from mipdns.errors import FetchError
from mipdns.fetch.copies import State
from mipdns.fetch.transfer import Answer, Client

PAGE_ROWS = 5000
PAGE_PAUSE_S = 3.0
"""Between pages: PeeringDB allows 20 queries a minute without a key (https://docs.peeringdb.com, API query limits)."""
PAGES_MAX = 1000

_NEWEST = re.compile(r"\d+\t(\d+)\t([A-Za-z0-9][A-Za-z0-9_./-]*)")


def conditions(url: str, state: State) -> dict[str, str]:
    """The headers that ask only for what changed since (RFC 9110 §13.1); none where the copy came from elsewhere."""
    if state.url != url:
        return {}
    told = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in told.items() if value.isprintable() and value}


def get_file(client: Client, url: str, into: BinaryIO, *, state: State, secret: str) -> tuple[str, Answer]:
    """The answer is the file."""
    return url, client.get(url, into, headers=conditions(url, state), authorization=secret)


def get_newest(client: Client, url: str, into: BinaryIO, *, state: State, secret: str) -> tuple[str, Answer]:
    """The newest file of a log as CAIDA writes it: number, unix time and path, tabs between, `#` comments.

    A file of that name never changes: one that we have is not asked for again.
    """
    log = io.BytesIO()
    client.get(url, log, authorization=secret)
    rows = [_NEWEST.fullmatch(line.strip()) for line in log.getvalue().decode("utf-8", "replace").splitlines()]
    listed = [(int(row[1]), row[2]) for row in rows if row and ".." not in row[2]]
    if not listed:
        raise FetchError("it is no log of files: no line has a number, a unix time and a path, with tabs between")
    newest = urljoin(url, max(listed)[1])
    if newest == state.url:
        return newest, Answer(304, state.etag, state.last_modified)
    return newest, client.get(newest, into, authorization=secret)


def get_pages(client: Client, url: str, into: BinaryIO, *, state: State, secret: str) -> tuple[str, Answer]:
    """All pages of a PeeringDB list, put together as one `{"data": […]}`; the first empty page ends it.

    A page may hold fewer rows than asked for, so its length ends nothing.
    """
    del state  # the API knows no conditions
    rows: list[msgspec.Raw] = []
    decoder = msgspec.json.Decoder(_Page)
    room = client.limits.bytes_max
    for number in range(PAGES_MAX):
        page = io.BytesIO()
        joint = "&" if "?" in url else "?"
        client.get(f"{url}{joint}limit={PAGE_ROWS}&skip={len(rows)}", page, authorization=secret)
        room -= page.tell()
        if room < 0:
            raise FetchError(f"its pages are of more bytes than bytes_max allows ({client.limits.bytes_max})")
        try:
            found = decoder.decode(page.getvalue()).data
        except msgspec.DecodeError as fault:
            raise FetchError(f"page {number + 1} is not {{'data': […]}}: {fault}") from None
        if not found:
            into.seek(0)
            into.truncate()
            into.write(msgspec.json.encode({"data": rows}))
            return url, Answer(200)
        rows += found
        client.sleep(PAGE_PAUSE_S)
    raise FetchError(f"it has more than {PAGES_MAX} pages")


class _Page(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]


def window(url: str, source: Source, today: datetime.date) -> str:
    """A measurement's address for whole days, UTC: from `start` to `stop`; without them yesterday.

    A window that only moves once a day makes the same address all day, which is then not asked twice.
    """
    if not isinstance(source, Atlas) or source.measurement is None:
        return url
    start = source.start or today - datetime.timedelta(days=1)
    stop = source.stop or max(start, today - datetime.timedelta(days=1))
    midnight = datetime.datetime.combine(start, datetime.time(), datetime.UTC)
    end = datetime.datetime.combine(stop, datetime.time(), datetime.UTC) + datetime.timedelta(days=1)
    joint = "&" if "?" in url else "?"
    filled = url.replace("{measurement}", str(source.measurement))
    return f"{filled}{joint}start={int(midnight.timestamp())}&stop={int(end.timestamp()) - 1}"
