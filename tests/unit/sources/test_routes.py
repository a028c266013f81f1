"""Routes as three formats write them, and one flat table in which the narrowest range speaks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import config, net
from mipdns.errors import TooManyBadLines
from mipdns.evidence import Route
from mipdns.sources import routes
from mipdns.sources.routes import RawRoute


def load(folder: Path, text: str, format: str, bad_lines_max: float = 0.0):
    path = folder / "routes.txt"
    path.write_bytes(text.encode())
    source = config.Routes(name="r", path=str(path), format=format)  # type: ignore[arg-type]  # a table's column
    return routes.read(source, bad_lines_max=bad_lines_max)


def told(route: RawRoute) -> tuple[str, int, str]:
    return net.format_range(route.first, route.last), route.asn, route.org


GOOD = [
    ("ranges", '1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."', [("1.0.0.0/24", 13335, "Cloudflare, Inc.")]),
    ("ranges", "1.0.4.0,1.0.6.255,38803,Gtelecom Pty Ltd", [("1.0.4.0-1.0.6.255", 38803, "Gtelecom Pty Ltd")]),
    ("ranges", "2a00::,2a00::ffff,64500,\r", [("2a00::/112", 64500, "")]),
    ("ranges", "1.0.4.0,1.0.4.255,AS38803", [("1.0.4.0/24", 38803, "")]),
    ("ranges", '"1.0.4.0","1.0.4.255","38803","A ""B"" C"', [("1.0.4.0/24", 38803, 'A "B" C')]),
    ("ranges", "1.0.4.0,1.0.4.255,38803,Unquoted, Inc.", [("1.0.4.0/24", 38803, "Unquoted, Inc.")]),
    ("ranges", "start_ip,end_ip,asn,organisation\n1.0.4.0,1.0.4.255,1,x", [("1.0.4.0/24", 1, "x")]),
    ("ranges", "# generated\n\nstart,end,asn,org\n1.0.4.0,1.0.4.255,1,x", [("1.0.4.0/24", 1, "x")]),
    ("ranges", "1.0.4.0,1.0.4.255,0,Not routed\n1.0.5.0,1.0.5.0,7,x", [("1.0.5.0", 7, "x")]),
    ("pfx2as", "1.0.0.0\t24\t13335", [("1.0.0.0/24", 13335, "")]),
    ("pfx2as", "2a00::\t32\t64500_64501", [("2a00::/32", 64500, "")]),
    ("pfx2as", "1.0.0.0\t24\t64502,64500", [("1.0.0.0/24", 64502, "")]),
    ("pfx2as", "1.0.0.0\t24\t{64502,64500}_7", [("1.0.0.0/24", 64502, "")]),
    ("pfx2as", "0.0.0.0\t0\t64500\n1.0.0.0\t24\t7\n::\t0\t9", [("1.0.0.0/24", 7, "")]),
    ("iptoasn", "1.0.0.0\t1.0.0.255\t13335\tUS\tCLOUDFLARENET", [("1.0.0.0/24", 13335, "CLOUDFLARENET")]),
    ("iptoasn", "1.0.1.0\t1.0.3.255\t0\tNone\tNot routed", []),
    ("iptoasn", "2a00::\t2a00::ffff\t64500\tDE\tA, B\tC".replace("\tC", ""), [("2a00::/112", 64500, "A, B")]),
]


@pytest.mark.parametrize(("format", "text", "expected"), GOOD, ids=[row[1][:40] for row in GOOD])
def test_good_lines(tmp_path, format, text, expected):
    assert [told(route) for route in load(tmp_path, text, format).records] == expected


BAD = [
    ("ranges", "1.0.0.0,1.0.0.255", "has 2 columns, not start,end,asn,organisation"),
    ("ranges", "1.0.0.255,1.0.0.0,1,x", "ends before it starts"),
    ("ranges", "1.0.0.0,2a00::1,1,x", "from one address family into the other"),
    ("ranges", "1.0.0.0/24,13335,x", "is not an IP address"),
    ("ranges", "1.0.0.0,1.0.0.255,4294967296,x", "'4294967296' is not an AS number"),
    ("ranges", "1.0.0.0,1.0.0.255,-1,x", "'-1' is not an AS number"),
    ("ranges", "1.0.0.0,1.0.0.255," + "9" * 5000, "is not an AS number"),
    ("ranges", "1.0.0.0,1.0.0.255,¹,x", "is not an AS number"),
    ("pfx2as", "1.0.0.0/24\t13335", "has 2 columns, not prefix, length and AS"),
    ("pfx2as", "1.0.0.1\t24\t13335", "host bits set"),
    ("pfx2as", "1.0.0.0\t33\t13335", "no prefix length from 0 to 32"),
    ("iptoasn", "1.0.0.0,1.0.0.255,13335,US,X", "has 1 tab-separated columns"),
]


@pytest.mark.parametrize(("format", "line", "why"), BAD, ids=[row[2] for row in BAD])
def test_bad_lines_are_counted_with_their_number_and_reason(tmp_path, format, line, why):
    good = {"ranges": "9.0.0.0,9.0.0.1,1,x", "pfx2as": "9.0.0.0\t24\t1", "iptoasn": "9.0.0.0\t9.0.0.1\t1\tX\tx"}[format]
    read = load(tmp_path, f"{good}\n{line}\n{good}\n", format, bad_lines_max=0.5)
    (file,) = read.files
    assert (file.rows, file.rejected, len(read.records)) == (2, 1, 2)
    assert file.examples[0].line == 2
    assert why in file.examples[0].reason


@pytest.mark.parametrize("format", ["ranges", "pfx2as", "iptoasn"])
def test_another_format_fails_at_the_limit(tmp_path, format):
    texts = {row[0]: row[1] for row in GOOD if row[1].startswith(("1.0.0.0", "1.0.4.0,1.0.6"))}
    for other, text in texts.items():
        if other != format:
            with pytest.raises(TooManyBadLines, match=r"source 'r': 1 of 1 lines cannot be read .*routes\.txt:1: "):
                load(tmp_path, text, format, bad_lines_max=0.01)


def test_special_purpose_space_is_dropped_and_counted(tmp_path):
    text = "10.0.0.0,10.255.255.255,64512,x\n9.255.255.0,10.0.0.255,7,edge\nfe80::,fe80::1,7,x\n"
    read = load(tmp_path, text, "ranges")
    assert (read.files[0].rows, read.files[0].dropped) == (1, 2)
    assert [told(route) for route in read.records] == [("9.255.255.0-10.0.0.255", 7, "edge")]


def test_an_ipv6_range_does_not_claim_ipv4(tmp_path):
    flat = routes.flatten(load(tmp_path, "::,2fff::,64500,x\n1.0.0.0,1.0.0.255,7,y", "ranges").records)
    assert flat[0] == Route(*net.parse_range("1.0.0.0/24"), 7)
    assert flat[1].first == net.V4_LAST + 1


# --- flatten

spans = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)
raws = st.lists(st.tuples(spans, st.integers(1, 4)), max_size=25).map(
    lambda rows: [RawRoute(span[0], span[1], asn, "") for span, asn in rows]
)


def speaks(raw: list[RawRoute], address: int) -> int | None:
    """Brute force: of the ranges that hold the address the narrowest, of equally wide ones the last."""
    holding = [
        (route.last - route.first, -at, route.asn)
        for at, route in enumerate(raw)
        if route.first <= address <= route.last
    ]
    return min(holding)[2] if holding else None


@given(raws)
def test_flatten_is_the_longest_match_at_every_address(raw):
    flat = routes.flatten(raw)
    found = {address: route.asn for route in flat for address in range(route.first, route.last + 1)}
    assert found == {address: asn for address in range(41) if (asn := speaks(raw, address)) is not None}


@given(raws)
def test_flat_routes_are_disjoint_sorted_and_merged(raw):
    flat = routes.flatten(raw)
    for left, right in pairwise(flat):
        assert left.last < right.first
        assert left.asn != right.asn or left.last + 1 < right.first


def test_of_equal_ranges_the_later_speaks():
    assert routes.flatten([RawRoute(5, 9, 1, ""), RawRoute(5, 9, 2, "")]) == [Route(5, 9, 2)]


def test_flatten_reaches_the_last_address():
    last = net.ADDRESS_MAX
    assert routes.flatten([RawRoute(last - 1, last, 3, ""), RawRoute(last, last, 4, "")]) == [
        Route(last - 1, last - 1, 3),
        Route(last, last, 4),
    ]
