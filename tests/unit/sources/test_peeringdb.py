"""PeeringDB's words for a network as types, in every nesting that is published; absent is not a type."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from mipdns import config
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.evidence import Network
from mipdns.sources import peeringdb

ROW = {"asn": 64500, "name": "Example", "info_type": "NSP", "status": "ok", "updated": "2026-04-15T01:02:03Z"}


def load(folder: Path, *documents: object, bad_lines_max: float = 0.0):
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_text(json.dumps(document))
    return peeringdb.read(config.PeeringDB(name="p", path=str(folder / "*.json")), bad_lines_max=bad_lines_max)


@pytest.mark.parametrize(
    "document",
    [
        {"data": [ROW], "meta": {}},
        {"net": {"data": [ROW]}},
        {"net": [ROW]},
        {"org": {"data": [{"id": 1}]}, "net": {"data": [ROW], "meta": {"generated": 1}}},
        [ROW],
    ],
)
def test_every_nesting_gives_the_same_network(tmp_path, document):
    (network,) = load(tmp_path, document).records
    assert network == Network(64500, "Example", "NSP", "transit", "", "", "2026-04-15T01:02:03Z", "p")


TYPES = [
    ("NSP", "transit"),
    ("Content", "hosting"),
    ("Cable/DSL/ISP", "residential"),
    ("Enterprise", "business"),
    ("Educational/Research", "education"),
    ("Network Services", "hosting"),
    ("Government", "business"),
    ("Non-Profit", None),
    ("Route Server", None),
    ("Route Collector", None),
    ("Not Disclosed", None),
    ("Something New", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("info_type", "declared"), TYPES)
def test_types(tmp_path, info_type, declared):
    (network,) = load(tmp_path, {"data": [ROW | {"info_type": info_type}]}).records
    assert (network.info_type, network.declared) == (info_type or "", declared)


LISTS = [
    ("", ["Cable/DSL/ISP"], "Cable/DSL/ISP", "residential"),
    ("", ["Non-Profit", "Content"], "Non-Profit", "hosting"),
    ("", [], "", None),
    ("", None, "", None),
    ("NSP", ["Cable/DSL/ISP", "NSP"], "NSP", "transit"),
]


@pytest.mark.parametrize(("info_type", "info_types", "word", "declared"), LISTS)
def test_the_newer_list_speaks_where_the_type_is_empty(tmp_path, info_type, info_types, word, declared):
    (network,) = load(tmp_path, {"data": [ROW | {"info_type": info_type, "info_types": info_types}]}).records
    assert (network.info_type, network.declared) == (word, declared)


def test_scope_traffic_and_unknown_keys(tmp_path):
    row = ROW | {"info_scope": "Europe", "info_traffic": "1-5Gbps", "logo": None, "name": " Spaced "}
    (network,) = load(tmp_path, {"data": [row]}).records
    assert (network.scope, network.traffic, network.name) == ("Europe", "1-5Gbps", "Spaced")


def test_deleted_rows_are_left_out(tmp_path):
    read = load(tmp_path, {"data": [ROW, ROW | {"asn": 64501, "status": "deleted"}]})
    assert [network.asn for network in read.records] == [64500]


@pytest.mark.parametrize(
    "bad", [{"info_type": "NSP"}, ROW | {"asn": 0}, ROW | {"asn": "x"}, ROW | {"asn": 1 << 32}, 7, None]
)
def test_bad_rows_are_counted_by_their_place(tmp_path, bad):
    read = load(tmp_path, {"data": [ROW, bad, ROW]}, bad_lines_max=0.5)
    assert (read.files[0].rows, read.files[0].rejected, read.files[0].examples[0].line) == (2, 1, 2)
    with pytest.raises(TooManyBadLines, match="row 2: "):
        load(tmp_path, {"data": [ROW, bad, ROW]}, bad_lines_max=0.1)


WRONG = [
    ({"data": [{"asn": 1, "name": "x", "ixlan_id": 1, "ipaddr4": "192.0.2.1"}]}, "kind 'netixlan', not 'net'"),
    ({"data": [{"name": "x", "region_continent": "Europe", "proto_unicast": True}]}, "kind 'ix', not 'net'"),
    ({"data": [{"a": 1, "b": 2}]}, "no row has 'info_type'; its keys are a, b"),
    ({"error": "too many requests"}, "has no list of PeeringDB objects under 'data' or 'net', but 'error'"),
    ("text", "has no list of PeeringDB objects"),
    ({"net": 5}, "has no list of PeeringDB objects"),
    ({"data": []}, "has no rows"),
]


@pytest.mark.parametrize(("document", "told"), WRONG, ids=[row[1] for row in WRONG])
def test_another_kind_of_file_is_refused(tmp_path, document, told):
    with pytest.raises(SourceUnreadable) as fault:
        load(tmp_path, document)
    assert told in str(fault.value)
    assert str(tmp_path / "0.json") in str(fault.value)


def test_the_last_page_may_be_empty(tmp_path):
    assert len(load(tmp_path, {"data": [ROW]}, {"data": []}).records) == 1


def test_a_file_is_dated_by_its_meta_or_its_newest_row(tmp_path):
    read = load(
        tmp_path,
        {"data": [ROW, ROW | {"updated": "2025-01-01T00:00:00Z"}]},
        {"data": [ROW], "meta": {"generated": 1_780_000_000.5}},
    )
    assert [file.dated for file in read.files] == [datetime.date(2026, 4, 15), datetime.date(2026, 5, 28)]


def network(asn: int, name: str, updated: str) -> Network:
    return Network(asn, name, "", None, "", "", updated, "p")


MERGES = [
    ("the newer row wins", [("2025-01-01T00:00:00Z", "old"), ("2026-01-01T00:00:00Z", "new")], "new"),
    ("also when it comes first", [("2026-01-01T00:00:00Z", "new"), ("2025-01-01T00:00:00Z", "old")], "new"),
    ("of equal age the later", [("2026-01-01T00:00:00Z", "first"), ("2026-01-01T00:00:00Z", "second")], "second"),
    ("without a time the later", [("2026-01-01T00:00:00Z", "first"), ("", "second")], "second"),
    ("both without a time", [("", "first"), ("", "second")], "second"),
]


@pytest.mark.parametrize(("law", "rows", "winner"), MERGES, ids=[row[0] for row in MERGES])
def test_merge(law, rows, winner):
    merged = peeringdb.merge([network(7, name, updated) for updated, name in rows] + [network(3, "other", "")])
    assert [(one.asn, one.name) for one in merged] == [(3, "other"), (7, winner)]
