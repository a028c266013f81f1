"""A source is held against the traffic of what it names: who names everybody stands out, who is right does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mipdns.disagreements import SEEN_MIN, Contradictions, as_document, as_text, find
from tests.unit.inference import people
from tests.unit.inference.build import assertion
from tests.unit.validation.world import write

SINGLE = {f"51.16.{number}.1": people.SCANNER for number in range(SEEN_MIN)}
CROWDS = {f"51.17.{number}.1": people.CGNAT for number in range(SEEN_MIN)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Contradictions:
    database: Path = tmp_path_factory.mktemp("store") / "mip.db"
    said = [assertion(text, "list.vpn")._replace(source="poisoned") for text in [*SINGLE, *list(CROWDS)[:50]]]
    said += [assertion(text, "list.cgnat")._replace(source="good") for text in CROWDS]
    said += [assertion(text, "list.tor")._replace(source="few") for text in list(SINGLE)[: SEEN_MIN - 1]]
    said += [assertion("51.16.0.0/16", "list.hosting")._replace(source="clouds")]
    said += [assertion(text, "names.static")._replace(source="names") for text in CROWDS]
    write(database, SINGLE | CROWDS, said)
    return find(database, 5)


@pytest.mark.parametrize(
    ("source", "seen", "single", "suspicious"),
    [
        ("poisoned", SEEN_MIN + 50, SEEN_MIN, True),
        ("few", SEEN_MIN - 1, SEEN_MIN - 1, False),
        ("good", SEEN_MIN, 0, False),
    ],
)
def test_what_traffic_says_of_a_source(found: Contradictions, source: str, seen: int, single: int, suspicious: bool):
    (one,) = (one for one in found.tested if one.source == source)
    assert (one.seen, one.single, one.suspicious) == (seen, single, suspicious)


def test_only_who_names_crowds_is_tested_and_the_most_contradicted_leads(found: Contradictions):
    assert [one.source for one in found.tested] == ["few", "poisoned", "good"]


def test_people_and_programs_are_told(found: Contradictions):
    assert [line for line in as_text(found).splitlines() if "poisoned: against most of it" in line]
    told = json.loads(json.dumps(as_document(found)))["tested"]
    assert {one["source"] for one in told if one["suspicious"]} == {"poisoned"}
