"""The pool rule: what lies between crowds, when, and how sure."""

from __future__ import annotations

import pytest

from mipdns import net
from mipdns.evidence import Network
from mipdns.vocabulary import Class, Signal
from tests.unit.inference import people
from tests.unit.inference.build import assertion, at, confidence, judged, route

ROUTES = [route("51.15.0.0/16", 64500)]
POOL = {f"51.15.7.{last}": people.CGNAT for last in (10, 12, 13, 20, 30)}


def test_what_lies_between_the_crowds_of_a_pool_is_covered_below_them():
    judgement = judged(POOL, [], ROUTES)
    inside = at(judgement, "51.15.7.15")
    assert inside is not None
    assert inside.confidence == min(confidence(judgement, "51.15.7.12") - 15, 75)
    assert (inside.sources, inside.classes, inside.asn) == (Signal.NEIGHBOURS, Class.CGNAT, 64500)
    assert at(judgement, "51.15.7.9") is None
    assert at(judgement, "51.15.7.31") is None
    assert judgement.counts["pooled"] == 3


def test_a_measured_household_in_a_pool_keeps_its_own_verdict():
    judgement = judged({**POOL, "51.15.7.15": people.HOUSEHOLD}, [], ROUTES)
    assert confidence(judgement, "51.15.7.15") < 50
    assert confidence(judgement, "51.15.7.16") >= 50


def test_what_is_asserted_in_a_pool_keeps_its_own_verdict():
    judgement = judged(POOL, [assertion("51.15.7.14/31", "list.hosting")], ROUTES)
    assert confidence(judgement, "51.15.7.14") < 20
    assert confidence(judgement, "51.15.7.16") >= 50


HOUSEHOLDS = {f"51.15.7.{last}": people.HOUSEHOLD for last in (11, 14, 25)}

NO_POOL = [
    ("three crowds only", dict(list(POOL.items())[:3]), ROUTES, None),
    ("too many households among them", {**POOL, **HOUSEHOLDS}, ROUTES, None),
    ("no route", POOL, [], None),
    ("a data centre", dict.fromkeys(POOL, people.VPN_EXIT), ROUTES, "hosting"),
    ("another AS between", POOL, [route("51.15.7.0-51.15.7.14", 1), route("51.15.7.15-51.15.7.19", 2)], None),
]


@pytest.mark.parametrize(("units", "routes", "declared"), [row[1:] for row in NO_POOL], ids=[row[0] for row in NO_POOL])
def test_where_there_is_no_pool(units, routes, declared):
    networks = [Network(64500, "", "", declared, "", "", "", "")]
    assert at(judged(units, [], routes, networks=networks), "51.15.7.17") is None


def test_a_hole_of_another_as_is_left_out_and_so_is_what_is_excluded():
    routes = [
        route("51.15.7.0-51.15.7.14", 64500),
        route("51.15.7.15-51.15.7.16", 64501),
        route("51.15.7.17-51.15.7.255", 64500),
    ]
    judgement = judged(POOL, [], routes, exclude=[net.parse_range("51.15.7.25")])
    covered = [last for last in range(256) if at(judgement, f"51.15.7.{last}")]
    assert covered == [last for last in range(10, 31) if last not in (15, 16, 25)]


@pytest.mark.parametrize(("quiet", "is_pool"), [((14,), True), ((14, 16, 21), False), ((1, 2, 40), False)])
def test_who_was_seen_little_counts_too(quiet, is_pool):
    """A log that sees a tenth sees every crowd of a /24 and half of its households: what it misses are households."""
    judgement = judged({**POOL, **{f"51.15.7.{last}": people.QUIET for last in quiet}}, [], ROUTES)
    assert all(confidence(judgement, f"51.15.7.{last}") < 50 for last in quiet)
    assert (confidence(judgement, "51.15.7.25") >= 50) == is_pool


def test_quiet_crowds_are_a_pools_own():
    half = {key: value / 2 if key.startswith("requests") else value for key, value in people.CGNAT.items()}
    little = {f"51.15.7.{last}": {**half, "requests_day_max": 9.0} for last in (11, 14, 16, 21)}
    judgement = judged({**POOL, **little}, [], ROUTES)
    assert all(confidence(judgement, address) >= 50 for address in little)
    assert confidence(judgement, "51.15.7.25") >= 50


def test_ipv6_has_no_pools():
    units = {f"2a02:26f7:0:{site}::": people.CGNAT for site in (1, 2, 3, 5, 6, 7)}
    assert at(judged(units, [], [route("2a02:26f7::/32", 64500)]), "2a02:26f7:0:4::") is None
