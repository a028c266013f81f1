"""The document and the page: parts add up, nothing undefined becomes a number, the page needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from mipdns.evidence import NETWORK_TYPES
from mipdns.validation import plots, report
from mipdns.validation.drift import drift, space
from mipdns.validation.page import page
from mipdns.validation.units import Units
from mipdns.validation.validate import as_text, validate
from tests.conftest import REPOSITORY
from tests.unit.inference import people
from tests.unit.inference.build import assertion
from tests.unit.validation.test_rejudge import SAID, UNITS
from tests.unit.validation.world import write

FEW = report.Plan(draws=20)


def units(size: int, seed: int = 5) -> tuple[Units, np.ndarray]:
    """Made up, well calibrated units in 30 networks."""
    rng = np.random.default_rng(seed)
    confidence = rng.integers(1, 100, size)
    shared = rng.random(size) < confidence / 100
    number = rng.integers(1, 500, size).astype(np.float64)
    low = np.exp2(np.floor(np.log2(number)) - (rng.random(size) < 0.1)).astype(np.int64).clip(1)
    minus, key = np.full(size, -1, dtype=np.int8), np.arange(size, dtype=np.uint64) + np.uint64(51 << 24)
    columns: dict[str, np.ndarray] = {}
    made = Units(
        key,
        key.astype("S16"),
        shared,
        np.where(shared, rng.choice([0, 1, 2, 65], size), 0),
        np.where(rng.random(size) < 0.9, number, np.nan),
        np.ones(size, dtype=np.bool_),
        confidence,
        np.full(size, 1),
        low,
        4 * low,
        rng.integers(64500, 64530, size),
        rng.integers(-1, len(NETWORK_TYPES), size).astype(np.int8),
        minus,
        np.zeros(size, dtype=np.int32),
        minus,
        minus,
        columns,
    )
    return made, confidence


@pytest.fixture(scope="module")
def described():
    made, confidence = units(4000)
    return report.describe(made, confidence, FEW)


def test_every_table_and_the_histogram_hold_every_unit(described):
    for table in described["reliability"].values():
        assert sum(row["units"] for row in table) == 4000
        assert [row["from"] for row in table][1:] == [row["to"] + 1 for row in table][:-1]
    assert sum(map(sum, described["histogram"].values())) == 4000
    assert sum(group["units"] for group in described["groups"]["family"]) == 4000
    assert sum(group["units"] for group in described["groups"]["network type"]) == 4000


def test_what_is_calibrated_is_found_to_be(described):
    overall = described["overall"]
    assert overall["ece"]["value"] < 0.03
    assert overall["worst_served_bin"]["value"] < 0.05
    assert 0.82 < overall["roc_auc"]["value"] < 0.85  # 5/6 for uniform calibrated confidences
    for name in ("roc_auc", "pr_auc", "brier"):  # a calibration error of a draw is larger: noise never cancels in it
        assert overall[name]["low"] <= overall[name]["value"] <= overall[name]["high"]


def test_the_numbers_are_told_in_the_documentation(described):
    told = (REPOSITORY / "docs" / "validation.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) == list(described["overall"])


def test_a_class_is_not_asked_for_calibration(described):
    for group in described["groups"]["class"]:
        assert "ece" not in group
        assert {row["precision"] for row in group["thresholds"]} == {None}
        assert group["shared"] < group["units"]
    assert [group["name"] for group in described["groups"]["class"]] == ["cgnat", "vpn", "mobile"]
    assert described["groups"]["region"] == []


def test_a_unit_without_an_as_is_drawn_with_its_neighbours():
    made, _ = units(600)
    made = made._replace(asn=np.zeros(600, dtype=np.int64))
    assert len(set(report.networks_of(made).tolist())) == len(set((made.key >> np.uint64(8)).tolist()))


def test_users_and_classes_against_counting_by_hand():
    made, _ = units(4000)
    users = report.users(made, FEW)
    assert users is not None
    listed = made.shared & (made.confidence >= 50) & ~np.isnan(made.users)
    holds = (made.users_low <= made.users) & (made.users <= made.users_high)
    assert users["units"] == listed.sum()
    assert users["covered"]["value"] == pytest.approx(holds[listed].mean(), abs=1e-5)
    assert users["covered"]["value"] + users["below"] + users["above"] == pytest.approx(1, abs=1e-4)
    assert users["octaves"] == 2.0
    classes = report.classes(made, FEW)
    assert classes is not None
    told = made.shared & (made.classes > 0) & (made.confidence >= 50)
    assert classes["units"] == told.sum() == sum(row["units"] for row in classes["confusion"])
    assert classes["agree"] == pytest.approx((made.classes[told] & 1).mean())
    assert {row["true"] for row in classes["confusion"]} == {"cgnat", "vpn", "cgnat+mobile"}


def test_without_truth_there_is_none():
    made, _ = units(50)
    alone = made._replace(shared=np.zeros(50, dtype=np.bool_))
    assert report.users(alone, FEW) is None
    assert report.classes(alone, FEW) is None
    told = report.describe(alone, made.confidence, FEW)
    assert told["overall"]["roc_auc"] == {"value": None, "low": None, "high": None}
    json.dumps(told, allow_nan=False)


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(folder / "mip.db", UNITS, SAID, serial=1_700_000_000)
    later = dict.fromkeys(UNITS, people.CGNAT)
    write(folder / "mip.db", later, [*SAID, assertion("203.0.112.0/20", "list.vpn")], serial=1_700_000_100)
    truth = folder / "<b>truth&.csv"
    truth.write_text("prefix,verdict,class,users\n51.15.0.0/16,confirm,cgnat,64\n51.16.0.0/15,deny,,\n")
    return validate(folder / "mip.db", truth, plan=FEW)


def test_drift_is_told_against_the_build_before(document):
    moved = document["drift"]
    assert (moved["before"]["serial"], moved["after"]["serial"]) == (1_700_000_000, 1_700_000_100)
    assert moved["stability"] > 0.25
    assert moved["reading"] == "much"
    assert sum(moved["histograms"]["after"]) >= len(UNITS)
    assert moved["gained"][0] > 15 * 256  # the list's /20, of which a /24 is special-purpose space
    assert "drift since build 1700000000" in as_text(document)


def test_no_drift_without_a_build_before(tmp_path):
    from mipdns.store.bulk import read_bulk  # noqa: PLC0415 one use

    write(tmp_path / "mip.db", UNITS, SAID)
    with read_bulk(tmp_path / "mip.db") as bulk:
        assert drift(bulk) is None
        assert [cell[0] for cell in space(bulk)["cells"]] == [(51 << 8) + 15, (51 << 8) + 16, (51 << 8) + 17]


def test_ranges_colour_all_the_sixteens_they_cover(document):
    cells = dict(document["space"]["cells"])
    assert (203 << 8) in cells
    assert cells[(51 << 8) + 15] > 50


def test_the_slash_eight_with_most_verdicts_is_shown_nearer(document):
    near = document["space"]["near"]
    cells = dict(near["cells"])
    assert near["block"] == 51
    assert set(cells) == {(15 << 8) + 7, (15 << 8) + 9, 16 << 8, 17 << 8}
    assert max(cells.values()) == max(dict(document["space"]["cells"])[(51 << 8) + at] for at in (15, 16, 17))
    assert "51.0.0.0/8: 4 of its 65,536 /24s" in page(document)


def test_without_ipv4_nothing_is_shown_nearer(tmp_path):
    from mipdns.store.bulk import read_bulk  # noqa: PLC0415 one use

    write(tmp_path / "mip.db", {"2001:4860::": people.CGNAT})
    with read_bulk(tmp_path / "mip.db") as bulk:
        assert space(bulk) == {"verdicts": {"ipv4": 0, "ipv6": 1}, "cells": [], "near": None}


def test_the_document_is_plain_json(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document


class Links(HTMLParser):
    """What a page would load, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag in ("script", "link", "iframe", "object", "img"):
            self.loads.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_escapes_what_it_is_told(document):
    text = page(document)
    links = Links()
    links.feed(text)
    links.close()
    assert (links.loads, links.open) == ([], [])
    assert "url(" not in text
    assert "@import" not in text
    assert "&lt;b&gt;truth&amp;.csv" in text
    assert "nan" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL).lower().replace("dominant", "")


@pytest.mark.parametrize("order", [1, 4, 8])
def test_the_curve_visits_every_cell_once_and_never_jumps(order):
    places = [plots._hilbert(index, order) for index in range(4**order)]
    assert len(set(places)) == 4**order
    steps = {abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(places)}
    assert steps == {1}
    assert places[0] == (0, 0)


def test_a_slash_eight_is_one_square():
    for block in range(256):
        x, y = plots._hilbert(block, 4)
        cells = {(a // 16, b // 16) for a, b in (plots._hilbert(256 * block + at, 8) for at in range(0, 256, 17))}
        assert cells == {(x, y)}


def test_runs_cover_what_they_are_given():
    places = sorted({(y, x) for y in range(6) for x in range(9) if (x * 7 + y * 3) % 4})
    covered = set()
    for run in plots._runs(places):
        x, y, width = map(int, re.findall(r"\d+", run)[:3])
        covered |= {(y, x + at) for at in range(width)}
    assert sorted(covered) == places


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (950, "950"), (1234, "1.2k"), (35_400, "35k"), (4_100_000, "4.1M")]
)
def test_counts_in_few_characters(number, text):
    assert plots.short(number) == text
