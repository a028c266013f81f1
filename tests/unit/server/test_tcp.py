"""What end-to-end tests of TCP cannot bring about: a system that has no room for one more connection."""

from __future__ import annotations

import errno
import selectors
import socket

import pytest

from mipdns.config import Serve
from mipdns.server import tcp as module
from mipdns.server.answering import Answering
from mipdns.server.counters import Counters
from mipdns.server.sockets import open_listeners
from mipdns.server.tcp import TcpService
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
            tcp.finish(0.0)
            assert second.recv(1) == b""
    listener.close()


def _turn(selector: selectors.BaseSelector, tcp: TcpService) -> None:
    for key, events in selector.select(tcp.wait_s()):
        key.data(events)
    tcp.turn()
