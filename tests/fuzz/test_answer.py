"""Any bytes are answered or dropped, never raise; every answer is whole, fits, and is read by dnslib and dnspython."""

from __future__ import annotations

import random

import dns.message
import dns.tsig
import dnslib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns.answer import Peer, respond
from mipdns.answer.wire import HEADER_SIZE, QR
from tests.wire.cases import CASES
from tests.wire.malformed import PACKETS
from tests.wire.packets import opt, option, query
from tests.wire.world import LOADED, SNAPSHOT, TCP, UDP, ZONES

SEEDS = [row.packet for row in PACKETS] + [query(case.name, case.qtype, case.qclass, edns=opt()) for case in CASES[::5]]
PEERS = [UDP, TCP, LOADED]
RANDOM_PACKETS = 100_000

LABELS = "0 1 2 7 15 51 127 255 f A t80 T100 bits all cgnat vpn ns1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
names = st.lists(st.sampled_from(LABELS.encode().split()) | st.binary(min_size=1, max_size=20), max_size=35)
options = st.lists(st.builds(option, st.integers(0, 16) | st.integers(0, 65535), st.binary(max_size=45)), max_size=4)


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    """Packets that get past the first checks: a sound question in the zone or not, often with a sound OPT record."""
    labels = draw(names) + draw(st.sampled_from([[b"mip", b"internal"], [b"MIP", b"Internal"], [b"bind"], []]))
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    question += draw(st.sampled_from([1, 2, 6, 16, 28, 255, 252, 41]) | st.integers(0, 65535)).to_bytes(2, "big")
    question += draw(st.sampled_from([1, 1, 1, 3, 255]) | st.integers(0, 65535)).to_bytes(2, "big")
    edns = draw(st.none() | st.builds(opt, st.builds(b"".join, options), size=st.integers(0, 65535)))
    flags = draw(st.sampled_from([0, 0x0100]) | st.integers(0, 0x7FFF))
    header = (
        draw(st.binary(min_size=2, max_size=2))
        + flags.to_bytes(2, "big")
        + bytes((0, 1, 0, 0, 0, 0, 0, int(bool(edns))))
    )
    return header + question + (edns or b"") + draw(st.just(b"") | st.binary(max_size=8))


def check(packet: bytes, peer: Peer, snapshot: object = SNAPSHOT) -> None:
    """The law of this file, for one packet."""
    answer = respond(packet, SNAPSHOT if snapshot else None, ZONES, peer)
    response = len(packet) >= HEADER_SIZE and packet[2] & QR >> 8
    assert (answer is None) == (len(packet) < HEADER_SIZE or bool(response))
    if answer is None:
        return
    assert answer == respond(packet, SNAPSHOT if snapshot else None, ZONES, peer)
    assert len(answer) <= (65535 if peer.transport == "tcp" else 1232)
    assert answer[:2] == packet[:2]
    assert answer[2] & 0xF9 == 0x80 | packet[2] & 0x79
    assert answer[3] & 0xF0 == 0
    try:
        dnslib.DNSRecord.parse(answer)
    except dnslib.DNSError as fault:
        assert "Invalid label" in str(fault)  # dnslib takes labels for UTF-8, which in DNS they need not be
    if answer[2] & 0x78 == 0x28:
        return  # dnspython reads UPDATE sections by rules that no answer without them can meet
    try:
        dns.message.from_wire(answer, ignore_trailing=False)
    except dns.message.UnknownTSIGKey:
        assert answer[3] & 0xF == 9


@given(st.binary(max_size=600), st.sampled_from(PEERS))
def test_any_bytes(packet: bytes, peer: Peer):
    check(packet, peer)


@settings(max_examples=400)
@given(queries(), st.sampled_from(PEERS), st.booleans())
def test_queries_of_every_shape(packet: bytes, peer: Peer, ready: bool):
    check(packet, peer, ready)


@settings(max_examples=400)
@given(st.sampled_from(SEEDS), st.data(), st.sampled_from(PEERS))
def test_known_packets_changed(seed: bytes, data: st.DataObject, peer: Peer):
    packet = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        if packet:
            packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(packet[: data.draw(st.integers(0, len(packet)))] if data.draw(st.booleans()) else packet), peer)


@pytest.mark.parametrize("seed", SEEDS[:: len(SEEDS) // 20], ids=range(len(SEEDS[:: len(SEEDS) // 20])))
def test_known_packets_cut_anywhere(seed: bytes):
    for size in range(len(seed)):
        check(seed[:size], UDP)


def test_many_mutations():
    """Faster than hypothesis finds them: bytes changed, doubled, cut and joined, always the same ones."""
    chance = random.Random(20261120)
    for _ in range(RANDOM_PACKETS):
        packet = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(packet) + 1)
            match chance.randrange(4):
                case 0:
                    packet[at : at + 1] = chance.randbytes(1)
                case 1:
                    packet[at:at] = chance.randbytes(chance.randrange(4))
                case 2:
                    del packet[at : at + chance.randrange(4)]
                case _:
                    packet[at:] = chance.choice(SEEDS)[at:]
        answer = respond(bytes(packet), SNAPSHOT, ZONES, chance.choice(PEERS))
        assert answer is None or len(answer) >= HEADER_SIZE


@pytest.mark.parametrize(
    "filler", [b"\0", b"\xc0\x0c", b"\1a", b"\xff", b"\0\0\x01\0\x01", b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0"]
)
def test_the_largest_packets_take_their_size_and_no_more(filler: bytes):
    """64 KiB whose header promises all it can: linear work, so this test would not end soon otherwise."""
    body = filler * (65000 // len(filler))
    for counts in (b"\xff\xff" * 4, b"\0\1\xff\xff\xff\xff\xff\xff", b"\0\1\0\0\0\0\xff\xff"):
        check(b"\1\2\1\0" + counts + body, TCP)
        check(b"\1\2\1\0" + counts + b"\1a\0\0\1\0\1" + body, TCP)
