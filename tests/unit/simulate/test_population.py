"""Laws of who lives in the made world."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mipdns import net
from mipdns.simulate.agents import AGENTS, PLATFORM_SHARES, STACKS, fingerprint, old_fingerprint
from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.plan import NETWORKS, Shares, WorldPlan, v4_base, v6_base
from mipdns.simulate.population import PORTS_SHARED, World, agent_weights, make_world


def rows(world: World, *names: str) -> np.ndarray:
    return np.flatnonzero(np.isin(world.units.kind, [KIND_NUMBER[name] for name in names]))


def test_every_kind_has_a_share_and_every_share_a_kind():
    assert {kind.name for kind in KINDS} == set(Shares.__struct_fields__)


def test_shares_as_shipped_are_what_their_docstring_says():
    shares = Shares()
    by_class: Counter[str] = Counter()
    for kind in KINDS:
        by_class[kind.classes] += getattr(shares, kind.name)
    assert sum(by_class.values()) == pytest.approx(1)
    assert by_class["cgnat"] + by_class["cgnat+mobile"] + by_class["mobile"] == pytest.approx(0.16)
    assert sum(by_class[name] for name in ("vpn", "proxy", "tor", "relay")) == pytest.approx(0.115)
    assert by_class["campus"] == pytest.approx(0.025)
    assert by_class[""] == pytest.approx(0.7)


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_units_follow_the_shares(scale: float):
    plan = WorldPlan()
    world = make_world(plan, scale, np.random.default_rng(1))
    counts = Counter(world.units.kind.tolist())
    for number, kind in enumerate(KINDS):
        wanted = getattr(plan.shares, kind.name) * plan.units * scale
        assert abs(counts[number] - wanted) <= max(1, 2 - wanted), kind.name


def test_a_kind_without_a_share_is_not_made():
    world = make_world(WorldPlan(shares=Shares(tor=0.0)), 0.1, np.random.default_rng(1))
    assert KIND_NUMBER["tor"] not in world.units.kind


def test_keys_are_distinct_sorted_global_unicast_and_of_their_kind_s_family(world: World):
    keys = world.units.key.tolist()
    assert keys == sorted(set(keys))
    for key, kind in zip(keys, world.units.kind.tolist(), strict=True):
        first, last = net.unit_range(key)
        assert not net.is_special(first) and not net.is_special(last)
        assert (KINDS[kind].family == 4) == net.is_v4(first)


def test_each_unit_stands_in_its_network_s_space(world: World):
    for key, at in zip(world.units.key.tolist(), world.units.network.tolist(), strict=True):
        base, bits = (v4_base(at), 20) if key < 1 << 32 else (v6_base(at), 32)
        assert key >> bits == base >> bits


def test_a_pool_is_contiguous_of_one_kind_and_one_network(world: World):
    units = world.units
    for number in np.unique(units.pool[units.pool >= 0]):
        of_pool = units.pool == number
        keys = units.key[of_pool]
        assert int(keys.max() - keys.min()) == len(keys) - 1
        assert len(np.unique(units.kind[of_pool])) == 1
        assert len(np.unique(units.network[of_pool])) == 1


def test_some_slash_24s_hold_households_and_a_carrier_nat_pool(world: World):
    blocks = {
        name: set((world.units.key[rows(world, name)] >> np.uint64(8)).tolist()) for name in ("household", "cgnat")
    }
    assert blocks["household"] & blocks["cgnat"]


def test_users_of_a_shared_unit_are_several_and_of_any_other_one(world: World):
    multi = np.array([kind.multi_user for kind in KINDS])[world.units.kind]
    assert (world.units.users[multi] >= 2).all()
    assert (world.units.users[~multi] == 1).all()


def test_subscribers_fit_their_sharing_ratio_and_their_blocks_do_not_overlap(world: World):
    plan = WorldPlan()
    cgnat = rows(world, "cgnat")
    users, block = world.units.users[cgnat], world.units.block[cgnat]
    assert users.max() <= max(plan.sharing_ratios)
    assert set(block[block > 0].tolist()) <= {PORTS_SHARED // ratio for ratio in plan.sharing_ratios}
    assert block[block > 0].min() >= 300 and block.max() <= 4032
    assert (users * block <= PORTS_SHARED).all()
    assert (block == 0).any(), "some pools give ports dynamically"


def test_a_household_has_one_to_eight_devices(world: World):
    people = world.people
    household = np.isin(people.unit, rows(world, "household", "household6"))
    assert people.devices[household].min() == 1 and people.devices[household].max() <= 8
    assert 2 <= people.devices[household].mean() <= 3.5


def test_a_disguised_crawler_has_fifty_faces_of_many_agents(world: World):
    people = world.people
    for unit in rows(world, "disguised_crawler"):
        person = int(np.flatnonzero(people.unit == unit)[0])
        first, count = int(people.first_device[person]), int(people.devices[person])
        assert count == 50
        assert len(set(world.machines.agent[first : first + count].tolist())) >= 40


def test_agents_are_about_sixty_and_all_different():
    assert 50 <= len(AGENTS) <= 80
    assert len({agent.text for agent in AGENTS}) == len(AGENTS)
    assert not any("<" in agent.text or "{" in agent.text or '"' in agent.text for agent in AGENTS)


@pytest.mark.parametrize("devices", list(PLATFORM_SHARES))
def test_agent_weights_are_probabilities_of_the_platforms_named(devices):
    weights = agent_weights(devices)
    assert weights.sum() == pytest.approx(1)
    assert {agent.platform for agent, weight in zip(AGENTS, weights, strict=True) if weight} == set(
        PLATFORM_SHARES[devices]
    )


def test_fingerprints_have_their_forms_and_differ_by_stack():
    assert (
        len({fingerprint(stack) for stack in STACKS})
        == len({old_fingerprint(stack) for stack in STACKS})
        == len(STACKS)
    )
    for stack in STACKS:
        head, cipher, extension = fingerprint(stack).split("_")
        assert (len(head), len(cipher), len(extension)) == (10, 12, 12)
        assert len(old_fingerprint(stack)) == 32


def test_networks_use_numbers_and_names_for_documentation_only():
    for network in NETWORKS:
        assert 64496 <= network.asn <= 64511 or 65536 <= network.asn <= 65551  # RFC 5398
        assert network.domain.endswith(".example")  # RFC 2606
    assert len({network.asn for network in NETWORKS}) == len(NETWORKS)
