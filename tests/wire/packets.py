"""Queries put together by hand, for what no DNS library would send."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

ID = b"\x12\x34"


def name(text: str) -> bytes:
    """A name in wire form, letter case kept; `.` is the root."""
    return b"".join(bytes((len(label),)) + label for label in dns.name.from_text(text).labels)


def question(text: str, qtype: str = "A", qclass: str = "IN") -> bytes:
    rdtype, rdclass = dns.rdatatype.from_text(qtype), dns.rdataclass.from_text(qclass)
    return name(text) + rdtype.to_bytes(2, "big") + rdclass.to_bytes(2, "big")


def record(owner: bytes, rtype: int, rclass: int, ttl: int, rdata: bytes) -> bytes:
    numbers = ((rtype, 2), (rclass, 2), (ttl, 4), (len(rdata), 2))
    return owner + b"".join(number.to_bytes(size, "big") for number, size in numbers) + rdata


def option(code: int, data: bytes = b"") -> bytes:
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def opt(*options: bytes, size: int = 1232, version: int = 0, flags: int = 0, owner: bytes = b"\0") -> bytes:
    return record(owner, 41, size, version << 16 | flags, b"".join(options))


def packet(body: bytes = b"", counts: tuple[int, int, int, int] = (1, 0, 0, 0), flags: int = 0x0100) -> bytes:
    """A header that claims `counts`, whatever the body holds."""
    return ID + flags.to_bytes(2, "big") + b"".join(count.to_bytes(2, "big") for count in counts) + body


def query(text: str, qtype: str = "A", qclass: str = "IN", *, flags: int = 0x0100, edns: bytes = b"") -> bytes:
    """One question, and an OPT record if given."""
    return packet(question(text, qtype, qclass) + edns, (1, 0, 0, int(bool(edns))), flags)


def read(answer: bytes) -> dns.message.Message:
    """The answer as dnspython reads it; bytes left over are an error."""
    return dns.message.from_wire(answer, ignore_trailing=False, one_rr_per_rrset=False)


def options(message: dns.message.Message) -> dict[int, bytes]:
    """The options of an answer's OPT record, in order."""
    return {int(each.otype): each.to_wire() or b"" for each in message.options}
