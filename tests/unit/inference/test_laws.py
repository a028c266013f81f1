"""Laws of confidence that hold for any numbers, and that both forms of the scorer agree."""

from __future__ import annotations

import datetime
import math

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mipdns.evidence import CONTEXT_COLUMNS, NETWORK_TYPES, UNIT_COLUMNS
from mipdns.inference import crowd, explain, features
from mipdns.inference.ageing import traffic_kept_of
from mipdns.inference.reasons import term_points
from mipdns.inference.scorecard import (
    DEVICES,
    FEWEST,
    MEASURED,
    OF_ONE_HOST,
    POINTS,
    PriorShare,
    probability_points,
)
from mipdns.inference.voices import NOTHING, hear, voice
from mipdns.inference.weigh import ceiling, confidence, prior_tells, weigh
from mipdns.vocabulary import Signal
from tests.unit.inference.build import AS_OF, CARD, assertion
from tests.unit.inference.worlds import ORIGINS, column, unit_columns

PRIORS = st.floats(0.01, 0.9)
TYPES = st.one_of(st.none(), st.sampled_from(NETWORK_TYPES))
MOST_RHYTHM = max(max(term.points) for term in CARD.rules.rhythm)
RHYTHMS = st.integers(0, MOST_RHYTHM)
MOST_ROOM = max(CARD.rules.room.points)
ROOMS = st.integers(0, MOST_ROOM)
AGES = st.integers(0, 120)
WORDS = st.lists(st.tuples(ORIGINS, AGES), max_size=4)
SUMS = st.dictionaries(st.sampled_from(MEASURED), st.integers(-6000, 6000))
CONTEXT = {
    "neighbours_seen": st.sampled_from([math.nan, 1.0, 4.0, 200.0]),
    "neighbours_crowded": column("share"),
    "nearest_crowded": column("share"),
    "seen_once": st.sampled_from([math.nan, 0.1, 0.4, 0.7]),
    "agents_share": st.sampled_from([math.nan, 0.5, 0.9, 1.0]),
    "network_agents": st.sampled_from([math.nan, 0.2, 1.0, 3.0]),
    "network_ports": st.sampled_from([math.nan, 0.2, 1.0, 3.0]),
    "requests_lesser": st.sampled_from([math.nan, 1.0, 2.5, 40.0]),
    "requests_typical": st.sampled_from([math.nan, 1.0, 3.0, 16.0, 500.0]),
    "days_logged": st.sampled_from([math.nan, 1.0, 3.0, 7.0]),
    "hours_lesser": st.sampled_from([math.nan, 1.0, 1.7, 3.0]),
    "agents_lesser": st.sampled_from([math.nan, 1.0, 1.2, 2.0]),
    "ports_lesser": st.sampled_from([math.nan, 1.0, 1.6, 3.0]),
}


def heard(*origins):
    return aged(*((origin, 2) for origin in origins))


def aged(*words):
    """What is heard of words, each an origin and its age in days."""
    said = [assertion("51.15.7.9", origin, age_days=age_days) for origin, age_days in words]
    return hear([voice(one, CARD, AS_OF) for one in said], CARD)


def total(measured, voices, **rest):
    return sum(line.points for line in weigh(measured, voices, CARD, **rest)) + sum(measured.values())


@given(st.sampled_from(MEASURED), st.integers(-(10**6), 10**6), PRIORS, TYPES, TYPES)
def test_one_statistical_kind_alone_stays_below_50(kind, points, prior, declared, traffic):
    assert confidence(total({kind: points}, NOTHING, prior=prior, declared=declared, traffic=traffic)) < 50


@given(st.sampled_from(sorted(set(MEASURED) - set(DEVICES))), st.integers(-(10**6), 10**6), RHYTHMS, PRIORS, TYPES)
def test_the_day_of_people_bears_out_nothing_but_counts_of_devices(kind, points, rhythm, prior, traffic):
    assert confidence(total({kind: points}, NOTHING, prior=prior, traffic=traffic, rhythm=rhythm)) < 50


@given(st.sampled_from(DEVICES), st.integers(-6000, 6000), RHYTHMS, PRIORS)
def test_the_day_of_people_lifts_the_ceiling_of_one_count_so_far_and_never_lowers(kind, points, rhythm, prior):
    alone, both = (total({kind: points}, NOTHING, prior=prior, rhythm=more) for more in (0, rhythm))
    assert alone <= both <= max(alone, ceiling(rhythm, CARD.rules))
    unlimited = weigh({kind: points}, NOTHING, CARD, prior=prior, rhythm=MOST_RHYTHM)
    assert both <= sum(line.points for line in unlimited if line.origin != "rule.uncorroborated") + points


@given(st.sampled_from(OF_ONE_HOST), st.integers(1, 10**6), st.integers(-6000, 0), ROOMS, PRIORS, TYPES)
@example(Signal.FORWARDED, 6000, 0, MOST_ROOM, 0.6, None)
def test_one_kind_that_a_host_can_make_up_never_lists_it(kind, points, around, room, prior, traffic):
    """Nor where others like it are mostly shared, and there is room above the ceiling."""
    rest = {"prior": prior, "traffic": traffic, "room": room}
    with_it, without = (total({kind: more, Signal.NEIGHBOURS: around}, NOTHING, **rest) for more in (points, 0))
    assert with_it <= max(ceiling(0, CARD.rules), without)


@given(SUMS, ROOMS, PRIORS, TYPES, AGES)
def test_room_lifts_so_far_and_never_lowers(measured, room, prior, traffic, age_days):
    rest = {"prior": prior, "traffic": traffic, "age_days": age_days}
    held, roomy = (total(measured, NOTHING, room=more, **rest) for more in (0, room))
    assert held <= roomy <= max(held, ceiling(0, CARD.rules) + room)


@given(SUMS, st.sampled_from(range(len(features.WAYS))), ROOMS, PRIORS, AGES)
@example({Signal.NEIGHBOURS: 3000}, 0, MOST_ROOM, 0.5, 0)
@example({Signal.NEIGHBOURS: 1500, Signal.AGENTS: 50, Signal.TLS: -500}, 0, MOST_ROOM, 0.5, 60)
def test_room_is_the_same_in_both_forms(measured, way, room, prior, age_days):
    measured = dict.fromkeys(MEASURED, 0) | measured
    nobody, unknown = np.zeros(1, dtype=np.int64), np.full(1, -1, dtype=np.int8)
    facts = crowd.Facts(
        {signal: np.array([points]) for signal, points in measured.items()},
        unknown,
        unknown,
        nobody,
        way=np.array([way], dtype=np.int8),
        left=traffic_kept_of(np.array([age_days]), CARD.rules),
        room=np.array([room]),
    )
    found = crowd.weigh(facts, crowd.Heards([NOTHING]), CARD, prior).points
    assert found.tolist() == [total(measured, NOTHING, prior=prior, way=way, room=room, age_days=age_days)]


def test_with_room_what_stands_around_lists_whom_little_is_seen_of():
    seen = {Signal.NEIGHBOURS: 3000}
    held, roomy = (confidence(total(seen, NOTHING, prior=0.5, room=room)) for room in (0, MOST_ROOM))
    assert held < 50 <= roomy < 90


@pytest.mark.parametrize(
    ("requests", "room"), [(1, 2.2), (11, 2.2), (12, 1.5), (16, 0.7), (20, 0), (9999, 0), (math.nan, 0)]
)
def test_there_is_room_for_whom_little_is_seen_of(requests, room):
    columns = {name: np.array([math.nan], dtype=np.float32) for name in [*UNIT_COLUMNS, *CONTEXT_COLUMNS]}
    columns["requests_day_max"] = np.array([requests], dtype=np.float32)
    assert crowd.room(columns, CARD.rules).tolist() == [room * 1000]


@given(PRIORS, TYPES, TYPES, st.sampled_from([name for name in CARD.assertions if name.startswith("names.")]))
def test_words_in_names_alone_stay_below_50(prior, declared, traffic, origin):
    assert confidence(total({}, heard(origin), prior=prior, declared=declared, traffic=traffic)) < 50


@given(st.sampled_from(MEASURED), PRIORS, TYPES, TYPES, st.data())
def test_no_values_of_one_kinds_features_reach_50(kind, prior, declared, traffic, data):
    names = {term.feature for term in CARD.terms if term.bit is kind} | {name for t in CARD.terms for name in t.when}
    columns = {name: data.draw(column(name)) for name in UNIT_COLUMNS}
    columns |= {name: data.draw(strategy) for name, strategy in CONTEXT.items()}
    assert names
    points = sum(term_points(term, columns)[1] for term in CARD.terms if term.bit is kind)
    assert confidence(total({kind: points}, NOTHING, prior=prior, declared=declared, traffic=traffic)) < 50


@given(SUMS, st.sampled_from(MEASURED), st.integers(1, 6000), PRIORS, TYPES, TYPES, st.lists(ORIGINS, max_size=4))
def test_more_of_any_kind_never_lowers(measured, kind, more, prior, declared, traffic, origins):
    rest = {"prior": prior, "declared": declared, "traffic": traffic}
    measured = dict.fromkeys(MEASURED, 0) | measured  # seen, whatever was found
    louder = measured | {kind: measured[kind] + more}
    assert total(louder, heard(*origins), **rest) >= total(measured, heard(*origins), **rest)


POSITIVE = sorted(origin for origin, term in CARD.assertions.items() if term.weight > 0)
NEGATIVE = sorted(origin for origin, term in CARD.assertions.items() if term.weight < 0)


@example({Signal.SHAPE: -4800}, 0.25, None, None, [("list.campus", 29)], "list.proxy", 101)  # much lost, still louder
@example({}, 0.25, None, None, [("list.other", 2), ("list.tor", 37)], "list.tor", 36)  # just enough to list alone
@given(SUMS, PRIORS, TYPES, TYPES, WORDS, st.sampled_from(POSITIVE), AGES)
def test_what_speaks_for_sharing_never_lowers_what_is_served(measured, prior, declared, traffic, words, more, age_days):
    rest = {"prior": prior, "declared": declared, "traffic": traffic}
    before = confidence(total(measured, aged(*words), **rest))
    after = confidence(total(measured, aged(*words, (more, age_days)), **rest))
    if before < 99 or not more.startswith("partner."):
        assert after >= before


@given(SUMS, PRIORS, TYPES, TYPES, WORDS, st.sampled_from(NEGATIVE), AGES)
def test_what_speaks_against_sharing_never_raises_what_is_served(
    measured, prior, declared, traffic, words, more, age_days
):
    rest = {"prior": prior, "declared": declared, "traffic": traffic}
    before = total(measured, aged(*words), **rest)
    assert total(measured, aged(*words, (more, age_days)), **rest) <= before


@given(SUMS, PRIORS, TYPES, TYPES, st.lists(ORIGINS, max_size=4))
def test_a_partner_outweighs_everything_else(measured, prior, declared, traffic, origins):
    rest = {"prior": prior, "declared": declared, "traffic": traffic}
    others = [origin for origin in origins if not origin.startswith("partner.")]
    assert confidence(total(measured, heard("partner.deny", *others), **rest)) <= 10
    assert confidence(total(measured, heard("partner.confirm", *others), **rest)) >= 90


@given(SUMS, st.sampled_from(["list.tor", "list.relay", "list.proxy", "list.vpn"]), TYPES, TYPES)
def test_no_traffic_takes_a_published_egress_below_80(measured, origin, declared, traffic):
    assert confidence(total(measured, heard(origin), prior=0.3, declared=declared, traffic=traffic)) >= 80


@given(st.lists(ORIGINS, max_size=6), st.randoms())
def test_neither_the_order_nor_the_number_of_equal_words_matters(origins, random):
    shuffled = origins * 2
    random.shuffle(shuffled)
    assert heard(*shuffled) == heard(*origins)


@given(PRIORS, PRIORS, SUMS)
def test_a_higher_prior_never_lowers(one, other, measured):
    low, high = sorted([one, other])
    assert total(measured, NOTHING, prior=low) <= total(measured, NOTHING, prior=high)


@given(PRIORS, SUMS, TYPES, TYPES, st.builds(PriorShare, *[st.sampled_from([0.0, 0.4, 1.0])] * 3))
@example(0.02, {}, None, None, PriorShare(0.4, 1.0, 0.0))
def test_of_another_prior_only_its_share_counts_where_logs_saw_a_unit(prior, measured, declared, traffic, share):
    """Of each piece of the way from the scorecard's: down to a tenth, beyond it, and up."""
    lines = {way: msgspec.structs.replace(line, prior_share=share) for way, line in CARD.calibration.items()}
    card = msgspec.structs.replace(CARD, calibration=lines)
    rest = {"declared": declared, "traffic": traffic}
    seen = dict.fromkeys(MEASURED, 0) | measured

    def unlimited(prior):
        lines = weigh(seen, NOTHING, card, prior=prior, **rest)
        return sum(line.points for line in lines if line.origin != "rule.uncorroborated")

    shift = (probability_points(prior) - probability_points(card.prior)) / POINTS
    below = min(-shift, FEWEST)
    counts = share.more * shift if shift > 0 else -share.fewer * below - share.fewest * (-shift - below)
    assert unlimited(prior) - unlimited(card.prior) == pytest.approx(counts * POINTS, abs=2)
    assert total({}, NOTHING, prior=prior) == probability_points(card.prior)  # it is of units that logs saw


@given(SUMS, TYPES, TYPES, st.integers(2_000, 20_000), st.floats(0.05, 0.6))
def test_what_was_seen_long_ago_says_nothing_any_more(measured, declared, traffic, age_days, prior):
    lines = weigh(
        dict.fromkeys(MEASURED, 0) | measured,
        NOTHING,
        CARD,
        prior=prior,
        declared=declared,
        traffic=traffic,
        age_days=age_days,
    )
    found = sum(line.points for line in lines) + sum(measured.values())
    without = probability_points(CARD.prior) + prior_tells(prior, CARD)[0]
    assert found == pytest.approx(min(without, ceiling(0, CARD.rules)), abs=2)


@pytest.mark.parametrize(("percent", "points"), [(50, 0), (45, -201), (30, -847), (97, 3476), (1, -20000), (99, 20000)])
def test_percent_of_log_odds(percent, points):
    assert confidence(points) == percent
    if abs(points) < 20000:
        assert abs(probability_points(percent / 100) - points) <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            unit_columns(),
            st.fixed_dictionaries(CONTEXT),
            TYPES,
            TYPES,
            st.lists(ORIGINS, max_size=3, unique=True),
            st.integers(0, 90),
        ),
        min_size=1,
        max_size=8,
    ),
    PRIORS,
)
def test_the_vector_and_the_plain_form_agree(units, prior):
    columns = {
        name: np.array([(seen | around)[name] for seen, around, *_ in units], dtype=np.float32)
        for name in [*UNIT_COLUMNS, *CONTEXT_COLUMNS]
    }

    def kinds(at):
        return np.array([NETWORK_TYPES.index(unit[at]) if unit[at] else -1 for unit in units], dtype=np.int8)

    said = [[assertion("51.15.7.9", origin) for origin in unit[4]] for unit in units]
    heards = [hear([voice(one, CARD, AS_OF) for one in every], CARD) for every in said]
    ages = np.array([unit[5] for unit in units], dtype=np.int64)
    measured = crowd.measure(columns, CARD, MEASURED)
    facts = crowd.Facts(measured, kinds(2), kinds(3), np.arange(len(units)))
    facts = facts._replace(
        way=features.way_of(columns),
        rhythm=crowd.rhythm(columns, CARD.rules),
        left=traffic_kept_of(ages, CARD.rules),
        room=crowd.room(columns, CARD.rules),
    )
    total_ = crowd.weigh(facts, crowd.Heards(heards), CARD, prior)
    for at, unit in enumerate(units):
        told = explain(
            assertion("51.15.7.9", "list.tor").first,
            observation={name: float(values[at]) for name, values in columns.items()},
            assertions=said[at],
            scorecard=CARD,
            as_of=AS_OF,
            prior=prior,
            declared=unit[2],
            traffic=unit[3],
            last_day=AS_OF - datetime.timedelta(unit[5]),
        )
        assert round(told.log_odds * 1000) == total_.points[at]
        assert told.confidence == total_.confidence[at]
        assert round(sum(term.log_odds for term in told.terms) * 1000) == total_.points[at]
        spoke: dict[Signal, float] = {}
        for term in told.terms:
            if term.signal:
                spoke[term.signal] = spoke.get(term.signal, 0) + round(term.log_odds * 1000)
        assert {signal for signal, points in spoke.items() if points} == {
            signal for signal in Signal if signal & int(total_.signals[at])
        }
