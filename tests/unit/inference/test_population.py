"""How many of a load's units are shared: what was told, what is found, and what is believed of few."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.inference import explain, judgement
from mipdns.inference.features import CONNECTIONS, WAYS
from mipdns.inference.population import (
    ABOVE,
    ALL_SHARED,
    COUNTED_MAX,
    LEAST,
    MOST,
    UNITS_HALF,
    Population,
    counted,
    shows_many,
)
from mipdns.inference.training.sample import Sample, shares
from mipdns.inference.voices import NOTHING, hear, voice
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion, confidence, judged, route

NOBODY = np.empty(0, dtype=np.int16)
RICH = WAYS.index("fingerprints, more")


def card(caught=0.8, mistaken=0.02, usual=0.25):
    lines = {
        way: msgspec.structs.replace(line, caught=caught, mistaken=mistaken, usual=usual)
        if not way.startswith(CONNECTIONS)
        else line
        for way, line in CARD.calibration.items()
    }
    return msgspec.structs.replace(CARD, calibration=lines)


def seen(units, above, way=RICH, spoken=NOBODY, **errors):
    """A load of so many units, of which traffic speaks for so many."""
    population = Population(card(**errors))
    population.add(np.arange(units) < above, np.full(units, way, dtype=np.int8), spoken)
    return population


@given(st.floats(0.05, 0.85), st.floats(0.4, 1.0), st.floats(0.0, 0.1))
def test_a_count_is_mended_by_its_errors(share, caught, mistaken):
    units = 1_000_000
    above = round(units * (share * caught + (1 - share) * mistaken))
    found = seen(units, above, caught=caught, mistaken=mistaken).shares()
    assert found.unspoken == pytest.approx(share, abs=0.002)
    assert found.all == pytest.approx(share, abs=0.002)


@given(st.floats(0.05, 0.85), st.floats(-2.0, 2.0))
def test_ways_that_tell_nothing_follow_those_that_do(share, shift):
    """In one way half of the units are shared usually, in the other a tenth; what shifts the one shifts the other."""
    once, twice = (WAYS.index(f"fingerprints, {seen} in thin logs") for seen in ("once", "twice"))
    rates = {once: (0.1, 0.3, 0.3), twice: (0.5, 0.9, 0.3)}
    lines = {
        way: msgspec.structs.replace(line, **dict(zip(("usual", "caught", "mistaken"), rates[at], strict=True)))
        if at in rates
        else line
        for at, (way, line) in enumerate(CARD.calibration.items())
    }
    true = {at: 1 / (1 + math.exp(-(math.log(usual / (1 - usual)) + shift))) for at, (usual, _, _) in rates.items()}
    units = {once: round(1_000_000 * share), twice: round(1_000_000 * (1 - share))}
    population = Population(msgspec.structs.replace(CARD, calibration=lines))
    for at, size in units.items():
        _, caught, mistaken = rates[at]
        above = round(size * (true[at] * caught + (1 - true[at]) * mistaken))
        population.add(np.arange(size) < above, np.full(size, at, dtype=np.int8), NOBODY)
    expected = sum(size * true[at] for at, size in units.items()) / sum(units.values())
    assert population.shares().unspoken == pytest.approx(min(max(expected, LEAST), MOST), abs=0.003)


@pytest.mark.parametrize(
    ("hours", "agents", "many"),
    [
        (1, 1, False),
        (1, 9, False),
        (2, 1, False),
        (2, 2, True),
        (3, 2, False),
        (3, 3, True),
        (9, 3, False),
        (9, 4, True),
    ],
)
def test_in_the_thinnest_logs_counts_who_comes_as_somebody_else_each_time(hours, agents, many):
    columns = {"hours_day_max": hours, "agent_hours_day_max": math.nan, "agents_day_max": agents}
    columns = {name: np.array([value], dtype=np.float32) for name, value in columns.items()}
    for points in (ABOVE - 1, ABOVE):
        here = [
            bool(shows_many(np.array([points]), np.array([WAYS.index(f"agents, {seen}")], dtype=np.int8), columns)[0])
            for seen in ("often in thinnest logs", "twice in thinnest logs", "twice in thin logs")
        ]
        assert here == [many, many, points >= ABOVE]


@pytest.mark.parametrize(("units", "above", "found"), [(10_000, 0, LEAST), (10_000, 10_000, MOST)])
def test_no_share_is_believed_beyond_its_bounds(units, above, found):
    assert seen(units, above).shares().unspoken == pytest.approx(found, abs=0.005)


def test_of_few_units_the_scorecard_speaks():
    assert seen(0, 0).shares() == (CARD.prior, pytest.approx(ALL_SHARED, abs=0.001))
    assert seen(10, 10).shares().unspoken == pytest.approx(CARD.prior, abs=0.001)
    middle = seen(UNITS_HALF, UNITS_HALF).shares().unspoken
    assert CARD.prior < middle < MOST


@pytest.mark.parametrize("told", CONNECTIONS)
def test_connections_tell_nothing_of_it(told):
    assert seen(50_000, 40_000, WAYS.index(f"{told}, more")).shares().unspoken == CARD.prior


def test_a_way_that_catches_little_is_not_asked():
    assert seen(50_000, 40_000, caught=0.15, mistaken=0.05).shares().unspoken == CARD.prior


@given(st.integers(0, 20_000), st.integers(0, 100))
def test_what_is_spoken_of_counts_among_all_and_moves_nothing_else(spoken, percent):
    """A list, however many it names, leaves what is found of all others as it was."""
    listed = seen(20_000, 4_000, spoken=np.full(spoken, percent, dtype=np.int16)).shares()
    plain = seen(20_000, 4_000).shares()
    assert listed.unspoken == plain.unspoken
    expected = (plain.unspoken * 20_000 + spoken * percent / 100) / (20_000 + spoken)
    assert listed.all == pytest.approx(expected, abs=0.01)


def test_what_was_told_is_of_all_units():
    """30 % of all: half of them are listed and certain, so a few of the others are left."""
    told = seen(8_000, 3_000, spoken=np.full(2_000, 99, dtype=np.int16)).shares(0.3)
    assert told == (pytest.approx((3_000 - 1_980) / 8_000, abs=0.002), 0.3)
    assert seen(5, 3).shares(0.4) == (pytest.approx(0.4, abs=0.001), 0.4)


@pytest.mark.parametrize("told", [1e-4, 0.02, 0.5, 0.95, 0.9996])
@pytest.mark.parametrize("units", [0, 1, 2_000, 100_000])
def test_whatever_is_told_is_believed_and_is_a_share(told, units):
    shares = seen(units, units // 5).shares(told)
    assert 0 < shares.unspoken < 1
    assert shares == (pytest.approx(told, abs=0.001), told)


def test_of_a_neighbourhood_so_many_units_count():
    home, other = 0x2A02_26F7_0000_0000, 0x2A02_26F7_0001_0000
    key = np.array([*range(home, home + 1_000), *range(other, other + 3)], dtype=np.uint64)
    assert np.flatnonzero(counted(key)).tolist() == [*range(COUNTED_MAX), 1_000, 1_001, 1_002]
    assert counted(np.arange(0x3315_0700, 0x3315_0A00, dtype=np.uint64)).all()


SELDOM = people.day(6, 3, 2, 2, hours_day_max=3.0, night_share=0.02)
STREET = {f"51.15.{at // 200}.{at % 200}": people.CGNAT if at % 5 == 0 else SELDOM for at in range(2_400)}
ONCE = {address: people.CGNAT if one is people.CGNAT else people.QUIET for address, one in STREET.items()}
"""Less is seen of each than in any made world: most units come once."""
FEW = {f"51.16.{at // 200}.{at % 200}": people.CGNAT if at % 60 == 0 else people.HOUSEHOLD for at in range(2_400)}
BUSY = {f"51.15.{at // 200}.{at % 200}": people.CGNAT if at % 5 == 0 else people.COUPLE for at in range(2_400)}
"""A site to which households come in seven hours of a day, further from what was learnt from than any made world."""


def test_of_a_48_of_one_tenant_no_more_counts_than_of_a_24():
    """He may send a request from each of its 65,536 /64s, and all verdicts would hang on what is usual there."""
    routes = [route("51.15.0.0/16", 64500), route("2a02:26f7::/32", 64500)]
    few, many = (
        judged(BUSY | {f"2a02:26f7:0:{subnet:x}::1": people.QUIET for subnet in range(size)}, [], routes)
        for size in (COUNTED_MAX, 20_000)
    )
    assert many.prior == few.prior
    assert all(confidence(many, address) == confidence(few, address) for address in BUSY)


@pytest.mark.parametrize("units", [STREET, FEW, BUSY], ids=["a fifth", "a sixtieth", "a fifth, on a busy site"])
def test_a_load_judges_by_the_share_that_it_finds(units):
    routes = [route("51.15.0.0/16", 64500), route("51.16.0.0/16", 64501)]
    said = [assertion("51.15.3.0-51.15.3.50", "list.vpn")]
    found = judged(units, said, routes)
    assert found.prior != CARD.prior
    assert found.prior == pytest.approx(sum(one is people.CGNAT for one in units.values()) / len(units), abs=0.12)
    told = judged(units, said, routes, prior=0.6)
    assert told.prior > found.prior
    assert sum(row.confidence for row in told.verdicts) > sum(row.confidence for row in found.verdicts)
    columns = {name: float(values[7]) for name, values in found.observations.columns.items()}
    address = net.unit_range(int(found.observations.key[7]))[0]
    (row,) = (row for row in found.verdicts if row.first <= address <= row.last)
    explained = explain(
        address, observation=columns, assertions=said, scorecard=CARD, as_of=AS_OF, prior=found.prior, asn=row.asn
    )
    assert explained.confidence == row.confidence


def test_where_most_come_once_nobody_knows_how_many_are_shared():
    assert judged(ONCE, [], [route("51.15.0.0/16", 64500)]).prior == CARD.prior


def test_who_only_connects_beside_others_is_not_judged_by_their_share():
    """Neither what is found among those that come with requests moves it, nor is its day one of people's."""
    lone = {"51.16.0.1": people.CGNAT_WITHOUT_AGENT}
    beside, alone = (judged(units, [], [route("51.15.0.0/16", 64500)]) for units in (STREET | lone, lone))
    told = judged(STREET | lone, [], [route("51.15.0.0/16", 64500)], prior=0.6)
    assert confidence(alone, "51.16.0.1") >= 50
    assert confidence(beside, "51.16.0.1") == confidence(told, "51.16.0.1") < 50


@pytest.mark.parametrize("asked", [50_000, 1_300])
def test_how_units_come_does_not_matter_to_what_is_found(monkeypatch, asked):
    monkeypatch.setattr(judgement, "ASKED_MAX", asked)
    routes = [route("51.15.0.0/16", 64500)]
    whole, parts = (judged(STREET, [], routes, units_max=size) for size in (1 << 17, 37))
    assert whole.prior == parts.prior != CARD.prior
    assert whole.verdicts == parts.verdicts


def test_training_finds_what_a_load_finds():
    said = [assertion("51.15.3.0-51.15.3.50", "list.vpn")]
    load = judged(STREET, said, [route("51.15.0.0/16", 64500)])
    seen = load.observations
    size = len(seen.key)
    heard = hear([voice(said[0], CARD, AS_OF)], CARD)
    named = (seen.key >= net.unit_key(said[0].first)) & (seen.key <= net.unit_key(said[0].last))
    sample = Sample(
        world=np.zeros(size, np.int64), key=seen.key, age_days=np.ones(size, np.int64), asn=seen.asn,
        declared=np.full(size, -1, np.int8), traffic=seen.traffic, columns=dict(seen.columns),
        sets=named.astype(np.int64), heard=[NOTHING, heard], known=np.ones(size, np.bool_), trust=np.ones(size),
        shared=named, users=np.zeros(size, np.int64), classes=np.zeros(size, np.int16),
    )  # fmt: skip
    assert shares(sample, CARD).unspoken == load.prior


@given(st.lists(st.tuples(st.integers(0, len(WAYS) - 1), st.integers(0, 1)), max_size=300), st.integers(0, 300))
def test_chunks_make_no_difference(units, cut):
    def shares(*parts):
        population = Population(card())
        for part in parts:
            way, many = np.array(part, dtype=np.int64).reshape(-1, 2).T
            population.add(many > 0, way.astype(np.int8), NOBODY)
        return population.shares()

    assert shares(units[:cut], units[cut:]) == shares(units)
