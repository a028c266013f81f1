"""Queries as bytes, answers as something that can be compared.

Queries are put together by hand (see tests/wire/packets.py), because half of those that a server must survive no
library would make. Answers are read by dnspython into a `Reply` whose records are plain text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.wire import packets

IN = 1
QUERY = 0
QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010

NSID, SUBNET, COOKIE, KEEPALIVE = 3, 8, 10, 11


def question(name: str | bytes, rdtype: str | int = "A", rdclass: int = IN) -> bytes:
    """A question whose name is text (`.` is the root, letter case kept) or bytes that may be no name at all."""
    number = rdtype if isinstance(rdtype, int) else int(dns.rdatatype.from_text(rdtype))
    wire = name if isinstance(name, bytes) else packets.name(name)
    return wire + number.to_bytes(2, "big") + rdclass.to_bytes(2, "big")


def message(
    *questions: bytes,
    flags: int = RD,
    opcode: int = QUERY,
    answer: Iterable[bytes] = (),
    authority: Iterable[bytes] = (),
    additional: Iterable[bytes] = (),
    tail: bytes = b"",
) -> bytes:
    """A message whose header counts are those of its sections."""
    sections = (questions, tuple(answer), tuple(authority), tuple(additional))
    counts = (len(sections[0]), len(sections[1]), len(sections[2]), len(sections[3]))
    body = b"".join(b"".join(section) for section in sections)
    return packets.packet(body + tail, counts, flags | opcode << 11)


class Opt(NamedTuple):
    """The OPT record of an answer. options: `NSID=…`, `COOKIE=<client>+<bytes of server cookie>`, `EDE=…`, …"""

    size: int = 1232
    version: int = 0
    do: bool = False
    options: tuple[str, ...] = ()


class Reply(NamedTuple):
    """An answer as far as it can be compared. Records are `owner ttl class type data`, each section sorted."""

    rcode: str
    aa: bool = True
    answer: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    opt: Opt | None = None


class Frame(NamedTuple):
    """What every answer repeats from its query, and the flags that are never set."""

    id: int
    opcode: int
    rd: bool
    never: int
    """QR cleared, or TC, RA, Z, AD, CD set: 0 in every right answer."""
    question: bytes


def read_reply(packet: bytes) -> Reply:
    read = packets.read(packet)
    rcode = dns.rcode.to_text(read.rcode())
    return Reply(
        "BADVERS" if rcode == "BADSIG" else rcode,
        bool(read.flags & dns.flags.AA),
        _texts(read.answer),
        _texts(read.authority),
        _texts(read.additional),
        _read_opt(read) if read.edns >= 0 else None,
    )


def _texts(section: Iterable[dns.rrset.RRset]) -> tuple[str, ...]:
    lines = []
    for rrset in section:
        owner = rrset.name.to_text(omit_final_dot=True)
        head = f"{owner.lower()} {rrset.ttl} {rrset.rdclass.name} {dns.rdatatype.to_text(rrset.rdtype)}"
        lines += [f"{head} {rdata.to_text()}" for rdata in rrset]
    return tuple(sorted(lines))


def _read_opt(read: dns.message.Message) -> Opt:
    options = []
    for one in read.options:
        data = one.to_wire()
        assert isinstance(data, bytes)
        code = one.otype
        match code:
            case dns.edns.OptionType.NSID:
                options.append(f"NSID={data.decode()}")
            case dns.edns.OptionType.COOKIE:
                options.append(f"COOKIE={data[:8].hex()}+{len(data) - 8}")
            case dns.edns.OptionType.EDE:
                options.append(f"EDE={int.from_bytes(data[:2], 'big')}")
            case _:
                options.append(f"{int(code)}={data.hex()}")
    return Opt(read.payload, read.edns, bool(read.ednsflags & dns.flags.DO), tuple(options))


def frame(packet: bytes) -> Frame:
    """The frame of an answer, or of the answer that a query ought to get."""
    flags = int.from_bytes(packet[2:4], "big")
    count = int.from_bytes(packet[4:6], "big")
    asked = packet[12 : _question_end(packet)] if count == 1 else b""
    never = (flags & QR ^ QR) | flags & (TC | RA | Z | AD | CD)
    return Frame(int.from_bytes(packet[:2], "big"), flags >> 11 & 15, bool(flags & RD), never, asked)


def _question_end(packet: bytes) -> int:
    """Where the first question ends; where it begins if it cannot be read."""
    at = 12
    while at < len(packet) and 0 < packet[at] < 64:
        at += packet[at] + 1
    whole = at < len(packet) and packet[at] == 0 and at + 5 <= len(packet) and at - 12 < 255
    return at + 5 if whole else 12
