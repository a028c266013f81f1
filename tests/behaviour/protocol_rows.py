"""Rows about messages: what any name server must get right, whatever it serves."""

from __future__ import annotations

from collections.abc import Iterator

from tests.behaviour.message import (
    AA,
    AD,
    CD,
    COOKIE,
    IN,
    KEEPALIVE,
    NSID,
    QR,
    RA,
    RD,
    SUBNET,
    TC,
    Reply,
    Z,
    message,
    question,
)
from tests.behaviour.table import (
    ABSENT,
    CROWD,
    CROWD_A,
    CROWD_TEXT,
    DROPPED,
    FORMERR,
    NODATA,
    NOTIMP,
    NS,
    NXDOMAIN,
    ORIGIN,
    PATH,
    REFUSED,
    SOA,
    Row,
    Rows,
    a,
    ask,
    ask_edns,
    from_cases,
    name_of,
    rows_of,
    txt,
    with_opt,
)
from tests.wire import cases, packets
from tests.wire.packets import opt, option, record
from tests.wire.world import IDENTITY


def _rfc_1035() -> Rows:
    mixed = "77.7.15.51.MiP.inTERNAL"
    yield "a listed address", ask(CROWD), CROWD_A
    yield "its text", ask(CROWD, "TXT"), txt(CROWD, CROWD_TEXT)
    yield "letter case is echoed and does not matter", ask(mixed), a(mixed, "127.0.65.87")
    yield (
        "in a list's name neither",
        ask("77.7.15.51.T80.CgNaT.mip.INTERNAL"),
        a(name_of("51.15.7.77", "t80.cgnat"), "127.0.65.87"),
    )
    yield "recursion not desired", message(question(CROWD), flags=0), CROWD_A
    yield "a label of 63 bytes", ask(f"{'a' * 63}.{ORIGIN}"), NXDOMAIN
    longest = ".".join(["a" * 63] * 3 + ["a" * 48, ORIGIN])
    assert len(packets.name(longest)) == 255
    yield "a name of 255 bytes", ask(longest), NXDOMAIN
    too_long = bytes((49,)) + b"a" * 49 + packets.name(longest)[49:]
    yield "a name of 256 bytes", message(question(too_long)), FORMERR
    yield "a label of 64 bytes", message(question(b"\x40" + b"a" * 64 + packets.name(ORIGIN))), FORMERR
    yield "a label of a reserved kind", message(question(b"\x80a" + packets.name(ORIGIN))), FORMERR
    yield "a pointer back into the header", message(question(b"\x01a\xc0\x04")), FORMERR
    yield "a pointer to itself", message(question(b"\xc0\x0c")), FORMERR
    yield "a pointer ahead", message(question(b"\xc0\x14"), tail=packets.name(ORIGIN)), FORMERR
    yield (
        "records in the answer section of a query",
        message(question(CROWD), answer=[record(packets.name(CROWD), 1, IN, 5, bytes(4))]),
        CROWD_A,
    )


def _rfc_2308() -> Rows:
    yield "NXDOMAIN", ask(ABSENT), NXDOMAIN
    yield "NODATA", ask(CROWD, "MX"), NODATA
    yield "the SOA's own TTL where it is asked for", ask(ORIGIN, "SOA"), Reply("NOERROR", answer=(SOA,))
    yield "one TTL for all name servers", ask(ORIGIN, "NS"), NS
    yield "NXDOMAIN in a list", ask(name_of("51.15.12.1", "t80.cgnat")), NXDOMAIN
    far = name_of("2a02:26f7:c002:ffff:ffff:ffff:ffff:ffff", "t88.relay")
    text = (
        "v=mip1; conf=88; class=relay; users=88-176; net=2a02:26f7:c002::/48; asn=64500; src=ports,agents,trace; "
        "seen=2026-11-20"
    )
    yield "the longest name and text fit in 512 bytes", ask(far, "TXT"), txt(far, text)


def _rfc_8906() -> Rows:
    yield "an unknown type at a listing", ask(CROWD, 65280), NODATA
    yield "an unknown type on the way", ask(PATH, 65280), NODATA
    yield "an unknown type at nothing", ask(ABSENT, 65280), NXDOMAIN
    yield "type 0", ask(CROWD, 0), NODATA
    yield "DNSKEY", ask(ORIGIN, "DNSKEY"), NODATA
    for number, rdtype in ((41, "OPT"), (249, "TKEY"), (250, "TSIG")):
        yield f"{rdtype} as question", ask(CROWD, number), FORMERR
    for number, rdtype in ((253, "MAILB"), (254, "MAILA")):
        yield f"{rdtype} as question", ask(CROWD, number), NODATA
    for opcode in (1, 2, 3, 6, 7, 15):
        yield f"opcode {opcode}", message(question(CROWD), opcode=opcode), NOTIMP
        yield f"opcode {opcode}, header alone", message(opcode=opcode), NOTIMP
    for flag, name in ((AA, "AA"), (TC, "TC"), (RA, "RA"), (Z, "Z"), (AD, "AD"), (CD, "CD")):
        yield f"{name} set in the query", message(question(CROWD), flags=RD | flag), CROWD_A
    yield "a response code in the query", message(question(CROWD), flags=RD | 5), CROWD_A
    yield "bytes after the question", message(question(CROWD), tail=b"\0"), CROWD_A
    yield (
        "a record's worth of bytes after OPT",
        message(question(CROWD), additional=[opt()], tail=record(b"\0", 1, IN, 5, bytes(4))),
        with_opt(CROWD_A),
    )


def _rfc_8482() -> Rows:
    yield "ANY at a listing: one set", ask(CROWD, "ANY"), CROWD_A
    yield "ANY on the way", ask(PATH, "ANY"), NODATA
    yield "ANY at nothing", ask(ABSENT, "ANY"), NXDOMAIN
    yield "ANY at the apex", ask(ORIGIN, "ANY"), Reply("NOERROR", answer=(SOA,))
    yield "ANY at a name server", ask(f"ns1.{ORIGIN}", "ANY"), Reply("NOERROR", answer=NS.additional[:1])


def _rfc_6891() -> Rows:
    yield "OPT is answered with OPT", ask_edns(CROWD), with_opt(CROWD_A)
    yield "at NXDOMAIN", ask_edns(ABSENT), with_opt(NXDOMAIN)
    yield "at NODATA", ask_edns(PATH), with_opt(NODATA)
    yield "at FORMERR", message(question(CROWD, 250), additional=[opt()]), with_opt(FORMERR)
    yield "at NOTIMP", message(question(CROWD), opcode=2, additional=[opt()]), with_opt(NOTIMP)
    yield "two of them", message(question(CROWD), additional=[opt(), opt()]), with_opt(FORMERR)
    yield "version 1", message(question(CROWD), additional=[opt(version=1)]), with_opt(Reply("BADVERS", aa=False))
    yield (
        "version 255 with options unreadable",
        message(question(CROWD), additional=[record(b"\0", 41, 1232, 255 << 16, b"\0")]),
        with_opt(Reply("BADVERS", aa=False)),
    )
    yield "an unknown option", ask_edns(CROWD, option(65001, b"x")), with_opt(CROWD_A)
    yield "an unknown flag", ask_edns(CROWD, flags=0x4001), with_opt(CROWD_A)
    yield "DO", ask_edns(CROWD, flags=0x8000), with_opt(CROWD_A, do=True)
    yield "DO at NXDOMAIN", ask_edns(ABSENT, flags=0x8000), with_opt(NXDOMAIN, do=True)
    for size in (0, 511, 512, 65535):
        yield (
            f"size {size}",
            ask_edns(ORIGIN, rdtype="NS", size=size),
            with_opt(NS),
        )
    yield (
        "an option cut off",
        message(question(CROWD), additional=[record(b"\0", 41, 1232, 0, b"\0\x03\0")]),
        with_opt(FORMERR),
    )
    yield (
        "an option longer than its record",
        message(question(CROWD), additional=[record(b"\0", 41, 1232, 0, b"\0\x03\0\x09a")]),
        with_opt(FORMERR),
    )
    yield (
        "an owner that is not the root",
        message(question(CROWD), additional=[record(b"\x01a\0", 41, 1232, 0, b"")]),
        with_opt(FORMERR),
    )
    yield "in the answer section", message(question(CROWD), answer=[opt()]), FORMERR


def _rfc_9619() -> Rows:
    yield "two questions", message(question(CROWD), question(CROWD, "TXT")), FORMERR
    yield "no question", message(), FORMERR
    yield "no question, with OPT", message(additional=[opt()]), with_opt(FORMERR)
    yield (
        "no question, for a cookie",
        message(additional=[opt(option(COOKIE, b"12345678"))]),
        with_opt(Reply("NOERROR", aa=False), f"COOKIE={b'12345678'.hex()}+16"),
    )


def _rfc_7766() -> Iterator[Row]:
    query = ask_edns(CROWD, option(KEEPALIVE))
    tenths = (round(IDENTITY.tcp_idle_s * 10)).to_bytes(2, "big").hex()
    yield Row("RFC 7766", "keepalive over TCP", query, with_opt(CROWD_A, f"{KEEPALIVE}={tenths}"), "tcp")
    yield Row("RFC 7766", "keepalive over UDP is ignored", query, with_opt(CROWD_A), "udp")


def _rfc_7873() -> Rows:
    client = b"\1\2\3\4\5\6\7\x08"
    full = f"COOKIE={client.hex()}+16"
    yield "a client cookie", ask_edns(CROWD, option(COOKIE, client)), with_opt(CROWD_A, full)
    yield "at an error", ask_edns("example.com", option(COOKIE, client)), with_opt(REFUSED, full, "EDE=20")
    for size in (16, 24, 40):
        cookie = client + bytes(size - 8)
        yield (
            f"a foreign cookie of {size} bytes is renewed",
            ask_edns(CROWD, option(COOKIE, cookie)),
            with_opt(CROWD_A, full),
        )
    for size in (0, 1, 7, 9, 15, 41):
        yield f"{size} bytes", ask_edns(CROWD, option(COOKIE, bytes(size))), with_opt(FORMERR)


def _rfc_8914() -> Rows:
    yield "not authoritative", ask_edns("example.com"), with_opt(REFUSED, "EDE=20")
    yield "a transfer is prohibited", ask_edns(ORIGIN, rdtype="AXFR"), with_opt(REFUSED, "EDE=18")
    yield "none where OPT was not asked", ask("example.com"), REFUSED


def _rfc_5001() -> Rows:
    nsid = f"NSID={IDENTITY.nsid}"
    yield "NSID", ask_edns(CROWD, option(NSID)), with_opt(CROWD_A, nsid)
    yield "NSID at an error", ask_edns("example.com", option(NSID)), with_opt(REFUSED, nsid, "EDE=20")
    yield "version.bind in class IN", ask("version.bind", "TXT"), REFUSED


def _rfc_7871() -> Rows:
    def subnet(family: int, source: int, scope: int, address: bytes) -> bytes:
        return ask_edns(CROWD, option(SUBNET, family.to_bytes(2, "big") + bytes((source, scope)) + address))

    yield "IPv4", subnet(1, 24, 0, bytes((192, 0, 2))), with_opt(CROWD_A)
    yield "IPv6", subnet(2, 56, 0, bytes(7)), with_opt(CROWD_A)
    yield "none told", subnet(1, 0, 0, b""), with_opt(CROWD_A)
    yield "an unknown family", subnet(3, 8, 0, b"\0"), with_opt(FORMERR)
    yield "a length past the family's", subnet(1, 33, 0, bytes(5)), with_opt(FORMERR)
    yield "too few bytes", subnet(1, 24, 0, bytes(2)), with_opt(FORMERR)
    yield "too many bytes", subnet(1, 24, 0, bytes(4)), with_opt(FORMERR)
    yield "bits beyond the length", subnet(1, 20, 0, b"\xc0\x00\xff"), with_opt(FORMERR)
    yield "a scope in a query", subnet(1, 24, 24, bytes(3)), with_opt(FORMERR)
    yield "cut off", ask_edns(CROWD, option(SUBNET, b"\0\1\x18")), with_opt(FORMERR)


def _elsewhere() -> Rows:
    yield "a response", message(question(CROWD), flags=QR | RD), DROPPED
    yield "a response, header alone", message(flags=QR), DROPPED
    yield "11 bytes", message()[:11], DROPPED
    yield "1 byte", b"\0", DROPPED
    whole = ask(CROWD)
    yield "a header that promises a question", whole[:12], FORMERR
    yield "a name cut off", whole[:20], FORMERR
    yield "a type cut off", whole[:-3], FORMERR
    yield "a class cut off", whole[:-1], FORMERR
    yield "counts far beyond the bytes", whole[:6] + b"\xff\xff\xff\xff\xff\xff" + whole[12:], FORMERR
    yield "a record cut off", message(question(CROWD), additional=[record(b"\0", 1, IN, 5, bytes(4))[:-1]]), FORMERR
    yield "all ones", b"\xbe\xef\x01\xff" + b"\xff" * 60, FORMERR


def _apex() -> Rows:
    yield "NOTIFY", message(question(ORIGIN, "SOA"), flags=AA, opcode=4), NOTIMP
    update = record(packets.name(name_of("1.1.1.1")), 1, IN, 5, bytes((127, 0, 0, 2)))
    yield "UPDATE", message(question(ORIGIN, "SOA"), flags=0, opcode=5, authority=[update]), NOTIMP


ROWS = [
    *from_cases("apex", cases.APEX),
    *from_cases("elsewhere", cases.ELSEWHERE),
    *from_cases("RFC 5001", cases.CHAOS),
    *rows_of("RFC 1035", _rfc_1035()),
    *rows_of("RFC 2308", _rfc_2308()),
    *rows_of("RFC 8906", _rfc_8906()),
    *rows_of("RFC 8482", _rfc_8482()),
    *rows_of("RFC 6891", _rfc_6891()),
    *rows_of("RFC 9619", _rfc_9619()),
    *_rfc_7766(),
    *rows_of("RFC 7873", _rfc_7873()),
    *rows_of("RFC 8914", _rfc_8914()),
    *rows_of("RFC 5001", _rfc_5001()),
    *rows_of("RFC 7871", _rfc_7871()),
    *rows_of("elsewhere", _elsewhere()),
    *rows_of("apex", _apex()),
]
