"""What end-to-end tests of TCP cannot bring about: a system without room for one more, an end at a given moment."""

from __future__ import annotations

import errno
import selectors
import socket

import dns.message
import pytest

from mipdns.config import Serve
from mipdns.server import tcp as module
from mipdns.server.answering import Answering
from mipdns.server.counters import Counters
from mipdns.server.sockets import open_listeners
from mipdns.server.tcp import TcpService
from tests.exchange import read_messages
from tests.unit.server.content import small_content


class Full(socket.socket):
    """A listening socket on a system without a descriptor left."""

    full = False
    asked = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.full:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_without_room_the_quietest_gives_way_and_the_listener_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level-triggered listener that cannot accept would otherwise turn the loop for ever."""
    monkeypatch.setattr(module, "PAUSE_S", 0.02)
    (listener,) = open_listeners(["127.0.0.1:0"])
    full = Full(fileno=listener.tcp.detach())
    full.setblocking(False)
    listener = listener._replace(tcp=full)
    counters = Counters()
    where = listener.host, listener.port
    with selectors.DefaultSelector() as selector, socket.create_connection(where) as first:
        tcp = TcpService(selector, Answering(small_content(), counters), Serve())
        tcp.listen(listener)
        _turn(selector, tcp)
        assert counters.tcp_open == 1
        full.full = True
        with socket.create_connection(where) as second:
            _turn(selector, tcp)
            assert (counters.tcp_open, counters.tcp_evicted) == (0, 1)
            assert first.recv(1) == b""
            before = full.asked
            assert selector.select(0) == []
            full.full = False
            while not counters.tcp_open:
                _turn(selector, tcp)
            assert full.asked > before
            tcp.stop_listening(listener)
            tcp.finish(0.0)
            assert second.recv(1) == b""
    listener.udp_sockets[0].close()


def test_at_the_end_what_was_read_is_answered() -> None:
    """More queries than one turn answers, and half a one: the whole ones are answered, then the connection ends."""
    many = 3 * module.MESSAGES_A_TURN
    (listener,) = open_listeners(["127.0.0.1:0"])
    asked = dns.message.make_query("1.101.220.185.mip.internal.", "A").to_wire()
    framed = len(asked).to_bytes(2, "big") + asked
    with (
        selectors.DefaultSelector() as selector,
        socket.create_connection((listener.host, listener.port), 10.0) as client,
    ):
        tcp = TcpService(selector, Answering(small_content(), Counters()), Serve())
        tcp.listen(listener)
        client.sendall(framed * many + framed[:-1])
        _turn(selector, tcp)
        _turn(selector, tcp)
        tcp.stop_listening(listener)
        tcp.finish(10.0)
        assert len(list(read_messages(client))) == many
    listener.udp_sockets[0].close()


def _turn(selector: selectors.BaseSelector, tcp: TcpService) -> None:
    for key, events in selector.select(tcp.wait_s()):
        key.data(events)
    tcp.turn()
