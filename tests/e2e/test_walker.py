"""The walker: every partial name of both families, in every kind of list, over a real socket, against brute force.

This is the proof for empty non-terminals. A resolver with QNAME minimisation skips labels as it likes; this one asks
every name on the way, and some beside it, and holds response code and data to tests/oracle.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from mipdns.net import V4_FIRST, is_v4
from mipdns.vocabulary import Class
from tests.e2e import servers
from tests.exchange import ask_many
from tests.oracle import NODATA, NXDOMAIN, Absent, Listing, Oracle
from tests.small import VERDICTS, write_build
from tests.wire import packets

ORIGIN = "mip.internal"
FLOOR = 50
CLASSES = [(member.name or "").lower() for member in Class]
LISTS = [
    "",
    "all",
    "bits",
    *("t01", "t25", "t50", "t51", "t81", "t96", "t100"),
    *CLASSES,
    *(f"{level}.{name}" for level, name in zip(("t01", "t99", "t50", "t88", "t100"), CLASSES[1:], strict=False)),
]
ABSENT_LISTS = ["t0", "t101", "bits.cgnat", "cgnat.t80", "t80.all", "all.all"]
TYPES = ("A", "TXT", "MX")
BESIDE_SHARE = 0.2


def addresses_of_interest() -> list[int]:
    """Ends and insides of every range, their neighbours, the test points, and what lies far from everything."""
    found = {V4_FIRST | 127 << 24 | low for low in (1, 2, 80, 0x0155, 0xFF64, 0x407E, 0x10002)}
    for number, row in enumerate(VERDICTS):
        inside = (row.first + row.last) // 2
        found |= {row.first - 1, row.first, row.last + 1} if number % 2 else {inside, row.last, row.last + 1}
    return sorted(found | {0, 1, V4_FIRST, V4_FIRST | 0xFFFFFFFF, (1 << 128) - 1, 0x2001 << 112})


def partial_names(address: int) -> Iterator[list[str]]:
    """Labels of every name from the address up to the list, and here and there a sibling or a child."""
    forms = [list(reversed(f"{address:032x}"))]
    if is_v4(address):
        forms.append([str(octet) for octet in reversed((address & 0xFFFFFFFF).to_bytes(4, "big"))])
    chance = random.Random(address)
    for labels in forms:
        alphabet = "0123456789abcdef" if len(labels) == 32 else [str(octet) for octet in range(256)]
        for at in range(len(labels) + 1):
            yield labels[at:]
            if at < len(labels) and chance.random() < BESIDE_SHARE:
                yield [chance.choice(alphabet), *labels[at + 1 :]]
            if chance.random() < BESIDE_SHARE:
                yield [chance.choice(["x", "01", "10", "0", "256", "f", "-1"]), *labels[at:]]


def names_within(within: str) -> list[str]:
    """Every name that is asked in a list, before the origin, each once."""
    suffix = [within] if within else []
    every = (".".join([*labels, *suffix]) for address in addresses_of_interest() for labels in partial_names(address))
    return [name for name in dict.fromkeys(every) if name]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walker")
    write_build(folder / "mip.db")
    with servers.start(servers.write_config(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(VERDICTS, FLOOR)


def understand(packet: bytes) -> Listing | Absent | str:
    """What an answer says, as the oracle would; A or TXT alone fill a `Listing` by half."""
    read = packets.read(packet)
    texts = {rrset.rdtype: rrset[0].to_text().strip('"') for rrset in read.answer}
    if texts:
        return Listing(texts.get(dns.rdatatype.A, ""), texts.get(dns.rdatatype.TXT, ""))
    return {dns.rcode.NOERROR: NODATA, dns.rcode.NXDOMAIN: NXDOMAIN}.get(read.rcode(), dns.rcode.to_text(read.rcode()))


def expectation(said: Listing | Absent, rdtype: str) -> Listing | Absent:
    if isinstance(said, Absent):
        return said
    return {"A": Listing(said.a, ""), "TXT": Listing("", said.txt)}.get(rdtype, NODATA)


@pytest.mark.parametrize("within", [*LISTS, *ABSENT_LISTS], ids=lambda within: within or "the zone's own")
def test_every_partial_name(server, oracle, within):
    asked = [(name, TYPES[number % len(TYPES)]) for number, name in enumerate(names_within(within))]
    queries = (packets.query(f"{name}.{ORIGIN}", rdtype) for name, rdtype in asked)
    wrong = []
    for (name, rdtype), answer in zip(asked, ask_many(queries, *server.addresses[0]), strict=True):
        expected = expectation(oracle.say(name), rdtype)
        if (got := understand(answer)) != expected:
            wrong.append((name, rdtype, got, expected))
    assert wrong == []


@pytest.mark.parametrize("within", ["", "bits", "t01", "campus", "t50.tor"])
def test_full_names_over_ipv6_with_every_type(server, oracle, within):
    asked = [(name, rdtype) for name in names_within(within)[::5] for rdtype in TYPES]
    queries = (packets.query(f"{name}.{ORIGIN}", rdtype) for name, rdtype in asked)
    for (name, rdtype), answer in zip(asked, ask_many(queries, *server.addresses[1]), strict=True):
        assert understand(answer) == expectation(oracle.say(name), rdtype), (name, rdtype)
