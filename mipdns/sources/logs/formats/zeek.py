"""Zeek's http.log and conn.log, as TSV with Zeek's header or as JSON lines. In: the header. Out: the layout.

The one rule: a column is found by its name in the header that stands above the line. Zeek's columns differ with its
version, its scripts and its site.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from mipdns.errors import SourceUnreadable
from mipdns.sources.logs.formats.layout import LINES, Layout, json_object, layout, quoted

Kind = Literal["http", "conn"]

_NEEDED: dict[Kind, tuple[str, ...]] = {
    "http": ("ts", "id.orig_h", "user_agent"),
    "conn": ("ts", "id.orig_h", "proto", "conn_state"),
}
_TAKEN: dict[Kind, tuple[str, ...]] = {
    "http": ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "user_agent", "proxied"),
    "conn": (
        "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "conn_state", "history",
        "local_orig",
    ),
}  # fmt: skip
_ONLY_THERE: dict[Kind, tuple[str, ...]] = {
    "http": ("method", "uri", "user_agent", "status_code", "trans_depth"),
    "conn": ("proto", "conn_state"),
}
"""JSON leaves out what is unset: any of these keys tells the kind of a first record that names no `_path`."""


class Header(NamedTuple):
    """A block of `#` lines, and the line number of its first."""

    line: int
    separator: str = "\t"
    unset: str = "-"
    empty: str = "(empty)"
    path: str = ""
    fields: tuple[str, ...] = ()


def header(line: int, text: str) -> Header:
    """Read a block of `#` lines. Its first says how the others are separated."""
    found: dict[str, str] = {}
    fields: tuple[str, ...] = ()
    separator = "\t"
    for row in text.splitlines():
        if row.startswith("#separator"):
            separator = row.removeprefix("#separator").strip().encode().decode("unicode_escape") or "\t"
            continue
        key, _, value = row.partition(separator)
        found[key] = value.strip("\r")
        if key == "#fields":
            fields = tuple(value.split(separator))
    return Header(
        line,
        separator,
        found.get("#unset_field", "-"),
        found.get("#empty_field", "(empty)"),
        found.get("#path", ""),
        fields,
    )


def tsv(path: Path, kind: Kind, block: Header) -> Layout:
    """The layout of the lines under one header. Raises SourceUnreadable for another kind of log."""
    if block.path and block.path != kind and not block.path.startswith((f"{kind}_", f"{kind}-")):
        raise SourceUnreadable(f"{path}: is a Zeek {block.path!r} log, but its source says format = 'zeek-{kind}'")
    for name in _NEEDED[kind]:
        if name not in block.fields:
            raise SourceUnreadable(
                f"{path}: line {block.line}: the Zeek header names no column {name!r}, which format = 'zeek-{kind}' "
                f"needs; it names {', '.join(block.fields) or 'none'}"
            )
    width = len(block.fields)
    values = {}
    for name in _TAKEN[kind]:
        if name in block.fields:
            cell = f"p[{block.fields.index(name) + 1}]"
            values[name] = f"CASE WHEN {cell} NOT IN ({quoted(block.unset)}, {quoted(block.empty)}) THEN {cell} END"
    origin = (
        f"SELECT file, number, STRING_SPLIT(line, {quoted(block.separator)}) AS p FROM raw"
        " WHERE NOT STARTS_WITH(line, '#')"
    )
    fault = f"CASE WHEN LEN(p) <> {width} THEN LEN(p) || ' columns where the header names {width}' END"
    return layout(LINES, _named(origin, values, fault), _columns(kind, values, element=r'[^,"]*'))


def json(path: Path, kind: Kind, first_line: bytes) -> Layout:
    """The layout of Zeek's JSON lines. Raises SourceUnreadable where the first record is of another kind of log."""
    try:
        record = msgspec.json.decode(first_line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        record = {}  # the line is counted as bad when it is read
    told = str(record.get("_path", ""))
    if told and told != kind and not told.startswith((f"{kind}_", f"{kind}-")):
        raise SourceUnreadable(f"{path}: is a Zeek {told!r} log, but its source says format = 'zeek-{kind}'")
    if record and not told and not any(key in record for key in _ONLY_THERE[kind]):
        raise SourceUnreadable(
            f"{path}: line 1 has no key that tells a Zeek {kind} log ({', '.join(_ONLY_THERE[kind])}); "
            f"it has {', '.join(record)}"
        )
    values = {name: f'j."{name}"' for name in _TAKEN[kind]}
    origin = f"SELECT file, number, {json_object(_TAKEN[kind])} AS j FROM raw"
    fault = (
        "CASE WHEN j IS NULL THEN 'not a JSON object' WHEN j.ts IS NULL THEN 'no ts'"
        " WHEN j.\"id.orig_h\" IS NULL THEN 'no id.orig_h' END"
    )
    return layout(LINES, _named(origin, values, fault), _columns(kind, values, element='[^"]*'))


def _named(origin: str, values: dict[str, str], fault: str) -> str:
    cells = ", ".join(f"{value} AS {_short(name)}" for name, value in values.items())
    return f"SELECT file, number, {cells}, {fault} AS fault FROM ({origin})"


def _short(name: str) -> str:
    return name.replace(".", "_")


def _columns(kind: Kind, values: dict[str, str], *, element: str) -> dict[str, str]:
    columns = {"time": "ts", "client": "id_orig_h", "fault": "fault"}
    if "id.resp_h" in values:
        columns["server"] = "id_resp_h"
    if "id.orig_p" in values:
        columns["port"] = "id_orig_p"
    if kind == "http":
        columns["agent"] = "COALESCE(user_agent, '')"
        if "proxied" in values:
            columns["forwarded"] = _forwarded(element)
        return columns
    columns["counts"] = _established(values)
    if "id.orig_p" in values:
        columns["port"] = "CASE WHEN proto IN ('tcp', 'udp') THEN id_orig_p END"  # ICMP has types there
    if "local_orig" in values:
        columns["inbound"] = "LOWER(local_orig) NOT IN ('t', 'true')"
    return columns


def _forwarded(element: str) -> str:
    """The value of a header that names the client; a header that does not (Via) is a header all the same.

    `proxied` is a set of `HEADER -> value` (Zeek, base/protocols/http/main.zeek, `proxy_headers`).
    """
    naming = f"(?:X-FORWARDED-FOR|X-FORWARDED-FROM|CLIENT-IP|FORWARDED) -> ({element})"
    return (
        "CASE WHEN proxied IS NULL OR proxied = '[]' THEN ''"
        f" ELSE COALESCE(NULLIF(REGEXP_EXTRACT(proxied, {quoted(naming)}, 1), ''), 'unnamed') END"
    )


def _established(values: dict[str, str]) -> str:
    """TCP whose handshake was completed, or QUIC that was answered.

    TCP: a state in which Zeek has the connection established. Zeek's RSTO and S1 include half-open scans (`ShR`,
    `Sh`), so where the history shows the SYN-ACK (`h`), something of the originator must follow it (ACK, data, FIN).
    UDP is SF where both sides sent.
    """
    tcp = "proto = 'tcp' AND conn_state IN ('S1', 'S2', 'S3', 'SF', 'RSTO', 'RSTR')"
    if "history" in values:
        tcp += (
            " AND (history IS NULL OR history NOT LIKE '%h%'"
            " OR history LIKE '%h%A%' OR history LIKE '%h%D%' OR history LIKE '%h%F%')"
        )
    quic = [
        test
        for name, test in (("service", "LOWER(service) LIKE '%quic%'"), ("id.resp_p", "id_resp_p = '443'"))
        if name in values
    ]
    if not quic:
        return f"COALESCE({tcp}, FALSE)"
    return (
        f"(COALESCE({tcp}, FALSE) OR COALESCE(proto = 'udp' AND conn_state = 'SF', FALSE)"
        f" AND ({' OR '.join(f'COALESCE({test}, FALSE)' for test in quic)}))"
    )
