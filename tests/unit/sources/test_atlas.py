"""What a traceroute proves of the address that it came from, and what it does not."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mipdns import config, net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.sources import atlas
from mipdns.vocabulary import Class, Signal

HOME = "192.168.1.10"
ADDRESS = "170.203.209.230"
SEPTEMBER_13 = 1_726_263_226


def trace(*hops: str, src: str | None = HOME, **more: Any) -> dict[str, Any]:
    """A result whose hops are given as addresses, several with commas; `*` is silence."""
    result: list[dict[str, Any]] = [
        {
            "hop": number,
            "result": [{"x": "*"} if reply == "*" else {"from": reply, "rtt": 1.5} for reply in hop.split(",")],
        }
        for number, hop in enumerate(hops, 1)
    ]
    known = {} if src is None else {"src_addr": src}
    return {
        "type": "traceroute",
        "af": 4,
        "fw": 5080,
        "from": ADDRESS,
        "timestamp": SEPTEMBER_13,
        "dst_addr": "9.9.9.9",
        "result": result,
        **known,
    } | more


def read(folder: Path, *results: object, bad_lines_max: float = 0.0, **more: Any):
    path = folder / "results.ndjson"
    path.write_text("\n".join(json.dumps(result) for result in results) + "\n")
    return atlas.read(config.Atlas(name="a", path=str(path), **more), bad_lines_max=bad_lines_max)


def origins(folder: Path, *results: object) -> list[str]:
    return [one.origin for one in read(folder, *results).records]


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a carrier hop behind the router", trace("192.168.1.1", "100.64.0.1", "206.224.64.22"), ["trace.cgnat"]),
    ("private hops between", trace("192.168.1.1", "10.1.1.1", "100.66.0.1", "1.1.1.1"), ["trace.cgnat"]),
    ("the router keeps silent", trace("*", "100.64.0.1", "1.1.1.1"), ["trace.cgnat"]),
    ("nothing public answers", trace("192.168.1.1", "100.64.0.1", "*", "*"), ["trace.cgnat"]),
    ("one reply in three", trace("192.168.1.1", "*,*,100.127.255.254", "1.1.1.1"), ["trace.cgnat"]),
    ("an inside address of the carrier", trace("100.64.3.1", "1.1.1.1", src="100.64.3.4"), ["trace.cgnat"]),
    ("the same without any reply", trace("*", "*", src="100.64.3.4"), ["trace.cgnat"]),
    ("DS-Lite's tunnel end", trace("192.168.1.1", "192.0.0.1", "1.1.1.1"), ["trace.cgnat"]),
    ("464XLAT's inside address", trace("1.1.1.1", src="192.0.0.4"), ["trace.cgnat"]),
    ("172.16/12 and ULA are private", trace("172.16.0.1", "100.64.0.1", "1.1.1.1", src="172.17.0.2"), ["trace.cgnat"]),
    (
        "a public host in such a network",
        trace("*", "100.100.100.1", "10.7.1.1", "1.1.1.1", src=ADDRESS),
        ["trace.direct"],
    ),
    ("another public source", trace("*", "100.100.100.1", "1.1.1.1", src="45.76.216.72"), []),
    ("a host with its own address", trace("1.1.1.1", "9.9.9.9", src=ADDRESS), ["trace.direct"]),
    ("a plain home", trace("192.168.1.1", "1.1.1.1"), []),
    ("two private hops prove nothing", trace("192.168.1.1", "10.11.12.13", "172.20.1.1", "1.1.1.1"), []),
    ("after the first public hop", trace("192.168.1.254", "170.249.104.1", "100.64.0.53", "1.1.1.1"), []),
    ("beside a public reply of one hop", trace("192.168.1.1", "100.64.0.1,1.1.1.1", "1.1.1.1"), []),
    ("after a long silence", trace("192.168.1.1", "*", "*", "*", "100.65.1.1", "52.93.1.1"), []),
    ("inside a cloud", trace("240.1.2.3", "100.65.1.1", "52.93.1.1", src="172.31.5.6"), []),
    ("inside a cloud, the other way round", trace("100.65.1.1", "244.5.0.7", "52.93.1.1", src="172.31.5.6"), []),
    ("src_addr unknown", trace("192.168.1.1", "100.64.0.1", "1.1.1.1", src=None), []),
    ("src_addr empty", trace("192.168.1.1", "100.64.0.1", "1.1.1.1", src=""), []),
    ("src_addr nonsense", trace("192.168.1.1", "100.64.0.1", "1.1.1.1", src="n/a"), []),
    ("a goal inside", trace("192.168.1.1", "100.64.0.1", dst_addr="100.64.0.1"), []),
    ("101.64.0.0 and 100.128.0.0 are public", trace("192.168.1.1", "100.128.0.1", "100.64.0.1"), []),
    ("an IPv6 probe address, an IPv4 path", trace("192.168.1.1", "100.64.0.1", **{"from": "2a00::5"}), []),
    ("every IPv6 host is direct", trace("2a00::1", src="2a00::5", af=6, dst_addr="2a09::9", **{"from": "2a00::5"}), []),
    ("a probe whose address nobody knew", trace("192.168.1.1", "100.64.0.1", **{"from": ""}), []),
    ("nothing answered", trace("*", "*", "*"), []),
    ("no name, no route", trace(result=[{"error": "name resolution failed"}]), []),
    ("sending failed", trace(result=[{"hop": 1, "error": "sendto failed: Network is unreachable"}]), []),
    ("it starts at hop 6", trace(result=[{"hop": 6, "result": [{"from": "100.64.0.1"}]}]), []),
    (
        "a late reply belongs elsewhere",
        trace(
            result=[
                {"hop": 1, "result": [{"from": "100.64.0.1", "late": 2}, {"x": "*"}]},
                {"hop": 2, "result": [{"from": "1.1.1.1"}]},
            ]
        ),
        [],
    ),
    (
        "duplicates, errors and odd replies",
        trace(
            result=[
                {"hop": 1, "result": [{"from": "192.168.1.1", "dup": True}, {"error": "x"}, {"x": "*"}, {"from": "?"}]},
                {"hop": 2, "result": [{"from": "100.64.0.1", "err": "H", "ittl": 0, "icmpext": {"version": 2}}]},
            ]
        ),
        ["trace.cgnat"],
    ),
]


@pytest.mark.parametrize(("law", "result", "expected"), CASES, ids=[row[0] for row in CASES])
def test_one_traceroute(tmp_path, law, result, expected):
    assert origins(tmp_path, result) == expected


SHOWN = trace("192.168.1.1", "100.64.0.1", "1.1.1.1")
NOT_SHOWN = trace("192.168.1.1", "1.1.1.1")
DIRECT = trace("1.1.1.1", src=ADDRESS)
SILENT = trace("*", "*")

SEVERAL = [
    ("a tenth is enough", [SHOWN] + [NOT_SHOWN] * 9, ["trace.cgnat"]),
    ("less is a stray path", [SHOWN] + [NOT_SHOWN] * 10, []),
    ("silence says nothing either way", [SHOWN] + [SILENT] * 30, ["trace.cgnat"]),
    ("all of them direct", [DIRECT, DIRECT, SILENT], ["trace.direct"]),
    ("one is not", [DIRECT, NOT_SHOWN], []),
    ("carrier NAT before direct", [SHOWN, DIRECT], ["trace.cgnat"]),
]


@pytest.mark.parametrize(("law", "results", "expected"), SEVERAL, ids=[row[0] for row in SEVERAL])
def test_several_traceroutes_of_one_address(tmp_path, law, results, expected):
    assert origins(tmp_path, *results) == expected


def test_the_assertion_in_full(tmp_path):
    other = trace("192.168.1.1", "100.64.0.2", "1.1.1.1", timestamp=SEVERAL_DAYS_LATER)
    (one,) = read(tmp_path, SHOWN, SHOWN, other, NOT_SHOWN | {"timestamp": SEVERAL_DAYS_LATER + 999_999}).records
    assert net.format_range(one.first, one.last) == ADDRESS
    assert (one.signal, one.stance, one.classes, one.exact, one.source) == (
        Signal.TRACE,
        "shared",
        Class.CGNAT,
        False,
        "a",
    )
    assert one.observed == datetime.date(2024, 9, 18)
    assert one.expires == one.observed + datetime.timedelta(180)
    assert one.detail == "hop 100.64.0.1 before the first public hop, in 3 of 4 traceroutes"


SEVERAL_DAYS_LATER = SEPTEMBER_13 + 5 * 86_400


def test_a_direct_host_is_single(tmp_path):
    (one,) = read(tmp_path, DIRECT).records
    assert (one.stance, one.classes, one.signal) == ("single", Class(0), Signal.TRACE)


def test_addresses_come_in_order(tmp_path):
    results = [SHOWN | {"from": address} for address in ("9.9.9.9", "1.2.3.4", "9.9.9.9", "5.6.7.8")]
    assert [net.format_address(one.first) for one in read(tmp_path, *results).records] == [
        "1.2.3.4",
        "5.6.7.8",
        "9.9.9.9",
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_reads_as_lines_do(tmp_path, indent):
    array = tmp_path / "results.json.gz"
    array.write_bytes(gzip.compress(json.dumps([SHOWN, NOT_SHOWN, DIRECT], indent=indent).encode()))
    read_array = atlas.read(config.Atlas(name="a", path=str(array)), bad_lines_max=0)
    assert read_array.records == read(tmp_path, SHOWN, NOT_SHOWN, DIRECT).records
    assert read_array.files[0].rows == 3


def test_an_array_cut_short_is_refused(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([SHOWN, NOT_SHOWN])[:-50])
    with pytest.raises(SourceUnreadable, match=r"results\.json: is not a whole JSON array"):
        atlas.read(config.Atlas(name="a", path=str(path)), bad_lines_max=1)


BAD: list[tuple[object, str]] = [
    (SHOWN | {"type": "ping"}, "is a result of type 'ping', not a traceroute"),
    ({"prb_addr": "1.2.3.4", "result": []}, "has no key 'from'"),
    (SHOWN | {"from": None}, "has no key 'from'"),
    (SHOWN | {"from": "somewhere"}, "'somewhere' is not an IP address"),
    (SHOWN | {"result": None}, "has no key 'result'"),
    (SHOWN | {"result": "timeout"}, "Expected `array"),
    (SHOWN | {"timestamp": -5}, "timestamp -5 is not in unix seconds"),
    (SHOWN | {"timestamp": 1 << 60}, "is not in unix seconds"),
    (SHOWN | {"timestamp": "2024-09-13"}, "Expected `int | null`"),
    (["a list"], "Expected `object`"),
    ("text", "Expected `object`"),
]


@pytest.mark.parametrize(("result", "why"), BAD, ids=[row[1] for row in BAD])
def test_bad_lines(tmp_path, result, why):
    got = read(tmp_path, SHOWN, result, SHOWN, bad_lines_max=0.5)
    (file,) = got.files
    assert (file.rows, file.rejected, file.examples[0].line) == (2, 1, 2)
    assert why in file.examples[0].reason
    with pytest.raises(TooManyBadLines, match=r"results\.ndjson:2: "):
        read(tmp_path, SHOWN, result, SHOWN)


@pytest.mark.parametrize("address", ["192.168.1.1", "100.64.0.9", "fd00::1", "::1"])
def test_a_probe_address_in_special_space_is_dropped(tmp_path, address):
    got = read(tmp_path, SHOWN | {"from": address}, NOT_SHOWN)
    assert (got.files[0].rows, got.files[0].dropped, got.records) == (1, 1, [])


def test_without_a_timestamp_the_file_dates_it(tmp_path):
    undated = {key: value for key, value in SHOWN.items() if key != "timestamp"}
    (one,) = read(tmp_path, undated, NOT_SHOWN).records
    assert one.observed == datetime.date(2024, 9, 13)
    (one,) = read(tmp_path, undated, dated=datetime.date(2023, 1, 2)).records
    assert one.observed == datetime.date(2023, 1, 2)


def test_a_traceroute_of_a_day_that_has_not_come_is_a_bad_line(tmp_path):
    got = read(tmp_path, SHOWN | {"timestamp": 1 << 33}, SHOWN, bad_lines_max=0.5)
    assert (got.files[0].rows, got.files[0].rejected) == (1, 1)
    assert got.files[0].examples[0].reason == "timestamp 8589934592 lies on 2242-03-16, which has not come yet"


def test_a_configured_date_stands_before_the_time_inside(tmp_path):
    got = read(tmp_path, SHOWN, dated=datetime.date(2023, 1, 2))
    assert got.records[0].observed == got.files[0].dated == datetime.date(2023, 1, 2)
