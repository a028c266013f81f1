"""What a format module says of a file: how to scan it, and where in a scanned row each of our columns stands.

A `Layout` is text and numbers only, so files with equal layouts can be read together in one query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Scan(NamedTuple):
    """How stored bytes become rows of `raw`: `lines` (column `line`), `csv` (`c1`, `c2`, …) or `parquet` (its own).

    separator, width: of `csv` only; its first record is the header and is skipped.
    """

    how: str
    separator: str = ""
    width: int = 0


LINES = Scan("lines")


class Layout(NamedTuple):
    """One shape of file. origin: SQL of a relation over `raw` that keeps its columns `file` and `number`.

    columns: (name, SQL over `origin`) of those that the format has, of:
    time, client: text; always given. seconds: since 1970, where `seconds_of(time)` is not how this format writes time.
    server: text of the destination address. port: text of the client's port, NULL or `0` where unknown.
    agent, tls, forwarded: text, NULL where the log could not tell, `` or `-` where it tells that there is none.
    bot_score: text, 1 to 99. counts: false for what is no request and no established connection.
    inbound: false where the log itself says that our side opened the connection. skip: true for what is no record.
    fault: why the line cannot be read, NULL where it can.
    """

    scan: Scan
    origin: str
    columns: tuple[tuple[str, str], ...]


def layout(scan: Scan, origin: str, columns: Mapping[str, str]) -> Layout:
    """A `Layout` from a mapping of our column names to SQL."""
    return Layout(scan, origin, tuple(columns.items()))


def quoted(text: str) -> str:
    """SQL: a text literal."""
    return "'" + text.replace("'", "''") + "'"


def json_object(keys: Sequence[str]) -> str:
    """SQL: the line's JSON object, of which only these keys matter, each as text; NULL where the line is none.

    Asked first whether it is JSON, because an error in each of a million lines takes minutes to catch.
    """
    shape = quoted("{" + ",".join(f'"{key}":"VARCHAR"' for key in keys) + "}")
    return f"TRY(CASE WHEN JSON_VALID(line) AND LEFT(LTRIM(line), 1) = '{{' THEN FROM_JSON(line, {shape}) END)"


def identifier(name: str) -> str:
    """SQL: a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
