"""Every row of `malformed`, over both transports."""

from __future__ import annotations

import dns.rcode
import dns.tsig
import pytest

from mipdns.answer import Peer
from tests.wire.malformed import HMAC, PACKETS, Malformed, Q, tsig
from tests.wire.packets import ID, name, packet, read
from tests.wire.world import TCP, UDP, ask, send


@pytest.mark.parametrize("peer", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize("row", PACKETS, ids=lambda row: row.title)
def test_packet_gets_what_the_table_says(row: Malformed, peer: Peer):
    answer = send(row.packet, peer)
    if row.rcode is None:
        assert answer is None
        return
    assert answer is not None
    assert answer[:2] == ID
    assert answer[2] == 0x80 | row.packet[2] & 0x79 | (4 if row.rcode in ("NOERROR", "NXDOMAIN") else 0)
    if row.rcode == "NOTAUTH":  # dnspython reads TSIG only with a key; test_unknown_key takes the record apart
        assert (answer[3] & 0xF, answer[5]) == (9, row.questions)
        return
    message = read(answer)
    assert dns.rcode.to_text(message.rcode()) == row.rcode
    assert len(message.question) == row.questions
    assert (message.edns == 0) == row.opt


@pytest.mark.parametrize(
    ("sent", "key"),
    [(tsig(), name("key.example")), (tsig(b"\3key\xc0\x16"), name("key.mip.internal"))],
    ids=["plain", "compressed"],
)
def test_unknown_key_is_named_in_an_unsigned_answer(sent: bytes, key: bytes):
    """RFC 8945 §5.3.2: BADKEY, no MAC, the client's time; the record stands last."""
    answer = ask(packet(Q + sent, (1, 0, 0, 1)))
    expected = tsig(key, rdata=HMAC + bytes.fromhex("000065000000 012c 0000") + ID + bytes.fromhex("0011 0000"))
    assert answer[12:] == Q + expected


def test_key_too_long_for_udp_is_left_out():
    long = b"".join(b"\x3f" + bytes((97 + n,)) * 63 for n in range(3)) + b"\x30" + b"z" * 48 + b"\0"
    rdata = long + bytes.fromhex("000065000000 012c 0000") + ID + bytes(4)
    asked = packet(Q + tsig(long, rdata=rdata), (1, 0, 0, 1))
    assert ask(asked) == ID + bytes.fromhex("8109 0001 0000 0000 0000") + Q
    assert len(ask(asked, TCP)) > 512
