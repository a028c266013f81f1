"""Packets that are no proper query, and what each gets: silence, or a response code. Data only.

Every row holds over UDP and TCP. An answer echoes the ID, the opcode and RD; it repeats the question where exactly one
could be read, and carries an OPT record where the query had one.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.wire.packets import name, opt, option, packet, query, question, record


class Malformed(NamedTuple):
    """rcode: None for silence. questions: how many are repeated. opt: whether an OPT record comes back."""

    title: str
    packet: bytes
    rcode: str | None
    questions: int = 0
    opt: bool = False


HIT = "7.7.15.51.mip.internal"
Q = question(HIT)
SOA_Q = question("mip.internal", "SOA")
A_RECORD = record(name("x.example"), 1, 1, 60, bytes(4))
POINTED = record(b"\xc0\x0c", 1, 1, 60, bytes(4))
LABEL_63 = b"\x3f" + b"a" * 63
NAME_255 = LABEL_63 * 3 + b"\x30" + b"b" * 48 + name("mip.internal")
NAME_256 = LABEL_63 * 3 + b"\x31" + b"b" * 49 + name("mip.internal")
TYPE_A_IN = b"\0\1\0\1"
LONG_Q = NAME_255 + TYPE_A_IN
HMAC = name("hmac-sha256")
TSIG_DATA = HMAC + bytes.fromhex("000065000000 012c") + b"\0\x20" + bytes(32) + b"\x12\x34" + bytes(4)


def tsig(owner: bytes = name("key.example"), rclass: int = 255, ttl: int = 0, rdata: bytes = TSIG_DATA) -> bytes:
    return record(owner, 250, rclass, ttl, rdata)


SILENCE = [
    Malformed("nothing", b"", None),
    Malformed("half a header", packet()[:11], None),
    Malformed("a response", query(HIT, flags=0x8100), None),
    Malformed("a response with nothing in it", packet(counts=(0, 0, 0, 0), flags=0x8000), None),
    Malformed("a response of another opcode", packet(counts=(0, 0, 0, 0), flags=0xA000), None),
]

OPCODES = [
    *[
        Malformed(f"opcode {number}", query(HIT, "SOA", flags=number << 11 | 0x0100), "NOTIMP", questions=1)
        for number in range(1, 16)
    ],
    *[
        Malformed(f"opcode {number}, header only", packet(counts=(0, 0, 0, 0), flags=number << 11), "NOTIMP")
        for number in range(1, 16)
    ],
    Malformed("NOTIFY with SOA and OPT", query("mip.internal", "SOA", flags=0x2000, edns=opt()), "NOTIMP", 1, True),
    Malformed("UPDATE with a record", packet(SOA_Q + A_RECORD, (1, 0, 1, 0), 0x2800), "NOTIMP", 1),
    Malformed("another opcode, promised question missing", packet(counts=(1, 0, 0, 0), flags=0x7800), "NOTIMP"),
    Malformed("another opcode, two questions", packet(Q + Q, (2, 0, 0, 0), 0x7800), "NOTIMP"),
]

QUESTIONS = [
    Malformed("no question", packet(counts=(0, 0, 0, 0)), "FORMERR"),
    Malformed("no question, OPT", packet(opt(), (0, 0, 0, 1)), "FORMERR", opt=True),
    Malformed("question missing", packet(), "FORMERR"),
    Malformed("question without its class", packet(Q[:-2]), "FORMERR"),
    Malformed("question cut inside a label", packet(Q[:6]), "FORMERR"),
    Malformed("two questions", packet(Q + Q, (2, 0, 0, 0)), "FORMERR"),
    Malformed("two questions and OPT", packet(Q + Q + opt(), (2, 0, 0, 1)), "FORMERR", opt=True),
    Malformed("65,535 questions promised", packet(Q, (65535, 0, 0, 0)), "FORMERR"),
    Malformed("a pointer in the question", packet(b"\1a\xc0\x0c" + TYPE_A_IN), "FORMERR"),
    Malformed("a question that points at itself", packet(b"\xc0\x0c" + TYPE_A_IN), "FORMERR"),
    Malformed("a label that begins 01", packet(b"\x41" + b"a" * 65 + b"\0" + TYPE_A_IN), "FORMERR"),
    Malformed("a label that begins 10", packet(b"\x81" + b"a" * 129 + b"\0" + TYPE_A_IN), "FORMERR"),
    Malformed("a name of 255 bytes", packet(NAME_255 + TYPE_A_IN), "NXDOMAIN", 1),
    Malformed("a name of 256 bytes", packet(NAME_256 + TYPE_A_IN), "FORMERR"),
    Malformed("a name of 127 labels", packet(b"\1a" * 127 + b"\0" + TYPE_A_IN), "REFUSED", 1),
    Malformed("a name of 128 labels", packet(b"\1a" * 128 + b"\0" + TYPE_A_IN), "FORMERR"),
]

RECORDS = [
    Malformed("bytes after the last record", query(HIT) + b"garbage", "NOERROR", 1),
    Malformed("bytes after OPT", query(HIT, edns=opt()) + b"\0", "NOERROR", 1, True),
    Malformed("answer and authority in a query", packet(Q + A_RECORD * 2, (1, 1, 1, 0)), "NOERROR", 1),
    Malformed("an additional record beside OPT", packet(Q + A_RECORD + opt(), (1, 0, 0, 2)), "NOERROR", 1, True),
    Malformed("and behind it", packet(Q + opt() + POINTED, (1, 0, 0, 2)), "NOERROR", 1, True),
    Malformed("a record promised and missing", packet(Q, (1, 1, 0, 0)), "FORMERR", 1),
    Malformed("an OPT promised and missing", packet(Q, (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a record cut in its head", packet(Q + A_RECORD[:-6], (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a record cut in its data", packet(Q + A_RECORD[:-1], (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a broken record behind OPT", packet(Q + opt() + A_RECORD[:-1], (1, 0, 0, 2)), "FORMERR", 1, True),
    Malformed("an owner that points forward", packet(Q + b"\xc0\xff" + A_RECORD, (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("an owner that points at itself", packet(Q + b"\xc0\x28" + bytes(10), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("an owner that points into the header", packet(Q + b"\xc0\x04" + bytes(10), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("an owner of 256 bytes", packet(Q + NAME_256 + bytes(10), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("an owner with a label that begins 01", packet(Q + b"\x41" + bytes(80), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("SIG(0) is ignored", packet(Q + record(b"\0", 24, 255, 0, bytes(30)), (1, 0, 0, 1)), "NOERROR", 1),
]

OPT_RECORDS = [
    Malformed("two OPT records", packet(Q + opt() + opt(), (1, 0, 0, 2)), "FORMERR", 1, True),
    Malformed("OPT in the answer section", packet(Q + opt(), (1, 1, 0, 0)), "FORMERR", 1),
    Malformed("OPT in the authority section", packet(Q + opt(), (1, 0, 1, 0)), "FORMERR", 1),
    Malformed("OPT not at the root", query(HIT, edns=opt(owner=b"\1a\0")), "FORMERR", 1, True),
    Malformed("OPT at a pointer", query(HIT, edns=opt(owner=b"\xc0\x0c")), "FORMERR", 1, True),
    Malformed("OPT longer than the packet", query(HIT, edns=opt()[:-2] + b"\0\4"), "FORMERR", 1, True),
    Malformed("half an option", query(HIT, edns=opt(b"\0\3\0")), "FORMERR", 1, True),
    Malformed("an option longer than OPT", query(HIT, edns=opt(b"\0\3\0\4abc")), "FORMERR", 1, True),
    Malformed("options in a version not ours", query(HIT, edns=opt(b"\0", version=1)), "BADVERS", 1, True),
    Malformed("version 255", query(HIT, edns=opt(version=255)), "BADVERS", 1, True),
    Malformed("version 1, no question", packet(opt(version=1), (0, 0, 0, 1)), "BADVERS", 0, True),
    Malformed("unknown flags", query(HIT, edns=opt(flags=0x7FFF)), "NOERROR", 1, True),
    Malformed("an upper response code", query(HIT, edns=record(b"\0", 41, 1232, 0xFF000000, b"")), "NOERROR", 1, True),
    *[
        Malformed(f"a cookie of {size} bytes", query(HIT, edns=opt(option(10, bytes(size)))), "FORMERR", 1, True)
        for size in (0, 1, 7, 9, 15, 41, 100)
    ],
    *[
        Malformed(f"a client subnet: {title}", query(HIT, edns=opt(option(8, data))), "FORMERR", 1, True)
        for title, data in [
            ("empty", b""),
            ("cut", bytes.fromhex("000118")),
            ("family 3", bytes.fromhex("0003 00 00")),
            ("longer than an address", bytes.fromhex("0001 21 00 c000020100")),
            ("a scope in the query", bytes.fromhex("0001 18 18 c00002")),
            ("too few bytes", bytes.fromhex("0001 18 00 c000")),
            ("too many bytes", bytes.fromhex("0001 18 00 c0000201")),
            ("bits beyond its length", bytes.fromhex("0001 17 00 c00003")),
            ("family 0 with a length", bytes.fromhex("0000 08 00 c0")),
            ("IPv6 of 129 bits", bytes.fromhex("0002 81 00") + bytes(17)),
        ]
    ],
    *[
        Malformed(f"a client subnet: {title}", query(HIT, edns=opt(option(8, data))), "NOERROR", 1, True)
        for title, data in [
            ("/24", bytes.fromhex("0001 18 00 c00002")),
            ("/23", bytes.fromhex("0001 17 00 c00002")),
            ("/0", bytes.fromhex("0001 00 00")),
            ("no family", bytes.fromhex("0000 00 00")),
            ("IPv6 /56", bytes.fromhex("0002 38 00 20010db8000000")),
            ("a whole address", bytes.fromhex("0002 80 00") + bytes(16)),
        ]
    ],
]

TSIG_RECORDS = [
    Malformed("a signature nobody here knows", packet(Q + tsig(), (1, 0, 0, 1)), "NOTAUTH", 1),
    Malformed("its owner compressed", packet(Q + tsig(b"\3key\xc0\x10"), (1, 0, 0, 1)), "NOTAUTH", 1),
    Malformed("behind OPT", packet(Q + opt() + tsig(), (1, 0, 0, 2)), "NOTAUTH", 1, True),
    Malformed("before OPT", packet(Q + tsig() + opt(), (1, 0, 0, 2)), "FORMERR", 1),
    Malformed("twice", packet(Q + tsig() * 2, (1, 0, 0, 2)), "FORMERR", 1),
    Malformed("in the answer section", packet(Q + tsig(), (1, 1, 0, 0)), "FORMERR", 1),
    Malformed("in class IN", packet(Q + tsig(rclass=1), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("with a TTL", packet(Q + tsig(ttl=1), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("empty", packet(Q + tsig(rdata=b""), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("cut", packet(Q + tsig(rdata=TSIG_DATA[:-1]), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("too long", packet(Q + tsig(rdata=TSIG_DATA + b"\0"), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a key that points at itself", packet(Q + tsig(b"\1a\xc0\x28"), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a key too long once decompressed", packet(LONG_Q + tsig(b"\1a\xc0\x0c"), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("a key that points into a label", packet(Q + tsig(b"\xc0\x17"), (1, 0, 0, 1)), "FORMERR", 1),
    Malformed("an opcode before a signature", packet(Q + tsig(), (1, 0, 0, 1), 0x2000), "NOTIMP", 1),
]

PACKETS: list[Malformed] = [*SILENCE, *OPCODES, *QUESTIONS, *RECORDS, *OPT_RECORDS, *TSIG_RECORDS]
