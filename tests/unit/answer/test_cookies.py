"""SipHash against its authors' vectors, server cookies against RFC 9018 appendix A."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from mipdns.answer.cookies import check_cookie, make_server_cookie, siphash24
from mipdns.answer.peer import Peer

# The reference implementation's vectors_sip64: key 00 to 0f, input 00, 01, … of growing length.
REFERENCE = {
    0: "310e0edd47db6f72",
    1: "fd67dc93c539f874",
    2: "5a4fa9d909806c0d",
    3: "2d7efbd796666785",
    7: "37d1018bf50002ab",
    8: "6224939a79f5f593",
    15: "e545be4961ca29a1",
    16: "db9bc2577fcc2a3f",
    31: "42c341d8fa92d832",
    32: "ce7cf2722f512771",
    63: "724506eb4c328a95",
}


@pytest.mark.parametrize(("size", "expected"), REFERENCE.items())
def test_siphash_reference_vectors(size: int, expected: str):
    assert siphash24(bytes(range(16)), bytes(range(size))).hex() == expected


def test_siphash_of_the_paper():
    """Appendix A of the paper: 15 bytes give a129ca6149be45e5."""
    assert int.from_bytes(siphash24(bytes(range(16)), bytes(range(15))), "little") == 0xA129CA6149BE45E5


A_SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
OLD, NEW = "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962"


def peer(address: str, now: int, *secrets: str) -> Peer:
    return Peer("udp", ip_address(address).packed, now, tuple(map(bytes.fromhex, secrets)))


CLIENT_1, ADDRESS_1 = "2464c4abcf10c957", "198.51.100.100"
CLIENT_2, ADDRESS_2 = "fc93fc62807ddb86", "203.0.113.203"
CLIENT_3, ADDRESS_3 = "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8"

# RFC 9018 appendix A: client cookie, client address, secret, time, server cookie.
MADE = {
    "A.1 a new server cookie": (CLIENT_1, ADDRESS_1, A_SECRET, 1559731985, "010000005cf79f111f8130c3eee29480"),
    "A.2 the same client later": (CLIENT_1, ADDRESS_1, A_SECRET, 1559734385, "010000005cf7a871d4a564a1442aca77"),
    "A.3 another client": (CLIENT_2, ADDRESS_2, A_SECRET, 1559734700, "010000005cf7a9acf73a7810aca2381e"),
    "A.4 IPv6, old secret": (CLIENT_3, ADDRESS_3, OLD, 1559741817, "010000005cf7c57926556bd0934c72f8"),
    "A.4 IPv6, new secret": (CLIENT_3, ADDRESS_3, NEW, 1559741961, "010000005cf7c609a6bb79d16625507a"),
}


@pytest.mark.parametrize(("client", "address", "secret", "now", "expected"), MADE.values(), ids=MADE.keys())
def test_server_cookies_of_the_rfc(client: str, address: str, secret: str, now: int, expected: str):
    assert make_server_cookie(bytes.fromhex(client), peer(address, now, secret)).hex() == expected


def test_a2_is_valid_and_renewed_after_40_minutes():
    sent = bytes.fromhex("2464c4abcf10c957010000005cf79f111f8130c3eee29480")
    reply = check_cookie(sent, peer(ADDRESS_1, 1559734385, A_SECRET))
    assert reply is not None
    assert (reply.valid, reply.option.hex()) == (True, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77")


def test_a3_reserved_bytes_need_not_be_zero():
    """RFC 9018 §4.2. The appendix renews it after 1 h 52 min; §4.3 says one hour, which is kept here."""
    sent = bytes.fromhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
    reply = check_cookie(sent, peer(ADDRESS_2, 0x5CF78F71 + 1801, A_SECRET))
    assert reply is not None
    assert reply.valid
    assert reply.option[8:12] == b"\1\0\0\0"


def test_a4_secret_rolled_over():
    sent = bytes.fromhex("22681ab97d52c298010000005cf7c57926556bd0934c72f8")
    reply = check_cookie(sent, peer(ADDRESS_3, 1559741961, NEW, OLD))
    assert reply is not None
    assert (reply.valid, reply.option.hex()) == (True, "22681ab97d52c298010000005cf7c609a6bb79d16625507a")


@pytest.mark.parametrize("now", [2**32 - 10, 2**32 + 10, 2**33 + 5])
def test_time_goes_round_after_2106(now: int):
    """RFC 9018 §4.3: timestamps compare on the circle of RFC 1982."""
    asked = peer("192.0.2.1", now, A_SECRET)
    cookie = bytes(8) + make_server_cookie(bytes(8), asked)
    for later_s, valid in ((0, True), (3600, True), (3601, False), (-300, True), (-301, False)):
        reply = check_cookie(cookie, asked._replace(now=now + later_s))
        assert reply is not None
        assert reply.valid == valid


def test_without_a_secret_there_are_no_cookies():
    assert check_cookie(bytes(8), peer("192.0.2.1", 0)) is None
