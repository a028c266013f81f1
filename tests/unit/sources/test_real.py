"""Every source kind but logs, on public data that nobody here wrote: rows, bad lines and what they say."""

from __future__ import annotations

import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from mipdns import config, net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.sources import atlas, egress, peeringdb, routes

pytestmark = pytest.mark.real


def test_routes_of_both_families(real_data: Path):
    source = config.Routes(name="asn", path=str(real_data / "asn_prefix" / "asn-ipv*.csv.gz"), format="ranges")
    read = routes.read(source, bad_lines_max=0.0)
    assert [(Path(file.file).name, file.rows, file.dropped) for file in read.files] == [
        ("asn-ipv4.csv.gz", 411_958, 3),
        ("asn-ipv6.csv.gz", 103_193, 4),
    ]
    assert (net.format_range(*read.records[0][:2]), *read.records[0][2:]) == ("1.0.0.0/24", 13335, "Cloudflare, Inc.")
    flat = routes.flatten(read.records)
    assert all(left.last < right.first for left, right in pairwise(flat))
    assert net.merge_ranges(one[:2] for one in flat) == net.merge_ranges(one[:2] for one in read.records)


def test_peeringdb_pages_refine_the_dump(real_data: Path):
    folder = real_data / "peeringdb"
    source = config.PeeringDB(
        name="pdb", path=(str(folder / "net-20250516.json.gz"), str(folder / "prod_anon__net_page-*.json"))
    )
    read = peeringdb.read(source, bad_lines_max=0.0)
    assert [file.rows for file in read.files] == [23_010, 250, 250]
    networks = {one.asn: one for one in peeringdb.merge(read.records)}
    assert len(networks) == 23_026
    assert networks[3303].declared == "residential"
    assert networks[4436].updated == "2022-07-27T05:33:22Z", "the page's row, which tells its time"


def test_another_peeringdb_kind_is_refused(real_data: Path):
    source = config.PeeringDB(name="pdb", path=str(real_data / "peeringdb" / "beta_anon__netixlan_page-1.json"))
    with pytest.raises(SourceUnreadable, match="holds PeeringDB objects of kind 'netixlan', not 'net'"):
        peeringdb.read(source, bad_lines_max=0.01)


def test_atlas_shows_the_four_addresses_behind_carrier_nat(real_data: Path):
    source = config.Atlas(name="atlas", path=str(real_data / "atlas" / "traceroutes-2024.ndjson.gz"))
    read = atlas.read(source, bad_lines_max=0.0)
    assert (read.files[0].rows, read.files[0].dated) == (2_073, datetime.date(2024, 9, 15))
    said = {(net.format_address(one.first), one.origin) for one in read.records}
    assert {address for address, origin in said if origin == "trace.cgnat"} == {
        "38.145.109.126",
        "103.160.46.15",
        "170.203.209.230",
        "170.203.211.21",
    }
    assert ("45.76.216.72", "trace.direct") in said


def test_traceroutes_of_another_shape_are_refused(real_data: Path):
    source = config.Atlas(name="atlas", path=str(real_data / "ptr" / "router-ptr-traceroutes.ndjson.gz"))
    with pytest.raises(TooManyBadLines, match="has no key 'from'"):
        atlas.read(source, bad_lines_max=0.01)


LISTS = [
    ("cidr", "egress/apple-proxy_ipv4.txt.gz", 41_949, 0),
    ("cidr", "egress/apple-proxy_ipv4_merged.txt", 3_290, 0),
    ("cidr", "egress/apple-proxy_ipv6_merged.txt", 10_455, 0),
    ("cidr", "egress/output_vpn_ipv4.txt", 10_862, 0),
    ("cidr", "egress/output_vpn_ipv6.txt", 498, 0),
    ("cidr", "egress/output_datacenter_ipv4.txt", 42_566, 0),
    ("cidr", "egress/output_datacenter_ipv6.txt", 8_752, 0),
    ("cidr", "egress/x4b_tor_exit_ipv4_20260822.txt", 809, 0),
    ("cidr", "egress/providers/*.txt", 7_006, 7),
    ("cidr", "lists/carrier_cn/*.txt", 9_613, 0),
    ("geofeed", "egress/icloud_egress_country_from_mmdb.csv", 27_791, 0),
    ("geofeed", "geofeeds/*", 11_427, 0),
    ("misp", "lists/zscaler.json", 78, 0),
    ("misp", "lists/cloudflare.json", 22, 0),
    ("misp", "lists/vpn-ipv6.json", 1_250, 0),
]


@pytest.mark.parametrize(("format", "path", "rows", "dropped"), LISTS, ids=[row[1] for row in LISTS])
def test_published_lists(real_data: Path, format, path, rows, dropped):
    source = config.Egress(name="list", path=str(real_data / path), format=format, class_="vpn")
    read = egress.read(source, bad_lines_max=0.0)
    assert (sum(file.rows for file in read.files), sum(file.dropped for file in read.files)) == (rows, dropped)
    assert 0 < len(read.records) <= rows


@pytest.mark.parametrize(
    ("format", "path", "told"),
    [
        ("cidr", "egress/input_vpn_ASN.txt", "looks like a list of AS numbers"),
        ("misp", "lists/university_domains.json", "entry 1: '29mayis.edu.tr' is not an IP address"),
        ("cidr", "lists/zscaler.json", "looks like JSON"),
        ("geofeed", "egress/output_vpn_ipv4.txt", "has no column beside the prefix"),
        ("cidr", "geofeeds/aws-geofeed.txt", "has no prefix length from 0 to 32"),
    ],
)
def test_lists_of_another_kind_are_refused(real_data: Path, format, path, told):
    source = config.Egress(name="list", path=str(real_data / path), format=format, class_="vpn")
    with pytest.raises(TooManyBadLines, match=told):
        egress.read(source, bad_lines_max=0.01)
