"""Laws of verdicts over random worlds: where they stand, what they cover, and that each can be explained."""

from __future__ import annotations

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipdns import net
from mipdns.errors import ConfigError
from mipdns.evidence import NETWORK_TYPES, Network
from mipdns.inference import explain, explain_pooled
from mipdns.inference.voices import widened
from mipdns.vocabulary import Class, Signal
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion, at, confidence, judged, route
from tests.unit.inference.worlds import assertions, ranges, route_tables, unit_sets

WORLDS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EXCLUSIONS = st.lists(ranges(), max_size=3)


def holds(ranges_, address):
    return any(first <= address <= last for first, last in ranges_)


@WORLDS
@given(unit_sets(), st.lists(assertions(), max_size=12), route_tables(), EXCLUSIONS, st.randoms())
def test_verdicts_are_disjoint_sorted_explained_and_cover_just_what_evidence_speaks_of(
    units, said, routes, exclude, random
):
    judgement = judged(units, said, routes, exclude=exclude)
    rows = judgement.verdicts
    for before, after in itertools.pairwise(rows):
        assert before.last < after.first
        touching = before.last + 1 == after.first
        same_network = before.asn == after.asn
        assert not (touching and same_network and before[2:8] == after[2:8]) or before.last == net.V4_LAST
    speaking = [widened(one) for one in said if one.expires >= AS_OF]
    measured = [net.unit(net.parse_address(text)) for text in units]
    for row in rows:
        assert 1 <= row.confidence <= 99
        assert row.classes
        assert net.is_v4(row.first) == net.is_v4(row.last)
        for address in {row.first, row.last, (row.first + row.last) // 2}:
            assert not net.is_special(address)
            assert not holds(exclude, address)
            assert row.asn == next((one.asn for one in routes if one.first <= address <= one.last), None)
            pooled = row.sources == Signal.NEIGHBOURS
            assert holds(speaking, address) or holds(measured, address) or pooled
    for first, last in speaking + measured:
        for address in {first, last, (first + last) // 2}:
            served = any(row.first <= address <= row.last for row in rows)
            assert served != (net.is_special(address) or holds(exclude, address))
    random.shuffle(said)
    assert judged(units, said, routes, exclude=exclude).verdicts == rows


@WORLDS
@given(unit_sets(), st.lists(assertions(), max_size=8), route_tables(), st.sampled_from(["hosting", "mobile", None]))
def test_the_terms_of_every_verdict_sum_to_what_is_served(units, said, routes, declared):
    networks = [Network(64500, "", "", declared, "", "", "", "")]
    judgement = judged(units, said, routes, networks=networks, prior=0.2)
    seen = judgement.observations
    for row in judgement.verdicts:
        key = net.unit_key(row.first)
        where = int(np.searchsorted(seen.key, np.uint64(key)))
        found = where < len(seen.key) and int(seen.key[where]) == key
        if row.sources == Signal.NEIGHBOURS and not found:
            assert explain_pooled(row.confidence, CARD).confidence == row.confidence
            continue
        columns = {name: float(values[where]) for name, values in seen.columns.items()} if found else None
        asn = int(seen.asn[where]) if found else 0
        told = explain(
            row.first,
            observation=columns,
            assertions=judgement.assertions,
            scorecard=CARD,
            as_of=AS_OF,
            prior=0.2,
            declared=declared if asn == 64500 else None,
            traffic=NETWORK_TYPES[seen.traffic[where]] if found and seen.traffic[where] >= 0 else None,
        )
        assert told.confidence == row.confidence
        assert sum(round(term.log_odds * 1000) for term in told.terms) == round(told.log_odds * 1000)


def test_a_gap_between_two_crowds_is_not_covered():
    judgement = judged({"51.15.7.9": people.CGNAT, "51.15.7.11": people.CGNAT}, [], [route("51.15.0.0/16", 64500)])
    assert at(judgement, "51.15.7.10") is None
    assert confidence(judgement, "51.15.7.9") >= 80


def test_adjacent_units_with_the_same_verdict_merge_and_a_different_one_splits_them():
    units = {f"51.15.7.{last}": people.QUIET for last in range(8, 16)}
    one = judged(units)
    split = judged({**units, "51.15.7.12": people.CGNAT})
    assert [(net.format_address(row.first), net.format_address(row.last)) for row in one.verdicts] == [
        ("51.15.7.8", "51.15.7.15")
    ]
    assert len(split.verdicts) == 3
    assert len({row.confidence for row in split.verdicts}) == 2


def test_a_range_carries_the_oldest_day_of_its_parts():
    old, new = assertion("51.15.7.0/25", "list.vpn", age_days=3), assertion("51.15.7.128/25", "list.vpn", age_days=1)
    (row,) = judged(None, [old, new]).verdicts
    assert row.observed == old.observed.isoformat()


def test_what_was_dropped_is_counted():
    said = [
        assertion("10.0.0.0/8", "list.vpn"),
        assertion("51.15.7.0/24", "list.vpn", age_days=200, life_days=10),
        assertion("51.15.8.0/24", "list.vpn"),
    ]
    units = {"192.168.1.1": people.CGNAT, "51.15.8.7": people.CGNAT, "51.15.9.9": people.QUIET}
    judgement = judged(units, said, exclude=[net.parse_range("51.15.8.0/24")])
    counts = judgement.counts
    assert [counts[f"assertions_{name}"] for name in ("special", "expired", "excluded")] == [1, 1, 1]
    assert [counts[f"units_{name}"] for name in ("special", "excluded")] == [1, 1]
    assert (counts["units"], counts["verdicts"], counts["listed"]) == (1, 1, 0)
    assert judgement.assertions == []
    assert len(judgement.observations.key) == 1


def test_nothing_gives_nothing():
    judgement = judged()
    assert judgement.verdicts == []
    assert judgement.scores is None
    assert len(judgement.observations.key) == 0
    assert judgement.networks == []


def test_an_origin_without_a_weight_is_named():
    unknown = assertion("51.15.7.9", "list.vpn")._replace(origin="list.unheard", source="mine")
    with pytest.raises(ConfigError, match=CARD.name + r".*'list\.unheard'.*'mine'"):
        judged(None, [unknown])


def test_labels_score_what_was_inferred_without_them():
    said = [assertion("51.15.7.9", "partner.confirm"), assertion("51.15.7.10", "partner.deny")]
    units = {"51.15.7.9": people.CGNAT, "51.15.7.10": people.CGNAT}
    scores = judged(units, said, [route("51.15.0.0/16", 64500)]).scores
    assert scores is not None
    assert (scores["labelled"], scores["confirmed"], scores["agreement"]) == (2, 1, 0.5)
    assert 0.3 < scores["brier"] < 0.5
    assert scores["auc"] == 0.5
    assert 0.3 < scores["ece"] < 0.5


def test_measured_units_are_counted_by_what_is_served():
    judgement = judged({"51.15.7.9": people.CGNAT, "51.15.7.10": people.QUIET}, [assertion("51.16.7.9", "list.tor")])
    served = [row.confidence for row in judgement.verdicts if row.first <= net.parse_address("51.15.7.10")]
    assert [percent for percent, units in enumerate(judgement.histogram) for _ in range(units)] == sorted(served)


def test_a_measured_64_in_pieces_is_counted_once():
    routes = [route("2a02:26f7::-2a02:26f7::27", 64500), route("2a02:26f7::28-2a02:26f7:1::", 64501)]
    said = [assertion("2a02:26f7::5", "list.relay"), assertion("2a02:26f7::/64", "partner.confirm", exact=False)]
    judgement = judged({"2a02:26f7::": people.QUIET, "2a02:26f7:0:1::": people.QUIET}, said[:1], routes)
    assert len(judgement.verdicts) > 3
    assert (sum(judgement.histogram), sum(judgement.histogram[50:])) == (2, 0), "as at its first address"
    judgement = judged({"2a02:26f7::": people.CGNAT, "2a02:26f7:0:1::": people.QUIET}, said, routes)
    assert sum(judgement.histogram) == 2
    assert judgement.scores is not None
    assert (judgement.scores["labelled"], judgement.scores["confirmed"]) == (1, 1)


def test_every_as_that_is_named_stands_among_the_networks():
    routes = [route("51.15.0.0/16", 64500), route("51.16.0.0/16", 64501), route("51.17.0.0/16", 64502)]
    networks = [
        Network(64501, "Declared", "NSP", "transit", "", "", "", "pdb"),
        Network(7, "Far", "", None, "", "", "", ""),
    ]
    judgement = judged({"51.15.7.9": people.QUIET}, [assertion("51.16.0.0/24", "list.vpn")], routes, networks=networks)
    assert [(one.asn, one.network is not None, one.units) for one in judgement.networks] == [
        (7, True, 0),
        (64500, False, 1),
        (64501, True, 0),
    ]


def test_later_than_the_day_judged_is_fresh():
    (row,) = judged(None, [assertion("51.15.7.9", "list.tor", age_days=-40)]).verdicts
    assert row.confidence >= 95


def test_an_exact_range_an_exclusion_and_an_as_border_inside_one_measured_64():
    units = {"2a02:26f7::": people.QUIET}
    said = [assertion("2a02:26f7::5", "list.relay"), assertion("2a02:26f7::20-2a02:26f7::2f", "list.tor")]
    routes = [route("2a02:26f7::-2a02:26f7::27", 64500), route("2a02:26f7::28-2a02:26f7::ffff", 64501)]
    judgement = judged(units, said, routes, exclude=[net.parse_range("2a02:26f7::9")])
    rows = [(row.first & 0xFFFFFF, row.last & 0xFFFFFF, row.classes, row.asn) for row in judgement.verdicts]
    assert rows == [
        (0x0, 0x4, Class.OTHER, 64500),
        (0x5, 0x5, Class.RELAY, 64500),
        (0x6, 0x8, Class.OTHER, 64500),
        (0xA, 0x1F, Class.OTHER, 64500),
        (0x20, 0x27, Class.TOR, 64500),
        (0x28, 0x2F, Class.TOR, 64501),
        (0x30, 0xFFFF, Class.OTHER, 64501),
        (0x10000, 0xFFFFFF, Class.OTHER, None),
    ]


def test_the_default_prior_is_the_scorecards():
    (row,) = judged(None, [assertion("51.15.7.9", "names.static")]).verdicts
    (same,) = judged(None, [assertion("51.15.7.9", "names.static")], prior=CARD.prior).verdicts
    assert row == same


def test_what_was_not_seen_for_long_fades_towards_the_prior():
    seen = {"51.15.7.9": people.CGNAT}
    fresh = judged(seen, [])
    old = judged(seen, [], as_of=AS_OF + datetime.timedelta(120))
    assert confidence(fresh, "51.15.7.9") > 75
    assert confidence(old, "51.15.7.9") < 50
