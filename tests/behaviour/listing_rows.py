"""Rows about listings: which names exist, what they say, and how clients read them."""

from __future__ import annotations

from tests.behaviour.message import message, question, wire_name
from tests.behaviour.table import (
    ABSENT,
    CROWD,
    CROWD_TEXT,
    EVERY_KIND,
    NODATA,
    NXDOMAIN,
    ORIGIN,
    PATH,
    RELAY,
    TOR_128,
    Rows,
    a,
    ask,
    name_of,
    rows_of,
    txt,
)


def _rfc_8020() -> Rows:
    for rdtype in ("A", "NS", "TXT", "SOA", "DS", "CNAME"):
        yield f"an empty non-terminal, {rdtype}", ask(PATH, rdtype), NODATA
    yield "one octet", ask(f"51.{ORIGIN}"), NODATA
    yield "three octets", ask(f"7.15.51.{ORIGIN}"), NODATA
    yield "three octets with nothing beneath", ask(f"12.15.51.{ORIGIN}"), NXDOMAIN
    yield "beneath a listing", ask(f"1.{CROWD}"), NXDOMAIN
    yield "letters beneath a listing", ask(f"x.{CROWD}"), NXDOMAIN
    yield "a nibble on the way", ask(f"2.0.a.2.{ORIGIN}"), NODATA
    yield "31 nibbles on the way", ask(name_of(RELAY)[2:]), NODATA
    yield "the nibble beside", ask(f"3.0.a.2.{ORIGIN}"), NXDOMAIN
    yield "inside the same prefix, but not in this list", ask(f"2.0.a.2.tor.{ORIGIN}"), NXDOMAIN
    yield (
        "listed and the way to a listing of the other family",
        ask(f"1.0.0.2.{ORIGIN}"),
        a(f"1.0.0.2.{ORIGIN}", "127.0.2.60"),
    )
    yield "beneath it", ask(f"7.6.0.1.0.0.2.{ORIGIN}"), NODATA
    yield "in a list where it is only the way", ask(f"1.0.0.2.campus.{ORIGIN}"), NODATA
    yield (
        "in a list where it is only the listing",
        ask(f"1.0.0.2.vpn.{ORIGIN}"),
        a(f"1.0.0.2.vpn.{ORIGIN}", "127.0.2.60"),
    )
    yield "there, beneath the listing", ask(f"7.6.0.1.0.0.2.vpn.{ORIGIN}"), NXDOMAIN
    yield "in a list where it is neither", ask(f"1.0.0.2.cgnat.{ORIGIN}"), NXDOMAIN
    yield "the way to IPv4 through its mapped form", ask(f"f.f.f.f{'.0' * 20}.{ORIGIN}"), NODATA
    yield "the way to nothing in that form", ask(f"c.c.f.f.f.f{'.0' * 20}.{ORIGIN}"), NXDOMAIN
    yield "a name server's name beneath", ask(f"x.ns1.{ORIGIN}"), NXDOMAIN
    for name in ("all", "bits", "t50", "t100", "cgnat", "other", "t99.tor"):
        yield f"the name of the list {name}", ask(f"{name}.{ORIGIN}"), NODATA
        yield f"the name of the list {name}, NS", ask(f"{name}.{ORIGIN}", "NS"), NODATA
    for name in ("bits.cgnat", "cgnat.t80", "t80.all", "all.all", "cgnat.vpn", "t80.t80", "t80.bits"):
        yield f"no such combination: {name}", ask(f"{name}.{ORIGIN}"), NXDOMAIN
        yield f"nothing in it: {name}", ask(f"2.0.0.127.{name}.{ORIGIN}"), NXDOMAIN
    for name in ("t0", "t00", "t1", "t001", "t101", "t1000", "t5x", "t-1", "t", "hosting", "cgnats", "mip"):
        yield f"no such list: {name}", ask(f"{name}.{ORIGIN}"), NXDOMAIN


def _rfc_5782() -> Rows:
    for within in EVERY_KIND:
        name = name_of("127.0.0.2", within)
        yield f"127.0.0.2 in {within or 'the zone'}", ask(name), a(name, "127.0.0.2")
        yield f"its text in {within or 'the zone'}", ask(name, "TXT"), txt(name, "v=mip1; test")
        mapped = ".".join((".".join(reversed("00000000000000000000ffff7f000002")), *filter(None, [within]), ORIGIN))
        yield f"::ffff:127.0.0.2 in {within or 'the zone'}", ask(mapped), a(mapped, "127.0.0.2")
        yield f"127.0.0.1 in {within or 'the zone'}", ask(name_of("127.0.0.1", within)), NXDOMAIN
    for point, listed, absent in (
        ("127.0.1.85", ("", "t80", "t85", "cgnat", "t85.cgnat", "all"), ("t90", "vpn", "bits", "t86.cgnat")),
        ("127.0.255.100", ("t100", "other", "t100.other"), ("bits",)),
        ("127.0.0.80", ("", "t80"), ("cgnat", "t81", "t80.cgnat")),
        ("127.0.4.126", ("bits",), ("", "all", "proxy")),
        ("127.0.4.62", ("bits", "", "proxy", "t62.proxy"), ("t63",)),
        ("127.0.8.49", ("all", "t49", "t49.tor"), ("", "tor")),
        ("127.0.8.0", (), ("", "all", "bits", "t01", "tor")),
        ("127.0.8.101", (), ("", "all", "bits", "t100", "tor")),
        ("127.1.0.2", (), ("", "all", "bits")),
        ("127.255.255.255", (), ("", "all", "bits")),
    ):
        for within in listed:
            name = name_of(point, within)
            yield f"{point} in {within or 'the zone'}", ask(name), a(name, point)
        for within in absent:
            yield f"{point} not in {within or 'the zone'}", ask(name_of(point, within)), NXDOMAIN
    name = name_of(RELAY, "t88.relay")
    yield "IPv6 in a threshold of a class", ask(name), a(name, "127.0.16.88")
    name = name_of(TOR_128, "bits")
    yield "IPv6 in bits", ask(name), a(name, "127.0.8.254")
    yield "the address beside a /128", ask(name_of("2a0b:f4c2::2")), NXDOMAIN
    mapped = ".".join(reversed(f"{0xFFFF330F074D:032x}")) + f".{ORIGIN}"
    yield "an IPv4-mapped name", ask(mapped), a(mapped, "127.0.65.87")
    yield "its text is IPv4's", ask(mapped, "TXT"), txt(mapped, CROWD_TEXT)
    name = name_of("200.200.200.200", "all")
    yield (
        "at 1 per cent only in all",
        ask(name, "TXT"),
        txt(name, "v=mip1; conf=1; class=other; net=200.200.200.200/32; src=list; seen=2026-11-20"),
    )
    yield "and not in the zone", ask(name_of("200.200.200.200")), NXDOMAIN
    for address in ("10.0.0.1", "192.0.2.1", "224.0.0.1", "fe80::1", "::", "::1", "2001:db8::1"):
        yield f"special-purpose {address}", ask(name_of(address, "all")), NXDOMAIN


def _watchers() -> Rows:
    for within in EVERY_KIND:
        yield f"1.0.0.127 in {within or 'the zone'}, any type", ask(name_of("127.0.0.1", within), "TXT"), NXDOMAIN
    name = name_of("::ffff:127.0.0.2")
    yield "the test point again", ask(name), a(name, "127.0.0.2")


def _hit_takers() -> Rows:
    yield "AAAA of a listing", ask(CROWD, "AAAA"), NODATA
    yield "AAAA of an IPv6 listing", ask(name_of(RELAY), "AAAA"), NODATA
    yield "AAAA of nothing", ask(ABSENT, "AAAA"), NXDOMAIN
    yield "IPv6 not reversed", ask(f"2001:db8::1.{ORIGIN}"), NXDOMAIN
    yield "IPv6 not reversed, of a listing", ask(f"{RELAY}.{ORIGIN}"), NXDOMAIN
    name = name_of("5.5.5.80", "t80")
    yield "at the line", ask(name), a(name, "127.0.1.80")
    yield "below the line", ask(name_of("5.5.5.79", "t80")), NXDOMAIN


def _filters() -> Rows:
    for address, fourth in (("5.5.5.25", 2), ("5.5.5.49", 2), ("5.5.5.50", 6), ("5.5.5.60", 14), ("5.5.5.70", 30)):
        name = name_of(address, "bits")
        yield f"{address} in bits", ask(name), a(name, f"127.0.1.{fourth}")
    for address, fourth in (("5.5.5.80", 62), ("5.5.5.90", 126), ("5.5.5.95", 254), ("5.5.5.100", 254)):
        name = name_of(address, "bits")
        yield f"{address} in bits", ask(name), a(name, f"127.0.1.{fourth}")
    yield "5.5.5.24 in bits", ask(name_of("5.5.5.24", "bits")), NXDOMAIN
    for address, within, answer in (
        ("185.220.101.1", "", "127.0.10.99"),
        ("185.220.101.1", "tor", "127.0.10.99"),
        ("185.220.101.1", "vpn", "127.0.10.99"),
        ("104.23.255.255", "t100", "127.0.4.100"),
        ("5.5.5.1", "t01", "127.0.1.1"),
    ):
        name = name_of(address, within)
        yield f"{address} in {within or 'the zone'}", ask(name), a(name, answer)


def _negative_caches() -> Rows:
    yield "an absent name's SOA", ask(ABSENT), NXDOMAIN
    yield "TXT of an absent name", ask(ABSENT, "TXT"), NXDOMAIN
    yield "TXT of a listing", ask(CROWD, "TXT"), txt(CROWD, CROWD_TEXT)


def _spellings() -> Rows:
    for label in ("x", "256", "01", "077", "+1", "-1", "0x1", "1 ", "７", "²", "999999999999", "*"):
        for at in range(4):
            octets = ["77", "7", "15", "51"]
            octets[at] = label
            wire = b"".join(bytes((len(part.encode()),)) + part.encode() for part in [*octets, "mip", "internal"])
            yield f"{label!r} as octet {at + 1}", message(question(wire + b"\0")), NXDOMAIN
    yield "an octet before four of them", ask(f"x.77.7.15.51.{ORIGIN}"), NXDOMAIN
    yield "five octets", ask(f"1.77.7.15.51.{ORIGIN}"), NXDOMAIN
    nibbles = name_of(RELAY)
    yield "33 nibbles", ask(f"0.{nibbles}"), NXDOMAIN
    upper = nibbles.upper()
    yield "nibbles in upper case", ask(upper), a(upper, "127.0.16.88")
    yield "a letter that is no nibble", ask("g" + nibbles[1:]), NXDOMAIN
    yield "two nibbles in a label", ask("00" + nibbles[3:]), NXDOMAIN
    yield "a domain", ask(f"example.com.{ORIGIN}"), NXDOMAIN
    yield "the zone in itself", ask(f"{ORIGIN}.{ORIGIN}"), NXDOMAIN
    yield "a label that holds a dot", message(question(b"\x047.77\x0215\x0251" + wire_name(ORIGIN))), NXDOMAIN
    yield "a label of a zero byte", message(question(b"\x01\0" + wire_name(f"7.15.51.{ORIGIN}"))), NXDOMAIN


ROWS = [
    *rows_of("RFC 8020", _rfc_8020()),
    *rows_of("RFC 5782", _rfc_5782()),
    *rows_of("watchers", _watchers()),
    *rows_of("hit takers", _hit_takers()),
    *rows_of("filters", _filters()),
    *rows_of("negative caches", _negative_caches()),
    *rows_of("spellings", _spellings()),
]
