"""From a layout to integers. In: a `Layout` over `raw`. Out: SQL of one row a line, read or with the reason why not.

The one rule: nothing after this looks at text, save the agent, which is told apart once per distinct text.
"""

from __future__ import annotations

from mipdns import net
from mipdns.config import Logs
from mipdns.sources.logs.formats.layout import Layout
from mipdns.sources.logs.lines.addresses import is_v4, with_addresses, within

COUNTS, SPECIAL, ELSEWHERE, NOTHING = range(4)
"""What becomes of a line that was read: it counts; its client has no owner on the Internet; it is not traffic towards
us, or no established connection; it is no record at all."""

SECONDS_FIRST = 631_152_000  # 1990-01-01
SECONDS_LAST = 4_102_444_799  # 2099-12-31
"""A time outside these is a clock that was never set, or a column that holds something else."""

NO_HEADER, NO_ADDRESS = 0, 1
"""Values of `forwarded` beside the hash of an address: no header; a header that names no address."""

NONE = 0
"""Value of `agent` and `tls` where the log tells that the request carried none."""

LINE_COLUMNS = """
    file UINTEGER, number BIGINT, reason VARCHAR, fate UTINYINT, unit UBIGINT, host UBIGINT, seconds BIGINT,
    port USMALLINT, agent VARCHAR, tls UBIGINT, forwarded UBIGINT, bot_score UTINYINT
"""
"""The columns of `normalised`, in order. number: the line's, counted from 1, where `raw` numbers lines, else NULL."""

_ABSENT = {
    "server": "VARCHAR", "port": "VARCHAR", "agent": "VARCHAR", "tls": "VARCHAR", "forwarded": "VARCHAR",
    "bot_score": "VARCHAR", "counts": "BOOLEAN", "inbound": "BOOLEAN", "skip": "BOOLEAN", "fault": "VARCHAR",
}  # fmt: skip


def normalised(layout: Layout, source: Logs) -> str:
    """SQL with the columns of `LINE_COLUMNS`, over a relation `raw` that `layout.scan` describes."""
    given = dict(layout.columns)
    addresses = ["client"]
    sql = _record(layout.origin, given)
    if "server" in given:
        addresses.append("server")
    if "forwarded" in given:
        addresses.append("claimed")
        sql = (
            f"SELECT *, CASE WHEN forwarded NOT IN ('', '-') THEN first_address(forwarded) END AS claimed FROM ({sql})"
        )
    sql = f"SELECT *, TRY_CAST(port AS UINTEGER) AS port_number FROM ({with_addresses(sql, addresses)})"
    sql = f"SELECT *, {bad_line_reason(addresses)} AS reason FROM ({sql})"
    sql = f"SELECT *, {fate_of_line(source, 'server' in given)} AS fate FROM ({sql})"
    claimed = "HASH(claimed_high, claimed_low)" if "forwarded" in given else "NULL"
    return f"""
        SELECT
            file,
            number,
            reason,
            fate,
            CASE WHEN {is_v4("client")} THEN client_low & 4294967295 ELSE client_high END AS unit,
            CASE WHEN {is_v4("client")} THEN 0 ELSE client_low END AS host,
            CASE WHEN reason IS NULL THEN seconds END AS seconds,
            CASE WHEN fate = {COUNTS} AND port_number > 0 THEN port_number END AS port,
            CASE WHEN fate = {COUNTS} THEN CASE WHEN agent = '-' THEN '' ELSE agent END END AS agent,
            CASE WHEN tls IN ('', '-') THEN {NONE}::UBIGINT WHEN tls IS NOT NULL THEN HASH(tls) END AS tls,
            CASE
                WHEN forwarded IN ('', '-') THEN {NO_HEADER}::UBIGINT
                WHEN {"claimed_low IS NOT NULL" if "forwarded" in given else "FALSE"} THEN {claimed}
                WHEN forwarded IS NOT NULL THEN {NO_ADDRESS}::UBIGINT
            END AS forwarded,
            CASE WHEN TRY_CAST(bot_score AS UTINYINT) BETWEEN 1 AND 99 THEN bot_score::UTINYINT END AS bot_score
        FROM ({sql})
    """


def _record(origin: str, given: dict[str, str]) -> str:
    fields = ["file", "number"]
    fields += [f"{expression} AS {name}" for name, expression in given.items()]
    fields += [f"NULL::{kind} AS {name}" for name, kind in _ABSENT.items() if name not in given]
    sql = f"SELECT {', '.join(fields)} FROM ({origin})"
    return sql if "seconds" in given else f"SELECT *, seconds_of(time) AS seconds FROM ({sql})"


def bad_line_reason(addresses: list[str]) -> str:
    """Why a line cannot be read, the first that holds; NULL where it can."""
    tests = [
        ("skip", "NULL"),
        ("fault IS NOT NULL", "fault"),
        ("client IS NULL", "'no client address'"),
        ("client_low IS NULL", "'client ' || clip(client) || ' is not an address'"),
        ("seconds IS NULL", "'time ' || COALESCE(clip(time), 'absent') || ' cannot be read'"),
        (f"seconds NOT BETWEEN {SECONDS_FIRST} AND {SECONDS_LAST}", "'time ' || clip(time) || ' is out of range'"),
        (
            "port NOT IN ('', '-') AND (port_number IS NULL OR port_number > 65535)",
            "'port ' || clip(port) || ' is not a port'",
        ),
    ]
    if "server" in addresses:
        tests.append(("server <> '' AND server_low IS NULL", "'destination ' || clip(server) || ' is not an address'"))
    return f"CASE {' '.join(f'WHEN {test} THEN {reason}' for test, reason in tests)} END"


def fate_of_line(source: Logs, has_server: bool) -> str:
    """What becomes of a line that was read; NULL for a bad one.

    With `ours`: the client is not in it, and the destination, where it is known, is. Without: what the log itself
    says of the direction. The destination of an AWS flow is the interface's private address, which nobody else has.
    """
    ours = [net.parse_range(text) for text in source.ours]
    vpc = source.format == "vpcflow" and has_server
    private = within("server", net.SPECIAL)
    if ours and has_server:
        towards = f"(server_low IS NULL OR {within('server', ours)}{f' OR {private}' if vpc else ''})"
    elif ours:
        towards = "TRUE"
    elif vpc:
        towards = f"({private} OR COALESCE(inbound, FALSE))"
    else:
        towards = "COALESCE(inbound, TRUE)"
    return (
        f"CASE WHEN reason IS NOT NULL THEN NULL WHEN skip THEN {NOTHING}"
        f" WHEN {within('client', ours)} THEN {ELSEWHERE}"
        f" WHEN {within('client', net.SPECIAL)} THEN {SPECIAL}"
        f" WHEN COALESCE(counts, TRUE) AND {towards} THEN {COUNTS} ELSE {ELSEWHERE} END"
    )
