"""Packets without end for comparing two forms of the answer: queries near what is listed, and known packets damaged.

Everything comes from one `random.Random`, so a seed gives the same packets again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from mipdns.answer import Peer
from mipdns.answer.cookies import make_server_cookie
from mipdns.net import ADDRESS_MAX, V4_FIRST, V4_LAST
from mipdns.vocabulary import CLASS_NAMES, Verdict
from tests.wire.cases import CASES
from tests.wire.malformed import PACKETS
from tests.wire.packets import opt, option, query
from tests.wire.world import NOW, OLD_SECRET, SECRET, UDP

SEEDS = [row.packet for row in PACKETS] + [query(case.name, case.qtype, case.qclass, edns=opt()) for case in CASES[::3]]
ORIGIN = b"\3mip\x08internal\0"
ORIGINS = [b"\3MIP\x08InTeRnAl\0", b"\4thin\7example\0", b"\3two\7example\0", b"\7example\0", b"\0"]
LISTS = [*b"all bits t01 t02 t25 t50 t99 t100 t00 T80 t1 alll".split(), *(name.encode() for name in CLASS_NAMES)]
BESIDE = (b"x", b"00", b"256", b"1a", b"ns1", b"a" * 63)
TYPES = (1,) * 30 + (16,) * 20 + (28, 28, 255, 255, 2, 6, 41, 249, 250, 251, 252, 65, 0, 65535)
CLASSES = (1,) * 20 + (3, 255, 254, 0)


def peers() -> list[Peer]:
    """Clients of both families, pressed or not, with two secrets, one and none."""
    six = UDP._replace(address=bytes(range(16)))
    bare = UDP._replace(cookie_secrets=())
    return [UDP, UDP._replace(under_load=True), six, six._replace(cookie_secrets=(SECRET,), under_load=True), bare]


def make_verdicts(chance: random.Random, count: int) -> list[Verdict]:
    """So many disjoint ranges at most: single addresses, blocks, ragged ranges, ranges inside and across /64s."""
    rows = []
    for _ in range(count):
        match chance.randrange(5):
            case 0:
                first = V4_FIRST | chance.randrange(1 << 24, 1 << 32)
                last = first
            case 1:
                first = V4_FIRST | chance.randrange(1 << 20) << 12
                last = min(first + chance.randrange(1 << chance.randrange(1, 14)), V4_LAST)
            case 2:
                first = (0x20010000 + chance.randrange(1 << 16)) << 96 | chance.randrange(1 << 16) << 64
                last = first + (chance.randrange(1, 40) << 64) - 1
            case 3:
                first = (0x2A020000 + chance.randrange(1 << 8)) << 96 | chance.randrange(1 << 12)
                last = first + chance.randrange(1 << chance.randrange(1, 8))
            case _:
                first = (0x26000000 + chance.randrange(1 << 10)) << 96 | chance.getrandbits(66)
                last = first + chance.getrandbits(chance.randrange(1, 70))
        known = chance.randrange(2)
        low, high = (chance.randrange(9), chance.randrange(10, 1 << chance.randrange(4, 32))) if known else (None, None)
        asn = chance.choice((None, 1, 64500, 4294967294))
        classes, sources = chance.randrange(1, 256), chance.randrange(1 << 13)
        seen = chance.choice(("2026-11-20", "2026-02-01"))
        rows.append(Verdict(first, last, chance.randint(1, 100), classes, low, high, sources, asn, seen))
    disjoint: list[Verdict] = []
    for row in sorted(rows):
        if not disjoint or disjoint[-1].last < row.first:
            disjoint.append(row)
    return disjoint


class Maker:
    """Makes packets about the addresses of `verdicts`."""

    def __init__(self, seed: int, verdicts: Sequence[Verdict]) -> None:
        self.chance = random.Random(seed)
        self._verdicts = verdicts

    def packets(self, count: int) -> Iterator[tuple[bytes, Peer]]:
        """So many packets, each with who sends it."""
        chance, asking = self.chance, peers()
        for _ in range(count):
            packet = self.query() if chance.randrange(3) else chance.choice(SEEDS)
            if not chance.randrange(4):
                packet = self.damaged(packet)
            yield packet, chance.choice(asking)._replace(now=NOW + chance.choice((0, 0, 1799, 4000, -400)))

    def query(self) -> bytes:
        """A query that can be read, mostly for a name on the way to what is listed."""
        chance = self.chance
        labels = self._address() + self._list()
        if not chance.randrange(20):
            labels.insert(chance.randrange(len(labels) + 1), chance.choice(BESIDE))
        name = b"".join(bytes((len(label),)) + label for label in labels)
        if not chance.randrange(4):
            name = bytes(byte ^ 0x20 if byte > 64 and chance.randrange(2) else byte for byte in name)
        name += ORIGIN if chance.randrange(3) else chance.choice(ORIGINS)
        numbers = chance.choice(TYPES).to_bytes(2, "big") + chance.choice(CLASSES).to_bytes(2, "big")
        edns = self._edns() if chance.randrange(4) else b""
        flags = chance.choice((0, 0x0100, 0x0100, 0x0130, 0x07FF)) if chance.randrange(9) else chance.randrange(1 << 15)
        counts = bytes((0, 1, 0, 0, 0, 0, 0, int(bool(edns))))
        return chance.randbytes(2) + flags.to_bytes(2, "big") + counts + name + numbers + edns

    def damaged(self, packet: bytes) -> bytes:
        """One to five bytes changed, put in, taken out, or the tail of another packet."""
        chance, changed = self.chance, bytearray(packet)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(changed) + 1)
            match chance.randrange(4):
                case 0:
                    changed[at : at + 1] = chance.randbytes(1)
                case 1:
                    changed[at:at] = chance.randbytes(chance.randrange(4))
                case 2:
                    del changed[at : at + chance.randrange(4)]
                case _:
                    changed[at:] = chance.choice(SEEDS)[at:]
        return bytes(changed)

    def _address(self) -> list[bytes]:
        chance = self.chance
        row = chance.choice(self._verdicts)
        address = chance.choice((row.first, row.last, chance.randint(row.first, row.last), row.first - 1, row.last + 1))
        address = min(max(address, 0), ADDRESS_MAX)
        if not chance.randrange(10):
            address = V4_FIRST | 127 << 24 | chance.choice((1, 2, chance.randrange(1 << 16), chance.randrange(1 << 18)))
        if V4_FIRST <= address <= V4_LAST and chance.randrange(5):
            labels = [str(octet).encode() for octet in reversed((address & 0xFFFFFFFF).to_bytes(4, "big"))]
        else:
            labels = [character.encode() for character in reversed(f"{address:032x}")]
        return labels[chance.randrange(len(labels) + 1) :] if not chance.randrange(3) else labels

    def _list(self) -> list[bytes]:
        chance = self.chance
        return [chance.choice(LISTS) for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 2, 3)))]

    def _edns(self) -> bytes:
        chance = self.chance
        options = [self._option() for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3)))]
        version = 0 if chance.randrange(20) else chance.randrange(256)
        size = chance.choice((0, 511, 512, 513, 600, 1231, 1232, 1233, 4096, 65535))
        return opt(*options, size=size, version=version, flags=chance.choice((0, 0x8000, chance.randrange(1 << 16))))

    def _option(self) -> bytes:
        chance = self.chance
        match chance.randrange(6):
            case 0:
                return option(3, chance.randbytes(chance.choice((0, 0, 5))))
            case 1:
                length = chance.choice((0, 8, 24, 32, 24, 23, 33))
                family = chance.choice((1, 1, 2, 2, 2, 0, 3))
                return option(8, bytes((0, family, length, 0)) + chance.randbytes((length + 7) // 8))
            case 2:
                return option(10, chance.randbytes(chance.choice((8, 8, 8, 16, 24, 40, 7, 41))))
            case 3 | 4:
                client = chance.randbytes(8)
                asking = chance.choice(peers())._replace(cookie_secrets=(chance.choice((SECRET, OLD_SECRET)),))
                then = asking._replace(now=NOW - chance.choice((0, 0, 1801, 3601, -301)))
                return option(10, client + make_server_cookie(client, then))
            case _:
                return option(chance.choice((5, 11, 12, 15, 65001)), chance.randbytes(chance.randrange(9)))
