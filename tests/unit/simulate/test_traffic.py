"""Laws of what people do in the made world."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from mipdns.simulate.habits import DAY_SHAPES, OBSERVER_SHARES, OBSERVERS, WEEKEND_FACTOR
from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.plan import NETWORKS, WorldPlan
from mipdns.simulate.population import PORT_FIRST, World
from mipdns.simulate.traffic import DYNAMIC_PORTS, LINUX_PORTS, Day, make_day


def of_kind(world: World, day: Day, *names: str) -> np.ndarray:
    kind = world.units.kind[day.connections.unit]
    return np.flatnonzero(np.isin(kind, [KIND_NUMBER[name] for name in names]))


def distinct(day: Day, rows: np.ndarray, column: np.ndarray) -> dict[int, int]:
    """Distinct values of a column by unit."""
    values: dict[int, set[int]] = {}
    for unit, value in zip(day.connections.unit[rows].tolist(), column[rows].tolist(), strict=True):
        values.setdefault(unit, set()).add(value)
    return {unit: len(found) for unit, found in values.items()}


def test_shapes_have_24_hours_and_observers_nine_shares():
    for weekday, weekend in DAY_SHAPES.values():
        assert len(weekday) == len(weekend) == 24 and min(weekday + weekend) > 0
    assert set(WEEKEND_FACTOR) == set(DAY_SHAPES)
    assert all(len(shares) == len(OBSERVERS) for shares in OBSERVER_SHARES.values())


def test_a_day_is_sorted_lies_within_itself_and_every_unit_is_seen_whole(world: World, weekday: Day):
    connections = weekday.connections
    for times in (connections.time_s, weekday.request_s):
        assert (np.diff(times) >= 0).all() and times[0] >= 0 and times[-1] < 86400
    assert set(connections.unit[connections.complete].tolist()) == set(range(len(world.units.kind)))


def test_every_unit_is_seen_on_one_of_several_days(world: World):
    seen: set[int] = set()
    for at in range(3):
        day = make_day(world, WorldPlan(), _date(at), (at, 3), np.random.default_rng(at))
        seen |= set(day.connections.unit[day.connections.complete].tolist())
    assert seen == set(range(len(world.units.kind)))


def _date(at: int):
    return datetime.date(2026, 9, 20) + datetime.timedelta(days=at)


def test_ports_are_in_range_and_a_subscriber_s_in_his_block(world: World, weekday: Day):
    connections, people = weekday.connections, world.people
    assert connections.port.min() >= PORT_FIRST and connections.port.max() <= 65535
    block = world.units.block[connections.unit]
    rows = np.flatnonzero(block > 0)
    assert len(rows) > 100
    slot = people.slot[connections.person[rows]]
    assert ((connections.port[rows] - PORT_FIRST) // block[rows] == slot).all()


def test_home_ports_are_those_of_the_devices_systems(world: World, weekday: Day):
    ports = weekday.connections.port[of_kind(world, weekday, "household", "household6", "heavy")]
    assert ports.min() >= LINUX_PORTS[0] and ports.max() < DYNAMIC_PORTS[1]


@pytest.mark.parametrize(
    ("kind", "median_at_most", "most"), [("household", 3, 12), ("server", 1, 1), ("scanner", 1, 1), ("phone6", 2, 3)]
)
def test_a_single_user_shows_few_agents(world: World, weekday: Day, kind: str, median_at_most: int, most: int):
    counts = list(distinct(weekday, of_kind(world, weekday, kind), weekday.connections.agent).values())
    assert np.median(counts) <= median_at_most and max(counts) <= most


def test_a_disguised_crawler_has_many_agents_and_one_fingerprint(world: World, weekday: Day):
    rows = of_kind(world, weekday, "disguised_crawler")
    assert max(distinct(weekday, rows, weekday.connections.agent).values()) >= 20
    assert set(distinct(weekday, rows, weekday.connections.stack).values()) == {1}


def test_the_loudest_scanner_has_far_more_ports_than_a_carrier_nat_and_half_never_complete(world: World, weekday: Day):
    ports = weekday.connections.port
    scanner, cgnat = of_kind(world, weekday, "scanner"), of_kind(world, weekday, "cgnat")
    loudest = max(distinct(weekday, scanner, ports).values())
    assert loudest > 2000 and loudest > 10 * max(distinct(weekday, cgnat, ports).values())
    assert weekday.connections.complete[scanner].mean() < 0.6


def test_torrent_users_and_gamers_are_hardly_seen_by_request_logs(world: World, weekday: Day):
    connections = weekday.connections
    assert connections.requests[of_kind(world, weekday, "torrent")].sum() == 0
    assert connections.requests[of_kind(world, weekday, "gamer")].sum() < len(of_kind(world, weekday, "gamer")) / 4


def test_reverse_proxies_name_somebody_s_home_and_only_they_do(world: World):
    forwards = np.array([kind.forwards for kind in KINDS])[world.units.kind[world.people.unit]]
    home = world.people.home
    assert (home[~forwards] == -1).all()
    assert (world.units.users[home[forwards]] == 1).all()


@pytest.mark.parametrize(
    ("kind", "fewest", "most"),
    [
        ("household6", 1, 8),
        ("phone6", 1, 1),
        ("rotating6", 10, 40),
        ("relay6", 5, 16),
        ("vpn6", 1, 1),
        ("campus6", 5, 300),
    ],
)
def test_addresses_in_a_64(world: World, weekday: Day, kind: str, fewest: int, most: int):
    rows = of_kind(world, weekday, kind)
    counts = distinct(weekday, rows, weekday.connections.host).values()
    assert max(counts) >= fewest and max(counts) <= most


def test_temporary_addresses_change_from_day_to_day(world: World, weekday: Day, sunday: Day):
    hosts = [set(day.connections.host[of_kind(world, day, "household6")].tolist()) for day in (weekday, sunday)]
    kept = hosts[0] & hosts[1]
    assert kept and len(kept) < 0.2 * len(hosts[0])  # one device in ten keeps its own


def test_ipv4_has_no_host_part(world: World, weekday: Day):
    four = world.units.key[weekday.connections.unit] < 1 << 32
    assert (weekday.connections.host[four] == 0).all()
    assert (weekday.connections.host[~four] != 0).all()


def test_homes_come_in_the_evening_of_their_own_time_zone(world: World, weekday: Day):
    for at in [at for at, network in enumerate(NETWORKS) if "home" in network.roles]:
        rows = of_kind(world, weekday, "household", "heavy")
        rows = rows[world.units.network[weekday.connections.unit[rows]] == at]
        local_h = np.mod(weekday.connections.time_s[rows] / 3600 + NETWORKS[at].zone_h, 24)
        assert ((local_h >= 17) & (local_h < 23)).mean() > 2 * ((local_h >= 1) & (local_h < 7)).mean()


def test_offices_rest_on_sunday_and_bots_never(world: World, weekday: Day, sunday: Day):
    def visits(day: Day, kind: str) -> int:
        return len(of_kind(world, day, kind))

    assert visits(sunday, "forward_proxy") < 0.3 * visits(weekday, "forward_proxy")
    assert visits(sunday, "crawler") > 0.7 * visits(weekday, "crawler")


def test_a_sampling_observer_sees_a_part(world: World, weekday: Day):
    everything = make_day(world, WorldPlan(sampled=1.0), weekday.date, (0, 1), np.random.default_rng(8))
    colo = OBSERVERS.index("colo")
    part = (weekday.connections.observer == colo).sum() / (everything.connections.observer == colo).sum()
    assert 0.15 < part < 0.35
