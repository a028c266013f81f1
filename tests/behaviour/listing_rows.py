"""Rows about listings: which names exist, what they say, and how clients read them."""

from __future__ import annotations

from tests.behaviour.message import message, question
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
    Rows,
    a,
    ask,
    from_cases,
    name_of,
    rows_of,
    txt,
)
from tests.wire import cases
from tests.wire.world import v6


def _rfc_8020() -> Rows:
    for rdtype in ("A", "NS", "TXT", "SOA", "DS", "CNAME", "TYPE65280"):
        yield f"an empty non-terminal, {rdtype}", ask(PATH, rdtype), NODATA


def _rfc_5782() -> Rows:
    for within in EVERY_KIND:
        zone = f"{within}.{ORIGIN}" if within else ORIGIN
        for name in (f"2.0.0.127.{zone}", f"{v6('127.0.0.2')}.{zone}"):
            yield f"A of {name}", ask(name), a(name, "127.0.0.2")
            yield f"TXT of {name}", ask(name, "TXT"), txt(name, "v=mip1; test")
        for name in (f"1.0.0.127.{zone}", f"{v6('127.0.0.1')}.{zone}"):
            yield f"A of {name}", ask(name), NXDOMAIN
    for address in ("10.0.0.1", "192.0.2.1", "224.0.0.1", "fe80::1", "::", "::1", "2001:db8::1"):
        yield f"special-purpose {address}", ask(name_of(address, "all")), NXDOMAIN


def _watchers() -> Rows:
    for within in EVERY_KIND:
        for rdtype in ("A", "TXT", "AAAA"):
            yield (
                f"Rspamd's watch of {within or 'the zone'}, {rdtype}",
                ask(name_of("127.0.0.1", within), rdtype),
                NXDOMAIN,
            )
        name = name_of("127.0.0.2", within)
        yield f"Haraka's test of {within or 'the zone'}", ask(name), a(name, "127.0.0.2")


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
    for address, within, answer in (
        ("185.220.101.1", "", "127.0.10.99"),
        ("185.220.101.1", "tor", "127.0.10.99"),
        ("185.220.101.1", "vpn", "127.0.10.99"),
        ("185.220.101.1", "bits", "127.0.10.254"),
        ("104.23.255.255", "t100", "127.0.4.100"),
        ("5.5.5.1", "t01", "127.0.1.1"),
        ("51.15.7.77", "bits", "127.0.65.62"),
        (RELAY, "bits", "127.0.16.62"),
    ):
        name = name_of(address, within)
        yield f"{address} in {within or 'the zone'}", ask(name), a(name, answer)


def _negative_caches() -> Rows:
    yield "an absent name's SOA", ask(ABSENT), NXDOMAIN
    yield "TXT of an absent name", ask(ABSENT, "TXT"), NXDOMAIN
    yield "TXT of a listing", ask(CROWD, "TXT"), txt(CROWD, CROWD_TEXT)


def _spellings() -> Rows:
    for label in ("x", "256", "01", "077", "+1", "-1", "0x1", "1 ", "７", "²", "999999999999", "*", "7.15", "\0"):
        for at in range(4):
            labels = [text.encode() for text in ("77", "7", "15", "51", "mip", "internal")]
            labels[at] = label.encode()
            name = b"".join(bytes((len(one),)) + one for one in labels) + b"\0"
            yield f"{label!r} as octet {at + 1}", message(question(name)), NXDOMAIN
    nibbles = name_of(RELAY)
    yield "a letter that is no nibble", ask("g" + nibbles[1:]), NXDOMAIN
    yield "two nibbles in a label", ask("00" + nibbles[3:]), NXDOMAIN
    yield "the zone in itself", ask(f"{ORIGIN}.{ORIGIN}"), NXDOMAIN


ROWS = [
    *from_cases("RFC 5782", [*cases.LISTINGS, *cases.LISTS, *cases.TEST_POINTS]),
    *from_cases("RFC 8020", cases.NON_TERMINALS),
    *from_cases("spellings", cases.MISSPELT),
    *rows_of("RFC 8020", _rfc_8020()),
    *rows_of("RFC 5782", _rfc_5782()),
    *rows_of("watchers", _watchers()),
    *rows_of("hit takers", _hit_takers()),
    *rows_of("filters", _filters()),
    *rows_of("negative caches", _negative_caches()),
    *rows_of("spellings", _spellings()),
]
