"""Datagrams. In: a readable UDP socket. Out: answers on the same socket, from the address that was asked.

The one rule: one wake-up answers everything that waits, up to a bound, so that no socket starves another.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from mipdns.server.answering import Answering
from mipdns.server.sockets import IP_PKTINFO, Listener

BATCH = 256
UNDER_LOAD_S = 1.0
_DATAGRAM_MAX = 65535
_CONTROL_BYTES = socket.CMSG_SPACE(20)
_PKTINFO_V4 = struct.Struct("=i4s4s")  # ipi_ifindex, ipi_spec_dst, ipi_addr: ip(7)
_PKTINFO_V6 = struct.Struct("=16si")  # ipi6_addr, ipi6_ifindex: RFC 3542 §6.1

Control = list[tuple[int, int, bytes]]


class UdpService:
    """One UDP socket and how pressed it is.

    Under load: the socket has not been found empty for a whole second. It ends when it is found empty.
    """

    def __init__(self, listener: Listener, answering: Answering) -> None:
        (self._socket,) = listener.udp_sockets
        self._family = self._socket.family
        self._control_bytes = _CONTROL_BYTES if listener.wildcard else 0
        self._answering = answering
        self._buffer = bytearray(_DATAGRAM_MAX)
        self._pressed_since: float | None = None

    def drain(self) -> None:
        """Answer what waits, at most `BATCH` datagrams."""
        answering = self._answering
        content = answering.content
        now = int(time.time())
        under_load = self._under_load()
        receive, buffer, view = self._socket.recvmsg_into, [self._buffer], memoryview(self._buffer)
        for _ in range(BATCH):
            try:
                size, control, _, client = receive(buffer, self._control_bytes)
            except BlockingIOError:
                self._pressed_since = None
                return
            except OSError:
                # A queued ICMP error, or memory short: neither is about a datagram that could be answered.
                continue
            address = socket.inet_pton(self._family, client[0])
            answer = answering.udp(bytes(view[:size]), address, now, content, under_load=under_load)
            if answer is not None:
                self._send(answer, control, client)
        if self._pressed_since is None:
            self._pressed_since = time.monotonic()

    def ready(self, events: int) -> None:
        """What the selector calls."""
        del events
        self.drain()

    def _under_load(self) -> bool:
        return self._pressed_since is not None and time.monotonic() - self._pressed_since >= UNDER_LOAD_S

    def _send(self, answer: bytes, control: Control, client: Any) -> None:  # noqa: ANN401 a socket address, passed through
        try:
            self._socket.sendmsg([answer], leave_from(control) if control else [], 0, client)
        except OSError:
            # The buffer is full, the way back is closed, or port 0 was forged: the client asks again or does not.
            self._answering.counters.udp_unsent += 1


class PythonUdp:
    """UDP in the thread of the selector: what `server.native.NativeUdp` is, without anything compiled."""

    def __init__(self, listeners: Sequence[Listener], answering: Answering, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._services = {listener.udp_sockets[0]: UdpService(listener, answering) for listener in listeners}
        for socket_, service in self._services.items():
            selector.register(socket_, selectors.EVENT_READ, service.ready)

    def __str__(self) -> str:
        return "Python"

    def start(self) -> None:
        """Nothing: the selector's turns do it all."""

    def finish(self, grace_s: float) -> None:
        """Answer what has arrived, as far as one turn goes, and wake the selector no more."""
        del grace_s
        for socket_, service in self._services.items():
            self._selector.unregister(socket_)
            service.drain()
        self._services.clear()


def leave_from(control: Control) -> Control:
    """Ancillary data that sends an answer from the address the query went to.

    The interface stays open: the way back is the routing table's business, not the way in.
    """
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO) and len(data) >= _PKTINFO_V4.size:
            _, local, _ = _PKTINFO_V4.unpack_from(data)
            return [(level, kind, _PKTINFO_V4.pack(0, local, bytes(4)))]
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and len(data) >= _PKTINFO_V6.size:
            address, _ = _PKTINFO_V6.unpack_from(data)
            return [(level, kind, _PKTINFO_V6.pack(address, 0))]
    return []
