"""How many of a load's units are shared: what was told, what is found, and what is believed of few."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference.features import WAYS
from mipdns.inference.population import ABOVE, ALL_SHARED, LEAST, MOST, UNITS_HALF, Population
from tests.unit.inference.build import CARD

NOBODY = np.empty(0, dtype=np.int16)
RICH = WAYS.index("fingerprints, more")
CONNECTIONS = WAYS.index("connections, more")


def card(caught=0.8, mistaken=0.02):
    lines = {
        way: msgspec.structs.replace(line, caught=caught, mistaken=mistaken)
        if not way.startswith("connections")
        else msgspec.structs.replace(line, caught=0.0, mistaken=0.0)
        for way, line in CARD.calibration.items()
    }
    return msgspec.structs.replace(CARD, calibration=lines)


def seen(units, above, way=RICH, spoken=NOBODY, **errors):
    """A load of so many units, of which traffic speaks for so many."""
    population = Population(card(**errors))
    points = np.where(np.arange(units) < above, ABOVE, ABOVE - 1)
    population.add(points, np.full(units, way, dtype=np.int8), spoken)
    return population


@given(st.floats(0.05, 0.85), st.floats(0.4, 1.0), st.floats(0.0, 0.1))
def test_a_count_is_mended_by_its_errors(share, caught, mistaken):
    units = 1_000_000
    above = round(units * (share * caught + (1 - share) * mistaken))
    found = seen(units, above, caught=caught, mistaken=mistaken).shares()
    assert found.unspoken == pytest.approx(share, abs=0.002)
    assert found.all == pytest.approx(share, abs=0.002)


@pytest.mark.parametrize(("units", "above", "found"), [(10_000, 0, LEAST), (10_000, 10_000, MOST)])
def test_no_share_is_believed_beyond_its_bounds(units, above, found):
    assert seen(units, above).shares().unspoken == pytest.approx(found, abs=0.005)


def test_of_few_units_the_scorecard_speaks():
    assert seen(0, 0).shares() == (CARD.prior, pytest.approx(ALL_SHARED, abs=0.001))
    assert seen(10, 10).shares().unspoken == pytest.approx(CARD.prior, abs=0.001)
    middle = seen(UNITS_HALF, UNITS_HALF).shares().unspoken
    assert CARD.prior < middle < MOST


def test_connections_alone_tell_nothing_of_it():
    assert seen(50_000, 40_000, CONNECTIONS).shares().unspoken == CARD.prior


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


@given(st.lists(st.tuples(st.integers(0, len(WAYS) - 1), st.integers(-6000, 6000)), max_size=300), st.integers(0, 300))
def test_chunks_make_no_difference(units, cut):
    def shares(*parts):
        population = Population(card())
        for part in parts:
            way, points = np.array(part, dtype=np.int64).reshape(-1, 2).T
            population.add(points, way.astype(np.int8), NOBODY)
        return population.shares()

    assert shares(units[:cut], units[cut:]) == shares(units)
