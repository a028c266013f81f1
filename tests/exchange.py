"""Bytes to a server and back, over real sockets, with no DNS library in between: what a test sends is what arrives."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable, Iterator

ANSWER_S = 3.0
"""How long an answer may take before the query counts as dropped, where an answer is due."""

SILENCE_S = 0.15
"""How long to wait where no answer is due."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ask_udp(packet: bytes, address: str, port: int, wait_s: float = ANSWER_S) -> bytes | None:
    """The datagram that comes back; None if none does."""
    with socket.socket(_family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(wait_s)
        client.connect((address, port))
        client.send(packet)
        try:
            return client.recv(65535)
        except TimeoutError:
            return None


def ask_tcp(packet: bytes, address: str, port: int, wait_s: float = ANSWER_S) -> bytes | None:
    """The message that comes back on a connection of its own; None if none does or the server closes it."""
    with socket.create_connection((address, port), timeout=wait_s) as client:
        client.sendall(struct.pack("!H", len(packet)) + packet)
        return next(read_messages(client), None)


def read_messages(client: socket.socket) -> Iterator[bytes]:
    """The length-prefixed messages (RFC 1035 §4.2.2) that arrive, until the server closes, resets or falls silent."""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while size := _exactly(client, 2):
            message = _exactly(client, int.from_bytes(size, "big"))
            if not message:
                return
            yield message


def _exactly(client: socket.socket, count: int) -> bytes:
    """`count` bytes, or none if the connection ends before."""
    received = b""
    while len(received) < count:
        part = client.recv(count - len(received))
        if not part:
            return b""
        received += part
    return received


def ask_many(packets: Iterable[bytes], address: str, port: int, ahead: int = 64) -> Iterator[bytes]:
    """The answers to many queries over one UDP socket, in order, `ahead` of them under way at once.

    The first two bytes of each packet are replaced by a running number, which the answers are matched by. Raises
    TimeoutError if one stays out.
    """
    queue = iter(packets)
    with socket.socket(_family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(ANSWER_S)
        # What Linux gives by default holds less than 300 answers.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.connect((address, port))
        sent = returned = 0
        waiting: dict[int, bytes] = {}
        more = True
        while more or returned < sent:
            while more and sent - returned < ahead:
                packet = next(queue, None)
                if packet is None:
                    more = False
                    break
                client.send(struct.pack("!H", sent & 0xFFFF) + packet[2:])
                sent += 1
            while returned < sent and (returned & 0xFFFF) in waiting:
                yield waiting.pop(returned & 0xFFFF)
                returned += 1
            if returned < sent:
                answer = client.recv(65535)
                waiting[int.from_bytes(answer[:2], "big")] = answer
