"""Flow records: AWS VPC flow logs and nfdump's CSV. In: a file's header line. Out: its layout.

A record is one direction of a connection, and does not say who opened it. What comes from a server's port to a
client's is an answer to us, not a client of ours: see `_not_an_answer`. docs/logs.md tells it with sample lines.
"""

from __future__ import annotations

from pathlib import Path

from mipdns.errors import SourceUnreadable
from mipdns.sources.logs.formats.layout import LINES, Layout, layout, quoted

_VPC_DEFAULT = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
    "bytes", "start", "end", "action", "log-status",
)  # fmt: skip
_VPC_NEEDED = ("srcaddr", "start", "protocol")

SYN_ACK = 18
PACKETS_MIN = 3
"""SYN, ACK and one more: what a client sends that completes the handshake and uses it. (A scan sends one or two.)"""


def vpcflow(path: Path, first_line: str) -> Layout:
    """AWS VPC flow logs, version 2 or any custom format whose first line names the fields (as files in S3 do).

    Raises SourceUnreadable for fields without those that are needed.
    """
    fields, heading = _vpc_fields(first_line)
    for name in _VPC_NEEDED:
        if name not in fields:
            raise SourceUnreadable(
                f"{path}: line 1 names no field {name!r}, which format = 'vpcflow' needs; it names {', '.join(fields)}"
            )
    cell = {name: f"p[{fields.index(name) + 1}]" for name in fields}
    skipped = [f"line <> {quoted(first_line.rstrip())}"] if heading else []
    # no record at all: nothing flowed (NODATA) or the capture skipped some (SKIPDATA)
    skip = f"{cell['srcaddr']} = '-'"
    if "log-status" in cell:
        skip += f" OR {cell['log-status']} IN ('NODATA', 'SKIPDATA')"
    columns = {
        "time": cell["start"],
        "client": cell["srcaddr"],
        "skip": skip,
        "counts": _vpc_counts(cell),
        "fault": f"CASE WHEN LEN(p) <> {len(fields)} THEN LEN(p) || ' fields where {len(fields)} are named' END",
    }
    if "srcport" in cell:
        columns["port"] = f"CASE WHEN {cell['protocol']} IN ('6', '17') THEN {cell['srcport']} END"
    if "dstaddr" in cell:
        columns["server"] = cell["dstaddr"]
    if "flow-direction" in cell:
        columns["inbound"] = f"{cell['flow-direction']} = 'ingress'"
    origin = f"SELECT file, number, STRING_SPLIT(RTRIM(line), ' ') AS p FROM raw{_where(skipped)}"
    return layout(LINES, origin, columns)


def _vpc_fields(first_line: str) -> tuple[tuple[str, ...], bool]:
    """The names of the fields, and whether the line is a heading that names them."""
    first = first_line.split()
    names = tuple(name.lower().replace("_", "-") for name in first)
    if {"srcaddr", "start", "interface-id"} & set(names):
        return names, True
    if len(first) == len(_VPC_DEFAULT) + 1 and first[0].endswith("Z"):
        return ("exported", *_VPC_DEFAULT), False  # CloudWatch Logs puts its own time before each line it exports
    return _VPC_DEFAULT, False


def _vpc_counts(cell: dict[str, str]) -> str:
    """Accepted TCP from a client that did more than knock. Flags are ORed over the flow's record (AWS, "tcp-flags")."""
    tests = [f"{cell['protocol']} = '6'"]
    if "action" in cell:
        tests.append(f"{cell['action']} = 'ACCEPT'")
    if "packets" in cell:
        tests.append(f"TRY_CAST({cell['packets']} AS BIGINT) >= {PACKETS_MIN}")
    if "tcp-flags" in cell:
        tests.append(f"COALESCE(TRY_CAST({cell['tcp-flags']} AS INTEGER), 0) & {SYN_ACK} <> {SYN_ACK}")
    if "srcport" in cell and "dstport" in cell:
        tests.append(_not_an_answer(cell["srcport"], cell["dstport"]))
    return f"COALESCE({' AND '.join(tests)}, FALSE)"


_NFDUMP_NAMES = {
    "time": ("ts", "firstseen", "first", "tfs"),
    "client": ("sa", "srcaddr"),
    "server": ("da", "dstaddr"),
    "port": ("sp", "srcport"),
    "service": ("dp", "dstport"),
    "proto": ("pr", "proto"),
    "flags": ("flg", "flags"),
    "packets": ("ipkt", "packets", "inpackets"),
    "answered": ("opkt", "outpackets"),
}
"""Header names of nfdump up to 1.7.4 (`-o csv`), since 1.7.5 (`-o csv`, `-o csv:…`) and of `-o csv-fast`."""


def nfdump(path: Path, first_line: str) -> Layout:
    """nfdump's CSV, of any version, found by its header. Raises SourceUnreadable where columns are missing.

    The summary that ends a listing is not a flow, and not bad.
    """
    names = [name.strip().lower() for name in first_line.split(",")]
    cell: dict[str, str] = {}
    for ours, theirs in _NFDUMP_NAMES.items():
        found = next((name for name in theirs if name in names), None)
        if found is not None:
            cell[ours] = f"TRIM(p[{names.index(found) + 1}])"
        elif ours in ("time", "client", "port", "service", "proto"):
            raise SourceUnreadable(
                f"{path}: line 1 names no column {' or '.join(theirs)}, which format = 'nfdump' needs; "
                f"it reads {first_line[:200]!r}; write the file with nfdump -o csv"
            )
    width = len(names)
    trailer = [
        f"line <> {quoted(first_line.rstrip())}",
        "NOT STARTS_WITH(line, 'Summary')",
        "NOT STARTS_WITH(line, 'flows,bytes,packets')",
        "NOT REGEXP_FULL_MATCH(line, '[0-9]+(?:,[0-9.]+){5}')",
        "NOT REGEXP_MATCHES(line, '^(?:Time window|Total flows|Sys|No matching flows|Total records)')",
    ]
    if width == 6:
        trailer.pop(3)  # a flow of six columns looks like the totals
    origin = f"SELECT file, number, STRING_SPLIT(line, ',') AS p FROM raw{_where(trailer)}"
    proto = cell["proto"]
    tcp = [f"UPPER({proto}) IN ('TCP', '6')", _not_an_answer(cell["port"], cell["service"])]
    if "flags" in cell:
        # the client's own flags, ORed over the flow: an ACK ends the handshake, and it came with SYN, data or FIN
        tcp.append(f"CONTAINS({cell['flags']}, 'A') AND REGEXP_MATCHES({cell['flags']}, '[SPF]')")
    elif "packets" in cell:
        tcp.append(f"TRY_CAST({cell['packets']} AS BIGINT) >= {PACKETS_MIN}")
    counts = f"COALESCE({' AND '.join(tcp)}, FALSE)"
    if "answered" in cell:  # both directions in one record
        counts += (
            f" OR COALESCE(UPPER({proto}) IN ('UDP', '17') AND {cell['service']} = '443'"
            f" AND TRY_CAST({cell['answered']} AS BIGINT) > 0, FALSE)"
        )
    columns = {
        "time": cell["time"],
        "client": cell["client"],
        "port": f"CASE WHEN UPPER({proto}) IN ('TCP', '6', 'UDP', '17') THEN {cell['port']} END",
        "counts": counts,
        "fault": f"CASE WHEN LEN(p) <> {width} THEN LEN(p) || ' columns where the header names {width}' END",
    }
    if "server" in cell:
        columns["server"] = cell["server"]
    return layout(LINES, origin, columns)


def _not_an_answer(source: str, destination: str) -> str:
    """SQL: whether a record runs from a client's port to a server's.

    An answer comes from a lower port, and either that port is below 1024 or ours is one that systems choose for
    outgoing connections (32768 and up: Linux's default range and RFC 6335's).
    """
    low, high = f"TRY_CAST({source} AS INTEGER)", f"TRY_CAST({destination} AS INTEGER)"
    return f"NOT ({low} < {high} AND ({low} < 1024 OR {high} >= 32768))"


def _where(tests: list[str]) -> str:
    return f" WHERE {' AND '.join(tests)}" if tests else ""
