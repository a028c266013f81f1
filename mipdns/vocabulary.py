"""The words that every stage shares: classes, signals and the row that is served. No logic beyond naming."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple


class Class(IntFlag):
    """Why an address is shared. The value is its bit in `verdict.class` and in the third octet of an A answer."""

    CGNAT = 1
    VPN = 2
    PROXY = 4
    TOR = 8
    RELAY = 16
    CAMPUS = 32
    MOBILE = 64
    OTHER = 128


class Signal(IntFlag):
    """What kind of evidence spoke. The value is its bit in `verdict.sources`; the lower-case name stands in `src=`.

    PORTS to SHAPE and NEIGHBOURS are statistical: each is counted from traffic. FORWARDED is a proxy's own header.
    NETWORK is what an AS declares of itself (PeeringDB), TRAFFIC the type its traffic shows. TRACE, NAMES, LIST and
    PARTNER are assertions about a range.
    """

    PORTS = 1
    AGENTS = 2
    TLS = 4
    SHAPE = 8
    ADDRESSES = 16
    FORWARDED = 32
    NEIGHBOURS = 64
    NETWORK = 128
    TRAFFIC = 256
    TRACE = 512
    NAMES = 1024
    LIST = 2048
    PARTNER = 4096


CLASS_NAMES: dict[str, Class] = {member.name.lower(): member for member in Class if member.name}
SIGNAL_NAMES: dict[str, Signal] = {member.name.lower(): member for member in Signal if member.name}


def names(bits: Class | Signal) -> list[str]:
    """The lower-case names of the bits that are set, lowest bit first."""
    return [member.name.lower() for member in type(bits) if member in bits and member.name]


class Verdict(NamedTuple):
    """A served range. Ranges are disjoint, inclusive, and sorted by `first`.

    first, last: 128-bit integers, IPv4 as its IPv4-mapped IPv6 form (see `mipdns.net`).
    confidence: percent, 1 to 100. classes: `Class` bits, at least one. sources: `Signal` bits.
    users_low, users_high: people active through one address of the range in a day; None where unknown.
    asn: the origin AS, None where no route covers the range. observed: ISO date of the newest evidence, of merged
    rows the oldest of their parts: never fresher than what is known of each address.
    """

    first: int
    last: int
    confidence: int
    classes: int
    users_low: int | None
    users_high: int | None
    sources: int
    asn: int | None
    observed: str
