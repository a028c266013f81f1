"""A served zone and the server's identity, in the form that answers are made from.

In: facts already checked (`mipdns.zonefile` reads them). Out: frozen data with the wire forms made once. The one rule:
nothing here changes while the server runs, but for the SOA serial, which comes with each answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from mipdns.answer import wire
from mipdns.answer.lists import RESERVED, ListLabels, Rule, SubLists, make_lists
from mipdns.answer.names import NIBBLES, OCTETS

OFF: Final = "-"
"""An identity text that switches its answer off."""

NSID_MAX: Final = 128
"""Bytes; with it, the longest question and all other options an answer stays under 512."""
VERSION_MAX: Final = 255
"""Bytes; one character-string (RFC 1035 §3.3)."""

Name = tuple[bytes, ...]
"""Labels from left to right, as given; compare lower-cased."""

LONGEST_BEFORE_ORIGIN: Final = 32 * 2 + len("\4t100") + len("\6campus")
"""Bytes that the longest query name has before the origin: 32 nibbles, a threshold, a class."""


class Identity(NamedTuple):
    """What the server says of itself. A text that is empty or `-` is not said.

    nsid: at most NSID_MAX bytes as UTF-8, for NSID (RFC 5001) and CH TXT `id.server` and `hostname.bind` (RFC 4892).
    version: at most VERSION_MAX, for `version.server` and `version.bind`. tcp_idle_s: seconds an idle TCP connection
    stays open, for the keepalive option (RFC 7828).
    """

    nsid: str = OFF
    version: str = OFF
    tcp_idle_s: float = 10.0


def said(text: str) -> bytes | None:
    """An identity text as bytes, None where it is off."""
    return text.encode() if text not in ("", OFF) else None


class Host(NamedTuple):
    """A name server inside the zone: its addresses, 4 and 16 bytes each. Without any: a name on the way to one."""

    a: tuple[bytes, ...] = ()
    aaaa: tuple[bytes, ...] = ()


class SoaTimers(NamedTuple):
    """Seconds, in the order of the record (RFC 1035 §3.3.13); negative_ttl is its MINIMUM (RFC 2308 §4)."""

    refresh: int
    retry: int
    expire: int
    negative_ttl: int


class Zone(NamedTuple):
    """One zone. ttl: of listings; apex_ttl: of SOA, NS and their addresses; negative_ttl: of absence; all seconds.

    origin: labels, lower-cased. hosts: by lower-cased labels before the origin, the names between them and the apex
    included. soa_before, soa_after: the SOA's data around the serial. name_servers: the NS records' data. glue: the
    records of `hosts`, ready for the additional section.
    """

    origin: Name
    lists: Mapping[ListLabels, Rule]
    ttl: int
    apex_ttl: int
    negative_ttl: int
    hosts: Mapping[Name, Host]
    soa_before: bytes
    soa_after: bytes
    name_servers: tuple[bytes, ...]
    glue: tuple[bytes, ...]

    def soa(self, serial: int) -> bytes:
        """The SOA record's data."""
        return self.soa_before + serial.to_bytes(4, "big") + self.soa_after


class Zones(NamedTuple):
    """All zones by their origin's lower-cased labels, none inside another; and who serves them."""

    by_origin: Mapping[Name, Zone]
    identity: Identity

    def find(self, labels: Name) -> Zone | None:
        """The zone that a lower-cased name lies in."""
        for size in range(1, len(labels) + 1):
            zone = self.by_origin.get(labels[len(labels) - size :])
            if zone:
                return zone
        return None


def make_zone(
    origin: Name,
    primary: Name,
    contact: Name,
    name_servers: Mapping[Name, Host],
    *,
    floor: int,
    lists: tuple[SubLists, ...],
    timers: SoaTimers,
    ttl: int,
    apex_ttl: int,
) -> Zone:
    """A zone from checked facts. name_servers: by full name, those outside the zone with an empty `Host`."""
    lower = lowered(origin)
    hosts: dict[Name, Host] = {}
    glue = []
    for name, host in name_servers.items():
        if not inside(name, lower):
            continue
        before = lowered(name)[: -len(lower)]
        hosts[before] = host
        for deeper in range(1, len(before)):
            hosts.setdefault(before[deeper:], Host())
        owner = wire.encode_name(name)
        glue += [wire.record(owner, wire.A, apex_ttl, address) for address in host.a]
        glue += [wire.record(owner, wire.AAAA, apex_ttl, address) for address in host.aaaa]
    return Zone(
        origin=lower,
        lists=make_lists(floor, lists),
        ttl=ttl,
        apex_ttl=apex_ttl,
        negative_ttl=min(apex_ttl, timers.negative_ttl),
        hosts=hosts,
        soa_before=wire.encode_name(primary) + wire.encode_name(contact),
        soa_after=b"".join(seconds.to_bytes(4, "big") for seconds in timers),
        name_servers=tuple(wire.encode_name(name) for name in name_servers),
        glue=tuple(glue),
    )


def lowered(name: Name) -> Name:
    """The name in lower case (RFC 4343)."""
    return tuple(label.lower() for label in name)


def inside(name: Name, origin: Name) -> bool:
    """Whether the name is the origin or lies beneath it."""
    return len(name) >= len(origin) and lowered(name)[len(name) - len(origin) :] == lowered(origin)


def stands_in_a_list(name: Name, origin: Name) -> bool:
    """Whether the label under the origin is one of an address or a list, so that the name would stand in their tree."""
    top = lowered(name)[len(name) - len(origin) - 1]
    return top in RESERVED or top in OCTETS or top in NIBBLES
