"""Published lists in three formats: every entry an assertion, special-purpose space cut out."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest

from mipdns import config, net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.sources import egress
from mipdns.vocabulary import Class, Signal


def load(folder: Path, text: str, format: str = "cidr", class_: str = "vpn", bad_lines_max: float = 0.0, **more):
    path = folder / "list.txt"
    path.write_bytes(text.encode())
    source = config.Egress(name="e", path=str(path), format=format, class_=class_, **more)  # type: ignore[arg-type]  # a table's columns
    return egress.read(source, bad_lines_max=bad_lines_max)


def ranges(read) -> list[str]:
    return [net.format_range(one.first, one.last) for one in read.records]


CIDR = [
    ("1.2.3.4", ["1.2.3.4"]),
    ("1.2.3.0/24", ["1.2.3.0/24"]),
    ("  1.2.3.0/24\t\r", ["1.2.3.0/24"]),
    ("1.2.3.4-1.2.3.9", ["1.2.3.4-1.2.3.9"]),
    ("1.2.3.4 - 1.2.3.9", ["1.2.3.4-1.2.3.9"]),
    ("2a02:26f7::1/128", ["2a02:26f7::1"]),
    ("2A02:26F7:B00A:4000::/64", ["2a02:26f7:b00a:4000::/64"]),
    ("::ffff:1.2.3.0/120", ["1.2.3.0/24"]),
    ("1.2.3.4 # inline", ["1.2.3.4"]),
    ("1.2.3.0/24 ; SBL1", ["1.2.3.0/24"]),
    ("# head\n; head\n\n \n1.2.3.4", ["1.2.3.4"]),
    ("1.2.3.4\n1.2.3.4/32\n1.2.3.4", ["1.2.3.4"]),
    ("\ufeff1.2.3.4", ["1.2.3.4"]),
    ("1.0.0.0/8\n2a00::/16", ["1.0.0.0/8", "2a00::/16"]),
]


@pytest.mark.parametrize(("text", "expected"), CIDR)
def test_cidr(tmp_path, text, expected):
    assert ranges(load(tmp_path, text)) == expected


GEOFEED = [
    ("1.2.3.0/24,US,US-TX,Dallas-Fort Worth,", ["1.2.3.0/24"]),
    ("1.2.3.0/24,AT,AT-9,Wien,1230,", ["1.2.3.0/24"]),
    ("1.2.3.0/24,US,US-TX,Dallas", ["1.2.3.0/24"]),
    ("1.2.3.0/24,,,,", ["1.2.3.0/24"]),
    ("213.159.136.100,UK,,,", ["213.159.136.100"]),
    ('1.2.3.0/24,US,US-TX,"Dallas, TX",', ["1.2.3.0/24"]),
    ('"1.2.3.0/24","US","US-TX","A ""B""",""', ["1.2.3.0/24"]),
    ("###### ipv6 #####\n2a0a:d7c0:724::/48,BR,,,", ["2a0a:d7c0:724::/48"]),
    ("1.2.3.0/24,AT,,,\n1.2.3.0/24,DE,,,\n1.2.3.1,DE,,,", ["1.2.3.0/24", "1.2.3.1"]),
]


@pytest.mark.parametrize(("text", "expected"), GEOFEED)
def test_geofeed(tmp_path, text, expected):
    assert ranges(load(tmp_path, text, "geofeed")) == expected


def test_misp(tmp_path):
    read = load(tmp_path, json.dumps({"list": ["1.2.3.0/24", "2a02::1"], "version": 20260811}), "misp")
    assert ranges(read) == ["1.2.3.0/24", "2a02::1"]
    assert read.files[0].dated == datetime.date(2026, 8, 11)


BAD = [
    ("cidr", "1.2.3.1/24", "host bits set; 1.2.3.0/24 was meant?"),
    ("cidr", "1.2.3.4\t10", "'1.2.3.4\\t10' is not an address or a prefix"),
    ("cidr", "AS9009", "list of AS numbers; addresses and prefixes are read here"),
    ("cidr", "AS9009 # M247, GB (NordVPN)", "list of AS numbers"),
    ("cidr", "0.0.0.0/0", "wider than a /8 (IPv4) or /16 (IPv6)"),
    ("cidr", "::/0", "wider than a /8"),
    ("cidr", "2000::/3", "wider than a /8"),
    ("cidr", "1.0.0.0-255.0.0.0", "wider than a /8"),
    ("cidr", "vpn-1.example.com", "'vpn-1.example.com' is not an address or a prefix"),
    ("cidr", "01.2.3.4", "not an IP address"),
    ("cidr", "1.2.3.9-1.2.3.4", "ends before it starts"),
    ("cidr", "fe80::1%eth0", "zone index"),
    ("cidr", "<html>", "looks like an HTML or XML page"),
    ("cidr", '{"list": [', "looks like JSON"),
    ("cidr", "1.2.3.0/24,US,US-TX,Dallas,", "1.2.3.0/24,US"),
    ("cidr", "x" * 100_000, "is not an address or a prefix"),
    ("geofeed", "1.2.3.0/24", "has no column beside the prefix"),
    ("geofeed", "1.2.3.1/24,US,,,", "host bits set"),
    ("geofeed", "1.2.3.0,1.2.3.255,13335,Org", "is not a two-letter country code"),
    ("geofeed", ",US,,,", "'' is not an IP address"),
]


@pytest.mark.parametrize(("format", "line", "why"), BAD, ids=[f"{row[0]} {row[1][:30]}" for row in BAD])
def test_bad_lines(tmp_path, format, line, why):
    good = "9.9.9.9,CH,,," if format == "geofeed" else "9.9.9.9"
    read = load(tmp_path, f"{good}\n{line}\n", format, bad_lines_max=0.5)
    (file,) = read.files
    assert (file.rows, file.rejected, file.examples[0].line) == (1, 1, 2)
    assert why in file.examples[0].reason
    assert len(file.examples[0].reason) <= 200


def test_misp_entries_that_are_no_ranges_are_counted_by_place(tmp_path):
    document = json.dumps({"list": ["1.2.3.4", "29mayis.edu.tr", 7, "1.2.3.5"]})
    read = load(tmp_path, document, "misp", bad_lines_max=0.5)
    assert [(example.line, example.reason) for example in read.files[0].examples] == [
        (2, "entry 2: '29mayis.edu.tr' is not an IP address"),
        (3, "entry 3: is not a text"),
    ]
    with pytest.raises(TooManyBadLines, match=r"entry 2: '29mayis\.edu\.tr' is not an IP address"):
        load(tmp_path, document, "misp")


@pytest.mark.parametrize("document", ["[]", "{}", '{"list": 5}', '{"list": {}}', "7", '{"data": []}'])
def test_other_json_is_no_warning_list(tmp_path, document):
    with pytest.raises(SourceUnreadable, match=r"list\.txt: is no MISP warning list"):
        load(tmp_path, document, "misp")


@pytest.mark.parametrize(("text", "format"), [("# nothing\n\n", "cidr"), ('{"list": []}', "misp"), ("#\n", "geofeed")])
def test_a_list_without_entries_fails(tmp_path, text, format):
    with pytest.raises(SourceUnreadable, match="has no rows"):
        load(tmp_path, text, format)


def test_special_purpose_space_is_cut_out(tmp_path):
    read = load(tmp_path, "10.0.0.0/8\n127.0.0.1\nfd00::/32\n198.51.96.0/20\n::ffff:10.1.2.3\n")
    assert ranges(read) == ["198.51.96.0/22", "198.51.101.0-198.51.111.255"]
    assert (read.files[0].rows, read.files[0].dropped) == (1, 4)
    with pytest.raises(SourceUnreadable, match="all its 1 rows lie in special-purpose space"):
        load(tmp_path, "10.0.0.0/8\n")


CLASSES = [
    ("cgnat", "list.cgnat", "shared", Class.CGNAT),
    ("vpn", "list.vpn", "shared", Class.VPN),
    ("proxy", "list.proxy", "shared", Class.PROXY),
    ("tor", "list.tor", "shared", Class.TOR),
    ("relay", "list.relay", "shared", Class.RELAY),
    ("campus", "list.campus", "shared", Class.CAMPUS),
    ("mobile", "list.mobile", "shared", Class.MOBILE),
    ("other", "list.other", "shared", Class.OTHER),
    ("hosting", "list.hosting", "hosting", Class(0)),
]


@pytest.mark.parametrize(("class_", "origin", "stance", "classes"), CLASSES)
def test_what_each_class_asserts(tmp_path, class_, origin, stance, classes):
    (one,) = load(tmp_path, "1.2.3.0/24 # x", class_=class_, dated=datetime.date(2026, 8, 22)).records
    assert (one.origin, one.stance, one.classes, one.signal, one.exact) == (origin, stance, classes, Signal.LIST, True)
    assert (one.source, one.detail, one.observed) == ("e", "1.2.3.0/24", datetime.date(2026, 8, 22))
    assert one.expires == datetime.date(2026, 8, 22) + datetime.timedelta(30 if class_ == "tor" else 180)


def test_the_date_inside_is_the_observation(tmp_path):
    read = load(tmp_path, "# Last update: Sat, 22 Aug 2026 03:00:29 +0200\n1.2.3.4\n")
    assert read.records[0].observed == read.files[0].dated == datetime.date(2026, 8, 22)


def test_a_day_in_a_comment_that_has_not_come_dates_nothing(tmp_path):
    path = tmp_path / "x.list"
    path.write_text("# updated 2126-08-01\n1.2.3.4\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    source = config.Egress(name="e", path=str(path), format="cidr", class_="tor")
    (one,) = egress.read(source, bad_lines_max=0).records
    assert one.observed == datetime.date(2023, 11, 14)


def test_a_list_of_a_day_that_has_not_come_is_refused(tmp_path):
    """It would not age until then."""
    today = datetime.datetime.now(datetime.UTC).date()
    load(tmp_path, "1.2.3.4", dated=today + datetime.timedelta(1))  # east of here it is tomorrow already
    with pytest.raises(SourceUnreadable, match=r"source 'e': dated \d{4}-\d\d-\d\d has not come yet"):
        load(tmp_path, "1.2.3.4", dated=today + datetime.timedelta(2))


def test_a_range_in_two_files_has_the_newer_day(tmp_path):
    for name, day in (("a", "2026-08-01"), ("b", "2026-09-01"), ("c", "2026-07-01")):
        (tmp_path / f"{name}.list").write_text(f"# updated {day}\n1.2.3.4\n")
    source = config.Egress(name="e", path=str(tmp_path / "*.list"), format="cidr", class_="tor")
    (one,) = egress.read(source, bad_lines_max=0).records
    assert one.observed == datetime.date(2026, 9, 1)
