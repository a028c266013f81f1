"""Learning from a load's own labels: what made a label is no evidence, trust weighs, and what is missing is told."""

from __future__ import annotations

import datetime
import math
import os
import subprocess
import sys
from bisect import bisect_right
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns import net, store, train
from mipdns.errors import ConfigError
from mipdns.evidence import CONTEXT_COLUMNS, NETWORK_TYPES, Label
from mipdns.inference.exposure import REFERENCE
from mipdns.inference.features import CONNECTIONS, WAYS, way_of
from mipdns.inference.population import Population
from mipdns.inference.scorecard import FEWEST, PriorShare
from mipdns.inference.training import additive, learning
from mipdns.inference.training.people import learn_people
from mipdns.inference.training.sample import Sample, around, as_told, join, score, shares
from mipdns.inference.trust import Trust
from mipdns.inference.voices import NOTHING, Heard, hear, voice
from mipdns.store.bulk import read_bulk
from mipdns.store.observed import Observed
from mipdns.validation.labelling import KINDS, WITNESSES, silence_of
from mipdns.validation.truth import Word, arrange
from mipdns.validation.units import gather
from mipdns.vocabulary import Class, Signal
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, Judged, assertion, judged, logs, route
from tests.unit.inference.worlds import assertions, ranges, route_tables, unit_sets
from tests.unit.validation.world import write

NO_WORDS: list[Label] = []


def seen(units, said=(), routes=(), words=NO_WORDS) -> Observed:
    """What a load leaves in the database, judged with all that is said."""
    return _as_stored(judged(units, said, routes, labels=words))


def _as_stored(found: Judged) -> Observed:
    declared = {asn: NETWORK_TYPES[asn % len(NETWORK_TYPES)] for asn in (64500, 64501)}
    return Observed(found.observations, found.assertions, declared, AS_OF, list(found.beliefs))


@st.composite
def words(draw):
    first, last = draw(ranges())
    observed = AS_OF - datetime.timedelta(draw(st.integers(0, 3)))
    return Label(first, last, draw(st.booleans()), Class(0), observed, "noc", "isp")


def features(sample: Sample) -> tuple[list[object], list[object], list[Heard]]:
    """All that is looked at of each unit: columns, the neighbourhood, what is heard, and what it adds up to."""
    columns = around(sample, CARD)
    facts = [columns[name] for name in sorted(columns)]
    context = [sample.declared, sample.traffic, sample.asn, sample.age_days]
    total = score(sample, CARD)
    heard = heard_of(sample)
    offset = learning.said_aside(sample)
    sums = [learning.traffic_points(sample, CARD), total.points, total.confidence, total.signals, offset]
    numbers = [np.asarray(one) for one in (*context, *sums)]
    return [one.tolist() for one in numbers], [np.nan_to_num(one, nan=-7).tolist() for one in facts], heard


@settings(max_examples=30)
@given(
    unit_sets().filter(bool),
    st.lists(assertions(), max_size=5),
    st.lists(assertions(), max_size=5),
    st.lists(words(), max_size=3),
    route_tables(),
    st.sets(st.sampled_from(KINDS), min_size=1),
)
def test_what_made_a_label_is_no_feature_anywhere_near(units, said, more, spoken, routes, kinds):
    """However the signals that make labels change, on the unit, its /24 or its AS: only labels change."""
    quiet = silence_of(kinds).signals
    others = [one for one in said if one.signal not in quiet]
    changed = [*others, *(one for one in more if one.signal in quiet)]
    found = [
        train.labelled(seen(units, say, routes, tell), tell, kinds, CARD)[0]
        for say, tell in ((said, spoken), (changed, NO_WORDS), (others, NO_WORDS))
    ]
    assert features(found[0]) == features(found[1]) == features(found[2])
    assert not found[2].known.any()


@given(unit_sets().filter(bool), st.lists(assertions(), max_size=6), st.sets(st.sampled_from(KINDS), min_size=1))
def test_of_what_made_labels_nothing_is_heard(units, said, kinds):
    sample, told = train.labelled(seen(units, said), NO_WORDS, kinds, CARD)
    quiet = silence_of(kinds).signals
    for one in sample.heard:
        assert not any(one.signals & int(signal) for signal in quiet)
        assert one.datacentre is None or Signal.LIST not in quiet
    assert sum(told.values()) == sample.known.sum()
    assert {kind for kind, _ in told} <= kinds
    assert ((sample.trust > 0) & (sample.trust <= 1))[sample.known].all()
    assert not sample.users.any()


def test_another_label_of_a_list_does_not_change_what_its_neighbours_look_like():
    """The law above on a case that a person can follow: a crowd listed as VPN, beside a quiet unit in a data centre."""
    units = {"51.15.7.9": people.CGNAT, "51.15.7.10": people.QUIET, "51.15.9.1": people.QUIET}
    routes = [route("51.15.0.0/16", 64500)]
    plain = train.labelled(seen(units, [], routes), NO_WORDS, ["list"], CARD)[0]
    listed, told = train.labelled(
        seen(units, [assertion("51.15.7.9", "list.vpn"), assertion("51.15.0.0/16", "list.hosting")], routes),
        NO_WORDS, ["list"], CARD,
    )  # fmt: skip
    assert told == {("list", True): 1, ("list", False): 2}
    assert listed.trust.tolist() == [0.7, 0.4, 0.4]
    assert listed.shared.tolist() == [True, False, False]
    assert features(listed) == features(plain)
    names = train.labelled(seen(units, [assertion("51.15.7.9", "names.nat")], routes), NO_WORDS, ["list"], CARD)[0]
    assert features(names) != features(plain), "names were not asked, and are evidence"


def test_units_on_which_another_list_speaks_stand_as_neighbours_only():
    units = {"51.15.7.9": people.CGNAT, "51.15.7.10": people.CGNAT}
    said = [assertion("51.15.7.9", "trace.cgnat"), assertion("51.15.7.10", "trace.cgnat")]
    both, _ = train.labelled(seen(units, said), NO_WORDS, ["trace"], CARD)
    assert both.known.tolist() == [True, True]
    one, told = train.labelled(seen(units, [*said, assertion("51.15.7.9", "list.vpn")]), NO_WORDS, ["trace"], CARD)
    assert one.known.tolist() == [False, True]
    assert told == {("trace", True): 1}
    all_, _ = train.labelled(seen(units, [*said, assertion("51.15.7.9", "list.vpn")]), NO_WORDS, KINDS, CARD)
    assert all_.known.tolist() == [True, True]


VPN = [assertion("51.15.0.0/16", "list.vpn")]
WIDE = [route("51.15.0.0/16", 64500)]
DENIED = [
    Label(*net.parse_range(f"51.15.{number}.1"), False, Class(0), AS_OF, "noc", "isp") for number in range(100, 120)
]
"""Words on addresses that no log saw: only the routes of the load tell that they lie in AS64500."""


def heard_of(sample: Sample) -> list[Heard]:
    return [sample.heard[at] for at in sample.sets.tolist()]


def test_a_source_is_heard_as_loud_as_the_load_heard_it(tmp_path):
    """The load had twenty denials within the AS, after which that list may not list alone."""
    write(tmp_path / "mip.db", {"51.15.7.9": people.CGNAT}, VPN, DENIED)
    (one,) = heard_of(train.read_sample(tmp_path / "mip.db", [], CARD))
    trust = Trust.of(store.beliefs(tmp_path / "mip.db"))
    assert one == hear([voice(VPN[0], CARD, AS_OF, 64500, trust)], CARD)
    assert not one.alone
    assert hear([voice(VPN[0], CARD, AS_OF, 0, trust)], CARD).alone, "by its record everywhere it may"


def test_labels_teach_beside_sources_that_no_label_was_held_against():
    units, traced = {"51.15.7.9": people.CGNAT}, assertion("51.15.7.9", "trace.cgnat")
    of_load = seen(units, [*VPN, traced], WIDE, DENIED)
    made, _ = train.labelled(of_load, DENIED, ["trace", "partner"], CARD)
    assert heard_of(made) == [hear([voice(VPN[0], CARD, AS_OF)], CARD)]


def test_how_much_a_source_names_counts_as_in_the_load():
    """Also what lies in excluded space, which the database does not keep."""
    excluded = assertion("16.0.0.0/4", "list.vpn")
    hole = (excluded.first, excluded.last)
    found = judged({"51.15.7.9": people.CGNAT}, [excluded, *VPN], WIDE, exclude=[hole])
    assert found.assertions == VPN
    made, _ = train.labelled(_as_stored(found), NO_WORDS, ["trace"], CARD)
    believed = Trust.of(found.beliefs)
    assert believed.doubted
    assert heard_of(made) == [hear([voice(VPN[0], CARD, AS_OF, 64500, believed)], CARD)]


@pytest.mark.parametrize(
    ("routed", "units", "expected"),
    [
        (["51.15.0.0/16", "2001:4860::/32"], ["51.15.7.9", "2001:4860::"], ["51.15.7.9", "2001:4860::/64"]),
        (
            ["51.15.0.0/16", "2001:4860::/32"], ["51.15.7.9", "51.15.7.11", "2001:4860::", "2001:4860:0:2::"],
            ["51.15.7.9-51.15.7.11", "2001:4860::-2001:4860:0:2:ffff:ffff:ffff:ffff"],
        ),
        (["2001:4860::/32"], ["51.15.7.9", "2001:4860::"], ["2001:4860::/64"]),
        (["51.15.0.0/16"], ["51.14.0.1", "51.15.7.9", "51.16.0.1"], ["51.15.7.9"]),
    ],
)  # fmt: skip
def test_an_as_with_addresses_of_both_families_keeps_them(routed, units, expected):
    loaded = seen(dict.fromkeys(units, people.QUIET), routes=[route(text, 64500) for text in routed])
    made = list(train._routes(loaded.units))
    assert [(net.format_range(one.first, one.last), one.asn) for one in made] == [(text, 64500) for text in expected]


def sample(rows) -> Sample:
    """rows: (world, known, trust, shared); everything else of no matter."""
    world, known, trust, shared = (np.array(column) for column in zip(*rows, strict=True))
    size = len(rows)
    units = {f"51.15.{at // 250}.{at % 250}": people.CGNAT for at in range(size)}
    table = next(iter(logs(units).chunks())).units
    around_it = dict.fromkeys(CONTEXT_COLUMNS, np.nan) | REFERENCE
    columns = dict(table.columns) | {name: np.full(size, value, np.float32) for name, value in around_it.items()}
    return Sample(
        world=world, key=table.key, age_days=np.ones(size, np.int64), asn=np.full(size, 64500),
        declared=np.full(size, -1, np.int8), traffic=np.full(size, -1, np.int8), columns=columns,
        sets=np.zeros(size, np.int64), heard=[NOTHING], known=known, trust=trust.astype(float),
        shared=shared, users=np.zeros(size, np.int64), classes=np.full(size, int(Class.CGNAT), np.int16),
    )  # fmt: skip


YES, NO = True, False
EVERYTHING = np.ones(8, dtype=np.bool_)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # as many shared as the prior has, all certain: all weigh 1
        ([(0, YES, 1, YES), (0, YES, 1, NO)], [1, 1]),
        # half the trust, half the weight
        ([(0, YES, 0.5, YES), (0, YES, 1, YES), (0, YES, 1, NO), (0, YES, 0.5, NO)], [0.5, 1, 1, 0.5]),
        # what is not known weighs nothing, whatever trust stands beside it
        ([(0, NO, 1, YES), (0, YES, 1, YES), (0, YES, 0.25, NO)], [0, 2, 2]),
        # 3 of 4 are shared, and weigh as 1 of 2
        ([(0, YES, 1, YES), (0, YES, 1, YES), (0, YES, 1, YES), (0, YES, 1, NO)], [2, 2, 2, 6]),
    ],
)
def test_units_weigh_by_trust(rows, expected):
    weight = learning.weights(sample(rows), 0.5, EVERYTHING[: len(rows)])
    np.testing.assert_allclose(weight / weight.sum(), np.array(expected) / sum(expected))


def test_worlds_count_by_the_trust_in_them():
    rows = [(0, YES, 1.0, at % 2 == 0) for at in range(4)] + [(1, YES, 0.25, at % 2 == 0) for at in range(4)]
    weight = learning.weights(sample(rows), 0.5, EVERYTHING[: len(rows)])
    assert weight[:4].sum() / weight[4:].sum() == pytest.approx(math.sqrt(4 / 1))


def test_trust_of_one_is_what_files_of_truth_have():
    assert Word(1, 1, True, 0, 1.0).trust == 1.0
    assert Word(1, 1, True, 0, 1.0).origin == "truth"
    rows = [(0, YES, 1.0, at % 3 == 0) for at in range(30)]
    plain = learning.weights(sample(rows), 0.25, np.ones(30, dtype=np.bool_))
    balanced = np.where(np.arange(30) % 3 == 0, 0.25 * 3, 0.75 * 3 / 2)
    np.testing.assert_allclose(plain, balanced / balanced.mean())


def test_of_some_units_the_share_is_that_of_those():
    rows = [(0, YES, 1.0, at % 2 == 0) for at in range(6)] + [(0, YES, 1.0, YES)] * 4
    weight = learning.weights(sample(rows), 0.25, np.arange(10) < 6)
    assert weight[6:].tolist() == [0.0] * 4
    assert weight[:6:2].sum() / weight.sum() == pytest.approx(0.25)


def test_folds_that_are_learnt_side_by_side_say_the_same(monkeypatch):
    rows = [(world, YES, 1.0, at % 3 == 0) for world in range(2 * learning.FOLDS) for at in range(60)]
    plain = sample(rows)
    agents = np.where(plain.shared, 9, 2).astype(np.float32) + plain.world % 3
    units = plain._replace(columns=plain.columns | {"agents_day_max": agents})
    weight = learning.weights(units, CARD.prior, units.known)
    one_by_one = learning._held_out(units, weight, CARD, context=True)
    monkeypatch.setattr(learning, "SIDE_BY_SIDE", 0)
    np.testing.assert_array_equal(learning._held_out(units, weight, CARD, context=True), one_by_one)
    assert one_by_one[units.shared].min() > one_by_one[~units.shared].max()


def test_context_that_is_not_learnt_is_an_offset_and_stays():
    """Half of the shared units and none of the others lie in a network that declares itself mobile."""
    rows = [(0, YES, 1.0, at % 2 == 0) for at in range(600)]
    declared = np.where(np.arange(600) % 4 == 0, NETWORK_TYPES.index("mobile"), -1).astype(np.int8)
    units = sample(rows)._replace(declared=declared, asn=np.arange(600) % 11 + 64500)
    assert learning.learn(units, CARD, context=False).network == CARD.network
    assert learning.learn(units, CARD).network.declared.mobile > 1
    odds = learning._around_it(units, CARD)
    assert set(odds[declared >= 0].tolist()) == {CARD.network.declared.mobile}
    assert not odds[declared < 0].any()


def test_trust_moves_what_is_learnt():
    """Two labels contradict each other on units that look alike; the trusted one wins by its trust."""
    rows = [(0, YES, 0.9, YES)] * 150 + [(0, YES, 0.1, NO)] * 150
    one = sample(rows)
    steps = [additive.Steps(np.zeros(300, np.int64), 1, "free")]
    fit = additive.fit(steps, one.shared, one.trust, np.zeros(300), ridge=0.0, start=0.0)
    assert fit.heights[0][0] == pytest.approx(math.log(0.9 / 0.1), abs=0.01)


RICH = WAYS.index("fingerprints, more")


def test_how_often_units_are_taken_for_shared_is_counted_on_each_side():
    """Of 6,000 shared units four fifths speak for many, of as many others a twentieth."""
    at = np.arange(12_000)
    shared = at < 6_000
    many = np.where(shared, at % 5 > 0, at % 20 == 0)
    weight, way = np.where(shared, 2.0, 1.0), np.full(12_000, RICH, dtype=np.int8)
    before = dict(CARD.calibration)
    learnt = learning._with_errors(many, shared, weight, way, before)
    for told in (WAYS[RICH], "agents, more"):  # of which there is none: as those that were seen as often
        assert (learnt[told].caught, learnt[told].mistaken, learnt[told].usual) == (0.8, 0.05, 0.667)
    assert learnt["agents, most"] == before["agents, most"]
    alone = learning._with_errors(many, shared, weight, np.full_like(way, WAYS.index("connections, more")), before)
    assert alone == before
    some = np.r_[0:50, 6_000:12_000]
    few = learning._with_errors(many[some], shared[some], weight[some], way[some], before)
    assert few == before, "of fifty shared units no rate is known"


@pytest.mark.parametrize("known", [False, True])
def test_of_few_connections_beside_requests_those_alone_tell_and_no_share_moves_them(known):
    lines = {
        way: msgspec.structs.replace(line, prior_share=PriorShare(0.5, 0.6, 0.7), caught=at / 100)
        for at, (way, line) in enumerate(CARD.calibration.items())
    }
    learnt = learning._beside_requests(lines, np.full(len(WAYS), learning.WAY_UNITS_MIN if known else 10))
    alone, beside = ([way for way in WAYS if way.startswith(f"{told},")] for told in CONNECTIONS)
    own = beside if known else alone
    nothing = PriorShare(0.0, 0.0, 0.0)
    assert [learnt[way] for way in beside] == [msgspec.structs.replace(lines[way], prior_share=nothing) for way in own]
    assert all(learnt[way] == lines[way] for way in WAYS if way not in beside)


@pytest.mark.parametrize("parts", [(0.0, 0.0, 0.0), (0.4, 0.4, 0.4), (0.2, 0.9, 0.5), (1.0, 1.0, 1.0)])
def test_how_much_of_another_share_counts_is_found(monkeypatch, parts):
    """Worlds whose units are shared as often as those parts of the difference make them, which a load would find."""
    monkeypatch.setattr(learning, "WAY_UNITS_MIN", 100)
    rng = np.random.default_rng(1)
    worlds, each = 60, 1_000
    units = sample([(at // each, YES, 1.0, YES) for at in range(worlds * each)])
    (way,) = set(way_of(units.columns).tolist())
    surely = {
        name: msgspec.structs.replace(line, caught=1.0, mistaken=0.0, usual=0.25)
        for name, line in CARD.calibration.items()
    }
    card = msgspec.structs.replace(CARD, calibration=surely)
    shown = rng.normal(np.repeat(rng.normal(-1.5, 1.3, worlds), each), 2.0)
    found = []
    for world in shown.reshape(worlds, each):
        population = Population(card)
        population.add(world >= 0, np.full(each, way), np.empty(0, dtype=np.int16))
        found.append(population.shares().unspoken)
    shift = np.repeat([math.log(one / (1 - one)) - math.log(card.prior / (1 - card.prior)) for one in found], each)
    pieces = (np.minimum(shift + FEWEST, 0), shift.clip(-FEWEST, 0), np.maximum(shift, 0))
    truth = rng.random(worlds * each) < 1 / (1 + np.exp(-(shown + np.dot(parts, pieces))))
    used = np.ones(worlds * each, dtype=np.bool_)
    lines = learning._with_prior_shares(units._replace(shared=truth), shown, shown >= 0, used, card)
    learnt = lines[WAYS[way]].prior_share
    assert (learnt.fewest, learnt.fewer, learnt.more) == pytest.approx(parts, abs=0.07)


def test_lines_are_moved_down_to_where_units_truly_are(monkeypatch):
    """Of units that look alike a third is shared, and the scorecard has more."""
    monkeypatch.setattr(learning, "WAY_UNITS_MIN", 100)
    units = sample([(at // 500, YES, 1.0, at % 3 == 0) for at in range(2_000)])
    one = units.take(np.flatnonzero(units.world == 0))
    found = shares(one, CARD)
    told = as_told(one, found.all)
    served = [
        1 / (1 + np.exp(-score(told, card, found.unspoken).unlimited / 1000))
        for card in (CARD, learning.centred(units, CARD))
    ]
    assert served[0].mean() > 0.5
    assert served[1].mean() == pytest.approx(1 / 3, abs=0.02)
    more = units._replace(shared=np.ones(2_000, dtype=np.bool_))
    assert learning.centred(more, CARD).calibration == CARD.calibration, "and never up"


def test_a_neighbourhood_that_is_as_usual_says_nothing():
    around_it = [term for term in CARD.terms if term.bit is Signal.NEIGHBOURS]
    usual = {"neighbours_crowded": 0.32, "nearest_crowded": 0.32, "network_agents": 1.0, "network_ports": 1.0}
    seen = 0
    for term in around_it:
        held = dict(term.when)
        low, high = held.pop(term.feature)
        weights = [*term.weights]
        if (low or 0.0) <= usual[term.feature] < (high or math.inf):
            assert weights[bisect_right(term.edges, usual[term.feature])] == 0
            seen += 1
        assert all(weight <= 0 for weight in weights) if low is None else all(weight >= 0 for weight in weights)
    assert seen == len(around_it)


def test_how_many_people_no_label_tells_so_ranges_stay():
    rows = [(0, YES, 0.8, YES)] * 200
    assert learn_people(sample(rows), CARD) is CARD
    told = sample(rows)._replace(users=np.full(200, 50))
    assert learn_people(told, CARD).users != CARD.users


def many(count, shared, trust=0.5, network=None):
    """So many labelled units; networks in turn, or all in one."""
    rows = [(0, YES, trust, shared)] * count
    asn = np.arange(count) % 7 + 64500 if network is None else np.full(count, network)
    return sample(rows)._replace(asn=asn)


def one_load(*samples):
    joined = join(samples)
    return joined._replace(world=np.zeros_like(joined.world))


def told_of(shared, other, kind="list"):
    return Counter({(kind, True): shared, (kind, False): other})


@pytest.mark.parametrize(
    ("shared", "other", "kinds", "parts"),
    [
        (
            many(20, True), many(9, False), ("list", "trace"),
            ["know 20 shared (20 by list, 0 by trace) and 9 other (9 by list, 0 by trace) units",
             "500 of each are needed", "--labels list,trace,partner,names", "mipdns feedback", "atlas", "egress",
             "ptr", "--truth"],
        ),
        (many(40, True), many(1, False), KINDS, ["40 shared (0 by partner, 0 by trace, 40 by list", "1 other"]),
        (
            many(40, True, network=64777), many(40, False), KINDS,
            ["AS64777 holds 100 % of the shared ones", "at most 50 %"],
        ),
        (many(40, True), many(40, False, network=0), KINDS, ["of no known AS holds 100 % of the other ones"]),
    ],
)  # fmt: skip
def test_too_few_or_one_sided_labels_are_told_by_kind(shared, other, kinds, parts):
    both = join([shared, other])
    told = told_of(int(shared.known.sum()), int(other.known.sum()))
    with pytest.raises(ConfigError) as fault:
        train._demand_enough(both, told, kinds)
    for part in parts:
        assert part in str(fault.value)
    assert "\n" not in str(fault.value)


def test_enough_of_both_from_several_networks(monkeypatch):
    monkeypatch.setattr(train, "UNITS_MIN", 30)
    train._demand_enough(one_load(many(40, True), many(40, False)), told_of(40, 40), KINDS)
    one_network = one_load(many(40, True, network=64500), many(40, False, network=64500))
    train._demand_enough(one_network, told_of(40, 40, "truth"), ["truth"])  # a file of truth is taken as it is
    with pytest.raises(ConfigError, match=r"^labels know 40 .*: AS64500 holds"):
        train._demand_enough(one_network, told_of(40, 40), KINDS)


def test_loads_that_know_one_kind_each_teach_nothing(monkeypatch):
    monkeypatch.setattr(train, "UNITS_MIN", 30)
    apart = join([many(40, True), many(40, False)])
    for kinds in (KINDS, ["truth"]):
        with pytest.raises(ConfigError, match="no load has units of both kinds"):
            train._demand_enough(apart, told_of(40, 40, kinds[0]), kinds)


def test_units_that_somebody_names_are_not_counted_since_they_teach_nothing(monkeypatch):
    monkeypatch.setattr(train, "UNITS_MIN", 30)
    listed = hear([voice(assertion("51.15.7.9", "list.vpn"), CARD, AS_OF)], CARD)
    both = one_load(many(40, True), many(40, False))
    named = both._replace(heard=[NOTHING, listed], sets=both.shared.astype(np.int64))
    with pytest.raises(ConfigError, match="the truth knows 0 shared and 40 other units of the logs that no list"):
        train._demand_enough(named, told_of(40, 40, "truth"), ["truth"])


@pytest.mark.parametrize("kept", ["listed", "none"])
@pytest.mark.parametrize(
    "learn",
    [
        lambda path: train.label_sample(path, KINDS, CARD),
        lambda path: train.read_sample(path, [Word(*net.parse_range("51.15.7.9"), True, 0, math.nan)], CARD),
        lambda path: train.train([path], [], CARD),
        lambda path: train.train([path], [path.with_name("truth.csv")], CARD),
    ],
    ids=["labels", "truth", "train", "train --truth"],
)
def test_a_database_of_listed_units_only_teaches_nothing(tmp_path, kept, learn):
    write(tmp_path / "mip.db", {"51.15.7.9": people.CGNAT, "51.15.7.10": people.QUIET}, observations=kept)
    (tmp_path / "truth.csv").write_text("prefix,verdict\n51.15.7.9,confirm\n51.15.7.10,deny\n")
    with pytest.raises(ConfigError, match='observations = "all"'):
        learn(tmp_path / "mip.db")


def test_it_tells_what_it_is_at_since_it_takes_minutes(tmp_path, monkeypatch):
    at: list[object] = []
    both = one_load(many(40, True), many(40, False))

    def step(name, found):
        def take(*_, **__):
            at.append(name)
            return found

        monkeypatch.setattr(train, name, take)

    monkeypatch.setattr(train, "UNITS_MIN", 30)
    step("label_sample", (both, told_of(40, 40)))
    step("learn", CARD)
    step("learn_people", CARD)
    step("ranking", None)
    train.train([tmp_path / "a.db", tmp_path / "b.db"], [], CARD, progress=lambda stage, done: at.append((stage, done)))
    assert at == [
        ("read databases", 0.0), "label_sample", ("read databases", 0.5), "label_sample",
        ("learn weights (some minutes)", 0.0), "learn", ("learn ranges of users", 0.0), "learn_people",
        ("compare with boosted trees", 0.0), "ranking",
    ]  # fmt: skip


def test_every_witness_can_be_heard_from():
    """Each origin labels a unit as its table says, alone and by itself."""
    for origin, witness in WITNESSES.items():
        if not origin.startswith("partner"):
            found, told = train.labelled(
                seen({"51.15.7.9": people.CGNAT}, [assertion("51.15.7.9", origin)]), NO_WORDS, KINDS, CARD
            )
            assert (found.shared.tolist(), found.trust.tolist()) == ([witness.shared], [witness.trust])
            assert list(told.values()) == [1]


UNIT = "2001:4860::"
KNOWN = {"confirm": {True}, "deny": {False}, "nothing": set(), "both": {True, False}}


@pytest.mark.parametrize(
    ("unit", "said", "expected"),
    [
        (UNIT, ["2001:4860::/64 confirm"], "confirm"),
        (UNIT, ["2001:4860::/48 confirm", "2001:4860::/64 deny"], "deny"),
        (UNIT, ["2001:4860::/64 deny", "2001:4860::/48 confirm"], "deny"),
        (UNIT, ["2001:4860::/64 deny", "2001:4860::/64 confirm"], "confirm"),
        (UNIT, ["2001:4860::7 confirm"], "confirm"),
        (UNIT, ["2001:4860::7 deny", "2001:4860::9 deny"], "deny"),
        (UNIT, ["2001:4860::7 deny", "2001:4860::7 confirm"], "confirm"),
        (UNIT, ["2001:4860::7 deny", "2001:4860::9 confirm"], "both"),
        (UNIT, ["2001:4860::9 confirm", "2001:4860::7 deny"], "both"),
        (UNIT, ["2001:4860::/48 confirm", "2001:4860::5 confirm"], "confirm"),
        (UNIT, ["2001:4860::/48 confirm", "2001:4860::5 deny"], "both"),
        (UNIT, ["2001:4860::/64 confirm", "2001:4860::/128 deny"], "both"),
        (UNIT, ["2001:4860::/64 deny", "2001:4860::9 confirm"], "both"),
        (UNIT, ["2001:4860::/48 deny", "2001:4860::/65 confirm", "2001:4860:0:0:8000::/65 confirm"], "confirm"),
        (UNIT, ["2001:4860::5-2001:4860:0:9:: deny"], "deny"),
        (UNIT, ["2001:4860::/65 deny", "2001:4860:0:0:8000::-2001:4860:0:9:: confirm"], "both"),
        ("2001:4860:0:9::", ["2001:4860::5-2001:4860:0:9:: deny"], "deny"),
        ("2001:4860:0:2::", ["2001:4860::/48 confirm", "2001:4860::5 deny"], "confirm"),
        ("2001:4860:0:2::", ["2001:4860::/64 confirm", "2001:4860:0:3::/64 deny"], "nothing"),
        ("51.15.0.1", ["51.15.0.0/24 deny", "51.15.0.2 confirm"], "deny"),
        ("51.15.0.1", ["51.15.0.0/24 deny", "51.15.0.1 confirm"], "confirm"),
    ],
)
def test_a_truth_is_read_as_validate_reads_it_and_a_unit_of_both_teaches_nothing(tmp_path, unit, said, expected):
    write(tmp_path / "mip.db", {unit: people.CGNAT})
    truth = [Word(*net.parse_range(text), verdict == "confirm", 0, math.nan) for text, verdict in map(str.split, said)]
    with read_bulk(tmp_path / "mip.db") as bulk:
        compared = gather(arrange(truth), bulk)
    key = net.unit_key(net.parse_address(unit))
    assert set(compared.shared[compared.key == key].tolist()) == KNOWN[expected]
    made = train.read_sample(tmp_path / "mip.db", truth, CARD)
    assert made.known.tolist() == [expected in ("confirm", "deny")]
    assert made.shared.tolist() == [expected == "confirm"]


def test_what_a_truth_says_beside_shared_or_not_is_that_of_the_narrowest_word(tmp_path):
    write(tmp_path / "mip.db", {"51.15.0.1": people.CGNAT, "51.15.0.2": people.CGNAT})
    vpn, tor = int(Class.VPN), int(Class.TOR)
    truth = [Word(*net.parse_range("51.15.0.0/24"), True, vpn, 40.0), Word(*net.parse_range("51.15.0.2"), True, tor, 7)]
    made = train.read_sample(tmp_path / "mip.db", truth, CARD)
    assert (made.users.tolist(), made.classes.tolist(), made.trust.tolist()) == ([40, 7], [vpn, tor], [1.0, 1.0])


def test_where_no_file_can_be_made_the_earlier_scorecard_is_written_over(tmp_path, monkeypatch):
    """After minutes of learning, from a file that may be written to in a folder that may not."""
    out = tmp_path / "own.json"
    out.write_text("earlier, and longer")
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    before = out.stat().st_ino
    train.write("learnt", out)
    assert (out.read_text(), out.stat().st_ino) == ("learnt", before)


@pytest.mark.parametrize("linked", [False, True], ids=["a file", "a link to it"])
def test_a_scorecard_that_could_not_be_written_leaves_the_earlier_one(tmp_path, linked):
    kept, out = tmp_path / "kept.json", tmp_path / "link.json" if linked else tmp_path / "kept.json"
    kept.write_text("earlier")
    if linked:
        out.symlink_to(kept.name)
    program = (
        "import resource, signal, sys; from pathlib import Path; from mipdns.train import write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999))\n"
        "write('x' * int(sys.argv[2]), Path(sys.argv[1]))"
    )
    for size, expected in ((20_000, "earlier"), (9_000, "x" * 9_000)):
        done = subprocess.run([sys.executable, "-c", program, out, str(size)], capture_output=True, check=False)
        assert (done.returncode == 0) == (size < 9_999)
        assert (b"cannot be written: File too large; what was there is kept" in done.stderr) == (size > 9_999)
        assert kept.read_text() == expected
        assert out.is_symlink() == linked
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted({kept.name, out.name})
