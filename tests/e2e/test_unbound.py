"""Unbound with strict QNAME minimisation in front of our server finds every listing, as resolvers in the field do."""

from __future__ import annotations

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from mipdns.net import is_v4, reverse_name
from tests import peers
from tests.e2e import servers
from tests.oracle import Listing, Oracle
from tests.small import VERDICTS, write_build

ORIGIN = "mip.internal"
FLOOR = 50
LISTS = ("", "all", "bits", "t25", "t80", "t99", "cgnat", "relay", "tor", "campus", "mobile", "t90.proxy", "t50.vpn")
ONE_FAMILY = ("cgnat", "mobile", "t50.vpn")
"""Lists that hold listings of one family only; every other holds both."""

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def resolver(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resolved")
    write_build(folder / "mip.db")
    with (
        servers.start(servers.write_config(folder)) as server,
        peers.unbound(tmp_path_factory.mktemp("unbound"), {ORIGIN: server.addresses[0][1]}) as unbound,
    ):
        yield unbound


def resolve(resolver: peers.Peer, name: str, rdtype: str) -> dns.message.Message:
    return dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", port=resolver.port, timeout=10)


def data(answer: dns.message.Message) -> list[str]:
    return [rdata.to_text().strip('"') for rrset in answer.answer for rdata in rrset]


@pytest.mark.parametrize("within", LISTS, ids=lambda within: within or "the zone's own")
def test_every_listing_is_found(resolver, within):
    """First and last address of every range, of both families, whether it is in this list or not."""
    oracle = Oracle(VERDICTS, FLOOR)
    families = set()
    for address in sorted({edge for row in VERDICTS for edge in (row.first, row.last)}):
        prefix = ".".join(filter(None, (reverse_name(address), within)))
        said = oracle.say(prefix)
        for rdtype in ("A", "TXT"):
            answer = resolve(resolver, f"{prefix}.{ORIGIN}", rdtype)
            if isinstance(said, Listing):
                expected = dns.rcode.NOERROR, [said.a if rdtype == "A" else said.txt]
                families.add(is_v4(address))
            else:
                # 2.6.0.6 is unlisted in proxy., yet its name is the way to 2606:4700::/44, which is there.
                expected = dns.rcode.NOERROR if said.exists else dns.rcode.NXDOMAIN, []
            assert (answer.rcode(), data(answer)) == expected, prefix
    assert families == {True, False} or within in ONE_FAMILY


def test_the_test_points_are_found(resolver):
    for within in LISTS:
        zone = f"{within}.{ORIGIN}" if within else ORIGIN
        assert data(resolve(resolver, f"2.0.0.127.{zone}", "A")) == ["127.0.0.2"]
        assert resolve(resolver, f"1.0.0.127.{zone}", "A").rcode() == dns.rcode.NXDOMAIN


def test_a_listing_under_an_absent_neighbour(resolver):
    """NXDOMAIN for a name must not hide what lies beside it: Unbound draws conclusions from it (RFC 8020)."""
    assert resolve(resolver, f"12.15.51.{ORIGIN}", "A").rcode() == dns.rcode.NXDOMAIN
    assert data(resolve(resolver, f"9.7.15.51.{ORIGIN}", "A")) == ["127.0.65.87"]
    assert resolve(resolver, f"15.51.{ORIGIN}", "NS").rcode() == dns.rcode.NOERROR
