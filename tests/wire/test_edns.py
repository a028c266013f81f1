"""EDNS in answers: what OPT says back, and which options are answered to whom."""

from __future__ import annotations

import dns.flags
import dns.rcode
import pytest

from mipdns.answer import Identity, Peer
from tests.wire.packets import opt, option, packet, query, read
from tests.wire.packets import options as options_of
from tests.wire.world import CLIENT, LOADED, NOW, OLD_SECRET, TCP, UDP, ask, zones

HIT = "7.7.15.51.mip.internal"
NSID, SUBNET, COOKIE, KEEPALIVE, PADDING, CHAIN, EDE = 3, 8, 10, 11, 12, 13, 15
CLIENT_COOKIE = bytes.fromhex("2464c4abcf10c957")


def fresh(peer: Peer) -> bytes:
    """A whole COOKIE option's data as the server hands it out to this peer."""
    answer = ask(query(HIT, edns=opt(option(COOKIE, CLIENT_COOKIE))), peer._replace(under_load=False))
    return options_of(read(answer))[COOKIE]


@pytest.mark.parametrize("peer", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize("name", [HIT, "15.51.mip.internal", "x.mip.internal", "www.example.com"])
def test_opt_is_version_0_our_size_and_do_as_asked(name: str, peer: Peer):
    for flags in (0, 0x8000, 0xFFFF):
        message = read(ask(query(name, edns=opt(size=4096, flags=flags)), peer))
        assert (message.edns, message.payload) == (0, 1232)
        assert message.ednsflags & 0xFFFF == flags & dns.flags.DO


def test_none_asked_none_sent():
    for name in (HIT, "x.mip.internal", "www.example.com", "mip.internal"):
        assert read(ask(query(name))).edns == -1


def test_unknown_options_are_ignored_and_not_echoed():
    asked = query(HIT, edns=opt(option(65001, b"xyz"), option(PADDING, bytes(9)), option(CHAIN, b"\0"), option(5, b"")))
    message = read(ask(asked))
    assert message.rcode() == dns.rcode.NOERROR
    assert message.options == ()


def test_client_subnet_is_not_echoed():
    assert read(ask(query(HIT, edns=opt(option(SUBNET, bytes.fromhex("00011800c00002")))))).options == ()


@pytest.mark.parametrize("peer", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize("content", [b"", b"ignored"])
def test_nsid_is_told_when_asked(peer: Peer, content: bytes):
    assert options_of(read(ask(query(HIT, edns=opt(option(NSID, content))), peer))) == {NSID: b"ns1.test"}


@pytest.mark.parametrize("off", ["", "-"])
def test_nsid_and_chaos_names_can_be_off(off: str):
    served = zones(Identity(off, off))
    assert read(ask(query(HIT, edns=opt(option(NSID))), served=served)).options == ()
    for name in ("id.server", "hostname.bind", "version.server", "version.bind"):
        message = read(ask(query(name, "TXT", "CH", edns=opt()), served=served))
        assert (message.rcode(), options_of(message)) == (dns.rcode.REFUSED, {EDE: b"\0\x12"})


def test_keepalive_is_answered_over_tcp_only():
    asked = query(HIT, edns=opt(option(KEEPALIVE)))
    assert options_of(read(ask(asked, TCP))) == {KEEPALIVE: (125).to_bytes(2, "big")}
    assert read(ask(asked, UDP)).options == ()
    assert read(ask(query(HIT, edns=opt()), TCP)).options == ()


@pytest.mark.parametrize(("idle_s", "units"), [(0.01, 0), (6553.5, 65535), (1e6, 65535)])
def test_keepalive_stays_in_its_two_bytes(idle_s: float, units: int):
    served = zones(Identity(tcp_idle_s=idle_s))
    answer = ask(query(HIT, edns=opt(option(KEEPALIVE))), TCP, served=served)
    assert options_of(read(answer)) == {KEEPALIVE: units.to_bytes(2, "big")}


def test_not_ready_is_servfail_in_the_zones_only():
    for name, rcode, error in ((HIT, dns.rcode.SERVFAIL, 14), ("mip.internal", dns.rcode.SERVFAIL, 14)):
        message = read(ask(query(name, edns=opt()), snapshot=None))
        assert (message.rcode(), options_of(message)) == (rcode, {EDE: bytes((0, error))})
        assert not message.flags & dns.flags.AA
    assert read(ask(query("www.example.com"), snapshot=None)).rcode() == dns.rcode.REFUSED
    assert read(ask(query("id.server", "TXT", "CH"), snapshot=None)).rcode() == dns.rcode.NOERROR
    assert read(ask(query("mip.internal", "AXFR"), TCP, snapshot=None)).rcode() == dns.rcode.REFUSED


def test_options_stand_in_the_order_of_their_codes():
    asked = opt(option(KEEPALIVE), option(COOKIE, CLIENT_COOKIE), option(NSID), option(SUBNET, bytes(4)))
    assert list(options_of(read(ask(query("www.example.com", edns=asked), TCP)))) == [NSID, COOKIE, KEEPALIVE, EDE]


# Cookies (RFC 7873, RFC 9018)


@pytest.mark.parametrize("peer", [UDP, TCP, LOADED._replace(transport="tcp")], ids=["udp", "tcp", "tcp under load"])
def test_client_cookie_gets_a_server_cookie(peer: Peer):
    cookie = fresh(peer)
    assert (cookie[:8], len(cookie), cookie[8:16]) == (CLIENT_COOKIE, 24, b"\1\0\0\0" + NOW.to_bytes(4, "big"))


def test_valid_cookie_comes_back_as_it_is_for_half_an_hour_and_renewed_after():
    cookie = fresh(UDP)
    asked = query(HIT, edns=opt(option(COOKIE, cookie)))
    for later_s, same in ((0, True), (1800, True), (1801, False), (3600, False), (-300, True)):
        peer = LOADED._replace(now=NOW + later_s)
        message = read(ask(asked, peer))
        assert message.rcode() == dns.rcode.NOERROR
        assert (options_of(message)[COOKIE] == cookie) == same


def test_cookie_of_the_old_secret_is_valid_and_replaced():
    cookie = fresh(UDP._replace(cookie_secrets=(OLD_SECRET,)))
    message = read(ask(query(HIT, edns=opt(option(COOKIE, cookie))), LOADED))
    assert message.rcode() == dns.rcode.NOERROR
    assert options_of(message)[COOKIE] == fresh(UDP) != cookie


INVALID = {
    "too old": fresh(UDP._replace(now=NOW - 3601)),
    "from the future": fresh(UDP._replace(now=NOW + 301)),
    "another client's": fresh(UDP._replace(address=CLIENT[:3] + b"\2")),
    "another server's": fresh(UDP._replace(cookie_secrets=(bytes(16),))),
    "another client cookie's": bytes(8) + fresh(UDP)[8:],
    "version 2": CLIENT_COOKIE + b"\2" + fresh(UDP)[9:],
    "reserved bits changed": CLIENT_COOKIE + b"\1\0\0\1" + fresh(UDP)[12:],
    "8 bytes": CLIENT_COOKIE + bytes(8),
    "32 bytes": fresh(UDP) + bytes(16),
    "none": CLIENT_COOKIE,
}


@pytest.mark.parametrize("cookie", INVALID.values(), ids=INVALID.keys())
def test_other_cookies_count_as_none_but_are_no_error(cookie: bytes):
    """RFC 7873 §5.2.3 and §5.2.4: a normal answer with a good cookie; BADCOOKIE only over UDP and only under load."""
    asked = query(HIT, edns=opt(option(COOKIE, cookie)))
    for peer, rcode in ((UDP, 0), (TCP, 0), (LOADED, 23), (LOADED._replace(transport="tcp"), 0)):
        message = read(ask(asked, peer))
        assert message.rcode() == rcode
        assert len(message.answer) == (0 if rcode else 1)
        assert options_of(message) == {COOKIE: cookie[:8] + fresh(UDP._replace(transport="udp"))[8:]} or cookie[
            :8
        ] == bytes(8)


def test_load_does_not_touch_who_sends_no_cookie():
    assert read(ask(query(HIT), LOADED)).rcode() == dns.rcode.NOERROR
    assert read(ask(query(HIT, edns=opt()), LOADED)).rcode() == dns.rcode.NOERROR


def test_of_several_cookies_the_first_counts():
    message = read(ask(query(HIT, edns=opt(option(COOKIE, CLIENT_COOKIE), option(COOKIE, b"x")))))
    assert options_of(message)[COOKIE][:8] == CLIENT_COOKIE


def test_without_secrets_cookies_are_off():
    for peer in (UDP._replace(cookie_secrets=()), LOADED._replace(cookie_secrets=())):
        message = read(ask(query(HIT, edns=opt(option(COOKIE, CLIENT_COOKIE))), peer))
        assert (message.rcode(), message.options) == (dns.rcode.NOERROR, ())


@pytest.mark.parametrize("peer", [UDP, TCP, LOADED], ids=["udp", "tcp", "under load"])
@pytest.mark.parametrize(
    ("cookie", "rcode"),
    [(CLIENT_COOKIE, 0), (fresh(UDP), 0), (fresh(UDP)[:-1] + b"?", 23), (CLIENT_COOKIE + bytes(8), 23)],
)
def test_cookie_probe_without_a_question(peer: Peer, cookie: bytes, rcode: int):
    """RFC 7873 §5.4: NOERROR, or BADCOOKIE for a server cookie that is not valid; either way a good one comes back."""
    message = read(ask(packet(opt(option(COOKIE, cookie)), (0, 0, 0, 1)), peer))
    assert (message.rcode(), message.question, message.answer) == (rcode, [], [])
    assert options_of(message) == {COOKIE: fresh(UDP)}


def test_probe_is_an_error_where_cookies_are_off():
    peer = UDP._replace(cookie_secrets=())
    message = read(ask(packet(opt(option(COOKIE, CLIENT_COOKIE)), (0, 0, 0, 1)), peer))
    assert message.rcode() == dns.rcode.FORMERR
