"""Each format, a line at a time: what is read of it, what does not count, what is bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.sources.logs.bench import Line, lines

NOON = 1795176000  # 2026-11-20T12:00:00Z
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/154.0.0.0 Safari/537.36"


def one(tmp_path: Path, content: str, **keys: Any) -> Line:
    found = lines(tmp_path, content, **keys)
    assert len(found) == 1, found
    return found[0]


def pushed(**keys: Any) -> str:
    record = {"ClientIP": "9.9.9.9", "EdgeStartTimestamp": "2026-11-20T12:00:00Z", **keys}
    return json.dumps({key: value for key, value in record.items() if value is not ...}) + "\n"


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-20T12:00:00Z", "2026-11-20T12:00:00.999Z", "2026-11-20T13:00:00+01:00", "2026-11-20t12:00:00z",
        NOON, str(NOON), NOON * 1000, NOON * 10**6, NOON * 10**9, NOON + 0.75, f"{NOON}.000001",
    ],
)  # fmt: skip
def test_times(tmp_path: Path, time: object) -> None:
    assert one(tmp_path, pushed(EdgeStartTimestamp=time), format="logpush").seconds == NOON


@pytest.mark.parametrize("time", ["", "yesterday", "2026-13-01T00:00:00Z", 0, -5, 5, "nan", "inf", 1e30, "20261120"])
def test_no_times(tmp_path: Path, time: object) -> None:
    found = one(tmp_path, pushed(EdgeStartTimestamp=time), format="logpush")
    assert found.fate == "bad"
    assert found.reason is not None
    assert "time" in found.reason


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("counts", "9.9.9.9", None, None)),
        ({"ClientSrcPort": 40000, "ClientRequestUserAgent": CHROME}, ("counts", "9.9.9.9", 40000, CHROME)),
        ({"ClientSrcPort": 0, "ClientRequestUserAgent": ""}, ("counts", "9.9.9.9", None, "")),
        ({"ClientSrcPort": "65535"}, ("counts", "9.9.9.9", 65535, None)),
        ({"ClientSrcPort": None, "ClientRequestUserAgent": None}, ("counts", "9.9.9.9", None, None)),
        ({"ClientIP": "2a00::1"}, ("counts", "2a00::", None, None)),
        ({"ClientIP": "::ffff:9.9.9.9"}, ("counts", "9.9.9.9", None, None)),
        ({"ClientIP": "10.0.0.1"}, ("special", "10.0.0.1", None, None)),
        ({"ClientRequestUserAgent": 'say "ü" \\ \x01'}, ("counts", "9.9.9.9", None, 'say "ü" \\ \x01')),
    ],
)
def test_logpush(tmp_path: Path, keys: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = one(tmp_path, pushed(**keys), format="logpush")
    assert (found.fate, found.client, found.port, found.agent) == expected


def test_logpush_fingerprint_and_score(tmp_path: Path) -> None:
    def told(**keys: Any) -> dict[str, Any]:
        return one(tmp_path, pushed(**keys), format="logpush").told

    nothing = told()
    assert nothing == {"tls": None, "forwarded": None, "bot_score": None}
    assert told(JA4="", JA3Hash="")["tls"] == 0
    assert told(JA4="a", JA3Hash="b") == told(JA4="a") != told(JA3Hash="b")
    assert told(JA4="", JA3Hash="b") == told(JA3Hash="b")
    assert [told(BotScore=score)["bot_score"] for score in (0, 1, 99, 100, "x")] == [None, 1, 99, None, None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("null", "not a JSON object"),
        (pushed()[:-10], "not a JSON object"),
        ("{}", "no ClientIP"),
        (pushed(EdgeStartTimestamp=...), "no EdgeStartTimestamp"),
        (pushed(ClientIP="9.9.9"), "client '9.9.9' is not an address"),
        (pushed(ClientIP=["9.9.9.9"]), """client '["9.9.9.9"]' is not an address"""),
        (pushed(ClientSrcPort=65536), "port '65536' is not a port"),
        (pushed(ClientSrcPort="https"), "port 'https' is not a port"),
    ],
)
def test_logpush_bad(tmp_path: Path, content: str, reason: str) -> None:
    found = one(tmp_path, content, format="logpush")
    assert (found.fate, found.reason) == ("bad", reason)


TAIL = f'[20/Nov/2026:13:00:00 +0100] "GET /a HTTP/1.1" 200 512 "-" "{CHROME}"'


@pytest.mark.parametrize(
    ("line", "client", "agent"),
    [
        (f"9.9.9.9 - - {TAIL}", "9.9.9.9", CHROME),
        (f"2a00:1:2:3::4 - - {TAIL}", "2a00:1:2:3::", CHROME),
        (f"9.9.9.9 - john {TAIL}", "9.9.9.9", CHROME),
        (f"9.9.9.9 - john doe [x] {TAIL}", "9.9.9.9", CHROME),
        (f"9.9.9.9 ident john {TAIL}", "9.9.9.9", CHROME),
        (f"9.9.9.9 ident - {TAIL}", "9.9.9.9", CHROME),
        (f"www.example.com:443 9.9.9.9 - - {TAIL}", "9.9.9.9", CHROME),
        (f"www.example.com 2a00::1 - - {TAIL}", "2a00::", CHROME),
        (f'9.9.9.9 - - {TAIL} "-" 0.003', "9.9.9.9", CHROME),
        (f"9.9.9.9 - - {TAIL} rt=0.003", "9.9.9.9", CHROME),
        ('9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "-" 408 - "-" "-"', "9.9.9.9", ""),
        ('9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "" 400 0 "" ""', "9.9.9.9", ""),
        ('9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.0" 200 5', "9.9.9.9", None),
        (r'9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "\x16\x03\x01" 400 226 "-" "a \x22 b"', "9.9.9.9", r"a \x22 b"),
    ],
)
def test_combined(tmp_path: Path, line: str, client: str, agent: str | None) -> None:
    found = one(tmp_path, line, format="combined")
    assert (found.fate, found.client, found.agent, found.seconds, found.port) == ("counts", client, agent, NOON, None)


def test_combined_quotes_that_apache_escapes(tmp_path: Path) -> None:
    head = '9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "GET /\\"x\\" HTTP/1.1" 200 5 "http://a/\\"b" '
    content = head + '"one \\"two\\" \\\\"\n' + head + '"one \\"two\\""\n' + head + '"one two"\n'
    found = lines(tmp_path, content, format="combined")
    assert [line.fate for line in found] == ["counts"] * 3
    assert len({line.agent for line in found}) == 3


def test_combined_header_that_nginx_puts_last(tmp_path: Path) -> None:
    def told(last: str) -> int | None:
        return one(tmp_path, f"9.9.9.9 - - {TAIL}{last}", format="combined").told["forwarded"]  # type: ignore[no-any-return]  # a column

    assert told("") is None
    assert told(' "-"') == 0
    assert told(' "0.003"') is None
    assert told(' "shop.example.com"') is None
    first = told(' "8.8.8.8"')
    assert first is not None
    assert first > 1
    assert told(' "8.8.8.8, 10.0.0.1"') == first
    assert told(' "::ffff:8.8.8.8"') == first
    assert told(' "2a00::1"') not in (None, 0, 1, first)


@pytest.mark.parametrize(
    ("client", "address", "port"),
    [
        ("9.9.9.9:443", "9.9.9.9", 443),
        ("[2a00::1]:40000", "2a00::", 40000),
        ("2a00::1:40000", "2a00::", 40000),
        ("2a00:1:2:3:4:5:6:7:40000", "2a00:1:2:3::", 40000),
        ("9.9.9.9:0", "9.9.9.9", None),
    ],
)
def test_combined_with_port(tmp_path: Path, client: str, address: str, port: int | None) -> None:
    found = one(tmp_path, f"{client} - - {TAIL}", format="combined", port=True)
    assert (found.fate, found.client, found.port) == ("counts", address, port)


@pytest.mark.parametrize(
    ("line", "port", "reason"),
    [
        (f"9.9.9.9 - - {TAIL}", True, "no port after the client address '9.9.9.9'"),
        (f"9.9.9.9:99999 - - {TAIL}", True, "port '99999' is not a port"),
        (f"9.9.9.9:443 - - {TAIL}", False, "a port follows the client address '9.9.9.9:443': set port = true"),
        (f"[2a00::1]:443 - - {TAIL}", False, "a port follows the client address '[2a00::1]:443': set port = true"),
        (f"host.example.com - - {TAIL}", False, "client 'host.example.com' is not an address"),
        (
            '9.9.9.9 - - [20/Foo/2026:12:00:00 +0000] "-" 408 - "-" "-"',
            False,
            "time '20/Foo/2026:12:00:00 +0000' cannot be read",
        ),
        ("9.9.9.9 - - 20/Nov/2026", False, "not in combined format"),
        (f"9.9.9.9 - - {TAIL[:-20]}", False, "not in combined format"),
        ('{"ClientIP":"9.9.9.9","a":" 200 5"}', False, "not in combined format"),
        ("nonsense", False, "not in combined format"),
    ],
)  # fmt: skip
def test_combined_bad(tmp_path: Path, line: str, port: bool, reason: str) -> None:
    assert one(tmp_path, line, format="combined", port=port).reason == reason


def zeek(path: str, fields: str, *rows: str) -> str:
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
    head += f"#path\t{path}\n#open\t2026-11-20-12-00-00\n#fields\t" + fields.replace(" ", "\t") + "\n#types\tx\n"
    return head + "".join("\t".join(row.split("|")) + "\n" for row in rows) + "#close\t2026-11-20-13-00-00\n"


CONN = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service conn_state local_orig history"


@pytest.mark.parametrize(
    ("proto", "service", "state", "history", "fate"),
    [
        ("tcp", "http", "SF", "ShADadFf", "counts"),
        ("tcp", "-", "SF", "-", "counts"),
        ("tcp", "-", "S1", "ShADad", "counts"),
        ("tcp", "-", "RSTO", "ShADadR", "counts"),
        ("tcp", "-", "RSTR", "ShADdr", "counts"),
        ("tcp", "-", "S3", "ShADadf", "counts"),
        ("tcp", "-", "SF", "FafA", "counts"),  # midstream: the handshake was before the log
        ("tcp", "-", "S1", "Sh", "elsewhere"),  # half-open
        ("tcp", "-", "RSTO", "ShR", "elsewhere"),  # a SYN scan
        ("tcp", "-", "REJ", "Sr", "elsewhere"),
        ("tcp", "-", "S0", "S", "elsewhere"),
        ("tcp", "-", "RSTOS0", "SR", "elsewhere"),
        ("tcp", "-", "SHR", "^f", "elsewhere"),
        ("tcp", "-", "OTH", "DdR", "elsewhere"),
        ("tcp", "-", "-", "-", "elsewhere"),
        ("udp", "quic", "SF", "Dd", "counts"),
        ("udp", "ssl,quic", "SF", "Dd", "counts"),
        ("udp", "-", "SF", "Dd", "counts"),  # to port 443
        ("udp", "quic", "S0", "D", "elsewhere"),
        ("icmp", "-", "SF", "-", "elsewhere"),
        ("unknown_transport", "-", "OTH", "-", "elsewhere"),
    ],
)
def test_zeek_conn_established(tmp_path: Path, proto: str, service: str, state: str, history: str, fate: str) -> None:
    row = f"{NOON}.5|C1|9.9.9.9|3|8.8.8.8|443|{proto}|{service}|{state}|-|{history}"
    found = one(tmp_path, zeek("conn", CONN, row), format="zeek-conn")
    assert (found.fate, found.port, found.seconds) == (fate, 3 if fate == "counts" else None, NOON)
    record = dict(zip(CONN.split(), row.split("|"), strict=True))
    text = json.dumps({key: value for key, value in record.items() if value != "-"})
    assert one(tmp_path, text, format="zeek-conn")._replace(reason=None) == found


def test_zeek_conn_of_other_udp_and_other_sites(tmp_path: Path) -> None:
    rows = [
        f"{NOON}|C|9.9.9.1|1|8.8.8.8|53|udp|dns|SF|-|Dd",
        f"{NOON}|C|9.9.9.2|1|8.8.8.8|80|tcp|http|SF|T|ShADadFf",
        f"{NOON}|C|9.9.9.3|1|8.8.8.8|80|tcp|http|SF|F|ShADadFf",
        f"{NOON}|C|9.9.9.4|1|7.7.7.7|80|tcp|http|SF|T|ShADadFf",
        f"{NOON}|C|8.8.8.8|1|9.9.9.9|80|tcp|http|SF|F|ShADadFf",
    ]
    content = zeek("conn", CONN, *rows)

    def counted(**keys: Any) -> set[str]:
        return {line.client for line in lines(tmp_path, content, format="zeek-conn", **keys) if line.fate == "counts"}

    assert counted() == {"9.9.9.3", "8.8.8.8"}
    assert counted(ours=("8.8.8.0/24",)) == {"9.9.9.2", "9.9.9.3"}
    assert counted(ours=("8.8.8.8", "7.7.7.7")) == {"9.9.9.2", "9.9.9.3", "9.9.9.4"}
    assert counted(ours=("2a00::/32",)) == set()


HTTP = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p user_agent proxied"


def test_zeek_http_forwarded(tmp_path: Path) -> None:
    def told(proxied: str) -> tuple[int | None, int | None]:
        row = f"{NOON}|C1|9.9.9.9|40000|8.8.8.8|80|curl/8|{proxied}"
        text = one(tmp_path, zeek("http", HTTP, row), format="zeek-http")
        record: dict[str, Any] = dict(zip(HTTP.split(), row.split("|"), strict=True))
        if proxied == "-":
            del record["proxied"]
        else:
            record["proxied"] = [element.replace("\\x2c", ",") for element in proxied.split(",")]
        structured = one(tmp_path, json.dumps(record), format="zeek-http")
        return text.told["forwarded"], structured.told["forwarded"]

    first = told("X-FORWARDED-FOR -> 7.7.7.7")
    assert first[0] is not None
    assert first[0] > 1
    assert first[0] == first[1]
    for same in (
        "X-FORWARDED-FOR -> ::ffff:7.7.7.7",
        "X-FORWARDED-FOR -> 7.7.7.7\\x2c 10.1.1.1",
        "X-FORWARDED-FOR -> 7.7.7.7:4711",
        "VIA -> 1.1 10.9.9.9 (squid),X-FORWARDED-FOR -> 7.7.7.7",
        "X-FORWARDED-FOR -> 7.7.7.7,VIA -> 1.1 10.9.9.9 (squid)",
        "FORWARDED -> for=7.7.7.7;proto=https",
        "CLIENT-IP -> 7.7.7.7",
        "X-FORWARDED-FOR -> unknown\\x2c 7.7.7.7",
    ):
        assert told(same) == first, same
    assert told("-") == (0, 0)
    for unnamed in (
        "VIA -> 1.1 10.9.9.9 (squid)",
        "X-FORWARDED-FOR -> unknown",
        "X-FORWARDED-FOR -> 1:2:3",
        "XROXY-CONNECTION -> close",
    ):
        assert told(unnamed) == (1, 1), unnamed
    assert told("X-FORWARDED-FOR -> 2600:1900:2000:49::1:1") == told("X-FORWARDED-FOR -> 2600:1900:2000:0049:0:0:1:1")


def test_zeek_http_fields_by_name(tmp_path: Path) -> None:
    found = one(tmp_path, zeek("http", "user_agent id.orig_h ts", f"curl/8|9.9.9.9|{NOON}"), format="zeek-http")
    assert (found.client, found.agent, found.seconds, found.port) == ("9.9.9.9", "curl/8", NOON, None)
    assert found.told["forwarded"] is None
    for none in ("-", "(empty)"):
        content = zeek("http", "ts id.orig_h user_agent", f"{NOON}|9.9.9.9|{none}")
        assert one(tmp_path, content, format="zeek-http").agent == ""


def test_zeek_separators_that_the_header_names(tmp_path: Path) -> None:
    content = f"#separator \\x7c\n#unset_field|NIL\n#path|http\n#fields|ts|id.orig_h|user_agent\n{NOON}|9.9.9.9|NIL\n"
    assert one(tmp_path, content, format="zeek-http").agent == ""


def test_zeek_second_header_with_other_columns(tmp_path: Path) -> None:
    content = zeek("http", "ts id.orig_h user_agent", f"{NOON}|9.9.9.1|a", f"{NOON}|9.9.9.2|b")
    content += zeek("http", "user_agent ts uid id.orig_h", f"c|{NOON}|C|9.9.9.3", "half")
    content += zeek("http", "ts id.orig_h user_agent", f"{NOON}|9.9.9.4|d")
    found = lines(tmp_path, content, format="zeek-http")
    assert {(line.client, line.agent) for line in found if line.fate == "counts"} == {
        ("9.9.9.1", "a"), ("9.9.9.2", "b"), ("9.9.9.3", "c"), ("9.9.9.4", "d"),
    }  # fmt: skip
    assert [line.reason for line in found if line.fate == "bad"] == ["1 columns where the header names 4"]


VPC = f"2 123456789010 eni-1 9.9.9.9 172.31.0.5 40000 443 6 20 4000 {NOON} 1795176060 ACCEPT OK"


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({}, "counts"),
        ({"ACCEPT": "REJECT"}, "elsewhere"),
        ({" 6 20 ": " 17 20 "}, "elsewhere"),
        ({" 6 20 ": " 1 20 "}, "elsewhere"),
        ({" 6 20 ": " 6 2 "}, "elsewhere"),
        ({"40000 443": "443 40000"}, "elsewhere"),  # an answer to us
        ({"40000 443": "2000 8080"}, "counts"),
        ({"40000 443": "8443 40000"}, "elsewhere"),
        ({"172.31.0.5": "8.8.8.8"}, "elsewhere"),  # not one of our interfaces
        ({"9.9.9.9 172.31.0.5": "172.31.0.5 9.9.9.9"}, "special"),
    ],
)
def test_vpcflow(tmp_path: Path, change: dict[str, str], fate: str) -> None:
    line = VPC
    for old, new in change.items():
        line = line.replace(old, new)
    found = one(tmp_path, line, format="vpcflow")
    assert found.fate == fate
    if fate == "counts":
        assert (found.client, found.seconds) == ("9.9.9.9", NOON)
        assert found.port in (40000, 2000)


def test_vpcflow_without_records_and_headers(tmp_path: Path) -> None:
    heading = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
    heading += " action log-status\n"
    nothing = f"2 123456789010 eni-1 - - - - - - - {NOON} 1795176060 - NODATA\n"
    skipped = f"2 123456789010 eni-1 - - - - - - - {NOON} 1795176060 - SKIPDATA\n"
    found = lines(tmp_path, heading + nothing + VPC + "\n" + skipped + heading + VPC[:40], format="vpcflow")
    assert sorted(line.fate for line in found) == ["bad", "counts", "nothing", "nothing"]
    exported = lines(tmp_path, f"2026-11-20T12:00:01.000Z {VPC}\n", format="vpcflow")
    assert [(line.fate, line.port) for line in exported] == [("counts", 40000)]


def test_vpcflow_custom_fields(tmp_path: Path) -> None:
    heading = "srcaddr srcport start tcp-flags protocol dstaddr dstport packets flow-direction\n"

    def fates(*rows: str, **keys: Any) -> list[str]:
        return sorted(line.fate for line in lines(tmp_path, heading + "\n".join(rows), format="vpcflow", **keys))

    assert fates(f"9.9.9.9 40000 {NOON} 3 6 172.31.0.5 443 9 ingress") == ["counts"]
    assert fates(f"9.9.9.9 40000 {NOON} 18 6 172.31.0.5 8443 9 ingress") == ["elsewhere"]  # SYN-ACK: we called them
    assert fates(f"2a00::9 40000 {NOON} 3 6 2a01::5 443 9 ingress") == ["counts"]
    assert fates(f"2a00::9 40000 {NOON} 3 6 2a01::5 443 9 egress") == ["elsewhere"]
    assert fates(f"2a00::9 40000 {NOON} 3 6 2a01::5 443 9 -", ours=("2a01::/32",)) == ["counts"]
    assert fates(f"2a00::9 40000 {NOON} 3 6 2a02::5 443 9 -", ours=("2a01::/32",)) == ["elsewhere"]
    assert fates(f"9.9.9.9 40000 {NOON} 3 6 172.31.0.5 443 9 -", ours=("2a01::/32",)) == ["counts"]


NF16 = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt"
NF17 = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"
NF_FAST = "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,"
NF_FAST += "packets,bytes"
DAY = "2026-11-20 12:00:00"


@pytest.mark.parametrize(
    ("header", "row", "fate"),
    [
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,TCP,...AP.SF,0,0,9,900,0,0", "counts"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,TCP  ,.AP...,0,0,9,900,0,0", "counts"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,6,......S.,0,0,9,900,0,0", "elsewhere"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,TCP,...A.R..,0,0,1,40,0,0", "elsewhere"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,443,40000,TCP,...AP.SF,0,0,9,900,0,0", "elsewhere"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,UDP,........,0,0,9,900,0,0", "elsewhere"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,UDP,........,0,0,9,900,7,700", "counts"),
        (NF16, f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,0,8.0,ICMP,........,0,0,9,900,0,0", "elsewhere"),
        (NF17, f"{DAY}.123,1.000,TCP,9.9.9.9,40000,8.8.8.8,443,9,900,1", "counts"),
        (NF17, f"{DAY}.123,1.000,TCP,9.9.9.9,40000,8.8.8.8,443,2,80,1", "elsewhere"),
        (NF_FAST, f"1,2,{NOON}123,{NOON}999,6,9.9.9.9,40000,8.8.8.8,443,0,0,0,0,...AP.SF,0,9,900", "counts"),
    ],
)
def test_nfdump(tmp_path: Path, header: str, row: str, fate: str) -> None:
    found = one(tmp_path, f"{header}\n{row}\n", format="nfdump")
    assert (found.fate, found.client, found.seconds) == (fate, "9.9.9.9", NOON)
    assert found.port == (40000 if fate == "counts" else None)


def test_nfdump_summary_is_no_flow(tmp_path: Path) -> None:
    row = f"{DAY},{DAY},1.0,9.9.9.9,8.8.8.8,40000,443,TCP,...AP.SF,0,0,9,900,0,0\n"
    summary = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,900,9,7200,9,100\n\n"
    prose = "Summary: total flows: 1, total bytes: 900\nTime window: 2026-11-20 12:00:00 - 13:00:00\n"
    prose += "Total flows processed: 1\nSys: 0.0s\n"
    found = lines(tmp_path, f"{NF16}\n{row}{summary}{prose}{NF16}\n{row}", format="nfdump")
    assert [line.fate for line in found] == ["counts", "counts"]


COLUMNS = {
    "time": "when", "client": "who", "port": "sport", "agent": "ua", "ja3": "fp", "forwarded": "xff",
    "bot_score": "score",
}  # fmt: skip


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_csv(tmp_path: Path, separator: str) -> None:
    header = separator.join(["extra", "ua", "when", "who", "sport", "fp", "xff", "score"])
    rows = [
        ["x", '"say ""hi"", you"', "2026-11-20T12:00:00Z", "9.9.9.9", "40000", "f", "7.7.7.7", "50"],
        ["x", "", str(NOON), "9.9.9.9", "", "", "", ""],
    ]
    content = "\n".join([header, *map(separator.join, rows)])
    named, bare = lines(tmp_path, content, format="csv", columns=COLUMNS)
    assert (named.agent, named.port, named.seconds, named.told["bot_score"]) == ('say "hi", you', 40000, NOON, 50)
    assert named.told["tls"] > 1
    assert named.told["forwarded"] > 1
    assert (bare.agent, bare.port, bare.seconds) == ("", None, NOON)
    assert bare.told == {"tls": 0, "forwarded": 0, "bot_score": None}


def test_csv_bad_lines(tmp_path: Path) -> None:
    content = f'when,who\n{NOON},9.9.9.9\n{NOON},\n\nnever,9.9.9.9\n{NOON},"9.9.9.8"\n'
    found = lines(tmp_path, content, format="csv", columns={"time": "when", "client": "who"})
    assert sorted(line.fate for line in found) == ["bad", "bad", "counts", "counts"]


def test_csv_transport_and_state(tmp_path: Path) -> None:
    columns = {"time": "t", "client": "c", "port": "p", "proto": "proto", "state": "state", "server": "s"}
    rows = [
        ("9.9.9.1", "tcp", "ESTABLISHED", "8.8.8.8"),
        ("9.9.9.2", "6", "SF", "8.8.8.8"),
        ("9.9.9.3", "tcp", "S0", "8.8.8.8"),
        ("9.9.9.4", "icmp", "SF", "8.8.8.8"),
        ("9.9.9.5", "QUIC", "true", "8.8.8.8"),
        ("9.9.9.6", "HTTP/2", "SF", "8.8.8.8"),
        ("9.9.9.7", "tcp", "SF", "7.7.7.7"),
        ("8.8.8.8", "tcp", "SF", "8.8.8.8"),
    ]
    content = "t,c,p,proto,state,s\n" + "".join(f"{NOON},{c},77,{p},{s},{d}\n" for c, p, s, d in rows)
    found = lines(tmp_path, content, format="csv", columns=columns, ours=("8.8.8.8",))
    counted = {line.client for line in found if line.fate == "counts"}
    assert counted == {"9.9.9.1", "9.9.9.2", "9.9.9.5", "9.9.9.6"}


@pytest.mark.parametrize(
    "time",
    [
        "TIMESTAMP '2026-11-20 12:00:00.5'", "TIMESTAMPTZ '2026-11-20 13:00:00+01'", "'2026-11-20T12:00:00Z'",
        f"{NOON}", f"{NOON}000::BIGINT", f"{NOON}.25::DOUBLE", f"'{NOON}'", "TIMESTAMP_NS '2026-11-20 12:00:00'",
    ],
)  # fmt: skip
def test_parquet(tmp_path: Path, time: str) -> None:
    path = tmp_path / "t.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"""COPY (SELECT {time} AS "the time", '9.9.9.9' AS client, 40000::INTEGER AS p, NULL::VARCHAR AS ua)
            TO '{path}' (FORMAT parquet)"""
        )
    columns = {"time": "the time", "client": "client", "port": "p", "agent": "ua"}
    found = one(tmp_path, path.read_bytes(), name="t.parquet", format="parquet", columns=columns)  # type: ignore[arg-type]  # bytes too
    assert (found.fate, found.client, found.seconds, found.port, found.agent) == ("counts", "9.9.9.9", NOON, 40000, "")


def test_our_own_connections_are_left_out(tmp_path: Path) -> None:
    content = pushed() + pushed(ClientIP="9.9.8.1") + pushed(ClientIP="2a00:1::5") + pushed(ClientIP="2a00:1::6")
    found = lines(tmp_path, content, format="logpush", ours=("9.9.8.0/24", "2a00:1::5/128"))
    assert sorted((line.client, line.fate) for line in found) == [
        ("2a00:1::", "counts"), ("2a00:1::", "elsewhere"), ("9.9.8.1", "elsewhere"), ("9.9.9.9", "counts"),
    ]  # fmt: skip
