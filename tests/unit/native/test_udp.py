"""The native UDP loop on real sockets: what it answers, hands over, drops and counts, and what is left when it ends."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import dns.message
import dns.rdataclass
import pytest

from mipdns.answer import Identity, Peer, Zones, respond
from mipdns.index.memory import from_verdicts
from mipdns.server.sockets import Listener, open_listeners
from mipdns.zonefile import read_zones
from tests.builds import verdict
from tests.e2e.servers import ZONES
from tests.forms import need_native
from tests.small import SERIAL, VERDICTS

if TYPE_CHECKING:
    from mipdns.native._native import Served, UdpGroup, UdpWorker

SECRETS = (bytes(range(16)),)
PATIENCE_S = 10.0
QUEUE_SLOTS = 256
RARE_SIZE = 2048
DROPPED, UNSENT, HANDED_OVER, OVERFLOW, TOO_LONG = range(16, 21)

HOT = dns.message.make_query("1.101.220.185.mip.internal.", "A").to_wire()
RARE = dns.message.make_query("version.bind.", "TXT", dns.rdataclass.CH).to_wire()


def zones() -> Zones:
    return read_zones(ZONES, Identity(nsid="test", version="test"))


def served(*confidence: int) -> Served:
    """The small build, or 5.5.5.5 alone with this confidence."""
    from mipdns.native._native import Served  # noqa: PLC0415 it may not be there

    verdicts = [verdict("5.5.5.5", *confidence)] if confidence else VERDICTS
    return Served(zones(), from_verdicts(verdicts, SERIAL).buffer, SECRETS)


class Loop(NamedTuple):
    """A worker on a listener, and a client that is connected to it."""

    group: UdpGroup
    worker: UdpWorker
    client: socket.socket
    thread: threading.Thread

    def ask(self, packet: bytes) -> bytes:
        self.client.send(packet)
        return self.client.recv(65535)

    def hand_over(self, packet: bytes, count: int) -> None:
        """Send it so often, then wait until the loop has seen all."""
        for at in range(count):
            self.client.send(packet)
            if at % 64 == 63:
                self.ask(HOT)
        self.ask(HOT)


@contextmanager
def running(listen: str = "127.0.0.1:0", asked: str = "127.0.0.1", *, start: bool = True) -> Iterator[Loop]:
    need_native()
    from mipdns.native._native import UdpGroup, UdpWorker  # noqa: PLC0415 it may not be there

    (listener,) = open_listeners([listen])
    (udp,) = listener.udp_sockets
    udp.setblocking(True)
    group = UdpGroup(served())
    worker = UdpWorker(group, udp, listener.wildcard)
    thread = threading.Thread(target=worker.run)
    try:
        with _client(listener, asked) as client:
            if start:
                thread.start()
            yield Loop(group, worker, client, thread)
    finally:
        worker.stop()
        if thread.ident:
            thread.join(PATIENCE_S)
        listener.close()
    assert not thread.is_alive()


def _client(listener: Listener, asked: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in asked else socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE_S)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.connect((asked, listener.port))
    return made


def expected(packet: bytes) -> bytes | None:
    return respond(packet, from_verdicts(VERDICTS, SERIAL), zones(), Peer("udp", bytes(4), 0, SECRETS))


@pytest.mark.parametrize(
    ("listen", "asked"),
    [
        ("127.0.0.1:0", "127.0.0.1"),
        ("[::1]:0", "::1"),
        ("0.0.0.0:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.77.7.7"),
        ("[::]:0", "::1"),
    ],
)
def test_answers_from_the_address_that_was_asked(listen: str, asked: str) -> None:
    """The client is connected, so that it hears of no other address; rare packets go the same way."""
    with running(listen, asked) as loop:
        assert loop.ask(HOT) == expected(HOT)
        loop.client.send(RARE)
        loop.group.sleep()
        packet, address, under_load = loop.worker.oldest() or pytest.fail("nothing was handed over")
        own = loop.client.getsockname()[0]
        assert (packet, address, under_load) == (RARE, socket.inet_pton(loop.client.family, own), False)
        assert loop.worker.settle(b"the answer")
        assert loop.client.recv(100) == b"the answer"
        assert loop.worker.oldest() is None


def test_counts_answers_by_rcode_and_what_it_drops() -> None:
    with running() as loop:
        missing = dns.message.make_query("9.9.9.9.mip.internal.", "A").to_wire()
        for packet in (b"", b"short", bytes([0, 1, 0x80]) + HOT[3:], HOT, HOT):
            loop.client.send(packet)
        loop.client.recv(512), loop.client.recv(512)
        assert loop.ask(missing) == expected(missing)
        counters = loop.worker.counters()
        assert {which: count for which, count in enumerate(counters) if count} == {0: 2, 3: 1, DROPPED: 3}


def test_what_the_queue_has_no_room_for_is_dropped_and_counted_and_the_rest_keeps_its_order() -> None:
    with running() as loop:
        for ident in range(QUEUE_SLOTS + 10):
            loop.hand_over(ident.to_bytes(2, "big") + RARE[2:], 1)
        counters = loop.worker.counters()
        assert (counters[HANDED_OVER], counters[OVERFLOW]) == (QUEUE_SLOTS, 10)
        for ident in range(QUEUE_SLOTS):
            packet, _, _ = loop.worker.oldest() or pytest.fail("lost")
            assert packet[:2] == ident.to_bytes(2, "big")
            assert loop.worker.settle(None)
        assert loop.worker.oldest() is None
        with pytest.raises(ValueError, match="no rare packet"):
            loop.worker.settle(None)
        loop.hand_over(RARE, 1)
        assert loop.worker.counters()[HANDED_OVER] == QUEUE_SLOTS + 1


def test_rare_packets_have_a_longest_and_others_do_not() -> None:
    with running() as loop:
        loop.hand_over(RARE + bytes(RARE_SIZE - len(RARE)), 1)
        loop.hand_over(RARE + bytes(RARE_SIZE + 1 - len(RARE)), 1)
        counters = loop.worker.counters()
        assert (counters[HANDED_OVER], counters[TOO_LONG]) == (1, 1)
        packet, _, _ = loop.worker.oldest() or pytest.fail("lost")
        assert len(packet) == RARE_SIZE
        longest = HOT + bytes(65507 - len(HOT))
        assert loop.ask(longest) == expected(longest)


def test_told_to_stop_it_answers_what_has_arrived() -> None:
    with running(start=False) as loop:
        for _ in range(150):
            loop.client.send(HOT)
        loop.worker.stop()
        loop.thread.start()
        loop.thread.join(PATIENCE_S)
        assert not loop.thread.is_alive()
        assert loop.worker.counters()[0] == 150
        assert loop.worker.counters()[DROPPED] == 0
        assert {loop.client.recv(512) for _ in range(150)} == {expected(HOT)}


def test_told_to_stop_while_it_waits_it_ends_and_counts_nothing() -> None:
    with running() as loop:
        loop.ask(HOT)
        loop.worker.stop()
        loop.thread.join(PATIENCE_S)
        assert not loop.thread.is_alive()
        assert sum(loop.worker.counters()) == 1


def test_after_a_replacement_the_old_is_let_go_and_only_the_new_is_answered() -> None:
    class Kept(bytearray):
        """Bytes that can be watched: a bytearray that is exported cannot go."""

    asked = dns.message.make_query("5.5.5.5.mip.internal.", "A").to_wire()
    with running() as loop:
        for confidence in range(50, 60):
            index = Kept(from_verdicts([verdict("5.5.5.5", confidence)], SERIAL).buffer)
            gone = weakref.ref(index)
            loop.group.replace(type(served())(zones(), index, SECRETS))
            del index
            assert loop.ask(asked)[-4:] == bytes([127, 0, 1, confidence])
            loop.group.replace(served(99))
            assert gone() is None
            assert loop.ask(asked)[-4:] == bytes([127, 0, 1, 99])


def test_no_more_than_one_wake_up_is_missed() -> None:
    """Whoever goes to sleep after a packet came, or is woken before it sleeps, does not sleep."""
    with running() as loop:
        loop.hand_over(RARE, 1)
        loop.group.sleep()
        assert loop.worker.settle(None)
        loop.group.wake()
        loop.group.sleep()
