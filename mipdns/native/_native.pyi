"""The compiled border, typed. `mipdns.native.available()` says whether it is there."""

from collections.abc import Sequence
from socket import socket
from typing import Final

from _typeshed import ReadableBuffer

from mipdns.answer import Peer, Zones

class Rare:
    """The type of RARE."""

RARE: Final[Rare]
"""Instead of an answer: the Python form shall answer this packet."""

class Served:
    """What the C code answers from: zones, an index, cookie secrets. Immutable; keeps the index's memory alive."""

    def __init__(self, zones: Zones, index: ReadableBuffer, secrets: Sequence[bytes]) -> None:
        """index: the bytes of an index file, at an address divisible by 8, as of a mapped file.

        Only the header is looked at. Raises ValueError where it is no index, or a zone is none that
        `mipdns.answer.zone.make_zone` makes.
        """
    @property
    def serial(self) -> int:
        """The build's SOA serial."""

def answer(served: Served, packet: bytes, peer: Peer) -> bytes | Rare | None:
    """As `mipdns.answer.respond`, or RARE, and that for everything over TCP.

    Raises ValueError if the peer's cookie secrets are not those of `served`.
    """

class Numbers:
    def __len__(self) -> int: ...
    def number(self, keys: bytes) -> bytes: ...
    def in_order(self) -> list[bytes]: ...

def bench(served: Served, packets: Sequence[bytes], rounds: int, at_once: int = 64) -> float:
    """Seconds for answering all packets so many times in a row, without the GIL, by one thread."""

class UdpGroup:
    """What all loops of a server share: what is served, and the bell that wakes whoever answers rare packets."""

    def __init__(self, served: Served) -> None: ...
    def replace(self, served: Served) -> None:
        """Serve something else. When this returns, no loop reads the old one any more. One thread at a time."""
    def sleep(self) -> None:
        """Wait until a rare packet is there, or `wake` is called. One thread only."""
    def wake(self) -> None:
        """End the `sleep` that is or the next one."""

class UdpWorker:
    """The hot loop of one bound, blocking UDP socket, and the queue of the rare packets that it found."""

    def __init__(self, group: UdpGroup, socket: socket, wildcard: bool) -> None:
        """wildcard: the socket is bound to every address and tells which was asked (IP_PKTINFO, IPV6_PKTINFO)."""
    def run(self) -> None:
        """Answer until `stop`. Without the GIL; once; in a thread of its own, whose signals it blocks."""
    def stop(self) -> None:
        """End `run`, from another thread, after what has arrived is answered. The socket is of no use afterwards."""
    def oldest(self) -> tuple[bytes, bytes, bool] | None:
        """The oldest rare packet as (packet, the client's address, under load); None if there is none.

        It stays the oldest until `settle`. One thread only.
        """
    def settle(self, answer: bytes | None) -> bool:
        """Send its answer, if it has one, to the client of the oldest rare packet, and forget the packet.

        False if the kernel would not take the answer. Raises ValueError if there is no rare packet.
        """
    def counters(self) -> list[int]:
        """Since the start: answers by rcode, sixteen numbers; dropped, unsent, handed over, overflow, too long."""
