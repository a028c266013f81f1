"""EDNS (RFC 6891): the OPT record of a query read, the OPT record of an answer written.

In: the fields of an OPT record. Out: an `Edns`, or the bytes of our own OPT. The one rule: an option that is not known
here changes nothing and is not echoed; one that is known and malformed makes the query FORMERR.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from mipdns.answer import wire

UDP_SIZE: Final = 1232
"""What we say we can take and the most we send over UDP: fits every path that carries IPv6 unfragmented."""
UDP_SIZE_PLAIN: Final = 512
"""The most we send over UDP to a client without EDNS (RFC 1035 §4.2.1)."""

NSID: Final = 3
CLIENT_SUBNET: Final = 8
COOKIE: Final = 10
TCP_KEEPALIVE: Final = 11
EXTENDED_ERROR: Final = 15

NOT_READY: Final = 14
PROHIBITED: Final = 18
NOT_AUTHORITATIVE: Final = 20
"""RFC 8914 §4: the three extended errors that we send."""

_DNSSEC_OK: Final = 0x8000
_CLIENT_COOKIE_SIZE: Final = 8
_COOKIE_SIZES: Final = frozenset([_CLIENT_COOKIE_SIZE, *range(16, 41)])
_SUBNET_BITS: Final = {0: 0, 1: 32, 2: 128}


class Edns(NamedTuple):
    """What the OPT record of a query says.

    version: 0 is ours. udp_size: what the client takes, at least 512. dnssec_ok: the DO flag. sound: whether the
    options could be read; without that, or of another version, the rest is as if no option had stood there.
    nsid, keepalive: asked for. cookie: the COOKIE option's 8 or 16 to 40 bytes.
    """

    version: int
    udp_size: int
    dnssec_ok: bool
    sound: bool = True
    nsid: bool = False
    keepalive: bool = False
    cookie: bytes | None = None


def read_edns(udp_size: int, ttl: int, rdata: bytes) -> Edns:
    """The OPT record whose CLASS, TTL and data are given (RFC 6891 §6.1.2). Never raises.

    Of several COOKIE options the first counts (RFC 7873 §5.2). NSID and keepalive count whatever they carry: clients
    must send them empty (RFC 5001 §2.1, RFC 7828 §3.2.1), but neither RFC lets a server punish one that does not.
    """
    version = ttl >> 16 & 0xFF
    edns = Edns(version, max(udp_size, UDP_SIZE_PLAIN), bool(ttl & _DNSSEC_OK))
    if version != 0 or not rdata:
        return edns
    nsid = keepalive = False
    cookie = None
    cursor = wire.Cursor(rdata)
    try:
        while cursor.at < len(rdata):
            code = cursor.number(2)
            data = cursor.take(cursor.number(2))
            if code == NSID:
                nsid = True
            elif code == TCP_KEEPALIVE:
                keepalive = True
            elif code == COOKIE and cookie is None:
                if len(data) not in _COOKIE_SIZES:
                    raise wire.WireFault("a cookie is 8 or 16 to 40 bytes (RFC 7873 §5.2.2)")
                cookie = data
            elif code == CLIENT_SUBNET:
                _check_subnet(data)
    except wire.WireFault:
        return edns._replace(sound=False)
    return edns._replace(nsid=nsid, keepalive=keepalive, cookie=cookie)


def _check_subnet(data: bytes) -> None:
    """Raise WireFault unless the option is a well-formed client subnet (RFC 7871 §6).

    A good one is ignored: no answer depends on where the client is, and a server that does not echo the option
    teaches resolvers not to tell it (RFC 7871 §11.1).
    """
    cursor = wire.Cursor(data)
    family, source, scope = cursor.number(2), cursor.number(1), cursor.number(1)
    address = cursor.rest()
    if scope != 0 or family not in _SUBNET_BITS or source > _SUBNET_BITS[family]:
        raise wire.WireFault("a client subnet of no such family or length")
    if len(address) != (source + 7) // 8:
        raise wire.WireFault("a client subnet with too few or too many address bytes")
    if source % 8 and address[-1] & 0xFF >> source % 8:
        raise wire.WireFault("a client subnet with bits set beyond its length")


def write_option(code: int, data: bytes) -> bytes:
    """One option as it stands in an OPT record."""
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def write_edns(edns: Edns, rcode: int, options: Iterable[tuple[int, bytes]]) -> bytes:
    """Our OPT record: version 0, DO as asked, the upper 8 bits of `rcode`, options in the order of their codes."""
    ttl = (rcode >> 4) << 24 | (_DNSSEC_OK if edns.dnssec_ok else 0)
    data = b"".join(write_option(code, value) for code, value in sorted(options))
    return wire.record(b"\0", wire.OPT, ttl, data, UDP_SIZE)
