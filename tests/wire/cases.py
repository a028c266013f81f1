"""Tables of query and answer for `tests/small.py` in the shipped zone. Data only: any server can be held to them.

An expectation is a response code, AA, and the records of each section as `OWNER TTL TYPE DATA`, owners in lower case
and `@` for the question's name. Every row holds over UDP and TCP, with EDNS and without.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.small import SERIAL
from tests.wire.world import v6


class Expected(NamedTuple):
    """An answer without its header's ID and flags other than AA; sections are compared as sets."""

    rcode: str
    aa: bool = True
    answer: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    extended_error: int | None = None


class Case(NamedTuple):
    """title: the law. name: absolute. expected: what must come back. zone_server: whether a server of zone files that
    loaded an export of this zone must say the same; not where the form of the answer is our own choice."""

    title: str
    name: str
    qtype: str
    expected: Expected
    qclass: str = "IN"
    zone_server: bool = True


ZONE = "mip.internal"
SOA_DATA = f"ns1.mip.internal. hostmaster.mip.internal. {SERIAL} 3600 600 1209600 60"
NEGATIVE_SOA = (f"{ZONE}. 60 SOA {SOA_DATA}",)
NODATA = Expected("NOERROR", authority=NEGATIVE_SOA)
NXDOMAIN = Expected("NXDOMAIN", authority=NEGATIVE_SOA)
NOT_OURS = Expected("REFUSED", aa=False, extended_error=20)
PROHIBITED = Expected("REFUSED", aa=False, extended_error=18)
FORMERR = Expected("FORMERR", aa=False)
GLUE = ("ns1.mip.internal. 3600 A 127.0.0.1", "ns1.mip.internal. 3600 AAAA ::1")


def listed(*records: str) -> Expected:
    return Expected("NOERROR", answer=tuple(f"@ {record}" for record in records))


def a(address: str) -> Expected:
    return listed(f"300 A {address}")


def txt(text: str) -> Expected:
    return listed(f'300 TXT "{text}"')


CROWD = "7.7.15.51"
CROWD_TXT = (
    "v=mip1; conf=87; class=cgnat,mobile; users=87-174; net=51.15.7.0/24; asn=64500; src=ports,agents,trace; "
    "seen=2026-11-20"
)
RELAY = v6("2a02:26f7:c001:2::17")
RELAY_TXT = (
    "v=mip1; conf=88; class=relay; users=88-176; net=2a02:26f7:c001::/48; asn=64500; src=ports,agents,trace; "
    "seen=2026-11-20"
)

LISTINGS = [
    Case("a listed address: class bits and confidence", f"{CROWD}.{ZONE}", "A", a("127.0.65.87")),
    Case("its TXT", f"{CROWD}.{ZONE}", "TXT", txt(CROWD_TXT)),
    Case("letter case of the name means nothing", f"{CROWD}.MiP.iNtErNaL", "A", a("127.0.65.87")),
    Case("AAAA of a listed name is NODATA, for clients that take any address", f"{CROWD}.{ZONE}", "AAAA", NODATA),
    *[
        Case(f"{qtype} of a listed name is NODATA", f"{CROWD}.{ZONE}", qtype, NODATA)
        for qtype in ("MX", "NS", "SOA", "CNAME", "DS", "RRSIG", "HTTPS", "TYPE65280", "TYPE65535", "TYPE0")
    ],
    *[
        Case(f"{qtype}, a question type of old, is NODATA too", f"{CROWD}.{ZONE}", qtype, NODATA, zone_server=False)
        for qtype in ("MAILA", "MAILB")
    ],
    Case("ANY: one RRset", f"{CROWD}.{ZONE}", "ANY", a("127.0.65.87"), zone_server=False),
    Case("an IPv6 address in 32 nibbles", f"{RELAY}.{ZONE}", "A", a("127.0.16.88")),
    Case("its TXT, net in IPv6 length", f"{RELAY}.{ZONE}", "TXT", txt(RELAY_TXT)),
    Case("nibbles in upper case", f"{RELAY.upper()}.{ZONE}", "A", a("127.0.16.88")),
    Case("IPv4-mapped IPv6 gets the IPv4 answer", f"{v6('51.15.7.7')}.{ZONE}", "A", a("127.0.65.87")),
    Case("and the IPv4 text", f"{v6('51.15.7.7')}.{ZONE}", "TXT", txt(CROWD_TXT)),
    Case(
        "net= is the widest prefix inside a ragged range",
        f"9.8.15.51.all.{ZONE}",
        "TXT",
        txt("v=mip1; conf=30; class=campus; net=51.15.8.8/31; src=list; seen=2026-11-20"),
    ),
    Case("the first address of a range", f"255.9.15.51.{ZONE}", "A", a("127.0.16.95")),
    Case("the last address of a range", f"3.11.15.51.{ZONE}", "A", a("127.0.16.95")),
    Case("the address before a range", f"254.9.15.51.{ZONE}", "A", NXDOMAIN),
    Case("the address behind a range", f"4.11.15.51.{ZONE}", "A", NXDOMAIN),
    Case("a /128 listed exactly", f"{v6('2a0b:f4c2::1')}.{ZONE}", "A", a("127.0.8.99")),
    Case("its neighbour is not", f"{v6('2a0b:f4c2::2')}.{ZONE}", "A", NXDOMAIN),
    Case("the highest address", f"255.255.255.223.{ZONE}", "A", a("127.0.64.77")),
]

LISTS = [
    Case("at the zone's floor", f"50.5.5.5.{ZONE}", "A", a("127.0.1.50")),
    Case("below the zone's floor", f"49.5.5.5.{ZONE}", "A", NXDOMAIN),
    Case("all. begins at 1", f"1.5.5.5.all.{ZONE}", "A", a("127.0.1.1")),
    Case("tNN. begins at NN", f"80.5.5.5.t80.{ZONE}", "A", a("127.0.1.80")),
    Case("and not below", f"79.5.5.5.t80.{ZONE}", "A", NXDOMAIN),
    Case("t01. is there", f"1.5.5.5.t01.{ZONE}", "A", a("127.0.1.1")),
    Case("t100. is there", f"100.5.5.5.t100.{ZONE}", "A", a("127.0.1.100")),
    Case("t100. admits 100 only", f"99.5.5.5.t100.{ZONE}", "A", NXDOMAIN),
    Case("list labels in any letter case", f"80.5.5.5.T80.CgNat.{ZONE}", "A", a("127.0.1.80")),
    *[
        Case(f"bits. of {confidence}", f"{confidence}.5.5.5.bits.{ZONE}", "A", a(f"127.0.1.{code}"))
        for confidence, code in [(25, 2), (49, 2), (50, 6), (59, 6), (60, 14), (70, 30), (80, 62), (90, 126), (95, 254)]
    ],
    Case("bits. begins at 25", f"24.5.5.5.bits.{ZONE}", "A", NXDOMAIN),
    Case("TXT in bits. is the same", f"{CROWD}.bits.{ZONE}", "TXT", txt(CROWD_TXT)),
    Case("each class has its list", f"{CROWD}.cgnat.{ZONE}", "A", a("127.0.65.87")),
    Case("an address of two classes is in both", f"{CROWD}.mobile.{ZONE}", "A", a("127.0.65.87")),
    Case("and in no other", f"{CROWD}.vpn.{ZONE}", "A", NXDOMAIN),
    Case("a class list has the zone's floor", f"49.5.5.5.cgnat.{ZONE}", "A", NXDOMAIN),
    Case("a threshold in a class", f"25.5.5.5.t25.cgnat.{ZONE}", "A", a("127.0.1.25")),
    Case("IPv6 in a class", f"{RELAY}.t88.relay.{ZONE}", "A", a("127.0.16.88")),
    *[
        Case("a list's own name is an empty non-terminal", f"{labels}.{ZONE}", "A", NODATA)
        for labels in ("all", "bits", "t01", "t99", "t100", "cgnat", "other", "t80.cgnat", "t100.tor")
    ],
    Case("and has no NS records", f"cgnat.{ZONE}", "NS", NODATA),
    *[
        Case("no such list", f"{CROWD}.{labels}.{ZONE}", "A", NXDOMAIN)
        for labels in (
            "t00", "t0", "t1", "t001", "t101", "t1000", "t8o", "t-1", "t", "hosting", "all.all", "bits.cgnat",
            "cgnat.t80", "t80.all", "all.t80", "t80.t80", "cgnat.cgnat", "vpn.cgnat", "t80.cgnat.vpn", "t10.t80.cgnat",
        )
    ],
    *[
        Case("nor does the list's bare name exist", f"{labels}.{ZONE}", "A", NXDOMAIN)
        for labels in ("t00", "t1", "bits.cgnat", "cgnat.t80", "t80.all", "www")
    ],
]  # fmt: skip

NON_TERMINALS = [
    Case("the way to a listing is NODATA", f"15.51.{ZONE}", "A", NODATA),
    Case("for every type", f"15.51.{ZONE}", "NS", NODATA),
    Case("for ANY", f"15.51.{ZONE}", "ANY", NODATA, zone_server=False),
    Case("where nothing lies beneath it is NXDOMAIN", f"16.51.{ZONE}", "A", NXDOMAIN),
    Case("each list has its own tree", f"15.51.vpn.{ZONE}", "A", NXDOMAIN),
    Case("beneath 51.15 the relay lies", f"10.15.51.relay.{ZONE}", "A", NODATA),
    Case("but not that of the crowd", f"7.15.51.relay.{ZONE}", "A", NXDOMAIN),
    Case("a floor prunes the tree", f"5.5.5.t100.{ZONE}", "A", NODATA),
    Case("and the rest is gone", f"15.51.t96.{ZONE}", "A", NXDOMAIN),
    Case("IPv6: nibbles on the way", f"7.f.6.2.2.0.a.2.{ZONE}", "A", NODATA),
    Case("IPv6: off the way", f"8.f.6.2.2.0.a.2.{ZONE}", "A", NXDOMAIN),
    Case("31 nibbles", f"{RELAY[2:]}.{ZONE}", "A", NODATA),
    Case("33 nibbles", f"0.{RELAY}.{ZONE}", "A", NXDOMAIN),
    Case("the two families share names: listed and on the way to 2001::/16", f"1.0.0.2.{ZONE}", "A", a("127.0.2.60")),
    Case("unlisted here, but 2606::/16 lies beneath", f"6.0.6.2.{ZONE}", "A", NODATA),
    Case("in a list without either", f"6.0.6.2.tor.{ZONE}", "A", NXDOMAIN),
    Case("in a list with the IPv4 one only", f"6.0.6.2.t30.other.{ZONE}", "A", a("127.0.128.30")),
    Case("beneath a listed leaf exists what leads to a listing", f"7.6.0.1.0.0.2.{ZONE}", "A", NODATA),
    Case("and nothing else", f"8.6.0.1.0.0.2.{ZONE}", "A", NXDOMAIN),
    Case("octets of two digits are no nibbles", f"10.2.{ZONE}", "A", NODATA),
    Case("zeros alone lead to the mapped addresses", f"0.0.0.0.0.{ZONE}", "A", NODATA),
    Case("the way to mapped addresses", f"f.f.f.f{'.0' * 20}.{ZONE}", "A", NODATA),
    Case("a mapped /100 with 51/8 beneath", f"3.f.f.f.f{'.0' * 20}.{ZONE}", "A", NODATA),
    Case("a mapped /104 of nothing", f"4.3.f.f.f.f{'.0' * 20}.{ZONE}", "A", NXDOMAIN),
    Case("a mapped name on the way in one class", f"3.3.f.f.f.f{'.0' * 20}.mobile.{ZONE}", "A", NODATA),
    Case("and not in another", f"3.3.f.f.f.f{'.0' * 20}.tor.{ZONE}", "A", NXDOMAIN),
]

MISSPELT = [
    Case(f"{labels} is no address", f"{labels}.{ZONE}", qtype, NXDOMAIN)
    for qtype in ("A", "TXT")
    for labels in (
        "x.7.7.15.51", "07.7.15.51", "7.7.15.051", "256.7.15.51", "7.7.15.256", "+7.7.15.51", "-7.7.15.51",
        "0x7.7.15.51", "7a.7.15.51", "1.7.7.15.51", "\\ 7.7.15.51", "7\\.7.15.51", "\\000.7.15.51", "*.7.15.51", "*",
        "_", "1e1.7.15.51", "00.0.0.127", "g.0.0.2", "0_0.0.0.2", "2001:db8::1", "2001:db8::1.bits", "example.com",
        "example.com.all", "7-7-15-51", "51.15.7.7", "localhost", "1.2.3.4.5.6", "9.9.9.9.9", "f" * 32, "f" * 63,
    )
]  # fmt: skip

TEST_POINTS = [
    *[
        Case("127.0.0.2 is in every list", f"2.0.0.127.{labels}{ZONE}", "A", a("127.0.0.2"))
        for labels in ("", "all.", "bits.", "t01.", "t100.", "cgnat.", "other.", "t100.tor.")
    ],
    *[
        Case("and says so", f"2.0.0.127.{labels}{ZONE}", "TXT", txt("v=mip1; test"))
        for labels in ("", "all.", "bits.", "t99.vpn.")
    ],
    *[
        Case("127.0.0.1 is in none", f"1.0.0.127.{labels}{ZONE}", qtype, NXDOMAIN)
        for labels in ("", "all.", "bits.", "t01.", "cgnat.", "t01.cgnat.")
        for qtype in ("A", "TXT")
    ],
    Case("IPv6 form of 127.0.0.2", f"{v6('127.0.0.2')}.{ZONE}", "A", a("127.0.0.2")),
    Case("its TXT", f"{v6('127.0.0.2')}.tor.{ZONE}", "TXT", txt("v=mip1; test")),
    Case("IPv6 form of 127.0.0.1", f"{v6('127.0.0.1')}.all.{ZONE}", "A", NXDOMAIN),
    Case("::1 and ::2 are no test points", f"{v6('::2')}.all.{ZONE}", "A", NXDOMAIN),
    Case("127.0.C.S answers itself", f"85.1.0.127.{ZONE}", "A", a("127.0.1.85")),
    Case("below the floor it is not there", f"49.1.0.127.{ZONE}", "A", NXDOMAIN),
    Case("in all. it is", f"1.1.0.127.all.{ZONE}", "A", a("127.0.1.1")),
    Case("in t80.", f"85.1.0.127.t80.{ZONE}", "A", a("127.0.1.85")),
    Case("not in t90.", f"85.1.0.127.t90.{ZONE}", "A", NXDOMAIN),
    Case("in cgnat.", f"85.1.0.127.cgnat.{ZONE}", "A", a("127.0.1.85")),
    Case("not in vpn.", f"85.1.0.127.vpn.{ZONE}", "A", NXDOMAIN),
    Case("several classes", f"85.255.0.127.t85.vpn.{ZONE}", "TXT", txt("v=mip1; test")),
    Case("without a class", f"80.0.0.127.{ZONE}", "A", a("127.0.0.80")),
    Case("not in a class list", f"80.0.0.127.cgnat.{ZONE}", "A", NXDOMAIN),
    Case("confidence ends at 100", f"101.1.0.127.all.{ZONE}", "A", NXDOMAIN),
    Case("0 is none", f"0.1.0.127.all.{ZONE}", "A", NXDOMAIN),
    *[
        Case("a code of bits.", f"{code}.64.0.127.bits.{ZONE}", "A", a(f"127.0.64.{code}"))
        for code in (2, 6, 14, 30, 62, 126, 254)
    ],
    *[Case("no code of bits.", f"{code}.64.0.127.bits.{ZONE}", "A", NXDOMAIN) for code in (0, 1, 3, 85, 100, 127, 255)],
    Case("a bits. code is none elsewhere", f"254.64.0.127.all.{ZONE}", "A", NXDOMAIN),
    Case("test points end at 127.0/16", f"2.0.1.127.all.{ZONE}", "A", NXDOMAIN),
    Case("the way to 127.0.0.2", f"127.tor.{ZONE}", "A", NODATA),
    Case("by /24: class 5 has cgnat", f"5.0.127.t90.cgnat.{ZONE}", "A", NODATA),
    Case("but not vpn", f"5.0.127.t90.vpn.{ZONE}", "A", NXDOMAIN),
    Case("nor does 127.1/16 lead anywhere", f"1.127.{ZONE}", "A", NXDOMAIN),
    Case("by nibbles: classes 0x50 to 0x5f have cgnat", f"5.0.0.f.7.f.f.f.f{'.0' * 20}.cgnat.{ZONE}", "A", NODATA),
    Case("but not mobile's sibling campus", f"5.0.0.f.7.f.f.f.f{'.0' * 20}.campus.{ZONE}", "A", NXDOMAIN),
    Case("TXT is all a test point has beside A", f"85.1.0.127.{ZONE}", "AAAA", NODATA),
]

APEX = [
    Case("SOA at the apex", ZONE, "SOA", listed(f"3600 SOA {SOA_DATA}")),
    Case(
        "NS at the apex, with glue",
        ZONE,
        "NS",
        Expected("NOERROR", answer=("@ 3600 NS ns1.mip.internal.",), additional=GLUE),
    ),
    Case("ANY at the apex: the SOA", ZONE, "ANY", listed(f"3600 SOA {SOA_DATA}"), zone_server=False),
    *[
        Case(f"{qtype} at the apex is NODATA", ZONE, qtype, NODATA)
        for qtype in ("A", "AAAA", "TXT", "DS", "DNSKEY", "MX")
    ],
    Case("the name server resolves", f"ns1.{ZONE}", "A", listed("3600 A 127.0.0.1")),
    Case("over IPv6", f"NS1.{ZONE}", "AAAA", listed("3600 AAAA ::1")),
    Case("ANY: one RRset", f"ns1.{ZONE}", "ANY", listed("3600 A 127.0.0.1"), zone_server=False),
    Case("its other types", f"ns1.{ZONE}", "TXT", NODATA),
    Case("beneath it is nothing", f"1.ns1.{ZONE}", "A", NXDOMAIN),
    Case("a name server in a list is none", f"ns1.all.{ZONE}", "A", NXDOMAIN),
]

ELSEWHERE = [
    *[
        Case("a name outside the zones", text, qtype, NOT_OURS)
        for text in ("www.example.com", "internal", ".", "xmip.internal", "7.7.15.51.mip.internal.example", "mip")
        for qtype in ("A", "SOA", "NS", "ANY", "AXFR")
    ],
    *[
        Case(f"class {qclass}", f"{CROWD}.{ZONE}", "A", NOT_OURS, qclass, zone_server=False)
        for qclass in ("ANY", "NONE", "HS", "CLASS0", "CLASS2", "CLASS65280")
    ],
    *[
        Case(f"{qtype} is refused", text, qtype, PROHIBITED, zone_server=False)
        for qtype in ("AXFR", "IXFR")
        for text in (ZONE, f"{CROWD}.{ZONE}")
    ],
    *[
        Case(f"{qtype} is no question", text, qtype, FORMERR, zone_server=False)
        for qtype in ("OPT", "TSIG", "TKEY")
        for text in (f"{CROWD}.{ZONE}", "www.example.com")
    ],
]

CHAOS = [
    *[
        Case("who answers", text, qtype, Expected("NOERROR", answer=(f'@ 0 TXT "{said}"',)), "CH", zone_server=False)
        for text, said in [
            ("id.server", "ns1.test"),
            ("hostname.bind", "ns1.test"),
            ("version.server", "mipdns test"),
            ("version.bind", "mipdns test"),
            ("VERSION.bind", "mipdns test"),
        ]
        for qtype in ("TXT", "ANY")
    ],
    *[
        Case("other types of it", text, qtype, PROHIBITED, "CH", zone_server=False)
        for text in ("id.server", "version.bind")
        for qtype in ("A", "SOA", "NS", "AXFR")
    ],
    *[
        Case("other CHAOS names", text, "TXT", NOT_OURS, "CH", zone_server=False)
        for text in ("authors.bind", "bind", "server", f"{CROWD}.{ZONE}", ZONE, ".")
    ],
]

CASES: list[Case] = [
    *LISTINGS, *LISTS, *NON_TERMINALS, *MISSPELT, *TEST_POINTS, *APEX, *ELSEWHERE, *CHAOS,
]  # fmt: skip
