"""Addresses in SQL are those of `net.parse_address`: the same taken, the same refused, the same number."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns import net
from mipdns.errors import AddressError
from mipdns.sources.logs.lines.addresses import is_v4, with_addresses, within
from mipdns.sources.logs.texts import sql

PLAIN = [
    "0.0.0.0", "255.255.255.255", "192.0.2.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "1.2.3.4 ",
    " 1.2.3.4", "+1.2.3.4", "1.2.3.-4", "1e1.2.3.4", "1.2.3.4e0", "1_0.2.3.4", "0x1.2.3.4", "1.2.3.", ".1.2.3",
    "1..2.3", "", "-", ".", "...", "localhost", "1.2.3.4:80", "1.2.3.4/32", "１.2.3.4", "1.2.3.4\n",
    "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2::3", ":::",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1::2", "1::2:", "::1::", "g::1", "12345::1", "FFFF:abCD::00ff",
    "fe80::1%eth0", ":", "[::1]", "::1.2.3.4", "::ffff:1.2.3.4", "::FFFF:1.2.3.4", "::ffff:0102:0304",
    "0:0:0:0:0:ffff:1.2.3.4", "::ffff:1.2.3.256", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    "::ffff:01.2.3.4", "1:2:3:4:5:6:1.2.3.4",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::" + "1" * 300, ":" * 200, "0" * 64, "1:" * 100,
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute(sql("lines", "macros.sql"))
        opened.execute("CREATE TABLE text (id INTEGER, t VARCHAR)")
        yield opened


def numbers(
    connection: duckdb.DuckDBPyConnection, texts: list[str], extra: str = "NULL"
) -> list[tuple[int | None, object]]:
    """The SQL's number for each text, None where it is no address, and an expression over its halves."""
    connection.execute("TRUNCATE text")
    connection.executemany("INSERT INTO text VALUES (?, ?)", list(enumerate(texts)))
    rows = connection.execute(
        f"SELECT t_high, t_low, {extra} FROM ({with_addresses('SELECT * FROM text', ['t'])}) ORDER BY id"
    ).fetchall()
    return [(None if high is None or low is None else high << 64 | low, other) for high, low, other in rows]


def expected(text: str) -> int | None:
    try:
        return net.parse_address(text)
    except AddressError:
        return None


def test_plain_cases(connection: duckdb.DuckDBPyConnection) -> None:
    found = [number for number, _ in numbers(connection, PLAIN)]
    assert dict(zip(PLAIN, found, strict=True)) == {text: expected(text) for text in PLAIN}


groups = st.one_of(st.just(0), st.integers(0, 0xFFFF))
written = st.one_of(
    st.integers(0, net.V4_LAST - net.V4_FIRST).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.lists(groups, min_size=8, max_size=8).map(
        lambda eight: str(ipaddress.IPv6Address(b"".join(group.to_bytes(2, "big") for group in eight)))
    ),
    st.lists(groups, min_size=8, max_size=8).map(lambda eight: ":".join(f"{group:04X}" for group in eight)),
    st.text("0123456789abcdefABCDEF:.", max_size=45),
    st.lists(st.sampled_from(["", "0", "1", "ff", "abcd", "1.2.3.4", "12345"]), min_size=1, max_size=10).map(":".join),
)


@given(st.lists(written, min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_text_is_the_number_that_net_makes_of_it(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    assert [number for number, _ in numbers(connection, texts)] == [expected(text) for text in texts]


@given(st.lists(st.integers(0, net.ADDRESS_MAX), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_within_is_membership(connection: duckdb.DuckDBPyConnection, ends: list[int]) -> None:
    ranges = [(min(pair), max(pair)) for pair in zip(ends[::2], ends[1::2], strict=False)]
    edges = {end + step for pair in ranges for end in pair for step in (-1, 0, 1)}
    edges = {edge for edge in edges if 0 <= edge <= net.ADDRESS_MAX}
    halves = {edge ^ (1 << 64) for edge in edges} | edges
    asked = sorted(halves)
    found = numbers(connection, [str(ipaddress.IPv6Address(number)) for number in asked], within("t", ranges))
    assert [bool(inside) for _, inside in found] == [
        any(first <= number <= last for first, last in ranges) for number in asked
    ]


def test_special_space_is_that_of_net(connection: duckdb.DuckDBPyConnection) -> None:
    edges = sorted(
        {min(max(end + step, 0), net.ADDRESS_MAX) for pair in net.SPECIAL for end in pair for step in (-1, 0, 1)}
    )
    found = numbers(connection, [net.format_address(edge) for edge in edges], within("t", net.SPECIAL))
    assert [bool(inside) for _, inside in found] == [net.is_special(edge) for edge in edges]
    families = numbers(connection, [net.format_address(edge) for edge in edges], is_v4("t"))
    assert [bool(v4) for _, v4 in families] == [net.is_v4(edge) for edge in edges]
