"""Exports, read back by others: csv by the csv module, a master file by dnspython, Knot and NSD, and by rbldnsd.

The law for the master file: every full address, in every list, says there what `respond` says.
"""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns import export, net
from mipdns.answer.peer import Peer
from mipdns.answer.respond import respond
from mipdns.answer.zone import Identity, Zones
from mipdns.errors import ExportError
from mipdns.index.memory import from_verdicts
from mipdns.vocabulary import Class, Signal, Verdict
from mipdns.zonefile import read_zone
from tests import peers
from tests.small import VERDICTS

SERIAL = 1_795_000_000
ASKER = Peer("tcp", b"\x7f\0\0\1", 0, (bytes(16),))
ZONE_FILE = Path(__file__).resolve().parents[2] / "zones" / "mip.internal.toml"
ROWS = [row for row in VERDICTS if not net.is_v4(row.first) or row.last - row.first < 1000]


@pytest.fixture(scope="module")
def zone():
    return read_zone(ZONE_FILE)


def written(rows, zone, **options):
    out = io.StringIO()
    count = export.export_zone(rows, zone, SERIAL, out, **options)
    return out.getvalue(), count


def a_and_txt(answer):
    """What a response says of a name: the texts of its records, () for none."""
    return tuple(sorted(record.to_text() for rrset in answer.answer for record in rrset))


def ours(name, kind, rows, zone):
    packet = dns.message.make_query(name, kind).to_wire()
    said = respond(packet, from_verdicts(rows, SERIAL), Zones({zone.origin: zone}, Identity()), ASKER)
    assert said is not None
    return dns.message.from_wire(said)


class Master:
    """A master file as a server answers from it: exact names, else the wildcard at the closest encloser (RFC 4592)."""

    def __init__(self, text):
        self.zone = dns.zone.from_text(text, origin=None)
        self.names = {dns.name.Name(name.labels[at:]) for name in self.zone.nodes for at in range(len(name) + 1)}

    def says(self, name, kind):
        relative = dns.name.from_text(name, None)
        if relative not in self.names:
            above = (dns.name.Name(relative.labels[at:]) for at in range(1, len(relative) + 1))
            encloser = next(name for name in above if name in self.names)
            relative = dns.name.Name((b"*", *encloser.labels))
        rdataset = self.zone.get_rdataset(relative, kind)
        return tuple(sorted(record.to_text() for record in rdataset)) if rdataset else ()


def test_csv():
    out = io.StringIO()
    unknown = Verdict(*net.parse_range("51.15.9.1"), 1, Class.OTHER, None, None, 0, None, "2026-09-22")
    export.export_csv(iter([*ROWS, unknown]), out)
    text = out.getvalue()
    assert text.startswith("first,last,confidence,class,users_low,users_high,sources,asn\n")
    assert "\n51.15.7.0,51.15.7.255,87,cgnat+mobile,87,174,ports+agents+trace,64500\n" in text
    assert "\n2a0b:f4c2::1,2a0b:f4c2::1,99,tor,99,198,ports+agents+trace,64500\n" in text
    assert text.endswith("\n51.15.9.1,51.15.9.1,1,other,,,,\n")
    read = list(csv.DictReader(io.StringIO(text)))
    assert len(read) == len(ROWS) + 1
    for row, verdict in zip(read, ROWS, strict=False):
        assert (net.parse_address(row["first"]), net.parse_address(row["last"])) == (verdict.first, verdict.last)
        assert int(row["confidence"]) == verdict.confidence
        assert sum(Class[name.upper()] for name in row["class"].split("+")) == verdict.classes
        assert sum(Signal[name.upper()] for name in row["sources"].split("+")) == verdict.sources


def test_csv_of_nothing_is_a_header():
    out = io.StringIO()
    export.export_csv([], out)
    assert out.getvalue() == "first,last,confidence,class,users_low,users_high,sources,asn\n"


def test_csv_streams():
    """The first lines are out before the last row is made."""
    out = io.StringIO()

    def rows():
        yield from ROWS
        assert "51.15.7.0" in out.getvalue()

    export.export_csv(rows(), out)


def test_the_apex(zone):
    text, count = written([], zone, every_test_point=False)
    read = dns.zone.from_text(text, origin=None)
    assert read.origin == dns.name.from_text("mip.internal")
    soa, servers = read.find_rdataset("@", "SOA"), read.find_rdataset("@", "NS")
    assert soa[0].to_text(read.origin, relativize=False) == (
        f"ns1.mip.internal. hostmaster.mip.internal. {SERIAL} 3600 600 1209600 60"
    )
    assert (soa.ttl, servers[0].to_text()) == (3600, "ns1")
    assert read.find_rdataset("ns1", "AAAA")[0].to_text() == "::1"
    assert read.find_rdataset("2.0.0.127.all", "A").ttl == zone.ttl
    assert count == sum(len(rdataset) for node in read.nodes.values() for rdataset in node)


def lists_in(text, zone):
    """The lists of the zone that a master file has a test point of."""
    nodes = dns.zone.from_text(text, origin=None).nodes
    every = [b".".join(labels).decode() for labels in zone.lists]
    return {name for name in every if dns.name.from_text(f"2.0.0.127.{name}".rstrip("."), None) in nodes}


def test_lists(zone):
    every = [b".".join(labels).decode() for labels in zone.lists]
    by_default = lists_in(written([], zone, every_test_point=False)[0], zone)
    assert by_default == {"", "all", "bits", *(member.name.lower() for member in Class if member.name)}
    for asked in (["", "t80", "T100.Cgnat"], ["bits"], every):
        text, _ = written([], zone, lists=asked, every_test_point=False)
        assert lists_in(text, zone) == {name.lower() for name in asked}


@pytest.mark.parametrize("name", ["t80.bits", "t101", "cgnat.t80", "nonsense", "…", "."])
def test_a_list_that_is_none_is_refused(zone, name):
    with pytest.raises(ExportError, match="has no list"):
        written([], zone, lists=[name])


def test_test_points(zone):
    """Every name in 127.0.0.0/16 that the zone lists, and no other."""
    text, count = written([], zone, lists=["t99.tor", "bits"])
    master = Master(text)
    for name, listed in {
        "2.0.0.127.t99.tor": True,
        "1.0.0.127.t99.tor": False,
        "99.8.0.127.t99.tor": True,
        "98.8.0.127.t99.tor": False,
        "99.1.0.127.t99.tor": False,
        "126.0.0.127.bits": True,
        "127.0.0.127.bits": False,
        "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bits": True,
    }.items():
        assert bool(master.says(name, "A")) == listed, name
    for name in ("100.255.0.127.t99.tor", "254.3.0.127.bits"):
        assert master.says(name, "A") == a_and_txt(ours(f"{name}.mip.internal", "A", [], zone))
        assert master.says(name, "TXT") == ('"v=mip1; test"',)
    points = (128 * 2 + 1) + (256 * 7)  # C with the bit, S of 99 and 100, 127.0.0.2; in bits 127.0.0.2 is a code
    assert count == 4 + points * 4


def test_too_many_records_are_refused_before_anything_is_written(zone):
    wide = Verdict(*net.parse_range("104.0.0.0/8"), 90, Class.CGNAT, None, None, 1, None, "2026-09-22")
    out = io.StringIO()
    with pytest.raises(ExportError, match=r"more than 5,000,000 records \(passed at 104\.0\.0\.0/8\)"):
        export.export_zone([*ROWS[:2], wide], zone, SERIAL, out)
    with pytest.raises(ExportError, match="passed at the test points"):
        export.export_zone([], zone, SERIAL, out, records_max=1000)
    assert out.getvalue() == ""
    _, count = written(ROWS, zone, every_test_point=False)
    assert written(ROWS, zone, every_test_point=False, records_max=count)[1] == count
    with pytest.raises(ExportError):
        written(ROWS, zone, every_test_point=False, records_max=count - 1)


def test_the_count_is_that_of_the_records(zone):
    text, count = written(ROWS, zone, lists=["", "t25", "t95.tor"], every_test_point=False)
    read = dns.zone.from_text(text, origin=None)
    assert sum(len(rdataset) for node in read.nodes.values() for rdataset in node) == count


UNICAST = [net.parse_range(text) for text in ("2.0.0.0/8", "51.0.0.0/8", "2400::/12", "2a01::/16")]


@st.composite
def small_builds(draw):
    """A few disjoint ranges of both families, on and across nibble edges, where names of the families collide too."""
    edges = set()
    for low, high in UNICAST:
        bits = 6 if net.is_v4(low) else draw(st.sampled_from([6, 70, 108, 116]))
        step = (1 << bits) // 16 or 1
        base = low + draw(st.integers(0, 3)) * ((high - low) // 4)
        edges |= {(base, base + n * step) for n in draw(st.lists(st.integers(0, 40), max_size=4))}
    ordered = sorted({end for _, end in edges})
    rows = []
    for first, after in zip(ordered[::2], ordered[1::2], strict=False):
        if net.is_v4(first) == net.is_v4(after) and (not net.is_v4(first) or after - first < 300):
            low, high, asn = draw(st.sampled_from([(None, None, None), (4, 9, 64500)]))
            confidence, classes = draw(st.sampled_from([1, 24, 25, 49, 50, 79, 80, 100])), draw(st.integers(1, 255))
            last = after - draw(st.integers(0, 1))
            rows.append(
                Verdict(first, last, confidence, classes, low, high, draw(st.integers(0, 8191)), asn, "2026-09-22")
            )
    return rows


SOME_LISTS = ["", "all", "bits", "t80", "cgnat", "tor", "t25.vpn"]


@settings(max_examples=40, deadline=None)
@given(
    small_builds(), st.lists(st.sampled_from(SOME_LISTS), min_size=1, max_size=2, unique=True),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_every_address_says_in_the_master_file_what_respond_says(rows, lists, chance):
    zone = read_zone(ZONE_FILE)
    master = Master(written(rows, zone, lists=lists, every_test_point=False)[0])
    near = {edge + by for row in rows for edge in (row.first, row.last) for by in (-17, -1, 0, 1, 16)}
    near |= {chance.randint(row.first, row.last) for row in rows}
    near |= {chance.randint(low, high) for low, high in UNICAST}
    snapshot, zones = from_verdicts(rows, SERIAL), Zones({zone.origin: zone}, Identity())
    for address in near:
        forms = {net.reverse_name(address), ".".join(reversed(f"{address:032x}"))}
        for form in forms:
            for which in lists:
                name = f"{form}.{which}".rstrip(".")
                for kind in ("A", "TXT"):
                    packet = dns.message.make_query(f"{name}.mip.internal", kind).to_wire()
                    said = respond(packet, snapshot, zones, ASKER)
                    assert said is not None
                    assert master.says(name, kind) == a_and_txt(dns.message.from_wire(said)), (name, kind)


def test_an_ipv4_name_does_not_hide_what_a_wide_ipv6_prefix_lists(zone):
    """7.0.4.2 is 2.4.0.7, and the way to 2407::/16, which 2400::/12 holds."""
    rows = [
        Verdict(*net.parse_range(text), 90, Class.VPN, None, None, 1, None, "2026-09-22")
        for text in ("2.4.0.7", "2400::/12")
    ]
    master = Master(written(rows, zone, lists=[""], every_test_point=False)[0])
    assert master.says("7.0.4.2", "A") == ("127.0.2.90",)
    for text in ("2407::1", "2400::", "240f:ffff::1"):
        name = net.reverse_name(net.parse_address(text))
        assert master.says(name, "TXT") == a_and_txt(ours(f"{name}.mip.internal", "TXT", rows, zone)) != ()
    assert master.says(net.reverse_name(net.parse_address("2410::")), "A") == ()


@pytest.mark.peers
@pytest.mark.parametrize("start", [peers.knot, peers.nsd], ids=["knot", "nsd"])
def test_a_name_server_takes_the_file_and_answers_alike(start, zone, tmp_path):
    text, _ = written(ROWS, zone, lists=SOME_LISTS, every_test_point=False)
    with start(tmp_path, {"mip.internal": text}) as peer:
        for name in sampled(random.Random(7)):
            for kind in ("A", "TXT"):
                query = dns.message.make_query(f"{name}.mip.internal", kind)
                theirs = dns.query.udp(query, "127.0.0.1", port=peer.port, timeout=5)
                mine = ours(f"{name}.mip.internal", kind, ROWS, zone)
                assert (theirs.rcode(), a_and_txt(theirs)) == (mine.rcode(), a_and_txt(mine)), (name, kind)


def sampled(chance):
    for row in ROWS:
        for address in {row.first, row.last, chance.randint(row.first, row.last), row.last + 1}:
            yield f"{net.reverse_name(address)}.{chance.choice(SOME_LISTS)}".rstrip(".")


@pytest.mark.peers
def test_rbldnsd_takes_its_files_and_answers_alike(zone):
    out_v4, out_v6 = io.StringIO(), io.StringIO()
    export.export_rbldnsd(ROWS, out_v4, out_v6, rule=zone.lists[()])
    soa = "$SOA 3600 ns1.mip.internal hostmaster.mip.internal 1 3600 600 1209600 60\n$NS 3600 ns1.mip.internal\n"
    datasets = {"ip4trie": soa + out_v4.getvalue(), "ip6trie": out_v6.getvalue()}
    with peers.rbldnsd("mip.internal", datasets) as peer:
        listed = 0
        for name in {name for row in ROWS for name in map(net.reverse_name, (row.first, row.last, row.last + 1))}:
            for kind in ("A", "TXT"):
                query = dns.message.make_query(f"{name}.mip.internal", kind)
                theirs = dns.query.udp(query, "127.0.0.1", port=peer.port, timeout=5)
                said = a_and_txt(ours(f"{name}.mip.internal", kind, ROWS, zone))
                assert a_and_txt(theirs) == said, (name, kind)
                listed += bool(said)
        assert listed > 30


def test_rbldnsd_lines(zone):
    out_v4, out_v6 = io.StringIO(), io.StringIO()
    export.export_rbldnsd(ROWS, out_v4, out_v6, rule=zone.lists[b"t97", b"tor"])
    assert out_v4.getvalue().splitlines()[0] == "127.0.0.2 :127.0.0.2:v=mip1; test"
    assert [line.split(" :")[0] for line in out_v4.getvalue().splitlines()[1:]] == ["185.220.101.1/32"]
    lines = out_v6.getvalue().splitlines()
    assert lines[0].startswith("2a0b:f4c2::1/128 :127.0.8.99:v=mip1; conf=99; class=tor; users=99-198; net=")
    assert [line.split(" :")[0] for line in lines[1:3]] == ["2a0b:f4c2::8/125", "2a0b:f4c2::10/124"]
