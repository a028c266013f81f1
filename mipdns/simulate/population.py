"""Who lives in the made world: units, the people behind them and their devices, as columns.

In: a plan, a seeded generator. Out: `World`. Its one rule: this is the truth; nothing here knows what a log will show.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import AGENTS, APP_PLATFORM, HOUSE_STANDARD, PLATFORM_SHARES, Platform
from mipdns.simulate.kinds import KIND_NUMBER, KINDS, Devices
from mipdns.simulate.layout import Ints, lay_out
from mipdns.simulate.plan import NETWORKS, Role, WorldPlan

PORT_FIRST = 1024
PORTS_SHARED = 65536 - PORT_FIRST
"""Ports that a carrier NAT divides among its subscribers; the well-known ones stay out (RFC 7422 §2)."""


class Population(NamedTuple):
    """Active units, sorted by key, one row each.

    kind: index into `KINDS`. network: into `NETWORKS`. key: the IPv4 number, or the upper 64 bits of a /64.
    users: people a day. block: ports a subscriber has to himself, 0 where ports are given freely. pool: units that were
    laid out together share a number; -1 stands alone.
    """

    kind: Ints
    network: Ints
    key: NDArray[np.uint64]
    users: Ints
    block: Ints
    pool: Ints


class People(NamedTuple):
    """Users of units, sorted by unit. slot: which of the unit's users. devices: from `first_device` on.

    activity: factor on the visits of its kind. zone_h: local time less UTC. home: for those behind a reverse proxy, the
    unit they come from, else -1.
    """

    unit: Ints
    slot: Ints
    activity: NDArray[np.float64]
    zone_h: NDArray[np.float64]
    first_device: Ints
    devices: Ints
    home: Ints


class Machines(NamedTuple):
    """Devices. agent: its browser, an index into `AGENTS`; app: another program of it, equal to `agent` if none."""

    agent: Ints
    app: Ints


class World(NamedTuple):
    """Everything true of the made world."""

    units: Population
    people: People
    machines: Machines


def make_world(plan: WorldPlan, scale: float, rng: np.random.Generator) -> World:
    """Draw units, people and devices. Every kind has two units at least, so that a small world shows them all."""
    kinds = _kinds(plan, scale)
    network = _networks(kinds, rng)
    key, pool = lay_out(kinds, network, rng)
    users, block = _users(plan, kinds, pool, rng)
    order = np.argsort(key, kind="stable")
    units = Population(kinds[order], network[order], key[order], users[order], block[order], pool[order])
    people, machines = _people(units, rng)
    return World(units, people, machines)


def _kinds(plan: WorldPlan, scale: float) -> Ints:
    shares = np.array([getattr(plan.shares, kind.name) for kind in KINDS], dtype=np.float64)
    counts = np.rint(shares / shares.sum() * plan.units * scale).astype(np.int64)
    return np.repeat(np.arange(len(KINDS)), np.where(shares > 0, np.maximum(counts, 2), 0))


def _networks(kinds: Ints, rng: np.random.Generator) -> Ints:
    chosen = np.zeros(len(kinds), dtype=np.int64)
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero(kinds == number)
        chosen[rows] = _of_role(kind.role, kind.pool, len(rows), rng)
    # A third of the one-person offices sit on household lines, as do a few scanners: machines taken over.
    for name, share in (("lone_office", 0.35), ("scanner", 0.3)):
        rows = np.flatnonzero(kinds == KIND_NUMBER[name])
        moved = rows[rng.random(len(rows)) < share]
        chosen[moved] = _of_role("home", False, len(moved), rng)
    return chosen


def _of_role(role: Role, pool: bool, count: int, rng: np.random.Generator) -> Ints:
    """Networks for units of a role; units of a pool come in runs, so that a pool is of one network."""
    rows = [at for at, network in enumerate(NETWORKS) if role in network.roles]
    weights = np.array([NETWORKS[at].weight for at in rows])
    chosen = rng.choice(rows, size=count, p=weights / weights.sum())
    return np.sort(chosen) if pool else chosen


def _users(plan: WorldPlan, kinds: Ints, pool: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    users = np.ones(len(kinds), dtype=np.int64)
    block = np.zeros(len(kinds), dtype=np.int64)
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero(kinds == number)
        if kind.ports == "carrier":
            users[rows], block[rows] = _subscribers(plan, pool[rows], rng)
        elif kind.users.sigma:
            drawn = kind.users.median * np.exp(rng.normal(0.0, kind.users.sigma, len(rows)))
            users[rows] = np.clip(np.rint(drawn), kind.users.low, kind.users.high).astype(np.int64)
    return users, block


def _subscribers(plan: WorldPlan, pool: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Subscribers active on carrier-NAT addresses and the size of their port blocks, of one ratio in each pool."""
    _, member = np.unique(pool, return_inverse=True)
    pools = int(member.max(initial=-1)) + 1
    ratio = rng.choice(plan.sharing_ratios, size=pools)
    blocks = np.where(rng.random(pools) < plan.port_blocks, PORTS_SHARED // ratio, 0)
    active = np.maximum(2, np.rint(ratio[member] * rng.uniform(0.5, 1.0, len(pool)))).astype(np.int64)
    return active, blocks[member]


def _people(units: Population, rng: np.random.Generator) -> tuple[People, Machines]:
    unit = np.repeat(np.arange(len(units.kind)), units.users)
    kind = units.kind[unit]
    slot = np.arange(len(unit)) - np.repeat(np.cumsum(units.users) - units.users, units.users)
    spread = np.array([entry.spread for entry in KINDS])[kind]
    activity = np.exp(rng.normal(0.0, 1.0, len(unit)) * spread - spread**2 / 2)  # its mean is 1
    # The loudest scanner is in every world: thousands of ports, one agent, one machine.
    scanners = np.flatnonzero(kind == KIND_NUMBER["scanner"])
    activity[scanners[:1]] = 30.0
    zones = np.array([network.zone_h for network in NETWORKS])
    everywhere = np.array([entry.everywhere for entry in KINDS])[kind]
    zone_h = np.where(everywhere, rng.choice(zones, size=len(unit)), zones[units.network[unit]])
    devices = _device_counts(kind, rng)
    forwards = np.array([entry.forwards for entry in KINDS])[kind]
    single = np.flatnonzero(units.users == 1)
    home = np.where(forwards, rng.choice(single, size=len(unit)), -1)
    people = People(unit, slot, activity, zone_h, np.cumsum(devices) - devices, devices, home)
    return people, _machines(units, np.repeat(unit, devices), rng)


def _device_counts(kind: Ints, rng: np.random.Generator) -> Ints:
    """Devices of each user: a household 1 to 8, people elsewhere 1 or 2, machines 1, a disguised crawler 50 faces."""
    surrounding = np.array([entry.devices for entry in KINDS])[kind]
    drawn = 1 + (rng.random(len(kind)) < 0.3)
    home = 1 + rng.binomial(7, 0.22, len(kind))
    counts = np.select(
        [
            surrounding == "home",
            np.isin(surrounding, ("server", "crawler", "scan", "phone", "tor")),
            surrounding == "disguise",
        ],
        [home, 1, 50],
        drawn,
    )
    return counts.astype(np.int64)


def _machines(units: Population, unit: Ints, rng: np.random.Generator) -> Machines:
    agent = np.zeros(len(unit), dtype=np.int64)
    surrounding = np.array([KINDS[number].devices for number in units.kind])[unit]
    for devices in PLATFORM_SHARES:
        rows = np.flatnonzero(surrounding == devices)
        agent[rows] = rng.choice(len(AGENTS), size=len(rows), p=agent_weights(devices))
    standard = rng.choice(len(AGENTS), size=len(units.kind), p=agent_weights("office"))
    managed = (surrounding == "office") & (rng.random(len(unit)) < HOUSE_STANDARD)
    agent = np.where(managed, standard[unit], agent)
    faces = np.flatnonzero([entry.platform not in ("library", "crawler", "scanner", "tor") for entry in AGENTS])
    disguised = np.flatnonzero(surrounding == "disguise")
    agent[disguised] = faces[np.arange(len(disguised)) % len(faces)]
    app = agent.copy()
    platform = np.array([entry.platform for entry in AGENTS])
    for browser, program in APP_PLATFORM.items():
        rows = np.flatnonzero(platform[agent] == browser)
        app[rows] = rng.choice(np.flatnonzero(platform == program), size=len(rows))
    return Machines(agent, app)


def agent_weights(devices: Devices) -> NDArray[np.float64]:
    """Probability of each of `AGENTS` on a device of a surrounding."""
    shares: dict[Platform, float] = PLATFORM_SHARES[devices]
    platform = [entry.platform for entry in AGENTS]
    weight = np.array([entry.weight for entry in AGENTS])
    result: NDArray[np.float64] = np.zeros(len(AGENTS))
    for name, share in shares.items():
        rows = np.array([entry == name for entry in platform])
        result[rows] = weight[rows] / weight[rows].sum() * share
    result /= result.sum()
    return result
