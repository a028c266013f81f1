"""Draining a UDP socket: the bound of one turn, when it is under load, and which address an answer leaves from."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import dns.edns
import dns.message
import dns.rcode
import pytest

from mipdns.server.answering import Answering
from mipdns.server.counters import Counters
from mipdns.server.sockets import IP_PKTINFO, Listener, open_listeners
from mipdns.server.udp import BATCH, UdpService, leave_from
from tests.unit.server.content import small_content


@pytest.fixture
def listener() -> Iterator[Listener]:
    (opened,) = open_listeners(["127.0.0.1:0"])
    yield opened
    opened.close()


@pytest.fixture
def client(listener: Listener) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.connect((listener.host, listener.port))
        made.setblocking(False)
        yield made


def asked_with_a_new_cookie() -> bytes:
    """A client that has no server cookie yet: under load it is told to come again with one."""
    option = dns.edns.CookieOption(b"clientid", b"")
    return dns.message.make_query("1.101.220.185.mip.internal.", "A", options=[option]).to_wire()


def received(client: socket.socket) -> list[int]:
    """The rcodes of the answers that are there."""
    rcodes = []
    try:
        while True:
            rcodes.append(int(dns.message.from_wire(client.recv(4096)).rcode()))
    except BlockingIOError:
        return rcodes


def test_one_turn_answers_so_many_and_leaves_the_rest_for_the_next(listener: Listener, client: socket.socket) -> None:
    service = UdpService(listener, Answering(small_content(), Counters()))
    for _ in range(BATCH + 3):
        client.send(asked_with_a_new_cookie())
    service.drain()
    assert len(received(client)) == BATCH
    service.drain()
    assert len(received(client)) == 3


def test_a_socket_that_is_not_found_empty_for_a_second_is_under_load_until_it_is(
    listener: Listener, client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    service = UdpService(listener, Answering(small_content(), Counters()))
    for _ in range(3 * BATCH + 3):
        client.send(asked_with_a_new_cookie())
    seen = []
    for now in (100.0, 100.9, 101.1, 101.2, 101.3):  # noqa: B007 the clock reads it
        service.drain()
        seen.append(set(received(client)))
    client.send(asked_with_a_new_cookie())
    service.drain()
    seen.append(set(received(client)))
    fine, pressed = {dns.rcode.NOERROR}, {dns.rcode.BADCOOKIE}
    assert seen == [fine, fine, pressed, pressed, set(), fine]


def test_an_answer_that_cannot_be_sent_is_counted(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    answering = Answering(small_content(), Counters())
    service = UdpService(listener, answering)
    service._send(b"answer", [], ("127.0.0.1", 0))
    assert answering.counters.udp_unsent == 1


def test_leaves_from_the_local_address_by_whatever_interface() -> None:
    local, destination = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 255])
    control = [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=i4s4s", 3, local, destination))]
    assert leave_from(control) == [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=i4s4s", 0, local, bytes(4)))]
    address = bytes(range(16))
    control = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16si", address, 3))]
    assert leave_from(control) == [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16si", address, 0))]


@pytest.mark.parametrize(
    "control", [[], [(socket.IPPROTO_IP, IP_PKTINFO, b"cut")], [(socket.SOL_SOCKET, 1, bytes(20))]]
)
def test_leaves_from_anywhere_where_nothing_is_told(control: list[tuple[int, int, bytes]]) -> None:
    assert leave_from(control) == []
