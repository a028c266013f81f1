"""Binding. In: `ADDRESS:PORT` texts. Out: UDP sockets and a TCP socket for each, non-blocking, or a ServeError.

The one rule: all or nothing. If one address cannot be had, those opened before it are closed again.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from mipdns.config import parse_listen
from mipdns.errors import ServeError

# Linux numbers (linux/in.h, linux/in6.h) that Python's socket module does not name.
IP_MTU_DISCOVER = 10
IP_PKTINFO = 8
PMTUDISC_OMIT = 5
IPV6_MTU_DISCOVER = 23

_UDP_BUFFER_BYTES = 4 << 20
_TCP_BACKLOG = 512
_PORT_CHOICES = 32
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 the names of every address, not a choice of them


class Listener(NamedTuple):
    """One configured address: its sockets and the port they share.

    udp_sockets: one for each thread that answers; the kernel gives each client to one of them (SO_REUSEPORT).
    wildcard: bound to every address of the machine, so an answer must be told which of them to leave from.
    """

    host: str
    port: int
    udp_sockets: tuple[socket.socket, ...]
    tcp: socket.socket
    wildcard: bool

    def close(self) -> None:
        """Give all sockets back."""
        for udp in self.udp_sockets:
            udp.close()
        self.tcp.close()

    def __str__(self) -> str:
        return _text(self.host, self.port)


def open_listeners(listen: Sequence[str], udp_sockets: int = 1) -> list[Listener]:
    """Bind so many UDP sockets and one of TCP on every address, in order.

    Raises ServeError naming the address and the reason.
    """
    opened: list[Listener] = []
    try:
        for text in listen:
            opened.append(_open(*parse_listen(text), udp_sockets))
    except BaseException:
        for listener in opened:
            listener.close()
        raise
    return opened


def _open(host: str, port: int, udp_sockets: int) -> Listener:
    """All sockets on one address. Port 0 lets the system choose one that is free for both transports.

    TCP comes first and shares its port with nobody, so that a second server is told that the port is taken.
    """
    for _ in range(_PORT_CHOICES):
        tcp = _bound(host, port, socket.SOCK_STREAM)
        chosen = int(tcp.getsockname()[1])
        try:
            return Listener(host, chosen, _udp_sockets(host, chosen, udp_sockets), tcp, host in _WILDCARDS)
        except ServeError:
            tcp.close()
            if port:
                raise
    raise ServeError(f"{_text(host, 0)}: found no port that is free for both UDP and TCP; name one")


def _udp_sockets(host: str, port: int, count: int) -> tuple[socket.socket, ...]:
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(_bound(host, port, socket.SOCK_DGRAM, shared=count > 1))
    except ServeError:
        for udp in opened:
            udp.close()
        raise
    return tuple(opened)


def _bound(host: str, port: int, kind: socket.SocketKind, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = None
    try:
        made = socket.socket(family, kind)
        made.setblocking(False)
        if family == socket.AF_INET6:
            # Each family has its own listeners: an IPv4 client never appears as ::ffff:a.b.c.d.
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if kind == socket.SOCK_DGRAM:
            _prepare_udp(made, family, wildcard=host in _WILDCARDS)
        else:
            # A restart must not wait for the last run's connections to leave TIME_WAIT.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        if kind == socket.SOCK_STREAM:
            made.listen(_TCP_BACKLOG)
    except OSError as fault:
        if made is not None:
            made.close()
        transport = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        why = _reason(fault, port, ipv6=family == socket.AF_INET6)
        raise ServeError(f"cannot listen on {_text(host, port)} ({transport}): {why}") from None
    return made


def _prepare_udp(udp: socket.socket, family: socket.AddressFamily, *, wildcard: bool) -> None:
    # The kernel cuts these down to net.core.rmem_max and wmem_max without an error.
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER_BYTES)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UDP_BUFFER_BYTES)
    with suppress(OSError):
        # Forged ICMP must not talk us into fragments (RFC 9715 §3.1); our answers fit 1232 bytes anyway.
        if family == socket.AF_INET:
            udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_OMIT)
        else:
            udp.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_OMIT)
    if wildcard:
        if family == socket.AF_INET:
            udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        else:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)


def _reason(fault: OSError, port: int, *, ipv6: bool) -> str:
    match fault.errno:
        case errno.EADDRINUSE:
            return "the port is taken by another program; stop it or choose another in [serve] listen"
        case errno.EADDRNOTAVAIL:
            otherwise = ", or leave it out there if the machine has no IPv6" if ipv6 else ""
            return f"this machine does not have the address; correct [serve] listen{otherwise}"
        case errno.EACCES | errno.EPERM:
            low = " ports below 1024 need root or CAP_NET_BIND_SERVICE;" if port < 1024 else ""
            return f"permission denied;{low} see docs/operation.md"
        case errno.EAFNOSUPPORT:
            return f"this machine has no {'IPv6' if ipv6 else 'IPv4'}; leave it out of [serve] listen"
        case _:
            return str(fault.strerror or fault)


def _text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
