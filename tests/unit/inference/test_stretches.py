"""Judging in chunks and stretches of any size gives what judging all at once gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipdns import net
from mipdns.columns import neighbourhoods
from mipdns.evidence import Chunk, LogEvidence, Network, Profile
from mipdns.inference import judge
from mipdns.inference.stretches import KEY_MAX, UNITS_MAX, Drawn, nothing, stretches, take_units
from tests.chunks import whole
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion, complete, judged, logs, route
from tests.unit.inference.worlds import assertions, ranges, route_tables, unit_sets

KINDS = [people.QUIET, people.HOUSEHOLD, people.CGNAT, people.MOBILE, people.CRAWLER]
HOMES = ["51.15.6.0", "51.15.7.0", "51.15.8.0", "51.15.11.0", "2a02:26f7:0::", "2a02:26f7:1::", "2a02:26f7:9::"]


@st.composite
def crowded_borders(draw):
    """Units on both sides of the borders between neighbourhoods, few different ones, so that ranges and pools form."""
    found = {}
    for home in draw(st.lists(st.sampled_from(HOMES), unique=True, min_size=1)):
        first = net.parse_address(home)
        step, size = (1, 256) if net.is_v4(first) else (1 << 64, 1 << 16)
        spots = st.sampled_from([0, 1, 2, 3, 4, 5, 9, 12, 13, size - 3, size - 2, size - 1])
        for at in draw(st.lists(spots, unique=True)):
            found[net.format_address(first + at * step)] = draw(st.sampled_from(KINDS))
    return found


@st.composite
def spanning(draw):
    """Assertions over several neighbourhoods, with units and without."""
    text = draw(
        st.sampled_from(["51.15.6.0/23", "51.15.0.0/16", "51.15.7.250-51.15.8.3", "2a02:26f7::/46", "2a01::/16"])
    )
    return assertion(text, draw(st.sampled_from(sorted(CARD.assertions))))


@given(crowded_borders(), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9))
def test_what_is_drawn_is_whole_neighbourhoods_and_the_same_in_chunks_of_any_size(units, most, one, other):
    counted = whole(logs(units)).units
    chunk = Chunk(counted, active(logs(units), np.random.default_rng(1)))

    def drawn(size):
        found = Drawn(most)
        for stretch in stretches([chunk], units_max=size):
            found.add(stretch)
        keys = np.concatenate([part.units.key for part in found.stretches])
        homes = np.concatenate([part.profile.neighbourhood for part in found.stretches])
        return keys, homes

    keys, homes = drawn(one)
    assert len(keys) <= most
    assert keys.tolist() == drawn(other)[0].tolist()
    every = counted.key
    assert keys.tolist() == every[np.isin(neighbourhoods(every), neighbourhoods(keys))].tolist()
    assert set(homes.tolist()) >= set(neighbourhoods(keys).tolist())


def test_what_fits_is_drawn_whole():
    evidence = logs({f"51.15.{home}.{at}": people.QUIET for home in range(40) for at in range(5)})
    found = Drawn(200)
    for stretch in stretches(evidence.chunks(), units_max=13):
        found.add(stretch)
    assert sum(len(part.units.key) for part in found.stretches) == 200


def test_half_of_many_neighbourhoods_is_drawn_evenly():
    evidence = logs({f"51.{home // 256}.{home % 256}.7": people.QUIET for home in range(4_000)})
    found = Drawn(1_500)
    for stretch in stretches(evidence.chunks()):
        found.add(stretch)
    keys = np.concatenate([part.units.key for part in found.stretches])
    assert 850 < len(keys) < 1_150  # a quarter
    halves = np.histogram(keys, bins=4)[0]
    assert halves.min() > 0.8 * halves.max()


ROUTES = [route("51.15.0.0-51.15.7.128", 64500), route("51.15.7.129-51.15.255.255", 64501), route("2a00::/12", 64500)]


def active(evidence, rng):
    """Loud and quiet activity in each neighbourhood, in whole numbers, as counts are."""
    homes = np.unique(neighbourhoods(whole(evidence).units.key))
    rows = [(home, weekend, hour) for home in homes.tolist() for weekend in (False, True) for hour in range(24)]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    loud = rng.choice([0, 7, 900], size=len(rows)).astype(np.float64)
    shares = [np.floor(loud * share) for share in (0.1, 0.5, 1.0)]
    home, weekend, hour = (np.array(one, dtype=kind) for one, kind in zip(columns, ["u8", "?", "i1"], strict=True))
    return Profile._make([home, weekend, hour, loud, *shares, np.full(len(rows), 20.0)])


def cut(chunk, rng):
    """The chunk in chunks, cut between neighbourhoods at random, some of them empty."""
    homes = neighbourhoods(chunk.units.key)
    borders = [0, *(at for at in range(1, len(homes)) if homes[at] != homes[at - 1] and rng.random() < 0.5), len(homes)]
    for low, high in itertools.pairwise(borders):
        if rng.random() < 0.2:
            yield nothing()
        near = np.isin(chunk.profile.neighbourhood, homes[low:high])
        yield Chunk(take_units(chunk.units, slice(low, high)), Profile._make(column[near] for column in chunk.profile))


def same(one, other):
    assert one.verdicts == other.verdicts
    assert (one.networks, one.counts, one.scores) == (other.networks, other.counts, other.scores)
    assert one.assertions == other.assertions
    for mine, theirs in zip(one.observations[:4], other.observations[:4], strict=True):
        assert mine.tolist() == theirs.tolist()
    assert one.observations.columns.keys() == other.observations.columns.keys()
    for name, column in one.observations.columns.items():
        np.testing.assert_array_equal(column, other.observations.columns[name])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(crowded_borders(), unit_sets()),
    st.lists(st.one_of(assertions(), spanning()), max_size=8),
    st.one_of(st.just(ROUTES), route_tables()),
    st.lists(ranges(), max_size=2),
    st.integers(0, 2**32),
    st.sampled_from([1, 2, 3, 7, UNITS_MAX]),
)
def test_neither_chunks_nor_stretches_change_anything(units, said, routes, exclude, seed, units_max):
    rng = np.random.default_rng(seed)
    evidence = logs(units)
    chunk = Chunk(whole(evidence).units, active(evidence, rng))
    chunks = list(cut(chunk, rng))
    networks = [Network(64500, "", "", "hosting", "", "", "", "")]

    def run(parts, **rest):
        seen: LogEvidence = evidence._replace(chunks=lambda: iter(parts))
        rest |= {"scorecard": CARD, "as_of": AS_OF, "exclude": exclude}
        return complete(judge(seen, routes, networks, said, **rest))

    same(run(chunks, units_max=units_max), run([chunk]))


def test_a_range_goes_on_across_the_border_of_two_chunks_and_carries_its_oldest_day():
    units = {f"51.15.{third}.{fourth}": people.QUIET for third in (6, 7, 8) for fourth in range(256)}
    evidence = logs(units)
    (chunk,) = evidence.chunks()
    chunk.units.last_day[300] -= 3
    seen = evidence._replace(chunks=evidence.chunks)
    (row,) = complete(judge(seen, [], [], [], scorecard=CARD, as_of=AS_OF, units_max=1)).verdicts
    assert (net.format_range(row.first, row.last), row.observed) == ("51.15.6.0-51.15.8.255", "2026-09-18")


def test_stretches_cover_every_key_once_and_hold_no_more_than_they_may():
    units = {f"51.15.{third}.{fourth}": people.QUIET for third in range(9) for fourth in range(0, 256, 9 + third)}
    units |= {f"2a02:26f7:{site}:{net_}::": people.QUIET for site in range(3) for net_ in range(site, 40)}
    found = list(stretches(logs(units).chunks(), units_max=50))
    assert (found[0].first, found[-1].last) == (0, KEY_MAX)
    assert all(before.last + 1 == after.first for before, after in itertools.pairwise(found))
    sizes = [len(stretch.units.key) for stretch in found]
    assert sum(sizes) == len(units)
    assert max(sizes) <= 50
    assert all(net.neighbourhood_key(stretch.first) == stretch.first for stretch in found[1:])


@pytest.mark.parametrize("divided", [False, True], ids=["out of order", "a neighbourhood divided"])
def test_chunks_that_break_the_rule_are_a_fault(divided):
    keys = whole(logs({"51.15.7.9": people.QUIET, "51.15.7.99" if divided else "51.15.6.9": people.QUIET})).units
    chunks = [Chunk(take_units(keys, slice(at, at + 1)), nothing().profile) for at in ((0, 1) if divided else (1, 0))]
    with pytest.raises(ValueError, match=r"51\.15\.[67]\.9.*: in a chunk before its own, or in two"):
        list(stretches(chunks))


@pytest.mark.parametrize(("kept", "keys"), [("all", [9, 10, 11]), ("listed", [9, 11]), ("none", [])])
def test_what_was_seen_is_told_of_those_units_that_are_asked_for(kept, keys):
    units = {"51.15.7.9": people.CGNAT, "51.15.7.10": people.QUIET, "51.15.7.11": people.MOBILE}
    judgement = judged(units, [], ROUTES, observations=kept)
    assert (judgement.observations.key & 0xFF).tolist() == keys
    assert {len(column) for column in judgement.observations.columns.values()} == {len(keys)}
    assert judgement.verdicts == judged(units, [], ROUTES).verdicts
    assert judgement.counts.get("observations_left_out", 0) == 3 - len(keys)


def test_the_conclusion_comes_last():
    judgement = judge(None, [], [], [], scorecard=CARD, as_of=AS_OF)
    with pytest.raises(RuntimeError, match="before all parts had passed"):
        judgement.conclude()
    assert judged().counts["units"] == 0
