"""The wire format of DNS messages (RFC 1035 §4): numbers, names and a checked cursor over untrusted bytes.

In: bytes from anywhere. Out: fields, or a WireFault. The one rule: nothing is read but through the cursor, which never
leaves the packet and takes time linear in its length. No meaning of a message is decided here.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

HEADER_SIZE: Final = 12
NAME_MAX: Final = 255
LABEL_MAX: Final = 63

QR: Final = 0x8000
OPCODE: Final = 0x7800
AA: Final = 0x0400
TC: Final = 0x0200
RD: Final = 0x0100

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
NOTAUTH: Final = 9
BADVERS: Final = 16
BADKEY: Final = 17
"""Only inside a TSIG record's error field (RFC 8945 §3), never a message's own code."""
BADCOOKIE: Final = 23

A: Final = 1
NS: Final = 2
SOA: Final = 6
TXT: Final = 16
AAAA: Final = 28
OPT: Final = 41
TKEY: Final = 249
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
ANY: Final = 255

IN: Final = 1
CH: Final = 3
CLASS_ANY: Final = 255

_POINTER: Final = 0xC0
_RECORD_HEAD: Final = Struct("!HHIH")
_HEADER: Final = Struct("!HHHHHH")


class Header(NamedTuple):
    """The first 12 bytes (RFC 1035 §4.1.1). flags: the 16 bits from QR to RCODE; the counts of the four sections."""

    id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    def pack(self) -> bytes:
        """The header in wire form."""
        return _HEADER.pack(*self)


def read_header(packet: bytes) -> Header:
    """The header of a packet of at least 12 bytes."""
    return Header(*_HEADER.unpack_from(packet))


class WireFault(Exception):
    """The bytes are no DNS message. Never leaves `mipdns.answer`: it becomes FORMERR."""


class Cursor:
    """A place in a packet. Every method reads forward or raises WireFault, and never moves past the end."""

    __slots__ = ("at", "packet")

    def __init__(self, packet: bytes, at: int = 0) -> None:
        self.packet = packet
        self.at = at

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self.at + size
        if end > len(self.packet):
            raise WireFault("a field runs past the end of the packet")
        taken = self.packet[self.at : end]
        self.at = end
        return taken

    def record_head(self) -> tuple[int, int, int, int]:
        """TYPE, CLASS, TTL and RDLENGTH of a record, which stand behind its owner name."""
        rtype, rclass, ttl, size = _RECORD_HEAD.unpack(self.take(_RECORD_HEAD.size))
        return rtype, rclass, ttl, size

    def number(self, size: int) -> int:
        """The next `size` bytes as an unsigned big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def rest(self) -> bytes:
        """Everything up to the end of the packet."""
        return self.take(len(self.packet) - self.at)

    def plain_name(self) -> list[bytes]:
        """A name written out in full, as its labels from left to right; a compression pointer is a fault.

        So stand names in questions and in the data of TSIG records. At most 255 bytes (RFC 1035 §3.1).
        """
        packet, start, end = self.packet, self.at, len(self.packet)
        at = start
        labels: list[bytes] = []
        while at < end:
            size = packet[at]
            at += 1
            if not size:
                self.at = at
                return labels
            if size > LABEL_MAX:
                raise WireFault("a label is longer than 63 bytes, or a pointer where none may be")
            labels.append(packet[at : at + size])
            at += size
            if at - start >= NAME_MAX:
                raise WireFault("a name is longer than 255 bytes")
        raise WireFault("a name runs past the end of the packet")

    def skip_name(self) -> None:
        """Pass over a record's owner name. A pointer ends it and must point backwards, into the packet's body.

        What it points to is not read: no answer depends on it, and no packet can make the server walk in circles.
        """
        start = self.at
        while size := self.number(1):
            if size >= _POINTER:
                target = (size & ~_POINTER) << 8 | self.number(1)
                if not HEADER_SIZE <= target < start:
                    raise WireFault("a pointer does not point backwards")
                return
            if size > LABEL_MAX:
                raise WireFault("a label of a type that does not exist (RFC 6891 §5)")
            self.take(size)
            if self.at - start >= NAME_MAX:
                raise WireFault("a name is longer than 255 bytes")


def owner_name(packet: bytes, at: int) -> bytes:
    """The name at `at`, decompressed to wire form. Each pointer must point before the place it was reached from."""
    cursor = Cursor(packet, at)
    labels: list[bytes] = []
    length = 1
    while size := cursor.number(1):
        if size >= _POINTER:
            target = (size & ~_POINTER) << 8 | cursor.number(1)
            if not HEADER_SIZE <= target < at:
                raise WireFault("a pointer does not point backwards")
            at = target
            cursor.at = target
            continue
        if size > LABEL_MAX:
            raise WireFault("a label of a type that does not exist (RFC 6891 §5)")
        length += 1 + size
        if length > NAME_MAX:
            raise WireFault("a name is longer than 255 bytes")
        labels.append(cursor.take(size))
    return encode_name(labels)


def encode_name(labels: list[bytes] | tuple[bytes, ...]) -> bytes:
    """Labels from left to right as an uncompressed name."""
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def record(owner: bytes, rtype: int, ttl_s: int, rdata: bytes, rclass: int = IN) -> bytes:
    """One resource record; `owner` is a name or a pointer in wire form (RFC 1035 §4.1.3)."""
    return owner + _RECORD_HEAD.pack(rtype, rclass, ttl_s, len(rdata)) + rdata
