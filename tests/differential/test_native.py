"""The native form against the specification: whatever it answers is what `respond` answers, byte for byte.

Two hundred thousand packets by default; $MIPDNS_FUZZ_PACKETS says how many (`scripts/fuzz` runs a million).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns.answer import Peer, Zones, respond
from mipdns.index import layout
from mipdns.index.memory import from_verdicts
from mipdns.vocabulary import Verdict
from mipdns.zonefile import read_zones
from tests.forms import NativeForm, index_bytes, need_native
from tests.fuzz.making import SEEDS, Maker, make_verdicts, peers
from tests.fuzz.test_answer import queries
from tests.small import SERIAL, VERDICTS
from tests.wire.world import IDENTITY, ZONES, ZONES_FOLDER, BruteSnapshot

PACKETS = int(os.environ.get("MIPDNS_FUZZ_PACKETS", "200000"))
RARE_SHARE_MAX = 0.2
BRUTE_ROWS = 100
"""Up to so many rows the specification is asked over a mere list, so that it shares no index with the native form."""

THIN = """
origin = "thin.example"
contact = "dns@thin.example"
floor = 80
lists = ["bits", "classes"]
ttl = 2147483647
negative_ttl = 1
[soa]
[[nameserver]]
name = "a.very-long.name-server.thin.example"
addresses = ["192.0.2.1"]
"""
TWO = """
origin = "two.example"
contact = "dns@two.example"
lists = ["thresholds"]
ttl = 1
negative_ttl = 86400
[soa]
[[nameserver]]
name = "{label}.{label}.{label}.name"
""".format(label="n" * 60)


class World:
    """Verdicts in both forms, with zones."""

    def __init__(self, verdicts: list[Verdict], zones: Zones) -> None:
        self.verdicts = verdicts
        self.zones = zones
        self.snapshot = BruteSnapshot(verdicts) if len(verdicts) < BRUTE_ROWS else from_verdicts(verdicts, SERIAL)
        self.form = NativeForm(index_bytes(verdicts))

    def compare(self, packet: bytes, peer: Peer) -> bool:
        """Whether the native form answered; fails where it did and the specification answers otherwise."""
        answer = self.form.answer(packet, self.zones, peer)
        if answer is not None and not isinstance(answer, bytes):
            return False
        expected = respond(packet, self.snapshot, self.zones, peer)
        assert answer == expected, f"packet {packet.hex()} from {peer}"
        return True


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Zones:
    """The shipped zone, one with few lists, and one whose SOA record does not fit into 512 bytes beside a long name."""
    folder: Path = tmp_path_factory.mktemp("zones")
    (folder / "mip.toml").write_bytes((ZONES_FOLDER / "mip.internal.toml").read_bytes())
    (folder / "thin.toml").write_text(THIN, "utf-8")
    (folder / "two.toml").write_text(TWO, "utf-8")
    return read_zones(folder, IDENTITY)


@pytest.fixture(scope="module", params=["small", "large", "empty", "wide"])
def world(request: pytest.FixtureRequest, zones: Zones) -> World:
    """The build of the wire tables; one whose summaries have two levels; one that holds nothing; the first again with
    the four bytes a payload number that a build of more than 65,536 payloads has."""
    need_native()
    if request.param == "large":
        return World(make_verdicts(random.Random(9018), 20_000), zones)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "wide":
            patch.setattr(layout, "payload_width", lambda payloads: 4)
        return World([] if request.param == "empty" else VERDICTS, zones)


def test_known_packets_cut_anywhere(world: World):
    for seed in SEEDS[::3]:
        for size in range(len(seed) + 1):
            world.compare(seed[:size], peers()[0])


def test_many_packets(world: World):
    maker = Maker(20261120, world.verdicts or VERDICTS)
    rare = sum(not world.compare(packet, peer) for packet, peer in maker.packets(PACKETS // 4))
    assert rare <= PACKETS // 4 * RARE_SHARE_MAX


@pytest.fixture(scope="module")
def small() -> World:
    """The build of the wire tables in the shipped zone."""
    need_native()
    return World(VERDICTS, ZONES)


PLAIN = [
    *(f"{name}.mip.internal" for name in ("1.101.220.185", "1.101.220.185.all", "1.1.1.1.t80.cgnat", "6.0.0.2.bits")),
    "1.0.0.0." + "0." * 16 + "8.B.D.0.1.0.0.2.0.0.0.0.mip.internal",
]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("qtype", ["A", "TXT"])
@pytest.mark.parametrize("options", [None, b"", b"client#1", b"client#1server#server##1"])
def test_a_plain_query_with_any_one_byte_changed(small: World, name: str, qtype: str, options: bytes | None):
    """What is plain has a short way of its own, which must know all that is not."""
    query = dns.message.make_query(name, qtype, use_edns=None if options is None else 0)
    if options:
        query.use_edns(0, 0, 1232, options=[dns.edns.GenericOption(dns.edns.OptionType.COOKIE, options)])
    packet = query.to_wire()
    values = (
        range(256) if options is None else [*b"\0\1\2\x20@AZ[`az{\xff", *random.Random(name).sample(range(256), 10)]
    )
    for at in range(len(packet)):
        for value in values:
            small.compare(packet[:at] + bytes([value]) + packet[at + 1 :], peers()[0])
    for size in range(len(packet)):
        small.compare(packet[:size], peers()[0])


@settings(max_examples=500)
@given(packet=queries(), peer=st.sampled_from(peers()))
def test_queries_of_every_shape(small: World, packet: bytes, peer: Peer):
    small.compare(packet, peer)


@settings(max_examples=200)
@given(packet=st.binary(max_size=600), peer=st.sampled_from(peers()))
def test_any_bytes(small: World, packet: bytes, peer: Peer):
    small.compare(packet, peer)


@pytest.mark.parametrize("filler", [b"\0", b"\xc0\x0c", b"\1a", b"\xff", b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0"])
def test_the_largest_packets(small: World, filler: bytes):
    body = filler * (65000 // len(filler))
    for counts in (b"\xff\xff" * 4, b"\0\1\xff\xff\xff\xff\xff\xff", b"\0\1\0\0\0\0\xff\xff"):
        small.compare(b"\1\2\1\0" + counts + body, peers()[0])
        small.compare(b"\1\2\1\0" + counts + b"\1a\0\0\1\0\1" + body, peers()[0])
