"""How far a source is believed: age, record and extent, each towards silence and never past it."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.evidence import Label
from mipdns.inference import ageing, trust, voices
from mipdns.inference.space import Origins
from mipdns.inference.trust import EVERYWHERE, UNTESTED, Trust
from mipdns.vocabulary import Class
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion, at, judged, route
from tests.unit.inference.worlds import ORIGINS

ROUTES = [route("51.15.0.0/16", 64500), route("51.16.0.0/16", 64501)]
RECORDS = st.dictionaries(
    st.sampled_from([("test", EVERYWHERE), ("test", 64500)]), st.tuples(st.integers(0, 50), st.integers(0, 50))
)


def label(text, *, confirmed):
    return Label(*net.parse_range(text), confirmed, Class(0), AS_OF, "someone", "feedback")


def served(judgement, text):
    verdict = at(judgement, text)
    assert verdict is not None
    return verdict


def learn(labels, assertions):
    return trust.learn(labels, assertions, CARD, Origins(ROUTES).split)


@pytest.mark.parametrize(
    ("age_days", "half_life_days", "points", "left"),
    [
        (0, 14, 4330, 4330),
        (14, 14, 4330, 2165),
        (28, 14, 4330, 1082),
        (14, 14, -4331, -2165),  # towards 0 on both sides
        (400, 14, 4330, 0),
    ],
)
def test_a_weight_halves_with_each_half_life(age_days, half_life_days, points, left):
    assert ageing.faded(points, ageing.kept(age_days, half_life_days)) == left


def test_a_word_is_fresh_for_a_week_and_one_of_tomorrow_is_fresh_too():
    nominal = CARD.assertions["list.tor"].points
    weights = [
        trust.weight(assertion("51.15.7.9", "list.tor", age_days=days), 0, CARD, AS_OF) for days in (-3, 0, 7, 8)
    ]
    assert weights[:3] == [nominal] * 3
    assert weights[3] < nominal


@given(ORIGINS, st.integers(-5, 90), RECORDS, st.floats(1e-9, 1.0))
def test_no_correction_turns_a_weight_round_or_makes_it_more(origin, age_days, records, plausible):
    believed = Trust(records, {("test", origin): plausible})
    weighed = trust.weight(assertion("51.15.7.9", origin, age_days=age_days), 64500, CARD, AS_OF, believed)
    nominal = CARD.assertions[origin].points
    assert min(nominal, 0) <= weighed <= max(nominal, 0)


@given(ORIGINS, st.integers(0, 30), st.integers(0, 30))
def test_a_further_denial_never_raises_and_a_further_confirmation_never_lowers(origin, right, wrong):
    def size(right, wrong):
        believed = Trust({("test", EVERYWHERE): (right, wrong), ("test", 64500): (right, wrong)}, {})
        return abs(trust.weight(assertion("51.15.7.9", origin), 64500, CARD, AS_OF, believed))

    assert size(right, wrong + 1) <= size(right, wrong) <= size(right + 1, wrong)


def test_labels_count_by_neighbourhood_and_as_and_only_where_the_source_spoke():
    said = [assertion("51.15.0.0/20", "list.vpn"), assertion("51.16.0.0/24", "list.vpn")]
    labels = [
        label("51.15.0.1", confirmed=False),
        label("51.15.0.2", confirmed=False),  # the same /24
        label("51.15.1.1", confirmed=False),
        label("51.15.2.0/23", confirmed=True),
        label("51.16.0.7", confirmed=True),
        label("51.16.200.7", confirmed=False),  # the source did not speak of it
    ]
    assert learn(labels, said).records == {
        ("test", EVERYWHERE): (2, 2),
        ("test", 64500): (1, 2),
        ("test", 64501): (1, 0),
    }


@pytest.mark.parametrize(("origin", "confirmed", "right"), [("names.static", False, 1), ("names.static", True, 0)])
def test_who_names_single_users_is_right_where_people_deny(origin, confirmed, right):
    records = learn([label("51.15.7.9", confirmed=confirmed)], [assertion("51.15.7.9", origin)]).records
    assert records["test", 64500] == (right, 1 - right)


def test_partners_and_data_centres_have_no_record():
    said = [assertion("51.15.7.9", origin) for origin in ("partner.confirm", "list.hosting")]
    assert learn([label("51.15.7.9", confirmed=False)], said) == UNTESTED


@pytest.mark.parametrize(
    ("ranges", "share"),
    [
        (["51.15.7.9"], 1.0),
        (["51.0.0.0/15"], 1.0),  # 131,072 addresses: the most there may be
        (["51.0.0.0/14"], 0.5),
        (["51.0.0.0/14", "51.0.0.0/15"], 0.5),  # what is named twice is named once
        (["2a00::/21"], 0.5),
        (["2a00::/21", "51.15.7.9"], 0.5),
        ([f"2a00:0:{block:x}::/48" for block in range(0, 4096, 2)], 1.0),  # all in one /32
    ],
)
def test_a_list_that_names_too_much_holds_for_a_share_of_it(ranges, share):
    term = CARD.assertions["list.tor"]
    assert trust.plausible_share([net.parse_range(text) for text in ranges], term) == pytest.approx(share)


POISON = [assertion(f"{first}.0.0.0/8", "list.tor")._replace(source="poison") for first in range(20, 100)]
"""A list that names so much of the Internet that next to nothing of it can be true."""


def test_half_the_internet_named_says_nothing_and_is_told():
    judgement = judged(None, [*POISON, assertion("151.15.7.9", "list.vpn")])
    assert [row.first for row in judgement.verdicts] == [net.parse_address("151.15.7.9")]
    assert (judgement.counts["doubted_poison"], judgement.counts["assertions_faded"]) == (0, len(POISON))
    assert {one.source for one in judgement.assertions} == {"poison", "test"}, "what was said is kept for people"


UNITS = {"51.15.7.9": people.CGNAT, "51.15.9.9": people.QUIET}


@pytest.mark.parametrize(
    "said",
    [
        [],
        [assertion("51.15.7.9", "list.vpn"), assertion("51.15.9.0/24", "list.cgnat")],
        [assertion("51.15.0.0/16", "names.vpn"), assertion("51.15.0.0/16", "list.hosting")],
        [assertion("51.15.7.9", "partner.confirm"), assertion("51.15.9.9", "partner.deny")],
        [assertion("51.15.7.9", "trace.cgnat"), assertion("51.15.7.9", "list.tor")],
    ],
)
def test_nothing_is_judged_otherwise_for_what_nobody_believes(said):
    labels = [label("51.15.7.9", confirmed=True), label("51.15.9.9", confirmed=False)]
    honest, poisoned = (judged(UNITS, [*said, *more], ROUTES, labels=labels) for more in ([], POISON))
    assert poisoned.verdicts == honest.verdicts
    assert poisoned.scores == honest.scores, "nor is it believed where people keep silent"


@pytest.mark.parametrize(("origin", "most"), [("partner.confirm", 250), ("partner.deny", 100), ("list.hosting", 300)])
def test_whoever_speaks_of_half_the_internet_weighs_little_and_is_told(origin, most):
    said = [assertion(f"{first}.0.0.0/8", origin) for first in range(1, 129)]
    believed = learn([label("51.15.7.9", confirmed=True)], said)
    assert abs(trust.weight(said[0], 64500, CARD, AS_OF, believed)) <= most
    assert judged(None, said).counts["doubted_test"] <= 25


def test_a_partner_who_speaks_of_half_the_internet_judges_no_list():
    honest, boasting = (
        Label(*net.parse_range("51.15.7.9"), False, Class(0), AS_OF, "someone", source) for source in ("isp", "test")
    )
    said = [*(assertion(f"{first}.0.0.0/8", "partner.deny") for first in range(1, 129))]
    said.append(assertion("51.15.7.0/24", "list.vpn")._replace(source="vpn"))
    assert learn([boasting], said).records == {}
    assert learn([honest], said).records == {("vpn", EVERYWHERE): (0, 1), ("vpn", 64500): (0, 1)}


def test_a_scorecard_may_know_no_partners():
    """As one of somebody's own may, which has none."""
    words = {origin: term for origin, term in CARD.assertions.items() if not origin.startswith("partner.")}
    card = msgspec.structs.replace(CARD, assertions=words)
    crowd = {"51.15.7.9": people.CGNAT}
    known, unknown = (served(judged(crowd, scorecard=one), "51.15.7.9").confidence for one in (CARD, card))
    assert unknown == known > 80


@given(st.integers(0, 600), st.integers(0, 600))
def test_the_more_a_denial_has_lost_the_more_the_rest_holds_against_it(one, other):
    """And never less: what a word of yesterday bounds, one of last year bounds by less."""
    newer, older = sorted((one, other))
    crowd = {"51.15.7.9": people.CGNAT}
    fresh, faded = (
        served(judged(crowd, [assertion("51.15.7.9", "partner.deny", age_days=days)]), "51.15.7.9").confidence
        for days in (newer, older)
    )
    assert fresh <= faded
    unheard = served(judged(crowd), "51.15.7.9").confidence
    assert faded <= unheard


def test_a_pool_is_not_cut_by_what_nobody_believes():
    pool = {f"51.15.7.{last}": people.CGNAT for last in (10, 12, 13, 20, 30)}
    honest, poisoned = (judged(pool, said, ROUTES) for said in ([], POISON))
    assert honest.counts["pooled"] == poisoned.counts["pooled"] > 0
    assert poisoned.verdicts == honest.verdicts


@pytest.mark.parametrize(
    ("origin", "age_days"),
    [(origin, age_days) for origin in ("list.tor", "names.static") for age_days in (0, 50, 71, 72, 90, 700, 1000)],
)
def test_who_weighs_less_than_a_tenth_makes_no_verdict(origin, age_days):
    said = assertion("51.15.7.9", origin, age_days=age_days, life_days=2000)
    silent = abs(trust.weight(said, 0, CARD, AS_OF)) < voices.AUDIBLE_POINTS
    judgement = judged(None, [said])
    assert (judgement.verdicts == [], judgement.counts["assertions_faded"]) == (silent, int(silent))


@pytest.mark.parametrize("origin", sorted(CARD.assertions))
def test_whatever_is_fresh_and_honest_is_heard(origin):
    judgement = judged(None, [assertion("51.15.7.9", origin, age_days=0)])
    assert (len(judgement.verdicts), judgement.counts["assertions_faded"]) == (1, 0)


def test_who_is_silenced_by_people_in_one_as_is_heard_in_others():
    said = [assertion("51.15.0.0/16", "names.vpn"), assertion("51.16.0.0/24", "names.vpn")]
    words = [label(f"51.15.{number}.1", confirmed=False) for number in range(60)]
    judgement = judged(None, said, ROUTES, labels=words)
    assert [net.format_range(row.first, row.last) for row in judgement.verdicts] == ["51.16.0.0/24"]
    assert judgement.counts["assertions_faded"] == 1


def test_of_several_doubts_of_a_source_the_largest_is_told():
    tor = assertion("2a00::/18", "list.tor")  # 1,024 of 16,384 /32s can be
    relay = assertion("2a00::/19", "list.relay")  # 4,096 of 8,192
    for said in ([tor, relay], [relay, tor]):
        assert judged(None, said).counts["doubted_test"] == 6


@given(RECORDS, st.dictionaries(st.tuples(st.just("test"), ORIGINS), st.floats(0.01, 0.99)))
def test_trust_comes_back_from_its_rows(records, doubted):
    believed = Trust(records, doubted)
    assert Trust.of(believed.beliefs()) == believed


def test_denials_lower_a_source_in_their_as_most_and_elsewhere_a_little():
    said = [assertion("51.15.0.0/16", "list.vpn"), assertion("51.16.0.0/24", "list.vpn")]
    denials = [label(f"51.15.{number}.1", confirmed=False) for number in range(60)]
    before, after = judged(None, said, ROUTES), judged(None, said, ROUTES, labels=denials)
    here, there = "51.15.99.1", "51.16.0.1"
    assert at(after, here) is None, "nothing is left of what it says there"
    assert 50 < served(after, there).confidence < served(before, there).confidence
    assert served(before, here).confidence == served(before, there).confidence


def test_outside_every_as_only_the_record_everywhere_counts():
    said = [assertion("151.15.0.0/24", "list.vpn"), assertion("51.15.0.0/24", "list.vpn")]
    judgement = judged(None, said, ROUTES, labels=[label("151.15.0.1", confirmed=False)])
    assert served(judgement, "151.15.0.9").confidence == served(judgement, "51.15.0.9").confidence


SCANNER = {"51.15.7.9": {"requests_day_max": 9000.0, "agents_day_max": 1.0, "ports_hour_max": 2000.0}}
SCANNER["51.15.7.9"] |= {"agents_hour_max": 1.0, "tls_day_max": 1.0, "crawler_share": 1.0}


def test_a_faded_list_no_longer_holds_against_clear_traffic():
    fresh, old = (judged(SCANNER, [assertion("51.15.7.9", "list.tor", age_days=days)]) for days in (1, 49))
    assert served(fresh, "51.15.7.9").confidence >= 80
    assert served(old, "51.15.7.9").confidence < 25
    assert datetime.date.fromisoformat(served(old, "51.15.7.9").observed) <= AS_OF


@pytest.mark.parametrize("age_days", [14, 18, 36, 37])
def test_what_one_list_has_lost_is_not_held_against_another(age_days):
    fresh, old = assertion("51.15.7.9", "list.other"), assertion("51.15.7.9", "list.tor", age_days=age_days)
    one, both = (served(judged(SCANNER, said), "51.15.7.9").confidence for said in ([fresh], [fresh, old]))
    assert both >= one > 50
