"""Laws of what people do in the made world."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from mipdns.simulate import WorldPlan, changed
from mipdns.simulate.habits import DAY_SHAPES, OBSERVER_SHARES, OBSERVERS, WEEKEND_FACTOR
from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.plan import Errors, Shares
from mipdns.simulate.population import BLOCK, PORT_FIRST, World, make_world
from mipdns.simulate.ports import DYNAMIC_PORTS, LINUX_PORTS

from .conftest import AS_OF, Seen, day_of


def of_kind(world: World, seen: Seen, *names: str) -> np.ndarray:
    """Connections of people whose own unit is of a kind."""
    kind = world.units.kind[seen.people.unit[seen.day.connections.person]]
    return np.flatnonzero(np.isin(kind, [KIND_NUMBER[name] for name in names]))


def distinct(seen: Seen, rows: np.ndarray, column: np.ndarray) -> dict[int, int]:
    """Distinct values of a column by unit."""
    values: dict[int, set[int]] = {}
    for unit, value in zip(seen.day.connections.unit[rows].tolist(), column[rows].tolist(), strict=True):
        values.setdefault(unit, set()).add(value)
    return {unit: len(found) for unit, found in values.items()}


def test_shapes_have_24_hours_and_observers_nine_shares():
    for weekday, weekend in DAY_SHAPES.values():
        assert len(weekday) == len(weekend) == 24 and min(weekday + weekend) > 0
    assert set(WEEKEND_FACTOR) == set(DAY_SHAPES)
    assert all(len(shares) == len(OBSERVERS) for shares in OBSERVER_SHARES.values())


def test_a_day_is_sorted_and_lies_within_itself(weekday: Seen):
    for times in (weekday.day.connections.time_s, weekday.day.request_s):
        assert (np.diff(times) >= 0).all() and times[0] >= 0 and times[-1] < 86400


def test_every_unit_is_seen_on_one_of_several_days_where_leases_stay():
    world = make_world(changed(WorldPlan(units=600), people={"lease_churn": 0.0}), 7, 3)
    seen: set[int] = set()
    for place in range(3):
        connections = day_of(world, place, AS_OF + datetime.timedelta(days=place)).day.connections
        seen |= set(connections.unit[connections.complete].tolist())
    assert seen == set(range(len(world.units.kind)))


def test_nobody_comes_before_or_after_a_unit_s_use():
    world = make_world(WorldPlan(units=2000, errors=Errors(moved=0.2)), 3, 3)
    for place in range(3):
        unit = day_of(world, place, AS_OF).day.connections.unit
        assert (world.units.since[unit] <= place).all() and (place <= world.units.until[unit]).all()


def test_lines_change_their_addresses_overnight_at_the_rate_that_is_set():
    world = make_world(changed(WorldPlan(units=3000), people={"lease_churn": 0.2}), 7, 3)
    seen = [day_of(world, place, AS_OF) for place in range(3)]
    moved = []
    for day in seen:
        rows = of_kind(world, day, "household")
        moved.append((day.day.connections.unit[rows] != day.people.unit[day.day.connections.person[rows]]).mean())
    assert moved[0] == 0
    assert moved[1] == pytest.approx(0.2, abs=0.06) and moved[2] == pytest.approx(0.36, abs=0.08)


def test_ports_are_in_range_and_a_subscriber_s_in_one_block_a_day(world: World, weekday: Seen):
    connections, people, units = weekday.day.connections, weekday.people, world.units
    assert connections.port.min() >= PORT_FIRST and connections.port.max() <= 65535
    carrier = np.flatnonzero((units.ports[connections.unit] == BLOCK) & (units.block[connections.unit] != 1000))
    assert len(carrier) > 100
    unit = connections.unit[carrier]
    block = (connections.port[carrier] - units.first[unit]) // units.block[unit]
    owner = unit * 10_000 + people.slot[connections.person[carrier]]
    for each in np.unique(owner):
        assert len(np.unique(block[owner == each])) == 1
    rooms = np.minimum(units.users[unit], units.room[unit] // units.block[unit])
    for each in np.unique(unit):
        assert len(np.unique(block[unit == each])) <= rooms[unit == each][0]


def test_a_busy_subscriber_of_blocks_of_1000_takes_further_ones():
    plan = changed(WorldPlan(units=400), translation={"block_sizes": (1000,)}, people={"person_visits": 2.0})
    world = make_world(plan, 5, 1)
    seen = day_of(world, 0, AS_OF)
    connections, units = seen.day.connections, world.units
    rows = np.flatnonzero((units.block[connections.unit] == 1000) & (seen.people.activity[connections.person] > 1.5))
    spread = {
        person: np.ptp(connections.port[rows[connections.person[rows] == person]])
        for person in np.unique(connections.person[rows]).tolist()
    }
    assert max(spread.values()) > 1000


def test_home_ports_are_those_of_the_devices_systems_or_of_their_router(world: World, weekday: Seen):
    rows = of_kind(world, weekday, "household6", "campus6")
    ports = weekday.day.connections.port[rows]
    assert ports.min() >= LINUX_PORTS[0] and ports.max() < DYNAMIC_PORTS[1]
    routers = weekday.day.connections.port[of_kind(world, weekday, "household")]
    assert 0.02 < (routers < LINUX_PORTS[0]).mean() < 0.4


@pytest.mark.parametrize(
    ("kind", "median_at_most", "most"), [("household", 4, 20), ("server", 1, 1), ("scanner", 1, 1), ("phone6", 4, 8)]
)
def test_a_single_user_shows_few_agents(world: World, weekday: Seen, kind: str, median_at_most: int, most: int):
    rows = of_kind(world, weekday, kind)
    by_person = np.unique(np.stack([weekday.day.connections.person[rows], weekday.day.connections.agent[rows]]), axis=1)
    counts = np.unique(by_person[0], return_counts=True)[1]
    assert np.median(counts) <= median_at_most and counts.max() <= most


def test_a_family_of_many_devices_can_show_many_fingerprints():
    plan = changed(WorldPlan(units=400, shares=Shares(heavy=1.0)), people={"more_devices": 0.6, "app_share": 0.4})
    world = make_world(plan, 9, 1)
    seen = day_of(world, 0, AS_OF, one_log=True)
    counts = list(distinct(seen, of_kind(world, seen, "heavy"), seen.day.connections.tls).values())
    assert 5 <= np.median(counts) <= 12


def test_rotators_show_many_agents_and_mostly_one_tls_library():
    plan = changed(WorldPlan(units=400, shares=Shares(rotator=1.0)), bots={"rotator_tls": 0.01, "rotator_true": 0.0})
    world = make_world(plan, 9, 1)
    seen = day_of(world, 0, AS_OF, one_log=True)
    rows = of_kind(world, seen, "rotator")
    agents = distinct(seen, rows, seen.day.connections.agent)
    libraries = distinct(seen, rows, seen.day.connections.tls // 3)
    assert max(agents.values()) >= 50
    assert np.median(list(libraries.values())) == 1


def test_the_loudest_scanners_have_more_ports_than_most_carrier_nats_and_half_never_complete():
    world = make_world(WorldPlan(units=6000), 2, 1)
    seen = day_of(world, 0, AS_OF)
    ports = seen.day.connections.port
    scanner, cgnat = of_kind(world, seen, "scanner"), of_kind(world, seen, "cgnat")
    counts = list(distinct(seen, cgnat, ports).values())
    assert max(distinct(seen, scanner, ports).values()) > 3 * np.median(counts)
    assert seen.day.connections.complete[scanner].mean() < 0.7


def test_an_observer_sees_the_share_of_connections_that_is_set():
    lines = {}
    for share in (1.0, 0.3, 0.03):
        world = make_world(WorldPlan(units=2000, observer_share=share), 7, 1)
        lines[share] = len(day_of(world, 0, AS_OF, one_log=True).day.connections.unit)
    assert lines[0.3] / lines[1.0] == pytest.approx(0.3, abs=0.03)
    assert lines[0.03] / lines[1.0] == pytest.approx(0.03, abs=0.01)


def test_reverse_proxies_name_somebody_s_home_and_only_they_do(world: World, weekday: Seen):
    kinds = np.array([kind.name for kind in KINDS])[world.units.kind[weekday.people.unit]]
    home = weekday.people.home
    of_proxy = np.isin(kinds, ("reverse_proxy", "reverse_proxy6"))
    assert (home[~of_proxy] == -1).all()
    assert (world.units.users[home[of_proxy]] == 1).all()


@pytest.mark.parametrize(
    ("kind", "fewest", "most"),
    [("household6", 2, 9), ("phone6", 1, 3), ("rotating6", 8, 40), ("relay6", 5, 16), ("vpn6", 1, 1),
     ("campus6", 5, 300)],
)  # fmt: skip
def test_addresses_in_a_64(world: World, weekday: Seen, kind: str, fewest: int, most: int):
    counts = distinct(weekday, of_kind(world, weekday, kind), weekday.day.connections.host).values()
    assert fewest <= max(counts) <= most


def test_temporary_addresses_change_from_day_to_day(world: World, weekday: Seen, sunday: Seen):
    hosts = [set(seen.day.connections.host[of_kind(world, seen, "household6")].tolist()) for seen in (weekday, sunday)]
    kept = hosts[0] & hosts[1]
    assert kept and len(kept) < 0.2 * len(hosts[0])  # one device in ten keeps its own


def test_ipv4_has_no_host_part(world: World, weekday: Seen):
    connections = weekday.day.connections
    four = world.units.key[connections.unit] < 1 << 32
    assert (connections.host[four] == 0).all()
    assert (connections.host[~four] != 0).all()


def test_homes_come_in_the_evening_of_their_own_time_zone(world: World, weekday: Seen):
    rows = of_kind(world, weekday, "household", "heavy", "cgnat")
    zone_h = weekday.people.zone_h[weekday.day.connections.person[rows]]
    local_h = np.mod(weekday.day.connections.time_s[rows] / 3600 + zone_h, 24)
    assert ((local_h >= 17) & (local_h < 23)).mean() > 2 * ((local_h >= 1) & (local_h < 7)).mean()
    assert len(np.unique(zone_h)) > 3


def test_offices_rest_on_sunday_and_bots_never(world: World, weekday: Seen, sunday: Seen):
    def visits(seen: Seen, *kinds: str) -> int:
        return len(of_kind(world, seen, *kinds))

    assert visits(sunday, "forward_proxy", "office") < 0.3 * visits(weekday, "forward_proxy", "office")
    assert visits(sunday, "crawler", "server") > 0.3 * visits(weekday, "crawler", "server")


def test_a_sampling_observer_sees_a_part(world: World, weekday: Seen):
    whole = world._replace(plan=changed(world.plan, errors={"sampled": 1.0}))
    everything = day_of(whole, 2, AS_OF).day
    colo = OBSERVERS.index("colo")
    part = (weekday.day.connections.observer == colo).sum() / (everything.connections.observer == colo).sum()
    assert 0.15 < part < 0.35
