"""What a row of the table is, and the words that rows are written in.

In: the build of tests/small.py in the zone as shipped. The one rule: an expectation is the whole answer, every record
and every flag of it; nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mipdns.net import parse_address, reverse_name
from tests.behaviour.message import IN, Opt, Reply, message, question
from tests.wire import packets
from tests.wire.cases import SOA_DATA, Case
from tests.wire.packets import opt

LINES = {
    "RFC 1035": "header, echo, letter case, lengths, no compression in a question",
    "RFC 2308": "one TTL a set, the SOA and its TTL where nothing is found, TC only where data was cut",
    "RFC 8020": "NXDOMAIN only where nothing exists beneath; empty non-terminals for every type",
    "RFC 8906": "unknown types, opcodes and flags; bytes after the end; meta-types as question",
    "RFC 8482": "ANY",
    "RFC 6891": "EDNS",
    "RFC 9619": "not exactly one question",
    "RFC 7766": "TCP, keepalive",
    "RFC 7873": "cookies",
    "RFC 8914": "extended errors",
    "RFC 5001": "NSID and the CHAOS names",
    "RFC 7871": "client subnet",
    "RFC 5782": "what a DNSBL is, and its test points",
    "elsewhere": "other names, other classes, noise, responses",
    "apex": "SOA, NS, glue, DS, transfers, NOTIFY, UPDATE",
    "watchers": "Rspamd and Haraka, who watch whether a list is sane",
    "hit takers": "ModSecurity and others that take any address as a hit",
    "filters": "Postfix, Exim, SpamAssassin, Rspamd, maddy: octets and masks",
    "negative caches": "postscreen keeps what the SOA says; rblsmtpd reads TXT alone",
    "spellings": "octets and nibbles that are none",
}

ORIGIN = "mip.internal"
TTL_S = 300
SOA, NEGATIVE_SOA = (f"{ORIGIN} {ttl_s} IN SOA {SOA_DATA}" for ttl_s in (3600, 60))

NXDOMAIN = Reply("NXDOMAIN", authority=(NEGATIVE_SOA,))
NODATA = Reply("NOERROR", authority=(NEGATIVE_SOA,))
NS = Reply(
    "NOERROR",
    answer=(f"{ORIGIN} 3600 IN NS ns1.{ORIGIN}.",),
    additional=tuple(f"ns1.{ORIGIN} 3600 IN {data}" for data in ("A 127.0.0.1", "AAAA ::1")),
)
FORMERR, NOTIMP, REFUSED = (Reply(rcode, aa=False) for rcode in ("FORMERR", "NOTIMP", "REFUSED"))
DROPPED = None


class Row(NamedTuple):
    """expect: None where silence is right. transport: where only one of the two gives this answer."""

    line: str
    title: str
    query: bytes
    expect: Reply | None
    transport: str = ""


Rows = Iterator[tuple[str, bytes, Reply | None]]
"""Title, query and expectation of each row of one line."""


def rows_of(line: str, rows: Iterable[tuple[str, bytes, Reply | None]]) -> list[Row]:
    return [Row(line, *row) for row in rows]


def from_cases(line: str, cases: Iterable[Case]) -> list[Row]:
    """What tests/wire/cases.py asks of the answering code alone, to be asked over sockets and of other servers."""
    return [_from_case(line, case) for case in cases]


def _from_case(line: str, case: Case) -> Row:
    def texts(records: Iterable[str]) -> tuple[str, ...]:
        lines = []
        for text in records:
            owner, ttl, data = text.split(" ", 2)
            owner = case.name.lower() if owner == "@" else owner
            lines.append(f"{owner.rstrip('.')} {ttl} {case.qclass} {data}")
        return tuple(sorted(lines))

    told = case.expected
    reply = Reply(told.rcode, told.aa, texts(told.answer), texts(told.authority), texts(told.additional))
    query = packets.query(case.name, case.qtype, case.qclass)
    return Row(line, f"{case.title}: {case.name} {case.qtype} {case.qclass}", query, reply)


def name_of(address: str, within: str = "") -> str:
    """The query name of an address in a list."""
    return ".".join(part for part in (reverse_name(parse_address(address)), within, ORIGIN) if part)


def ask(name: str, rdtype: str | int = "A", rdclass: int = IN) -> bytes:
    return message(question(name, rdtype, rdclass))


def ask_edns(name: str, *options: bytes, rdtype: str = "A", size: int = 1232, flags: int = 0) -> bytes:
    return message(question(name, rdtype), additional=[opt(*options, size=size, flags=flags)])


def a(name: str, address: str) -> Reply:
    return Reply("NOERROR", answer=(f"{name.lower()} {TTL_S} IN A {address}",))


def txt(name: str, text: str) -> Reply:
    return Reply("NOERROR", answer=(f'{name.lower()} {TTL_S} IN TXT "{text}"',))


def with_opt(reply: Reply, *options: str, do: bool = False) -> Reply:
    return reply._replace(opt=Opt(do=do, options=options))


CROWD, ABSENT, PATH = name_of("51.15.7.77"), name_of("51.15.12.1"), f"15.51.{ORIGIN}"
CROWD_A = a(CROWD, "127.0.65.87")
CROWD_TEXT = (
    "v=mip1; conf=87; class=cgnat,mobile; users=87-174; net=51.15.7.0/24; asn=64500; src=ports,agents,trace; "
    "seen=2026-11-20"
)
RELAY = "2a02:26f7:c001:2::5"
TOR_128 = "2a0b:f4c2::1"
EVERY_KIND = ("", "all", "t01", "t50", "t100", "bits", "cgnat", "relay", "t01.tor", "t100.other")
"""A list of every kind."""
