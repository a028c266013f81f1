"""Every row of `cases`, over both transports, with and without EDNS, read back by two foreign codecs."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dnslib
import pytest

from mipdns.answer import Peer
from tests.wire.cases import CASES, Case, Expected
from tests.wire.packets import opt, query, read
from tests.wire.world import TCP, UDP, ask


def seen(message: dns.message.Message) -> Expected:
    """An answer in the words of the table."""
    asked = message.question[0].name

    def records(section: list[dns.rrset.RRset]) -> tuple[str, ...]:
        lines = []
        for rrset in section:
            owner = "@" if section is message.answer and rrset.name == asked else rrset.name.to_text().lower()
            lines += [f"{owner} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {data.to_text()}" for data in rrset]
        return tuple(lines)

    errors = [option.code for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return Expected(
        dns.rcode.to_text(message.rcode()),
        bool(message.flags & dns.flags.AA),
        records(message.answer),
        records(message.authority),
        records(message.additional),
        int(errors[0]) if errors else None,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.title}: {case.name} {case.qtype} {case.qclass}")
def test_answer_is_the_tables(case: Case):
    bare = case.expected._replace(extended_error=None)
    for peer in (UDP, TCP):
        for edns, expected in ((b"", bare), (opt(), case.expected)):
            answer = ask(query(case.name, case.qtype, case.qclass, edns=edns), peer)
            message = read(answer)
            assert seen(message) == expected
            assert (message.edns >= 0) == bool(edns)
            dnslib.DNSRecord.parse(answer)


@pytest.mark.parametrize("peer", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: f"{case.name} {case.qtype}")
def test_question_and_header_come_back(case: Case, peer: Peer):
    """RFC 1035 §4.1.1: ID, opcode and RD as asked; the question byte for byte; RA, Z, AD and CD never set."""
    for flags in (0x0000, 0x0100, 0x07F0, 0x070F):  # AA, TC, RD, RA, Z, AD, CD and a response code in the query
        asked = query(case.name, case.qtype, case.qclass, flags=flags)
        answer = ask(asked, peer)
        assert answer[:2] == asked[:2]
        assert answer[12 : len(asked)] == asked[12:]
        assert int.from_bytes(answer[2:4], "big") & 0xFBF0 == 0x8000 | flags & 0x0100
