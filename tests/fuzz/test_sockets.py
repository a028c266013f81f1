"""Whatever bytes are sent to either port are answered or dropped; the server lives, answers the next good query, and
does not grow.

Seeded, so that a failure can be had again: 100,000 datagrams and some thousand TCP conversations, made of noise and of
valid queries that were flipped, cut, spliced and repeated.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dns.edns
import dns.message
import dns.opcode
import dns.rdataclass
import pytest

from mipdns.net import reverse_name
from tests.builds import write_build
from tests.e2e.servers import FORMS, Server, only, start, write_config
from tests.exchange import ask_tcp, ask_udp, read_messages
from tests.small import SERIAL, VERDICTS

DATAGRAMS = 100_000
CONVERSATIONS = 3_000
ROUND = 50
GROWTH_KIB_MAX = 16 * 1024

GOOD = dns.message.make_query("1.101.220.185.mip.internal.", "A", use_edns=0).to_wire()
FENCE_ID = 0xFFFF
FENCE = struct.pack("!H", FENCE_ID) + GOOD[2:]
RARE_FENCE_ID = 0xFFFE
RARE_FENCE = struct.pack("!H", RARE_FENCE_ID) + dns.message.make_query("mip.internal.", "SOA").to_wire()[2:]
FENCES = {FENCE[:2], RARE_FENCE[:2]}
"""The native form answers the second by another thread: each stands behind what goes the same way."""


@pytest.fixture(params=FORMS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    with only(request.param), start(write_config(tmp_path, tcp_idle_s=2.0)) as running:
        yield running
        assert running.stop() == 0, running.log()
        assert "internal_errors=0" in running.log(), running.log()
        assert "Traceback" not in running.log()


def seeds() -> list[bytes]:
    """Valid queries of many sorts, for mutation to start from."""
    names = [
        f"{reverse_name(row.first)}{sub}.mip.internal." for row in VERDICTS for sub in ("", ".t80", ".bits", ".tor")
    ]
    names += ["mip.internal.", "ns1.mip.internal.", "example.com.", ".", "a." * 100 + "mip.internal."]
    options: list[dns.edns.Option] = [
        dns.edns.CookieOption(b"clientid", b""),
        dns.edns.CookieOption(b"clientid", b"\x01\0\0\0" + bytes(12)),
        dns.edns.ECSOption("192.0.2.0", 24),
        dns.edns.GenericOption(dns.edns.OptionType.NSID, b""),
        dns.edns.GenericOption(dns.edns.OptionType.make(11), b""),
        dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(64)),
    ]
    made = [dns.message.make_query(name, rdtype).to_wire() for name in names for rdtype in ("A", "TXT", "ANY", "AXFR")]
    made += [dns.message.make_query(names[0], "A", options=[option]).to_wire() for option in options]
    made += [
        dns.message.make_query(names[0], "A", options=options, use_edns=0, payload=size).to_wire() for size in (0, 4096)
    ]
    made.append(dns.message.make_query("version.bind.", "TXT", dns.rdataclass.CH).to_wire())
    for opcode in dns.opcode.Opcode:
        message = dns.message.make_query(names[0], "A")
        message.set_opcode(opcode)
        made.append(message.to_wire())
    return made


def mutated(chance: random.Random, valid: list[bytes]) -> bytes:
    """One packet: noise, or a valid one made wrong in one way or in several."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.choice((0, 1, 2, 11, 12, 13, chance.randrange(600))))
    packet = bytearray(chance.choice(valid))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        at = chance.randrange(len(packet) + 1)
        match chance.randrange(7):
            case 0 if packet:
                packet[at % len(packet)] ^= 1 << chance.randrange(8)
            case 1 if packet:
                packet[at % len(packet)] = chance.choice((0, 1, 0x3F, 0x40, 0x7F, 0xC0, 0xFF))
            case 2:
                del packet[at:]
            case 3:
                other = chance.choice(valid)
                packet[at:] = other[chance.randrange(len(other)) :]
            case 4:
                packet[at:at] = chance.randbytes(chance.randrange(1, 20))
            case 5 if len(packet) >= 12:
                # Counts that promise more, or less, than there is.
                struct.pack_into("!H", packet, chance.choice((4, 6, 8, 10)), chance.choice((0, 1, 2, 0xFFFF)))
            case _:
                packet += packet[at:]
    return bytes(packet[:60_000])


def resident_kib(server: Server) -> int:
    """What the server's memory holds now, after Linux's /proc."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("the server is gone")


def test_any_datagram(server: Server) -> None:
    chance, valid = random.Random(7873), seeds()
    settled = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(server.addresses[0])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        total = 0
        for turn in range(DATAGRAMS // ROUND):
            sent: dict[bytes, int] = {}
            for _ in range(ROUND):
                packet = mutated(chance, valid)
                if packet[:2] not in FENCES:
                    sent[packet[:2]] = sent.get(packet[:2], 0) + 1
                    client.send(packet)
                    total += 1
            client.send(FENCE)
            client.send(RARE_FENCE)
            total += 2
            # The fences are answered last and rightly: everything before them was answered or dropped.
            waiting = set(FENCES)
            while waiting:
                answer = client.recv(65535)
                if answer[:2] in waiting:
                    waiting.remove(answer[:2])
                    assert answer[2:4] == b"\x85\x00"
                    assert answer[:2] != FENCE[:2] or b"\x7f\x00\x0a\x63" in answer
                    continue
                assert len(answer) >= 12
                assert answer[2] & 0x80, "not a response"
                assert answer[3] & 15 != 2, f"SERVFAIL: {answer.hex()}"
                sent[answer[:2]] -= 1
                assert sent[answer[:2]] >= 0, "two answers to one query"
            if turn == 100:
                settled = resident_kib(server)
    assert resident_kib(server) - settled < GROWTH_KIB_MAX
    assert server.stop() == 0
    counted = dict(word.split("=") for word in server.log().rpartition("counters: ")[2].split())
    seen = sum(int(counted[f"udp_{name}"]) for name in ("answers", "dropped", "overflow", "too_long"))
    assert seen == total, "a datagram was lost on the way"


def test_any_conversation(server: Server) -> None:
    """Over TCP: lengths that lie, messages that stop halfway, ends that come early."""
    chance, valid = random.Random(9210), seeds()
    settled = 0
    for turn in range(CONVERSATIONS):
        with socket.create_connection(server.addresses[turn % 2], 10) as client, suppress(ConnectionError):
            for _ in range(chance.choice((1, 1, 3, 20))):
                packet = mutated(chance, valid)
                length = chance.choice(
                    (len(packet), len(packet), len(packet), 0, len(packet) + 1, len(packet) // 2, 65535)
                )
                client.sendall(struct.pack("!H", length) + packet)
            match chance.randrange(4):
                case 0:
                    client.shutdown(socket.SHUT_WR)
                    for answer in read_messages(client):
                        assert answer[2] & 0x80
                        assert answer[3] & 15 != 2, f"SERVFAIL: {answer.hex()}"
                case 1:
                    # Gone with a reset, whatever is under way.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                case 2:
                    client.settimeout(0.001)
                    with suppress(TimeoutError):
                        client.recv(100)
                case _:
                    pass
        if turn % 100 == 0:
            assert ask_tcp(GOOD, *server.addresses[0])
            assert ask_udp(GOOD, *server.addresses[1])
        if turn == 200:
            settled = resident_kib(server)
    assert resident_kib(server) - settled < GROWTH_KIB_MAX
