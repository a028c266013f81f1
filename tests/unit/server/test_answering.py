"""Between sockets and answers: counting, and a bug that becomes SERVFAIL instead of an end."""

from __future__ import annotations

import logging

import dns.message
import dns.opcode
import dns.rcode
import pytest

from mipdns.server import answering as module
from mipdns.server.answering import Answering, servfail
from mipdns.server.counters import Counters
from tests.unit.server.content import small_content

GOOD = dns.message.make_query("1.101.220.185.mip.internal.", "A").to_wire()
CLIENT = bytes([127, 0, 0, 1])


@pytest.fixture
def answering() -> Answering:
    return Answering(small_content(), Counters())


def test_counts_answers_by_transport_and_rcode(answering: Answering) -> None:
    content = answering.content
    missing = dns.message.make_query("9.9.9.9.mip.internal.", "A").to_wire()
    for packet in (GOOD, GOOD, missing, b"short"):
        answering.udp(packet, CLIENT, 0, content, under_load=False)
    for packet in (missing, GOOD[:-1], b""):
        answering.tcp(packet, CLIENT, 0, content)
    counted = answering.counters.as_document()
    assert {name: count for name, count in counted.items() if count} == {
        "udp_answers": 3,
        "udp_noerror": 2,
        "udp_nxdomain": 1,
        "udp_dropped": 1,
        "tcp_answers": 2,
        "tcp_nxdomain": 1,
        "tcp_formerr": 1,
        "tcp_dropped": 1,
    }


def test_a_bug_in_an_answer_is_servfail_counted_and_logged_once_a_minute(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("the bug")

    monkeypatch.setattr(module, "respond", broken)
    content = answering.content
    with caplog.at_level(logging.ERROR):
        udp = answering.udp(GOOD, CLIENT, 0, content, under_load=False)
        tcp = answering.tcp(GOOD, CLIENT, 0, content)
        assert answering.udp(b"short", CLIENT, 0, content, under_load=False) is None
    assert udp == tcp
    assert dns.message.from_wire(udp or b"").rcode() == dns.rcode.SERVFAIL
    assert answering.counters.internal_errors == 3
    assert len(caplog.records) == 1
    assert "the bug" in caplog.text
    assert GOOD.hex() in caplog.text


def test_servfail_echoes_what_a_header_may_and_nothing_else() -> None:
    asked = dns.message.make_query("example.", "A")
    asked.set_opcode(dns.opcode.NOTIFY)
    answer = dns.message.from_wire(servfail(asked.to_wire()) or b"")
    assert (answer.id, answer.opcode(), answer.rcode()) == (asked.id, dns.opcode.NOTIFY, dns.rcode.SERVFAIL)
    assert dns.flags.to_text(answer.flags) == "QR RD"
    assert not answer.question


@pytest.mark.parametrize("packet", [b"", GOOD[:11], bytes([0, 1, 0x80]) + GOOD[3:]], ids=["none", "half", "reply"])
def test_servfail_is_never_sent_to_what_is_no_query(packet: bytes) -> None:
    assert servfail(packet) is None
