"""One packet to one answer, whatever the packet: between the sockets and `mipdns.answer`.

In: bytes and who sent them. Out: bytes or None. The one rule: it never raises. An exception inside an answer is a bug;
the client gets SERVFAIL, the counters and at most one log line a minute tell us.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Literal

from mipdns.answer import Peer, respond
from mipdns.server.content import Content
from mipdns.server.counters import Counters

_log = logging.getLogger("mipdns.server")

HEADER_BYTES = 12
_SERVFAIL = 2
_LOG_PAUSE_S = 60.0


class Answering:
    """Holds what is served now. `content` is replaced whole, by the reloader's thread; readers take it once a batch.

    followers: called with the next content before it is put in place; if one raises, the old one stays.
    """

    def __init__(self, content: Content, counters: Counters) -> None:
        self.content = content
        self.counters = counters
        self.followers: list[Callable[[Content], None]] = []
        self._quiet_until = 0.0

    def replace(self, content: Content) -> None:
        """Answer from this content from now on."""
        for follow in self.followers:
            follow(content)
        self.content = content

    def udp(self, packet: bytes, address: bytes, now: int, content: Content, *, under_load: bool) -> bytes | None:
        """The answer to a datagram, None to drop it. now: unix seconds. content: `self.content` of this batch."""
        counters = self.counters
        answer = self._answer(packet, Peer("udp", address, now, content.secrets, under_load), content)
        if answer is None:
            counters.udp_dropped += 1
        else:
            counters.udp[answer[3] & 15] += 1
        return answer

    def tcp(self, message: bytes, address: bytes, now: int, content: Content) -> bytes | None:
        """The same for a message over TCP, without its length."""
        answer = self._answer(message, Peer("tcp", address, now, content.secrets), content)
        if answer is None:
            self.counters.tcp_dropped += 1
        else:
            self.counters.tcp[answer[3] & 15] += 1
        return answer

    def _answer(self, packet: bytes, peer: Peer, content: Content) -> bytes | None:
        try:
            return respond(packet, content.snapshot, content.zones, peer)
        except Exception as fault:  # noqa: BLE001 a bug in one answer must not end the service
            self._report(fault, packet, peer.transport)
            return servfail(packet)

    def _report(self, fault: Exception, packet: bytes, transport: Literal["udp", "tcp"]) -> None:
        self.counters.internal_errors += 1
        now = time.monotonic()
        if now < self._quiet_until:
            return
        self._quiet_until = now + _LOG_PAUSE_S
        place = traceback.extract_tb(fault.__traceback__)[-1]
        _log.error(
            "internal error %d, please report it: %r in %s, line %s, for %s query %s",
            self.counters.internal_errors,
            fault,
            place.filename,
            place.lineno,
            transport,
            packet[:512].hex(),
        )


def servfail(packet: bytes) -> bytes | None:
    """The header alone with SERVFAIL (RFC 1035 §4.1.1), None where there is no query header to echo."""
    if len(packet) < HEADER_BYTES or packet[2] & 0x80:
        return None
    opcode_and_rd = packet[2] & 0x79
    return packet[:2] + bytes([0x80 | opcode_and_rd, _SERVFAIL]) + bytes(8)
