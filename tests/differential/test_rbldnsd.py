"""Our answers against rbldnsd's on the same listings: plain A and TXT queries, both families.

For full addresses the two must agree in all that rbldnsd can say. What it cannot is asserted as well, so that
docs/differences.md stays true: each test that expects a difference names its heading there.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from mipdns.export import export_rbldnsd
from mipdns.net import V4_FIRST, is_v4, reverse_name
from tests import peers
from tests.behaviour.message import Reply, read_reply
from tests.conftest import REPOSITORY
from tests.e2e import servers
from tests.exchange import ask_many, ask_udp
from tests.small import SERIAL, VERDICTS, write_build
from tests.wire.packets import query
from tests.wire.world import ORIGIN, ZONES

pytestmark = pytest.mark.peers

ZONE = ZONES.by_origin[b"mip", b"internal"]
LISTS = ("", "all", "bits", "t80", "relay", "t90.tor")
APEX = f"$SOA 3600 ns1.{ORIGIN} hostmaster.{ORIGIN} {SERIAL} 3600 600 1209600 60\n$NS 3600 ns1.{ORIGIN}\n"
TTL = "$TTL 300\n"
"""For each data file its own."""


class Pair(NamedTuple):
    """zone: the name that rbldnsd serves; our server answers for it within its own."""

    zone: str
    ours: tuple[str, int]
    theirs: tuple[str, int]


@pytest.fixture(scope="module")
def our_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("ours")
    write_build(folder / "mip.db")
    with servers.start(servers.write_config(folder)) as server:
        yield server.addresses[0]


@pytest.fixture(scope="module", params=LISTS, ids=lambda within: within or "the zone's own")
def pair(request: pytest.FixtureRequest, our_address: tuple[str, int]) -> Iterator[Pair]:
    within = request.param
    rule = ZONE.lists[tuple(within.encode().split(b".")) if within else ()]
    v4, v6_text = io.StringIO(), io.StringIO()
    export_rbldnsd(VERDICTS, v4, v6_text, rule=rule)
    zone = f"{within}.{ORIGIN}" if within else ORIGIN
    with peers.rbldnsd(zone, {"ip4trie": APEX + TTL + v4.getvalue(), "ip6trie": TTL + v6_text.getvalue()}) as running:
        yield Pair(zone, our_address, ("127.0.0.1", running.port))


def addresses() -> list[int]:
    """Edges of every range and their neighbours, random addresses inside and out; of 127/8 only 127.0.0.1 and .2."""
    chance = random.Random(5782)
    found = {V4_FIRST | 127 << 24 | 1, V4_FIRST | 127 << 24 | 2}
    for row in VERDICTS:
        found |= {row.first - 1, row.first, row.last, row.last + 1}
        found |= {chance.randint(row.first, row.last) for _ in range(5)}
    found |= {V4_FIRST | chance.randrange(128 << 24, 224 << 24) for _ in range(100)}
    found |= {0x2 << 124 | chance.getrandbits(124) for _ in range(100)}
    return sorted(found)


def essence(reply: Reply, zone: str) -> Reply:
    """All that is said, but for the name servers that rbldnsd adds to an answer, and that a list is its zone."""
    if reply.answer:
        return reply._replace(authority=(), additional=())
    return reply._replace(authority=tuple(text.replace(f"{zone} ", f"{ORIGIN} ", 1) for text in reply.authority))


def names_of(address: int) -> list[str]:
    """Its query name, and for IPv4 that of its IPv4-mapped form too."""
    mapped = ".".join(reversed(f"{address:032x}"))
    return [reverse_name(address), mapped] if is_v4(address) else [mapped]


def test_full_addresses_say_the_same(pair: Pair):
    names = [f"{name}.{pair.zone}" for address in addresses() for name in names_of(address)]
    asked = [query(name, rdtype) for name in names for rdtype in ("A", "TXT")]
    seen = set()
    for packet, ours, theirs in zip(asked, ask_many(asked, *pair.ours), ask_many(asked, *pair.theirs), strict=True):
        mine, other = read_reply(ours), read_reply(theirs)
        if mine.rcode == "NOERROR" and not mine.answer:
            # Unlisted, but the way to a listing of the other family: `empty-non-terminals`.
            assert other.rcode == "NXDOMAIN"
            continue
        assert essence(mine, ORIGIN) == essence(other, pair.zone), packet
        seen.add(mine.rcode)
    assert seen == {"NOERROR", "NXDOMAIN"}


def test_rbldnsd_has_no_empty_non_terminals(pair: Pair):
    """`empty-non-terminals`, the fault that hides listings from resolvers with strict QNAME minimisation."""
    for path in ("127", "0.127", "0.0.127"):
        asked = query(f"{path}.{pair.zone}")
        ours, theirs = ask_udp(asked, *pair.ours), ask_udp(asked, *pair.theirs)
        assert ours
        assert theirs
        assert (read_reply(ours).rcode, read_reply(theirs).rcode) == ("NOERROR", "NXDOMAIN")


def test_docs_have_the_headings():
    page = (REPOSITORY / "docs" / "differences.md").read_text("utf-8").partition("## rbldnsd\n")[2]
    assert [line[4:] for line in page.splitlines() if line.startswith("### ")] == ["empty-non-terminals"]


def test_both_families_are_asked():
    assert {is_v4(address) for address in addresses()} == {True, False}
