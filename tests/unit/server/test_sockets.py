"""Binding: one port for both transports, all listeners or none."""

from __future__ import annotations

import errno
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


@pytest.mark.parametrize(("host", "told"), [("[2001:db8::7]", True), ("198.51.100.7", False)])
def test_what_to_do_without_ipv6_is_told(host: str, told: bool) -> None:
    with pytest.raises(ServeError, match="does not have the address; correct") as fault:
        open_listeners([f"{host}:0"])
    assert ("leave it out there if the machine has no IPv6" in str(fault.value)) == told


@pytest.mark.parametrize(("host", "family"), [("[::1]", "IPv6"), ("127.0.0.1", "IPv4")])
def test_a_kernel_without_the_family_is_told(monkeypatch: pytest.MonkeyPatch, host: str, family: str) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ServeError, match=rf"this machine has no {family}; leave it out of \[serve\] listen"):
        open_listeners([f"{host}:0"])


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
