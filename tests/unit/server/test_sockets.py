"""Binding: one port for both transports, all listeners or none."""

from __future__ import annotations

import socket

import pytest

from mipdns.errors import ServeError
from mipdns.server.sockets import open_listeners


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_port_0_is_one_port_for_udp_and_tcp(host: str) -> None:
    (listener,) = open_listeners([f"{host}:0"])
    assert listener.port > 0
    (udp,) = listener.udp_sockets
    assert udp.getsockname()[1] == listener.tcp.getsockname()[1] == listener.port
    assert str(listener) == f"{host}:{listener.port}"
    assert not udp.getblocking()
    listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_several_udp_sockets_share_a_port_that_no_other_server_can_have(host: str) -> None:
    (listener,) = open_listeners([f"{host}:0"], udp_sockets=3)
    assert [udp.getsockname()[1] for udp in listener.udp_sockets] == [listener.port] * 3
    with pytest.raises(ServeError, match="taken"):
        open_listeners([str(listener)], udp_sockets=3)
    listener.close()


def test_if_one_cannot_be_had_none_is_kept() -> None:
    (first,) = open_listeners(["127.0.0.1:0"])
    first.close()
    with pytest.raises(ServeError, match=r"198\.51\.100\.7:53"):
        open_listeners([str(first), "198.51.100.7:53"])
    (again,) = open_listeners([str(first)])
    again.close()


def test_the_same_address_twice_is_a_port_taken() -> None:
    (free,) = open_listeners(["127.0.0.1:0"])
    free.close()
    with pytest.raises(ServeError, match="taken"):
        open_listeners([str(free), str(free)])


def test_a_restart_does_not_wait_for_old_connections() -> None:
    (listener,) = open_listeners(["127.0.0.1:0"])
    with socket.create_connection((listener.host, listener.port)):
        listener.tcp.setblocking(True)
        accepted, _ = listener.tcp.accept()
        # Whoever closes first is left in TIME_WAIT.
        accepted.close()
    listener.close()
    (again,) = open_listeners([str(listener)])
    again.close()
