"""The compiled border, typed. `mipdns.native.available()` says whether it is there."""

from collections.abc import Sequence
from typing import Final

from mipdns.answer import Peer, Zones

class Rare:
    """The type of RARE."""

RARE: Final[Rare]
"""Instead of an answer: the Python form shall answer this packet."""

class Served:
    """What the C code answers from: zones, an index, cookie secrets. Immutable; keeps the index's memory alive."""

    def __init__(self, zones: Zones, index: bytes | memoryview, secrets: Sequence[bytes]) -> None:
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

def bench(served: Served, packets: Sequence[bytes], rounds: int) -> float:
    """Seconds for answering all packets so many times in a row, without the GIL, by one thread."""
