"""How much a load sees: what is usual among its units, against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference import features
from mipdns.inference.exposure import BUSIEST, LESSER, LESSER_MOST, ONCE, REFERENCE, REFERENCE_UNITS, Exposure

THIRD = 1 / 3
UNITS = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 200).map(float), st.floats(0.25, 1e6, width=32), st.just(math.nan)),
        st.one_of(st.integers(1, 24).map(float), st.just(math.nan)),
    ),
    max_size=400,
)


def of(exposure, prior=THIRD):
    """What is usual among units alike: those that `units` makes name no agents unless told so."""
    found = exposure.usual(prior)
    return found.asking if found.asking["agents_share"] else found.connecting


def usual(*chunks, prior=THIRD):
    exposure = Exposure()
    for chunk in chunks:
        requests, hours = np.array(chunk, dtype=np.float32).reshape(-1, 2).T
        exposure.add(units(requests, hours_day_max=hours))
    found = of(exposure, prior)
    return {name: found[name] for name in REFERENCE}


def units(requests, **told):
    """Columns of units; what is not told is missing."""
    missing = np.full(len(requests), np.nan, dtype=np.float32)
    columns = (
        dict.fromkeys((*LESSER, "days", "agent_requests_day_max", "agent_hours_day_max"), missing)
        | {"requests_day_max": requests}
        | told
    )
    return {name: np.asarray(column, dtype=np.float32) for name, column in columns.items()}


def drawn(found, reference, units):
    share = units**2 / (units**2 + REFERENCE_UNITS**2)
    return math.exp(share * math.log(found) + (1 - share) * math.log(reference))


def lesser(values):
    half = sorted(values)[: (len(values) + 1) // 2]
    return max(sum(half) / len(half), 1.0) if half else 1.0


@given(UNITS, st.floats(0.02, 0.9))
def test_what_is_usual_is_that_of_all_units_sorted(seen, prior):
    requests = [min(math.ceil(np.float32(value)), 1 << 16) for value, _ in seen if not math.isnan(value)]
    hours = [value for _, value in seen if not math.isnan(value)]
    visit = drawn(lesser(requests), REFERENCE["requests_lesser"] * LESSER["hours_day_max"], len(requests))
    visit /= drawn(lesser(hours), LESSER["hours_day_max"], len(hours))
    found = usual(seen, prior=prior)
    assert found["requests_lesser"] == pytest.approx(visit)
    if len(requests) > 20:
        exceeded = sum(
            value > found_typical
            for found_typical in [undrawn(found["requests_typical"], len(requests))]
            for value in requests
        )
        assert exceeded <= BUSIEST * math.sqrt(prior) * len(requests) + 1e-6


def undrawn(found, units):
    share = units**2 / (units**2 + REFERENCE_UNITS**2)
    return math.exp((math.log(found) - (1 - share) * math.log(REFERENCE["requests_typical"])) / share) + 1e-6


def test_of_no_units_the_reference_is_usual():
    assert usual([]) == pytest.approx(REFERENCE)


@given(UNITS, st.integers(0, 400))
def test_chunks_make_no_difference(seen, cut):
    assert usual(seen[:cut], seen[cut:]) == usual(seen)


@pytest.mark.parametrize(
    ("many", "least", "most"),
    [(0, 45, 45), (10, 44, 45), (REFERENCE_UNITS, math.sqrt(3 * 45), math.sqrt(3 * 45)), (100_000, 3, 3.1)],
)
def test_few_units_are_drawn_towards_the_reference_and_many_are_not(many, least, most):
    found = usual([(3.0, 1.0)] * many)["requests_typical"]
    assert least == pytest.approx(found) or least <= found <= most


def made(visits, pages):
    """Units of so many visits, each in an hour of its own, of so many requests each."""
    return [(float(visit * pages), float(min(visit, 24))) for visit in visits]


def test_a_site_whose_pages_take_more_requests_sees_as_much_of_its_visitors():
    visits = np.ceil(np.random.default_rng(1).lognormal(1, 1, 20_000))
    few, many = (usual(made(visits, pages)) for pages in (1, 7))
    assert many["requests_lesser"] / few["requests_lesser"] == pytest.approx(7, rel=0.06)
    assert many["requests_typical"] / few["requests_typical"] == pytest.approx(7, rel=0.06)


def test_people_who_come_more_often_make_no_visit_larger():
    visits = np.ceil(np.random.default_rng(2).lognormal(1, 0.5, 20_000))
    few, many = (usual(made(times * visits, 4))["requests_lesser"] for times in (1, 3))
    assert few == pytest.approx(4, rel=0.05)
    assert many == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(("prior", "exceeded"), [(0.12, 0.15), (THIRD, 0.25), (0.45, 0.29)])
def test_the_fewer_are_shared_the_fewer_exceed_what_is_typical(prior, exceeded):
    seen = [(float(value), 2.0) for value in range(1, 50_001)]
    assert usual(seen, prior=prior)["requests_typical"] == pytest.approx((1 - exceeded) * 50_000, rel=0.03)


def test_the_logs_tell_of_as_many_days_as_the_unit_that_came_on_most():
    exposure = Exposure()
    assert math.isnan(of(exposure)["days_logged"])
    for days in ([1.0, 3.0, math.nan], [2.0, math.nan, 1.0]):
        exposure.add(units(np.ones(3), days=days))
    assert of(exposure)["days_logged"] == 3.0


@pytest.mark.parametrize(
    ("column", "usual"),
    [("hours_day_max", "hours_lesser"), ("agents_day_max", "agents_lesser"), ("ports_hour_max", "ports_lesser")],
)
def test_of_each_count_the_lesser_half_is_told_whatever_the_others_show(column, usual):
    exposure = Exposure()
    counts = np.repeat([1.0, 2.0, 3.0, 4000.0], 50_000)
    exposure.add(units(np.ones(len(counts)), **{column: np.random.default_rng(3).permutation(counts)}))
    assert of(exposure)[usual] == pytest.approx(1.5, rel=1e-3)


@pytest.mark.parametrize(("column", "most"), LESSER_MOST.items())
def test_what_lies_beyond_all_that_was_learnt_from_says_nothing(column, most):
    name = column.split("_")[0] + "_lesser"
    for count, told in ((math.floor(most) - 1, True), (math.ceil(most) + 1, False)):
        exposure = Exposure()
        exposure.add(units(np.ones(100_000), **{column: np.full(100_000, count)}))
        assert math.isnan(of(exposure)[name]) != told


@given(st.lists(st.one_of(st.just(math.nan), st.integers(1, 24).map(float)), min_size=1, max_size=200))
def test_of_how_many_no_day_had_two_hours(hours):
    exposure = Exposure()
    for some in np.array_split(np.array(hours, dtype=np.float32), 3):
        exposure.add(units(np.ones(len(some)), hours_day_max=some))
    found = of(exposure)["seen_once"]
    told = [one for one in hours if not math.isnan(one)]
    if not told:
        assert math.isnan(found)
        return
    share = len(told) ** 2 / (len(told) ** 2 + REFERENCE_UNITS**2)
    assert found == pytest.approx(share * sum(one == 1 for one in told) / len(told) + (1 - share) * ONCE)


def test_who_only_connects_moves_nothing_of_who_comes_with_requests():
    """A flow log beside a site: what a visit takes and how much is seen is asked of each by itself."""
    asking = units(np.full(9_000, 6.0), hours_day_max=np.full(9_000, 2.0), agents_day_max=np.ones(9_000))
    connecting = units(np.full(20_000, 300.0), hours_day_max=np.full(20_000, 12.0))
    site, flows, both = Exposure(), Exposure(), Exposure()
    site.add(asking)
    flows.add(connecting)
    for part in (asking, connecting):
        both.add(part)
    load = {"days_logged", "agents_lesser", "agents_share"}
    for kind, alone in (("asking", site), ("connecting", flows)):
        found, expected = (getattr(one.usual(THIRD), kind) for one in (both, alone))
        assert {name: found[name] for name in found if name not in load} == pytest.approx(
            {name: expected[name] for name in expected if name not in load}, nan_ok=True
        )
    assert both.once == site.once
    beside = both.usual(THIRD).columns(np.array([1, math.nan], dtype=np.float32))
    assert beside["requests_lesser"].tolist() == pytest.approx([3.0, 25.0], rel=0.01)
    assert beside["agents_share"].tolist() == pytest.approx([9 / 29] * 2)


def test_connections_do_not_make_visits_of_who_names_agents():
    """The same requests, with and without what a sensor of connections counted of the same units beside them."""
    plain = {"agent_requests_day_max": np.full(9_000, 6.0), "agent_hours_day_max": np.full(9_000, 2.0)}
    found = []
    for lines, hours in ((6.0, 2.0), (60.0, 9.0)):
        exposure = Exposure()
        exposure.add(
            units(np.full(9_000, lines), hours_day_max=np.full(9_000, hours), agents_day_max=np.ones(9_000), **plain)
        )
        found.append({name: exposure.usual(THIRD).asking[name] for name in (*REFERENCE, "seen_once")})
    assert found[0] == found[1]


def test_what_no_log_tells_is_missing_and_not_as_usual():
    exposure = Exposure()
    exposure.add(units(np.ones(9), hours_day_max=np.ones(9)))
    found = of(exposure)
    assert math.isnan(found["agents_lesser"])
    assert math.isnan(found["ports_lesser"])
    assert found["hours_lesser"] == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize(
    ("once", "visits", "hours", "seen"),
    [
        (0.9, 40.0, 1.0, "once in thinnest logs"),
        (0.58, 1.0, 2.0, "twice in thinnest logs"),
        (0.58, 1.0, 3.0, "often in thinnest logs"),
        (0.57, 1.0, math.nan, "once in thin logs"),
        (0.57, 1.0, 2.0, "twice in thin logs"),
        (0.37, 40.0, 24.0, "often in thin logs"),
        (0.36, 1.0, 24.0, "little"),
        (0.1, 3.0, 1.0, "more"),
        (0.1, 16.0, 1.0, "most"),
        (math.nan, 16.0, 1.0, "most"),
    ],
)
@pytest.mark.parametrize(
    ("told", "columns"),
    [
        ("connections", {"ports_hour_max": 3.0}),
        ("connections", {}),
        ("connections beside requests", {"ports_hour_max": 3.0, "agents_lesser": 1.2}),
        ("agents", {"agents_day_max": 3.0, "ports_hour_max": 3.0}),
        ("agents without ports", {"agents_day_max": 3.0}),
        ("fingerprints", {"agents_day_max": 3.0, "ports_hour_max": 3.0, "tls_day_max": 1.0}),
        ("fingerprints without ports", {"agents_day_max": 3.0, "tls_day_max": 1.0}),
    ],
)
def test_in_which_way_a_unit_was_seen(once, visits, hours, seen, told, columns):
    columns = columns | {"seen_once": once, "requests_lesser": 1.0, "requests_day_max": visits, "hours_day_max": hours}
    assert features.WAYS[features.way(columns)] == f"{told}, {seen}"
