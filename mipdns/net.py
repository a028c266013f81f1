"""Arithmetic on addresses, ranges and reversed names. Text and integers in, integers and text out; no I/O.

One number line holds both families: an address is a 128-bit integer, IPv4 in its IPv4-mapped form ::ffff:a.b.c.d
(RFC 4291 §2.5.5.2), so that one comparison, one index and one 16-byte BLOB order them all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from mipdns.errors import AddressError

ADDRESS_BITS = 128
ADDRESS_MAX = (1 << ADDRESS_BITS) - 1
V4_FIRST = 0xFFFF << 32
V4_LAST = V4_FIRST | 0xFFFFFFFF

Range = tuple[int, int]
"""First and last address, inclusive."""


def is_v4(address: int) -> bool:
    """Whether the address is IPv4, written as such or as IPv4-mapped IPv6."""
    return V4_FIRST <= address <= V4_LAST


def parse_address(text: str) -> int:
    """One IPv4 or IPv6 address, dotted octets without leading zeros (RFC 6943 §3.1.1). Raises AddressError."""
    try:
        if ":" in text:
            if "%" in text:
                raise AddressError(f"{text!r} carries a zone index, so it is a link-local address")
            return int(IPv6Address(text))
        return V4_FIRST | int(IPv4Address(text))
    except (AddressValueError, ValueError) as fault:
        if isinstance(fault, AddressError):
            raise
        raise AddressError(f"{text!r} is not an IP address") from None


def parse_range(text: str) -> Range:
    """An address, a CIDR prefix or `first-last`, as its first and last address. Raises AddressError.

    A prefix whose host bits are set is refused: it is ambiguous between the address and its network.
    """
    text = text.strip()
    if "/" in text:
        return _parse_prefix(text)
    if "-" in text:
        low, _, high = text.partition("-")
        first, last = parse_address(low.strip()), parse_address(high.strip())
        if is_v4(first) != is_v4(last):
            raise AddressError(f"{text!r} runs from one address family into the other")
        if first > last:
            raise AddressError(f"{text!r} ends before it starts")
        return first, last
    address = parse_address(text)
    return address, address


def _parse_prefix(text: str) -> Range:
    head, _, tail = text.partition("/")
    network = parse_address(head)
    width = ADDRESS_BITS if ":" in head else 32
    if not (tail.isascii() and tail.isdigit() and len(tail) <= 3 and int(tail) <= width):
        raise AddressError(f"{text!r} has no prefix length from 0 to {width}")
    host = (1 << (width - int(tail))) - 1
    if network & host:
        raise AddressError(f"{text!r} has host bits set; {format_range(network & ~host, network | host)} was meant?")
    return network, network | host


def format_address(address: int) -> str:
    """The address as text: dotted octets for IPv4, RFC 5952 for IPv6."""
    return str(IPv4Address(address & 0xFFFFFFFF) if is_v4(address) else IPv6Address(address))


def format_prefix(first: int, length: int) -> str:
    """A prefix as text, where `length` counts from the 128-bit form: 120 is an IPv4 /24."""
    return f"{format_address(first)}/{length - 96 if is_v4(first) else length}"


def format_range(first: int, last: int) -> str:
    """The shortest text for a range: an address, a prefix where it is one, else `first-last`."""
    if first == last:
        return format_address(first)
    size = last - first + 1
    if size & (size - 1) == 0 and first & (size - 1) == 0:
        return format_prefix(first, ADDRESS_BITS - (size.bit_length() - 1))
    return f"{format_address(first)}-{format_address(last)}"


def to_blob(address: int) -> bytes:
    """The 16-byte big-endian form that the store and the index keep."""
    return address.to_bytes(16, "big")


def from_blob(blob: bytes) -> int:
    """The inverse of `to_blob`."""
    return int.from_bytes(blob, "big")


def prefixes(first: int, last: int) -> Iterator[tuple[int, int]]:
    """The fewest prefixes that make up a range, in order, as (network, length of the 128-bit form)."""
    while first <= last:
        align = (first & -first).bit_length() - 1 if first else ADDRESS_BITS
        bits = min(align, (last - first + 1).bit_length() - 1)
        yield first, ADDRESS_BITS - bits
        first += 1 << bits


def enclosing_prefix(address: int, first: int, last: int) -> tuple[int, int]:
    """The widest prefix that holds `address` and lies inside [first, last], as (network, 128-bit length)."""
    bits = 0
    while bits < ADDRESS_BITS:
        host = (1 << (bits + 1)) - 1
        if address & ~host < first or address | host > last:
            break
        bits += 1
    return address & ~((1 << bits) - 1), ADDRESS_BITS - bits


def unit(address: int) -> Range:
    """The unit that is judged as one: the IPv4 address itself, or the /64 of an IPv6 address."""
    if is_v4(address):
        return address, address
    host = (1 << 64) - 1
    return address & ~host, address | host


def reverse_name(address: int) -> str:
    """The labels that stand before a list's name: reversed octets (IPv4) or 32 reversed nibbles (RFC 5782 §2)."""
    if is_v4(address):
        return ".".join(str(octet) for octet in reversed((address & 0xFFFFFFFF).to_bytes(4, "big")))
    return ".".join(reversed(f"{address:032x}"))


# IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), multicast (RFC 5771, 4291), and what lies outside
# global unicast 2000::/3 (RFC 4291 §2.4). An address of these has no owner on the Internet: it is never listed.
_SPECIAL_TEXT = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
    4000::/2 8000::/1
"""


def _special_ranges() -> list[Range]:
    outside = [(0, V4_FIRST - 1), (V4_LAST + 1, (0x2000 << 112) - 1)]
    return merge_ranges(outside + [parse_range(text) for text in _SPECIAL_TEXT.split()])


def merge_ranges(ranges: Iterable[Range]) -> list[Range]:
    """The same addresses as sorted, disjoint ranges that do not touch."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged


SPECIAL: list[Range] = _special_ranges()
_SPECIAL_FIRSTS = [first for first, _ in SPECIAL]


def is_special(address: int) -> bool:
    """Whether the address lies in special-purpose space."""
    at = bisect_right(_SPECIAL_FIRSTS, address) - 1
    return at >= 0 and address <= SPECIAL[at][1]


def subtract(first: int, last: int, holes: list[Range]) -> Iterator[Range]:
    """What is left of a range without `holes`, which are sorted and disjoint."""
    at = max(bisect_right(holes, (first, ADDRESS_MAX)) - 1, 0)
    while at < len(holes) and holes[at][0] <= last and first <= last:
        low, high = holes[at]
        if low > first:
            yield first, low - 1
        first = max(first, high + 1)
        at += 1
    if first <= last:
        yield first, last


# The loader's key: one unsigned 64-bit number a unit. Global unicast IPv6 starts at 2000::, so the upper half of an
# IPv6 address never collides with an IPv4 number, and the order is that of the 128-bit form.

UNIT_V4_LAST = 0xFFFFFFFF


def unit_key(address: int) -> int:
    """The 64-bit key of the address's unit: the IPv4 number, or the upper 64 bits of an IPv6 address."""
    return address & 0xFFFFFFFF if is_v4(address) else address >> 64


def unit_range(key: int) -> Range:
    """The inverse of `unit_key`: the addresses of a unit."""
    if key <= UNIT_V4_LAST:
        return V4_FIRST | key, V4_FIRST | key
    return key << 64, (key << 64) | ((1 << 64) - 1)


def neighbourhood_key(key: int) -> int:
    """The unit key of the first unit in the same /24 (IPv4) or /48 (IPv6)."""
    return key & ~0xFF if key <= UNIT_V4_LAST else key & ~0xFFFF
