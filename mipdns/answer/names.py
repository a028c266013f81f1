"""The labels before a list's name, read as addresses (RFC 5782 §2.1, §2.4).

In: lower-cased labels, left to right. Out: the range of addresses that lie at or beneath that name, on the one 128-bit
number line of `mipdns.net`; a range of one address is a full name. The one rule: a label has one spelling, so `01`,
`256`, `+1` and `0x1` are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mipdns.net import V4_FIRST, Range

OCTETS: Final = {str(number).encode(): number for number in range(256)}
NIBBLES: Final = {f"{number:x}".encode(): number for number in range(16)}
V4_LABELS: Final = 4
V6_LABELS: Final = 32


def read_octets(labels: Sequence[bytes]) -> Range | None:
    """Up to four reversed octets as IPv4 addresses: `2.1` is 1.2.0.0 to 1.2.255.255. None if they are no octets."""
    if len(labels) > V4_LABELS:
        return None
    value = 0
    for label in reversed(labels):
        octet = OCTETS.get(label)
        if octet is None:
            return None
        value = value << 8 | octet
    free_bits = 8 * (V4_LABELS - len(labels))
    first = V4_FIRST | value << free_bits
    return first, first | (1 << free_bits) - 1


def read_nibbles(labels: Sequence[bytes]) -> Range | None:
    """Up to 32 reversed nibbles as IPv6 addresses: `1.0.0.2` is 2001::/16. None if they are no nibbles."""
    if len(labels) > V6_LABELS:
        return None
    value = 0
    for label in reversed(labels):
        nibble = NIBBLES.get(label)
        if nibble is None:
            return None
        value = value << 4 | nibble
    free_bits = 4 * (V6_LABELS - len(labels))
    first = value << free_bits
    return first, first | (1 << free_bits) - 1
