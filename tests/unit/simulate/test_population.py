"""Laws of who lives in the made world."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
import numpy as np
import pytest

from mipdns import net
from mipdns.simulate import WorldPlan, changed
from mipdns.simulate.kinds import KIND_NUMBER, KINDS, PORT_MODES
from mipdns.simulate.networks import FIRST_ASN
from mipdns.simulate.plan import OUR_V4, Errors, Shares, v6_start
from mipdns.simulate.population import PORT_FIRST, World, make_people, make_world, slices


def rows(world: World, *names: str) -> np.ndarray:
    return np.flatnonzero(np.isin(world.units.kind, [KIND_NUMBER[name] for name in names]))


def test_every_kind_has_a_share_and_every_share_a_kind():
    assert {kind.name for kind in KINDS} == set(Shares.__struct_fields__)


def test_shares_as_shipped_are_what_their_docstring_says():
    by_class: defaultdict[str, float] = defaultdict(float)
    for kind in KINDS:
        by_class[kind.classes] += Shares().parts()[kind.name]
    assert sum(msgspec.structs.asdict(Shares()).values()) == pytest.approx(1)
    assert by_class["cgnat"] + by_class["cgnat+mobile"] + by_class["mobile"] == pytest.approx(0.16)
    assert sum(by_class[name] for name in ("vpn", "proxy", "tor", "relay")) == pytest.approx(0.14)
    assert by_class["campus"] + by_class["other"] == pytest.approx(0.035)
    assert by_class[""] == pytest.approx(1 - Shares().multi_user())


@pytest.mark.parametrize("shared", [0.1, 0.3, 0.45])
def test_the_multi_user_share_is_what_was_asked_for(shared: float):
    world = make_world(WorldPlan(units=3000, shared_share=shared), 1, 1)
    multi = np.array([kind.multi_user for kind in KINDS])[world.units.kind]
    assert multi.mean() == pytest.approx(shared, abs=0.02)


@pytest.mark.parametrize("units", [300, 3000])
def test_units_follow_the_shares(units: int):
    plan = WorldPlan(units=units, errors=Errors(moved=0))
    counts = Counter(make_world(plan, 1, 3).units.kind.tolist())
    for number, kind in enumerate(KINDS):
        wanted = plan.kind_shares()[kind.name] * units
        assert abs(counts[number] - wanted) <= max(1, 2 - wanted), kind.name


def test_a_kind_without_a_share_is_not_made():
    world = make_world(WorldPlan(units=300, shares=Shares(tor=0.0), errors=Errors(moved=0)), 1, 3)
    assert KIND_NUMBER["tor"] not in world.units.kind


def test_keys_are_sorted_distinct_on_each_day_global_unicast_and_of_their_kind_s_family(world: World):
    units = world.units
    assert (np.diff(units.key.astype(object)) >= 0).all()
    for day in range(world.days):
        keys = units.key[(units.since <= day) & (day <= units.until)]
        assert len(np.unique(keys)) == len(keys)
    ours = net.parse_range(OUR_V4)
    for key, kind in zip(units.key.tolist(), units.kind.tolist(), strict=True):
        first, last = net.unit_range(key)
        assert not net.is_special(first) and not net.is_special(last)
        assert (KINDS[kind].family == 4) == net.is_v4(first)
        assert last < ours[0] or first > ours[1]


def test_an_address_whose_use_changes_has_two_rows_that_do_not_overlap():
    world = make_world(WorldPlan(units=3000, errors=Errors(moved=0.1)), 3, 5)
    units = world.units
    later = np.flatnonzero(units.since > 0)
    assert len(later) > 20
    for row in later.tolist():
        [other] = np.flatnonzero((units.key == units.key[row]) & (units.since == 0)).tolist()
        assert units.until[other] == units.since[row] - 1
        assert units.kind[other] != units.kind[row]


def test_no_two_networks_share_a_slash_24_and_an_ipv6_unit_is_in_its_network_s_32(world: World):
    owner: dict[int, int] = {}
    for key, at in zip(world.units.key.tolist(), world.units.network.tolist(), strict=True):
        if key < 1 << 32:
            assert owner.setdefault(key >> 8, at) == at
        else:
            assert key >> 32 == v6_start(at) >> 32


def test_a_pool_is_contiguous_but_for_lines_of_one_kind_and_one_network(world: World):
    units = world.units
    for number in np.unique(units.pool[(units.pool >= 0) & (units.since == 0)]):
        of_pool = (units.pool == number) & (units.since == 0)
        keys = units.key[of_pool]
        inside = (units.key >= keys.min()) & (units.key <= keys.max()) & (units.since == 0) & ~of_pool
        assert int(keys.max() - keys.min()) == len(keys) + int(inside.sum()) - 1
        assert all(KINDS[kind].rate == "line" for kind in units.kind[inside].tolist())
        assert len(np.unique(units.kind[of_pool])) == 1
        assert len(np.unique(units.network[of_pool])) == 1
        assert len(np.unique(units.ports[of_pool])) == 1


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0.0, 0.0), (0.05, 0.02, 0.08), (0.2, 0.06, 0.25)])
def test_lines_stand_inside_pools_as_often_as_asked(share: float, least: float, most: float):
    units = make_world(changed(WorldPlan(units=8_000), translation={"guests": share}), 4, 1).units
    pooled = np.flatnonzero((units.pool >= 0) & (units.key < 1 << 32))
    guests = within = 0
    for number in np.unique(units.pool[pooled]):
        keys = units.key[pooled][units.pool[pooled] == number]
        within += int(keys.max() - keys.min()) + 1
        guests += int(keys.max() - keys.min()) + 1 - len(keys)
    assert least <= guests / within <= most


def test_some_carrier_nat_stands_among_households_and_some_alone(world: World):
    blocks = {
        name: set((world.units.key[rows(world, name)] >> np.uint64(8)).tolist()) for name in ("household", "cgnat")
    }
    assert blocks["household"] & blocks["cgnat"]
    assert (world.units.pool[rows(world, "cgnat")] == -1).any()


def test_users_of_a_shared_unit_are_several_and_of_any_other_one(world: World):
    multi = np.array([kind.multi_user for kind in KINDS])[world.units.kind]
    assert (world.units.users[multi] >= 2).all()
    assert (world.units.users[~multi] == 1).all()


def test_no_class_is_told_by_how_its_ports_come_about():
    """Each way of giving out ports is used by shared units and by single ones, but blocks, which some must lack."""
    world = make_world(WorldPlan(units=6000), 2, 1)
    multi = np.array([kind.multi_user for kind in KINDS])[world.units.kind]
    for mode, name in enumerate(PORT_MODES):
        of_mode = world.units.ports == mode
        assert multi[of_mode].any(), name
        assert (~multi[of_mode]).any() or name == "block", name
    cgnat = rows(world, "cgnat")
    assert (world.units.block[cgnat] == 0).mean() > 0.1


def test_carrier_nat_has_the_ratios_and_blocks_of_its_plan(world: World):
    translation = WorldPlan().translation
    cgnat = rows(world, "cgnat")
    units = world.units
    assert units.users[cgnat].max() <= max(translation.sharing_ratios)
    for first, block in zip(units.first[cgnat].tolist(), units.block[cgnat].tolist(), strict=True):
        divided = {(65536 - first) // ratio for ratio in translation.sharing_ratios}
        assert block == 0 or block in {*translation.block_sizes, *divided}
    assert (units.first >= PORT_FIRST).all() and (units.first + units.room <= 65536).all()


def test_a_household_has_one_to_twelve_devices_half_have_several_and_a_few_very_many():
    world = make_world(WorldPlan(units=8_000), 4, 1)
    people = make_people(world, 0, len(world.units.kind))
    household = np.isin(people.unit, rows(world, "household", "household6"))
    devices = people.devices[household]
    assert devices.min() == 1 and devices.max() <= 12
    assert 0.5 <= (devices > 1).mean() <= 0.95
    assert 0.01 < (devices >= 8).mean() < 0.1


@pytest.mark.parametrize(("mean", "unlike"), [(0.0, 0.5), (1.0, 0.5), (0.3, 0.0)])
def test_households_that_do_not_differ_have_one_chance_of_a_further_device(mean: float, unlike: float):
    plan = changed(WorldPlan(units=3_000), people={"more_devices": mean, "unlike": unlike})
    world = make_world(plan, 4, 1)
    people = make_people(world, 0, len(world.units.kind))
    devices = people.devices[np.isin(people.unit, rows(world, "household"))]
    assert devices.mean() == pytest.approx(1 + 11 * mean, abs=0.15)


def test_rotators_have_from_few_to_hundreds_of_names_drawn_evenly_or_not():
    world = make_world(WorldPlan(units=20_000), 4, 1)
    people = make_people(world, 0, len(world.units.kind))
    rotators = np.isin(people.unit, rows(world, "rotator"))
    assert people.devices[rotators].min() < 8 and people.devices[rotators].max() > 200
    assert 0.2 < (people.skew[rotators] == 1.0).mean() < 0.6


def test_slices_cover_every_unit_once_and_their_people_are_the_same_again():
    world = make_world(WorldPlan(units=30_000), 5, 2)
    parts = list(slices(world))
    assert len(parts) > 1
    assert [start for start, _ in parts] == [0, *(stop for _, stop in parts[:-1])]
    assert parts[-1][1] == len(world.units.kind)
    one, two = (make_people(world, *parts[1]) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in one._fields)


def test_networks_are_for_private_use_and_small_ones_say_less():
    networks = make_world(WorldPlan(units=30_000), 6, 1).networks
    assert len({network.asn for network in networks}) == len(networks) > 200
    for network in networks:
        assert FIRST_ASN <= network.asn <= 4_294_967_294  # RFC 6996
        assert network.domain.endswith(".example")  # RFC 2606
    small = [network for network in networks if network.rank < 0.3]
    large = [network for network in networks if network.rank > 0.7]
    for silent in (lambda each: each.declared is None, lambda each: not each.named):
        assert sum(map(silent, small)) / len(small) > 1.5 * sum(map(silent, large)) / len(large)


def test_a_changed_plan_differs_in_what_was_named():
    plan = changed(WorldPlan(), people={"phones": 2.0}, errors={"moved": 0.0})
    assert (plan.people.phones, plan.errors.moved) == (2.0, 0.0)
    assert plan.people.spread == WorldPlan().people.spread
