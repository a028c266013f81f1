"""Tables in ClickHouse: each row becomes what the same row of a Parquet file becomes in DuckDB."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mipdns import config, net
from mipdns.errors import SourceUnreadable
from mipdns.sources.logs.counting.engine import HIT_COLUMNS
from mipdns.sources.logs.engines.inprocess import Embedded
from mipdns.sources.logs.engines.statements import create, literal
from mipdns.sources.logs.engines.tables import Table, address_number
from mipdns.sources.logs.formats.tables import parquet_table
from mipdns.sources.logs.lines.normalise import normalised
from tests.conftest import REPOSITORY
from tests.unit.sources.logs.engines.bench import UNIT_MAX

pytestmark = pytest.mark.engines

DAY = 20777  # 2026-11-20
NOON = DAY * 86400 + 43200

ADDRESSES = [
    "9.9.9.1", "255.255.255.255", "0.0.0.0", "10.1.2.3", "8.8.8.8", "64.225.56.201", "01.2.3.4", "1.2.3", "1.2.3.4.5",
    "1.2.3.256", " 9.9.9.9 ", "", "::", "::1", "::ffff:9.9.9.1", "::FFFF:909:901", "2a00:1:2:3::1", "2A00:1:2:3::1",
    "2a00:1:2:3:4:5:6:7", "2a00:1:2:3:4:5:6:", "2a00:1:2:3:4:5:6:7:8", "2a00::1::2", "::1:2:3:4:5:6:7",
    "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1::2:3:4:5:6:7:8", "2a00:1:2:3:4:5:9.9.9.9", "2a00::9.9.9.9",
    "2a00::09.9.9.9", "2a00::9.9.9", "2a00::9.9.9.9:1", "12345::", "g::1", "fe80::1%eth0", ":::", ":", ".", "1.2.3.4::",
    "٣.1.1.1", "1.2.3.4/32", "nobody's\\", "2001:db8::1", "2002::1", "fc00::1", "0x1.2.3.4", "+1.2.3.4",
]  # fmt: skip
AGENTS = [
    None, "", "-", "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0", "CURL/8.5.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 "
    "Mobile/15E148 Safari/604.1", "it's \\ ü", "Musical_ly",
]  # fmt: skip
FORWARDED = [None, "", "-", "unknown", "9.9.9.9, 10.0.0.1", 'for="[2a00:1::7]:443"', "a 01.2.3.4", "::ffff:9.9.9.9"]
STATES = [None, "SF", "S0", "established", " 1 ", "-"]
PROTOS = [None, "tcp", "UDP", "6", "HTTP/2", "17"]
COLUMNS: dict[str, str] = {
    "time": "ts", "client": "ip", "port": "sport", "agent": "ua", "ja4": "a", "ja3": "b", "forwarded": "fwd",
    "server": "dst", "proto": "proto", "state": "state", "bot_score": "score",
}  # fmt: skip
NAMES = list(COLUMNS.values())


def rows_of_every_kind(count: int) -> list[tuple[Any, ...]]:
    chance = random.Random(5)
    return [
        (
            NOON + chance.choice([-43200, -1, 0, 3600, 43199]),
            chance.choice(ADDRESSES) if chance.random() < 0.7 else "9.9.9.1",
            chance.choice([None, 0, 1, 443, 65535, 65536, 70000]),
            chance.choice(AGENTS),
            chance.choice([None, "", "t1", "-"]),
            chance.choice([None, "", "m1"]),
            chance.choice(FORWARDED),
            chance.choice([*ADDRESSES[:8], None, "198.51.100.2"]),
            chance.choice(PROTOS),
            chance.choice(STATES),
            chance.choice([None, -1, 0, 1, 50, 99, 100, 255]),
        )
        for _ in range(count)
    ]


def in_clickhouse(chdb: Embedded, rows: Sequence[Sequence[Any]], time: str = "DateTime", name: str = "seen") -> str:
    def cell(value: Any) -> str:
        return "NULL" if value is None else literal(value) if isinstance(value, str) else str(value)

    texts = {"ua": "LowCardinality(Nullable(String))"}
    kinds = {"ts": time, "sport": "Nullable(UInt32)", "score": "Nullable(Int32)", "ip": "String"}
    columns = ", ".join(f"{column} {kinds.get(column, texts.get(column, 'Nullable(String)'))}" for column in NAMES)
    chdb.run("CREATE DATABASE IF NOT EXISTS kept")
    chdb.run(f"DROP TABLE IF EXISTS kept.`{name}`")
    chdb.run(f"CREATE TABLE kept.`{name}` ({columns}) ENGINE = MergeTree ORDER BY ts")
    if rows:
        values = ", ".join(f"({', '.join(map(cell, row))})" for row in rows)
        chdb.run(f"INSERT INTO kept.`{name}` VALUES {values}")
    return f"kept.{name}"


def source(table: str, **keys: Any) -> config.Logs:
    return config.Logs(name="kept", format="clickhouse", table=table, **{"columns": COLUMNS, **keys})


def in_duckdb(folder: Path, rows: Sequence[Sequence[Any]], **keys: Any) -> list[tuple[Any, ...]]:
    """What `lines.normalise` makes of the same rows, in a Parquet file."""
    path = folder / "seen.parquet"
    logs = config.Logs(name="kept", format="parquet", path=str(path), **{"columns": COLUMNS, **keys})
    kinds = {"ts": "BIGINT", "sport": "UINTEGER", "score": "INTEGER"}
    with duckdb.connect() as connection:
        connection.execute((REPOSITORY / "mipdns/sources/logs/lines/macros.sql").read_text("utf-8"))
        columns = ", ".join(f"{name} {kinds.get(name, 'VARCHAR')}" for name in NAMES)
        connection.execute(f"CREATE TABLE t ({columns})")
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(NAMES))})", rows)
        connection.execute(f"COPY t TO '{path}'")
        types = [(row[0], row[1]) for row in connection.execute("DESCRIBE t").fetchall()]
        raw = f"SELECT 0::UINTEGER AS file, NULL::BIGINT AS number, * FROM read_parquet('{path}')"
        made = normalised(parquet_table(path, logs, types), logs)
        return connection.execute(
            f"WITH raw AS NOT MATERIALIZED ({raw}) SELECT {SHOWN} FROM ({made}) ORDER BY ALL"
        ).fetchall()


def shape(column: str) -> str:
    return f"CASE WHEN {column} > 1 THEN 2 ELSE {column} END"


SHOWN = (
    "COALESCE(reason, ''), COALESCE(fate, 99), CASE WHEN reason IS NULL THEN unit ELSE 0 END,"
    " CASE WHEN reason IS NULL THEN host ELSE 0 END, COALESCE(seconds, 0), COALESCE(port, 0), COALESCE(agent, '<>'),"
    f" COALESCE({shape('tls')}, 9), COALESCE({shape('forwarded')}, 9), COALESCE(bot_score, 0)"
)


def shown(chdb: Embedded) -> list[tuple[Any, ...]]:
    text = chdb._query(f"SELECT {SHOWN} FROM line", "JSONCompactEachRow").decode()
    rows = [tuple(json.loads(line)) for line in text.splitlines()]
    return sorted((row[0], *map(int, row[1:6]), row[6], *map(int, row[7:])) for row in rows)


@pytest.mark.parametrize("ours", [(), ("64.225.56.201/32", "0.0.0.0/24", "2a00:1:2:3::/80")])
def test_a_row_becomes_what_it_becomes_of_a_file(chdb: Embedded, tmp_path: Path, ours: tuple[str, ...]) -> None:
    rows = rows_of_every_kind(3000)
    table = Table(chdb, source(in_clickhouse(chdb, rows), ours=ours))
    table.read(DAY)
    expected = [
        (row[0], *map(int, row[1:6]), row[6], *map(int, row[7:])) for row in in_duckdb(tmp_path, rows, ours=ours)
    ]
    assert shown(chdb) == sorted(expected)


def test_addresses_are_those_of_net(chdb: Embedded) -> None:
    chance = random.Random(9)
    pieces = ["::", ":", "1", "0", "ffff", "a", "1.2.3.4", "01.2.3.4", ".", "256.1.1.1", "g", "12345"]
    texts = ADDRESSES + ["".join(chance.choices(pieces, k=chance.randint(1, 12))) for _ in range(4000)]
    texts += [net.format_address(chance.getrandbits(128) & chance.getrandbits(128)) for _ in range(500)]
    values = ", ".join(f"({at}, {literal(text)})" for at, text in enumerate(texts))
    told = chdb.run(
        f"SELECT toString({address_number('text')}) FROM values('at UInt32, text String', {values}) ORDER BY at"
    ).splitlines()
    expected = []
    for text in texts:
        try:
            expected.append(str(net.parse_address(text)))
        except ValueError:
            expected.append("\\N")
    assert dict(zip(texts, told, strict=True)) == dict(zip(texts, expected, strict=True))


@pytest.mark.parametrize(
    ("kind", "moments"),
    [
        ("DateTime", [NOON]),
        ("DateTime('America/New_York')", [NOON]),
        ("DateTime64(3)", [NOON]),
        ("DateTime64(9, 'Asia/Tokyo')", [NOON]),
        ("Nullable(DateTime)", [NOON]),
        ("Date", [DAY]),
        ("UInt64", [NOON, NOON * 10**3 + 999, NOON * 10**6, NOON * 10**9]),
        ("Float64", [NOON + 0.5]),
        ("String", [str(NOON), "2026-11-20T12:00:00Z", "2026-11-20 12:00:00", "2026-11-20T13:00:00.123456789+01:00"]),
        ("LowCardinality(String)", ["2026-11-20t12:00:00z"]),
    ],
)
def test_times_of_every_type(chdb: Embedded, kind: str, moments: list[Any]) -> None:
    chdb.run("CREATE DATABASE IF NOT EXISTS kept")
    chdb.run("DROP TABLE IF EXISTS kept.times")
    chdb.run(f"CREATE TABLE kept.times (ts {kind}, ip IPv4) ENGINE = MergeTree ORDER BY tuple()")
    for moment in moments:
        chdb.run(f"INSERT INTO kept.times VALUES ({literal(moment) if isinstance(moment, str) else moment}, '9.9.9.9')")
    table = Table(chdb, source("kept.times", columns={"time": "ts", "client": "ip"}))
    assert table.newest_day(DAY + 1) == DAY
    assert table.newest_day(DAY - 1) is None
    assert [day.day for day in table.days(DAY - 7, DAY)] == [DAY]
    account = table.account(DAY)
    assert (account.hits, account.hours) == (
        len(moments),
        (((DAY * 24 + (0 if kind == "Date" else 12)), len(moments)),),
    )


def test_what_a_day_holds_changes_its_digest(chdb: Embedded) -> None:
    rows = rows_of_every_kind(40)
    table = Table(chdb, source(in_clickhouse(chdb, rows)))
    (before,) = table.days(0, DAY)
    assert table.days(0, DAY) == [before]
    chdb.run(f"INSERT INTO kept.seen (ts, ip) VALUES ({NOON}, '9.9.9.9')")
    (after,) = table.days(0, DAY)
    assert after.day == before.day and after.content != before.content


def test_hits_of_a_share_only(chdb: Embedded) -> None:
    rows = [(NOON, address, 5, "curl/8", *[None] * 7) for address in ("9.9.9.1", "9.9.9.2", "2a00::1")]
    table = Table(chdb, source(in_clickhouse(chdb, rows), columns={"time": "ts", "client": "ip", "agent": "ua"}))
    for first, last, count in ((0, UNIT_MAX, 3), (0x09090902, 0x09090902, 1), (1 << 32, UNIT_MAX, 1)):
        create(chdb, "hit", HIT_COLUMNS, "unit")
        table.insert_hits(DAY, first, last, sensor=1, source=2)
        told = chdb.run(
            "SELECT count(), uniqExact(agent), uniqExact(family), max(is_crawler), max(port) FROM hit"
        ).split()
        assert told == [str(count), "1", "1", "1", "\\N"]


@pytest.mark.parametrize("name", ["it's", "a`b", "back\\slash", "x; DROP TABLE kept.seen", "with space"])
def test_names_are_no_sql(chdb: Embedded, name: str) -> None:
    quoted = "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
    chdb.run("CREATE DATABASE IF NOT EXISTS kept")
    chdb.run(f"DROP TABLE IF EXISTS kept.{quoted}")
    chdb.run(f"CREATE TABLE kept.{quoted} ({quoted} DateTime, ip IPv6) ENGINE = MergeTree ORDER BY tuple()")
    chdb.run(f"INSERT INTO kept.{quoted} VALUES ({NOON}, '2a00::1')")
    table = Table(chdb, source(f"kept.{name}", columns={"time": name, "client": "ip"}))
    assert [day.day for day in table.days(0, DAY)] == [DAY]
    assert table.account(DAY).hits == 1


def test_what_is_not_there_is_named(chdb: Embedded) -> None:
    with pytest.raises(
        SourceUnreadable, match=r"table kept.seen: source 'kept': there is no column 'when'.*'ts', 'ip'"
    ):
        Table(chdb, source(in_clickhouse(chdb, []), columns={"time": "when", "client": "ip"}))
    with pytest.raises(SourceUnreadable, match=r"source 'kept': .*nope"):
        Table(chdb, source("kept.nope"))
