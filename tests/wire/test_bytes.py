"""The exact bytes of each kind of answer: the form that another implementation must reproduce."""

from __future__ import annotations

import pytest

from tests.wire.cases import CROWD_TXT
from tests.wire.packets import opt, option, packet, query, question
from tests.wire.world import LOADED, TCP, UDP, ask

HIT = "7.7.15.51.mip.internal"
HIT_WIRE = "01 37 01 37 02 3135 02 3531 03 6d6970 08 696e7465726e616c 00"
SOA_DATA = (
    "03 6e7331 03 6d6970 08 696e7465726e616c 00"  # ns1.mip.internal, in full
    "0a 686f73746d6173746572 03 6d6970 08 696e7465726e616c 00"  # hostmaster.mip.internal, in full
    "68e77800 00000e10 00000258 00127500 0000003c"  # serial, refresh, retry, expire, minimum
)
NS1 = "03 6e7331 03 6d6970 08 696e7465726e616c 00"
TXT = CROWD_TXT.encode()
OPT = "00 0029 04d0 00000000 0000"

EXACT = {
    "A": (
        query(HIT),
        f"1234 8500 0001 0001 0000 0000 {HIT_WIRE} 0001 0001 c00c 0001 0001 0000012c 0004 7f004157",
    ),
    "A with EDNS, DO and without RD": (
        query(HIT, flags=0, edns=opt(flags=0x8000)),
        f"1234 8400 0001 0001 0000 0001 {HIT_WIRE} 0001 0001 c00c 0001 0001 0000012c 0004 7f004157"
        "00 0029 04d0 00008000 0000",
    ),
    "TXT": (
        query(HIT, "TXT"),
        f"1234 8500 0001 0001 0000 0000 {HIT_WIRE} 0010 0001 c00c 0010 0001 0000012c 0078 77 {TXT.hex()}",
    ),
    "NODATA: the SOA's owner points into the question": (
        query(HIT, "AAAA"),
        f"1234 8500 0001 0000 0001 0000 {HIT_WIRE} 001c 0001 c016 0006 0001 0000003c 003f {SOA_DATA}",
    ),
    "NXDOMAIN at the apex of a deeper name": (
        query("x.mip.internal", edns=opt()),
        "1234 8503 0001 0000 0001 0001 01 78 03 6d6970 08 696e7465726e616c 00 0001 0001"
        f"c00e 0006 0001 0000003c 003f {SOA_DATA} {OPT}",
    ),
    "NODATA at the apex": (
        query("mip.internal"),
        "1234 8500 0001 0000 0001 0000 03 6d6970 08 696e7465726e616c 00 0001 0001"
        f"c00c 0006 0001 0000003c 003f {SOA_DATA}",
    ),
    "NS with glue, OPT last": (
        query("mip.internal", "NS", edns=opt()),
        "1234 8500 0001 0001 0000 0003 03 6d6970 08 696e7465726e616c 00 0002 0001"
        f"c00c 0002 0001 00000e10 0012 {NS1}"
        f"{NS1} 0001 0001 00000e10 0004 7f000001"
        f"{NS1} 001c 0001 00000e10 0010 00000000000000000000000000000001 {OPT}",
    ),
    "REFUSED": (
        query("a.example"),
        "1234 8105 0001 0000 0000 0000 0161 07 6578616d706c65 00 0001 0001",
    ),
    "REFUSED with NSID and an extended error": (
        query("a.example", edns=opt(option(3))),
        "1234 8105 0001 0000 0000 0001 0161 07 6578616d706c65 00 0001 0001"
        "00 0029 04d0 00000000 0012 0003 0008 6e73312e74657374 000f 0002 0014",
    ),
    "BADVERS": (
        query("a.example", edns=opt(version=1)),
        "1234 8100 0001 0000 0000 0001 0161 07 6578616d706c65 00 0001 0001 00 0029 04d0 01000000 0000",
    ),
    "FORMERR without a readable question": (packet(b"\xc0\x0c\0\1\0\1"), "1234 8101 0000 0000 0000 0000"),
    "NOTIMP": (packet(counts=(0, 0, 0, 0), flags=0x7900), "1234 f904 0000 0000 0000 0000"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), EXACT.values(), ids=EXACT.keys())
def test_answer_is_these_bytes(asked: bytes, expected: str):
    for peer in (UDP, TCP):
        assert ask(asked, peer).hex() == bytes.fromhex(expected).hex()


def test_badcookie_is_these_bytes():
    answer = ask(query(HIT, edns=opt(option(10, bytes(8)))), LOADED)
    assert answer[:12].hex() == "123481070001000000000001"
    assert answer[12:-16].hex() == bytes.fromhex(
        f"{HIT_WIRE} 0001 0001 00 0029 04d0 01000000 001c 000a 0018 0000000000000000"
    ).hex()  # fmt: skip


def test_question_keeps_its_letter_case():
    name = "7.7.15.51.T80.cGnAt.mIp.InTeRnAl"
    assert ask(query(name))[12:].startswith(question(name))
