"""Logs that lie in a ClickHouse table, read where they lie. In: a source that names a table. Out: hits, day by day.

What DuckDB does with lines of a file (`lines.normalise`), said in ClickHouse's own functions: the same lines count, the
others are accounted for in the same words. A day is read into the temporary table `line`; nothing of it travels here
but the account.

The one rule: what `net.parse_address` takes is taken, with the same number; what it refuses is a bad line.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from mipdns.config import Logs
from mipdns.errors import EngineError, SourceUnreadable
from mipdns.sources import reading
from mipdns.sources.logs.engines import rendering
from mipdns.sources.logs.engines.statements import DIALECT, SETTINGS, Transport, identifier, literal, rows
from mipdns.sources.logs.formats.tables import columns_of
from mipdns.sources.logs.lines.addresses import is_v4
from mipdns.sources.logs.lines.normalise import (
    COUNTS,
    NO_ADDRESS,
    NO_HEADER,
    NONE,
    NOTHING,
    SECONDS_FIRST,
    SPECIAL,
    bad_line_reason,
    fate_of_line,
)

DAY_S = 86400


_ABSENT = {
    "port": "String", "agent": "String", "tls": "String", "forwarded": "String", "bot_score": "String",
    "counts": "Bool", "inbound": "Bool", "skip": "Bool", "fault": "String",
}  # fmt: skip

_RFC3339 = r"^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?[Zz]|[+-]\d\d(:?\d\d)?)?)?$"
_ADDRESS = r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_QUAD_ENDS = rf"(?:^|:){_OCTET}(?:\.{_OCTET}){{3}}$"

_CLIP = re.compile(r"clip\((\w+)\)", re.IGNORECASE)


class TableDay(NamedTuple):
    """A UTC day of a table. content: a digest that changes with what the table holds of the day."""

    day: int
    content: str


class Account(NamedTuple):
    """What became of the rows of a day, as of the lines of a file. hours: since 1970, rows that could be read."""

    rows: int
    dropped: int
    rejected: int
    hits: int
    reasons: tuple[str, ...]
    hours: tuple[tuple[int, int], ...]


class Table:
    """A source's table. Raises SourceUnreadable where it, or one of its columns, is not there."""

    def __init__(self, transport: Transport, source: Logs) -> None:
        self._transport = transport
        self._source = source
        database, dot, name = source.table.partition(".")
        self._name = f"{identifier(database)}.{identifier(name)}" if dot else identifier(database)
        self._kinds = self._columns()
        self._time = identifier(source.columns["time"])
        self._time_kind = self._kinds[source.columns["time"]]

    def _columns(self) -> dict[str, str]:
        """Names and types of the table's columns, without what wraps a type."""
        try:
            told = rows(self._transport, f"DESCRIBE TABLE {self._name}")
        except EngineError as fault:
            raise SourceUnreadable(f"source {self._source.name!r}: {fault}") from None
        kinds = {row[0]: row[1] for row in told}
        for ours, theirs in self._source.columns.items():
            if theirs not in kinds:
                raise SourceUnreadable(
                    f"{self.shown}: source {self._source.name!r}: there is no column {theirs!r} (columns.{ours}); "
                    f"there are {', '.join(map(repr, kinds))}"
                )
        return {
            name: re.sub(r"(?:(?:Nullable|LowCardinality)\()+(.*?)\)+$", r"\1", kind) for name, kind in kinds.items()
        }

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"{self._transport.name}, table {self._source.table}"

    def newest_day(self, last: int) -> int | None:
        """The newest day, not after `last`, that has a row; None where none has."""
        day = f"intDiv({self._seconds()}, {DAY_S})"
        told = self._transport.run(
            f"SELECT max({day}) FROM {self._name} WHERE {day} BETWEEN {SECONDS_FIRST // DAY_S} AND {int(last)}"
            f" {SETTINGS}"
        ).strip()
        return int(told) if told not in ("", "\\N", "0") else None

    def days(self, first: int, last: int) -> list[TableDay]:
        """The days from `first` to `last` (since 1970) that have rows, in order."""
        hour = f"intDiv({self._seconds()}, 3600)"
        told = rows(
            self._transport,
            f"SELECT {hour} AS hour_of_row, count() FROM {self._name} WHERE {self._between(first, last)}"
            f" GROUP BY hour_of_row ORDER BY hour_of_row {SETTINGS}",
        )
        by_day: dict[int, list[str]] = {}
        for hour_of_row, count in told:
            by_day.setdefault(int(hour_of_row) // 24, []).append(f"{hour_of_row} {count}")
        return [TableDay(day, self._digest(hours)) for day, hours in sorted(by_day.items())]

    def _digest(self, hours: list[str]) -> str:
        return hashlib.sha256("\n".join([self.shown, *hours]).encode()).hexdigest()

    def account(self, day: int) -> Account:
        """What becomes of the rows of a day."""
        self.read(day)
        ((good, dropped, rejected, hits),) = rows(
            self._transport,
            f"SELECT countIf(reason IS NULL AND fate NOT IN ({SPECIAL}, {NOTHING})), countIf(fate = {SPECIAL}),"
            f" count(reason), countIf(fate = {COUNTS}) FROM line {SETTINGS}",
        )
        reasons = rows(
            self._transport,
            f"SELECT DISTINCT reason FROM line WHERE reason IS NOT NULL ORDER BY reason LIMIT {reading.EXAMPLES_KEPT}"
            f" {SETTINGS}",
        )
        hours = rows(
            self._transport,
            "SELECT intDiv(seconds, 3600) AS hour_of_row, count() FROM line WHERE seconds IS NOT NULL"
            f" GROUP BY hour_of_row ORDER BY hour_of_row {SETTINGS}",
        )
        return Account(
            int(good),
            int(dropped),
            int(rejected),
            int(hits),
            tuple(reason for (reason,) in reasons),
            tuple((int(hour), int(lines)) for hour, lines in hours),
        )

    def read(self, day: int) -> None:
        """Make the session's table `line` of a day's rows."""
        self._transport.run("DROP TEMPORARY TABLE IF EXISTS line")
        self._transport.run(
            f"CREATE TEMPORARY TABLE line ENGINE = MergeTree ORDER BY tuple() AS {self._normalised(day)} {SETTINGS}"
        )

    def insert_hits(self, day: int, first: int, last: int, *, sensor: int, source: int) -> None:
        """Add a day's hits, of units from `first` to `last`, to the session's table `hit`."""
        self.read(day)
        chosen = f"fate = {COUNTS} AND unit BETWEEN {int(first)} AND {int(last)}"
        columns = (
            "unit, host, day, hour, port, agent, family, is_crawler, is_mobile, tls, forwarded, bot_score, sensor,"
            " source, file"
        )
        self._transport.run(
            f"""
            INSERT INTO hit ({columns})
            WITH agent_text AS (
                SELECT DISTINCT agent_hash AS agent, lowerUTF8(agent) AS text
                FROM line WHERE {chosen} AND agent <> ''
            ), agent_kind AS ({rendering.agents(DIALECT)})
            SELECT
                l.unit, l.host, toInt32({int(day)}), toInt32(intDiv(l.seconds, 3600)), l.port, l.agent_hash,
                if(a.family IS NULL, NULL, sipHash64(assumeNotNull(a.family))), a.is_crawler, a.is_mobile, l.tls,
                l.forwarded, l.bot_score, toUInt32({int(sensor)}), toUInt32({int(source)}), toUInt32(0)
            FROM (SELECT * FROM line WHERE {chosen}) AS l
            LEFT JOIN agent_kind AS a ON l.agent_hash = a.agent
            {SETTINGS}
            """
        )
        self._transport.run("DROP TEMPORARY TABLE line")

    # ── SQL ──

    def _seconds(self) -> str:
        """SQL: seconds since 1970 of a row, NULL where its time cannot be read."""
        cell = self._time
        match self._time_kind.partition("(")[0]:
            case "DateTime":
                return f"toInt64(toUnixTimestamp({cell}))"
            case "DateTime64":
                return f"intDiv(toUnixTimestamp64Milli({cell}), 1000)"
            case "Date" | "Date32":
                return f"toInt64({cell}) * {DAY_S}"
            case "String" | "FixedString":
                text = f"upper(trimBoth(toString({cell})))"
                stamp = (
                    f"if(match({text}, {literal(_RFC3339)}), parseDateTime64BestEffortOrNull({text}, 3, 'UTC'), NULL)"
                )
                return (
                    f"coalesce({_of_number(f'toFloat64OrNull({text})')}, intDiv(toUnixTimestamp64Milli({stamp}), 1000))"
                )
            case _:
                return _of_number(f"toFloat64({cell})")

    def _between(self, first: int, last: int) -> str:
        """SQL: whether a row's time lies in these days, in words that a table's order and partitions can use."""
        begin, end = int(first) * DAY_S, (int(last) + 1) * DAY_S
        exact = f"{self._seconds()} BETWEEN {begin} AND {end - 1}"
        match self._time_kind.partition("(")[0]:
            case "DateTime":
                return f"{self._time} >= toDateTime({begin}) AND {self._time} < toDateTime({end})"
            case "DateTime64":
                return f"{self._time} >= toDateTime64({begin}, 3) AND {self._time} < toDateTime64({end}, 3)"
            case "Date" | "Date32":
                return f"{self._time} >= toDate({int(first)}) AND {self._time} <= toDate({int(last)})"
            case "String" | "FixedString":
                return exact
            case _:
                sizes = " OR ".join(
                    f"({self._time} >= {begin * unit} AND {self._time} < {end * unit})"
                    for unit in (1, 10**3, 10**6, 10**9)
                )
                return f"({sizes}) AND {exact}"

    def _normalised(self, day: int) -> str:
        """SQL of a day's rows as `lines.normalise` has lines; `agent_hash` stands beside the agent's text."""
        cells: dict[str, str] = {ours: f"cell_{ours}" for ours in self._source.columns}
        given = {
            name: rendering.expression(text, DIALECT)
            for name, text in columns_of(cells, lambda ours: cells[ours]).items()
        }
        texts = [f"toString({identifier(theirs)}) AS cell_{ours}" for ours, theirs in self._source.columns.items()]
        sql = (
            f"SELECT {self._seconds()} AS seconds, {', '.join(texts)} FROM {self._name} WHERE {self._between(day, day)}"
        )
        absent = [f"CAST(NULL AS Nullable({kind})) AS {name}" for name, kind in _ABSENT.items() if name not in given]
        fields = [f"{expression} AS {name}" for name, expression in given.items()] + absent
        sql = f"SELECT seconds, {', '.join(fields)} FROM ({sql})"
        addresses = ["client", *(name for name in ("server",) if name in given)]
        if "forwarded" in given:
            addresses.append("claimed")
            sql = (
                "SELECT *, if(forwarded NOT IN ('', '-'), nullIf(extract(assumeNotNull(forwarded),"
                f" {literal(_ADDRESS)}), ''), NULL) AS claimed FROM ({sql})"
            )
        numbers = ", ".join(f"{address_number(name)} AS {name}_number" for name in addresses)
        sql = f"SELECT *, {numbers} FROM ({sql})"
        halves = ", ".join(
            f"toUInt64(bitShiftRight({name}_number, 64)) AS {name}_high,"
            f" toUInt64(bitAnd({name}_number, {(1 << 64) - 1})) AS {name}_low"
            for name in addresses
        )
        sql = f"SELECT *, {_whole('port', 'UInt32')} AS port_number, {halves} FROM ({sql})"
        reason = rendering.expression(bad_line_reason(addresses), DIALECT)
        sql = f"SELECT *, {_CLIP.sub(_clipped, reason)} AS reason FROM ({sql})"
        fate = rendering.expression(fate_of_line(self._source, "server" in given), DIALECT)
        sql = f"SELECT *, {fate} AS fate FROM ({sql})"
        claimed = "claimed_low IS NOT NULL" if "forwarded" in given else "FALSE"
        claimed_hash = (
            "sipHash64(assumeNotNull(claimed_high), assumeNotNull(claimed_low))" if "forwarded" in given else "0"
        )
        v4 = is_v4("client")
        return f"""
            SELECT
                reason, fate,
                if({v4}, bitAnd(client_low, 4294967295), client_high) AS unit,
                if({v4}, 0, client_low) AS host,
                if(reason IS NULL, seconds, NULL) AS seconds,
                if(fate = {COUNTS} AND port_number > 0, toUInt16(assumeNotNull(port_number)), NULL) AS port,
                if(fate = {COUNTS}, if(agent = '-', '', agent), NULL) AS agent,
                multiIf(fate <> {COUNTS} OR fate IS NULL OR agent IS NULL, NULL, agent IN ('', '-'), {NONE},
                    sipHash64(assumeNotNull(agent))) AS agent_hash,
                multiIf(tls IS NULL, NULL, tls IN ('', '-'), {NONE}, sipHash64(assumeNotNull(tls))) AS tls,
                multiIf(forwarded IS NULL, NULL, forwarded IN ('', '-'), {NO_HEADER}, {claimed}, {claimed_hash},
                    {NO_ADDRESS}) AS forwarded,
                if({_whole("bot_score", "UInt8")} BETWEEN 1 AND 99, {_whole("bot_score", "UInt8")}, NULL) AS bot_score
            FROM ({sql})
        """


def _of_number(number: str) -> str:
    """SQL: seconds since 1970 of unix time in s, ms, µs or ns, told apart by size; NULL where it is none."""
    return (
        f"accurateCastOrNull(floor(multiIf({number} < 1e11, {number}, {number} < 1e14, {number} / 1e3,"
        f" {number} < 1e17, {number} / 1e6, {number} / 1e9)), 'Int64')"
    )


def _whole(text: str, kind: str) -> str:
    """SQL: a number as text, as a whole one of a kind; NULL where it is none."""
    return f"accurateCastOrNull(round(toFloat64OrNull(trimBoth(toString({text})))), '{kind}')"


def address_number(text: str) -> str:
    """SQL: the 128-bit number of an address as text; NULL where it is none.

    ClickHouse's own reading also takes a leading zero in an octet that ends an IPv6 address, and `::` for no group.
    """
    groups = f"length(extractAll(assumeNotNull({text}), '[0-9A-Fa-f.]+')) + (position({text}, '.') > 0)"
    good = (
        f"({text} NOT LIKE '%.%' OR match({text}, {literal(_QUAD_ENDS)})) AND ({text} NOT LIKE '%::%' OR {groups} <= 7)"
    )
    return f"if({good}, toUInt128(toIPv6OrNull({text})), NULL)"


def _clipped(found: re.Match[str]) -> str:
    text, quote = found[1], literal("'")
    return f"concat({quote}, leftUTF8({text}, 60), if(lengthUTF8({text}) > 60, '…', ''), {quote})"
