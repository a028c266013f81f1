"""What a validation tells of how far sources are believed: the load's own weights, of a word said today."""

from __future__ import annotations

import json
import re

import pytest

from mipdns.evidence import Belief
from mipdns.inference import Trust
from mipdns.inference.scorecard import POINTS
from mipdns.inference.trust import weight
from mipdns.validation.page import _believed as card
from mipdns.validation.records import NETWORKS_MAX, records
from mipdns.validation.validate import _believed as line
from mipdns.validation.validate import as_text
from tests.unit.inference.build import AS_OF, CARD, assertion

SAID = [
    assertion("51.15.7.0/24", "list.vpn", age_days=80)._replace(source="vpns"),
    assertion("51.15.8.0/24", "list.vpn")._replace(source="vpns"),
    assertion("51.16.0.0/24", "list.hosting")._replace(source="clouds"),
    assertion("51.17.0.1", "names.nat")._replace(source="names"),
    assertion("51.17.0.2", "names.static")._replace(source="names"),
    assertion("51.18.0.1", "partner.deny")._replace(source="noc"),
]


def record(source: str, asn: int, right: int, wrong: int) -> Belief:
    return Belief(source, asn, "", right, wrong, 1.0)


DENIED = [record("vpns", 0, 1, 30), record("vpns", 64500, 0, 25), record("vpns", 64501, 1, 5)]


@pytest.mark.parametrize(
    "beliefs",
    [
        [],
        [record("vpns", 0, 30, 0), record("vpns", 64500, 30, 0)],
        [record("clouds", 0, 0, 30)],
        [record("gone", 0, 0, 30)],
        [record("noc", 0, 0, 30)],
    ],
)
def test_nothing_is_told_where_no_weight_changed(beliefs: list[Belief]):
    assert records(beliefs, SAID, CARD, AS_OF) == []


def test_a_row_has_the_weights_of_the_load_and_not_of_age():
    (row,) = records(DENIED, SAID, CARD, AS_OF)
    fresh, trust = SAID[0]._replace(observed=AS_OF), Trust.of(DENIED)
    assert (row["source"], row["origin"], row["right"], row["wrong"]) == ("vpns", "list.vpn", 1, 30)
    assert row["claims"] == CARD.assertions["list.vpn"].points / POINTS
    assert row["weighs"] == weight(fresh, 0, CARD, AS_OF, trust) / POINTS < row["claims"]
    assert [one["asn"] for one in row["networks"]] == [64500, 64501]
    assert row["networks"][0]["weighs"] == weight(fresh, 64500, CARD, AS_OF, trust) / POINTS < row["weighs"]
    assert "vpns (list.vpn) weighs" in line(row)
    assert "1 times right, 30 wrong; in AS64500" in line(row)
    assert line(row).endswith("(0 right, 25 wrong) and 1 more")
    assert " more<" not in card([row]), "three of them fit"


def test_each_kind_of_word_of_a_source_is_a_row():
    rows = records([record("names", 0, 0, 40)], SAID, CARD, AS_OF)
    assert {row["origin"] for row in rows} == {"names.nat", "names.static"}
    gaps = [abs(row["claims"] - row["weighs"]) for row in rows]
    assert gaps == sorted(gaps, reverse=True)
    document = {"lines_unread": 0, "contradicted": 0, "note": "", "sets": [], "sources": rows, "drift": None}
    assert as_text(document) == line(rows[0], 1), "one line a source, which tells that there is more"


def test_a_source_that_names_too_much_is_told_with_the_share_that_can_be_true():
    (row,) = records([Belief("vpns", 0, "list.vpn", 0, 0, 0.001)], SAID, CARD, AS_OF)
    assert row["plausible"] == 0.001
    assert 0 < row["weighs"] < 0.05
    assert "0.1 % of what it names can be true" in line(row)


def test_of_many_networks_the_most_changed_are_told():
    many = [record("vpns", 64500 + at, 0, at + 1) for at in range(30)]
    (row,) = records([record("vpns", 0, 0, 465), *many], SAID, CARD, AS_OF)
    assert len(row["networks"]) == NETWORKS_MAX
    assert row["networks"][0]["asn"] == 64529
    assert row["networks_changed"] == 30
    assert re.search(r"in AS64529 \S+ \(0 right, 30 wrong\) and 29 more$", line(row))
    assert line(row, 2) == line(row) + "; and 2 more kinds of its words"
    assert re.search(r"AS64529 [+-][.\d]+, AS\d+ \S+, AS\d+ \S+ and 27 more<", card([row]))


def test_the_page_shows_it_and_is_silent_without():
    rows = records(DENIED, [SAID[0]._replace(source="<vpns>")], CARD, AS_OF)
    assert rows == []
    denied = [one._replace(source="<vpns>") for one in DENIED]
    rows = records(denied, [SAID[0]._replace(source="<vpns>")], CARD, AS_OF)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert "&lt;vpns&gt;" in card(rows)
    assert "AS64500" in card(rows)
    assert card([]) == ""
