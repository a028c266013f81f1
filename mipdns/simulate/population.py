"""Who lives in the made world: units, and slice by slice the people behind them, as columns.

In: a plan, a seed. Out: `World`, and `People` of a slice. Its one rule: this is the truth; nothing here knows what a
log will show. Units are held whole, people only a slice at a time, so that memory does not grow with the world.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import PLATFORMS, AgentTable, Platform, agent_table
from mipdns.simulate.kinds import KIND_NUMBER, KINDS, PORT_MODES, Role
from mipdns.simulate.layout import ALONE, Ints, lay_out, place_guests
from mipdns.simulate.networks import Network, make_networks
from mipdns.simulate.plan import WorldPlan

PORT_FIRST = 1024
"""Well-known ports are not given to subscribers (RFC 7422 §2)."""
PORTS_LAST = 65535
BLOCK = PORT_MODES.index("block")
MORE_DEVICES = 11
SLICE_LINES = 600_000
"""Log lines a day that a slice of the world has, about: what memory must hold at a time."""
_QUIC_PLATFORMS: tuple[Platform, ...] = (
    "windows",
    "mac",
    "linux",
    "chromeos",
    "android",
    "ios",
    "android_app",
    "ios_app",
)
_FIRST_PORTS = (PORT_FIRST, PORT_FIRST, PORT_FIRST, 2048, 4096, 10000, 16384, 32768)
_LINES_OF_KIND = np.array([entry.connections * entry.requests * entry.visits for entry in KINDS])


class Population(NamedTuple):
    """Active units, sorted by key, one row each; a unit whose use changes within the window has two.

    kind: index into `KINDS`. network: into the world's networks. key: the IPv4 number, or the upper 64 bits of a /64.
    users: people a day. pool: units that were laid out together share a number; -1 stands alone. ports: into
    `PORT_MODES`. first, room: the ports that its NAT gives out. block: those a subscriber has to himself, 0 where ports
    are given freely. mask: TLS stack of the unit's own, -1 none. since, until: first and last day of the window.
    """

    kind: Ints
    network: Ints
    key: NDArray[np.uint64]
    users: Ints
    pool: Ints
    ports: Ints
    first: Ints
    room: Ints
    block: Ints
    mask: Ints
    since: Ints
    until: Ints


class World(NamedTuple):
    """Everything true of the made world but its people, who are drawn slice by slice."""

    plan: WorldPlan
    seed: int
    days: int
    networks: tuple[Network, ...]
    units: Population
    agents: AgentTable
    speaks_quic: NDArray[np.bool_]
    """For each agent: is it a browser or an app of people, which use HTTP/3."""
    homes: Ints
    """IPv4 units of one user, of whom reverse proxies have their visitors."""


class People(NamedTuple):
    """Users of the units from `start` to `stop`, sorted by unit. unit: row of the world's units.

    slot: which of its users. activity: factor on the visits of its kind. zone_h: local time less UTC. devices: how
    many; a rotator's are names. skew: the first device is the more used the larger it is (1: all alike). home: for
    those behind a reverse proxy, the unit they come from, else -1.
    """

    start: int
    stop: int
    unit: Ints
    slot: Ints
    activity: NDArray[np.float64]
    zone_h: NDArray[np.float64]
    devices: Ints
    skew: NDArray[np.float64]
    home: Ints


def stream(seed: int, *path: int) -> np.random.Generator:
    """A stream of random numbers of its own for each path below a seed."""
    return np.random.default_rng([seed, *path])


_UNITS, _PEOPLE, _GUESTS = 0, 1, 6


def make_world(plan: WorldPlan, seed: int, days: int) -> World:
    """Draw networks and units. Every kind has two units at least, so that a small world shows them all."""
    rng = stream(seed, _UNITS)
    agents = agent_table(plan.programs.newest, plan.programs.lag, plan.programs.reduction)
    kinds = _kinds(plan)
    roles = _roles(kinds, rng)
    count: dict[Role, int] = {}
    for role in sorted(set(roles.tolist())):
        count[role] = int((roles == role).sum())
    networks = make_networks(count, plan.units_a_network, plan.errors, rng, shows=plan.translation.sharing_shown)
    network = _networks(kinds, roles, networks, rng)
    key, pool = lay_out(kinds, network, networks, plan.translation.lone, rng)
    place_guests(kinds, network, key, pool, plan.translation.guests, stream(seed, _GUESTS))
    units = _moved(_units(plan, agents, kinds, network, key, pool, rng), plan, agents, days, rng)
    order = np.argsort(units.key, kind="stable")
    units = Population._make(column[order] for column in units)
    homes = np.flatnonzero((units.users == 1) & (units.key < 1 << 32))
    quic = np.isin(agents.platform, [PLATFORMS.index(name) for name in _QUIC_PLATFORMS])
    return World(plan, seed, days, networks, units, agents, quic, homes)


def _kinds(plan: WorldPlan) -> Ints:
    shares = plan.kind_shares()
    parts = np.array([shares[kind.name] for kind in KINDS], dtype=np.float64)
    counts = np.rint(parts * plan.units).astype(np.int64)
    return np.repeat(np.arange(len(KINDS)), np.where(parts > 0, np.maximum(counts, 2), 0))


def _roles(kinds: Ints, rng: np.random.Generator) -> NDArray[np.str_]:
    roles = np.array([kind.role for kind in KINDS])[kinds]
    moved = rng.random(len(kinds)) < np.array([kind.elsewhere for kind in KINDS])[kinds]
    return np.where(moved, np.array([kind.elsewhere_role for kind in KINDS])[kinds], roles)


def _networks(kinds: Ints, roles: NDArray[np.str_], networks: tuple[Network, ...], rng: np.random.Generator) -> Ints:
    """A network for each unit. Units of a pooled kind come in runs, so that a pool is of one network."""
    chosen = np.zeros(len(kinds), dtype=np.int64)
    for role in np.unique(roles).tolist():
        rows = [at for at, network in enumerate(networks) if role in network.roles]
        weights = np.array([networks[at].weight for at in rows])
        of_role = np.flatnonzero(roles == role)
        chosen[of_role] = rng.choice(rows, size=len(of_role), p=weights / weights.sum())
    return chosen


def _units(
    plan: WorldPlan, agents: AgentTable, kinds: Ints, network: Ints, key: NDArray[np.uint64], pool: Ints,
    rng: np.random.Generator, since: int = 0, until: int = 1 << 30,
) -> Population:  # fmt: skip
    size = len(kinds)
    users = _users(kinds, rng)
    # What a pool has in common: one number each; units that stand alone are pools of their own.
    _, group = np.unique(np.where(pool == ALONE, -1 - np.arange(size), pool), return_inverse=True)
    groups = int(group.max(initial=-1)) + 1
    of_group = np.zeros(groups, dtype=np.int64)
    of_group[group] = kinds
    mode = _port_modes(plan, of_group, rng)[group]
    first = rng.choice(_FIRST_PORTS, size=groups)[group]
    last = np.where(rng.random(groups) < 0.15, 61000, PORTS_LAST)[group]
    block = np.zeros(size, dtype=np.int64)
    translation = plan.translation
    blocks = rng.choice(translation.block_sizes, size=groups)[group]
    block[mode == BLOCK] = blocks[mode == BLOCK]
    carrier = np.flatnonzero(kinds == KIND_NUMBER["cgnat"])
    if len(carrier):
        weights = np.array(translation.ratio_weights, dtype=np.float64)
        ratio = rng.choice(translation.sharing_ratios, size=groups, p=weights / weights.sum())[group][carrier]
        # Half of the operators divide the whole range by the ratio (RFC 7422 §2), the others give blocks of a size.
        divided = (rng.random(groups) < 0.5)[group][carrier] & (mode[carrier] == BLOCK)
        block[carrier] = np.where(divided, (PORTS_LAST + 1 - first[carrier]) // ratio, block[carrier])
        active = ratio * rng.uniform(translation.full, 1.0, len(carrier))
        users[carrier] = np.maximum(2, np.rint(active)).astype(np.int64)
    mask = _masks(agents, kinds, group, groups, rng)
    return Population(
        kind=kinds, network=network, key=key, users=users, pool=pool, ports=mode, first=first, room=last - first + 1,
        block=block, mask=mask, since=np.full(size, since), until=np.full(size, until),
    )  # fmt: skip


def _users(kinds: Ints, rng: np.random.Generator) -> Ints:
    users = np.ones(len(kinds), dtype=np.int64)
    for number, kind in enumerate(KINDS):
        if kind.users.sigma:
            rows = np.flatnonzero(kinds == number)
            drawn = kind.users.median * np.exp(rng.normal(0.0, kind.users.sigma, len(rows)))
            users[rows] = np.clip(np.rint(drawn), kind.users.low, kind.users.high).astype(np.int64)
    return users


def _port_modes(plan: WorldPlan, kinds: Ints, rng: np.random.Generator) -> Ints:
    parts = np.array([kind.ports for kind in KINDS]) * np.array(plan.translation.tilt)
    cumulative = np.cumsum(parts / parts.sum(axis=1, keepdims=True), axis=1)
    modes: Ints = (rng.random(len(kinds))[:, None] >= cumulative[kinds]).sum(axis=1).clip(0, len(PORT_MODES) - 1)
    return modes


def _masks(agents: AgentTable, kinds: Ints, group: Ints, groups: int, rng: np.random.Generator) -> Ints:
    """The stack of whatever opens TLS in between, the same for a pool."""
    edges = [at for at, name in enumerate(agents.stacks) if name.startswith("edge-")]
    inspection = [at for at, name in enumerate(agents.stacks) if name.startswith("inspection-")]
    flat = np.array([kind.shape == "flat" for kind in KINDS])[kinds]
    stack = np.where(flat, rng.choice(edges, size=groups)[group], rng.choice(inspection, size=groups)[group])
    masked = rng.random(groups)[group] < np.array([kind.masked for kind in KINDS])[kinds]
    return np.where(masked, stack, -1)


def _moved(units: Population, plan: WorldPlan, agents: AgentTable, days: int, rng: np.random.Generator) -> Population:
    """Give a share of units another use from some day of the window on: whole pools, or single addresses.

    Pools of access networks become lines, those of data centres servers, and the other way round.
    """
    if days < 2 or not plan.errors.moved:
        return units
    into = {
        "cgnat": "household", "mobile": "household", "hotspot": "household", "household": "cgnat", "vpn": "server",
        "server": "vpn", "tor": "server", "office": "lone_office",
    }  # fmt: skip
    target = np.array([KIND_NUMBER[into[kind.name]] if kind.name in into else -1 for kind in KINDS])
    movable = np.flatnonzero(target[units.kind] >= 0)
    _, group = np.unique(np.where(units.pool[movable] == ALONE, -1 - movable, units.pool[movable]), return_inverse=True)
    groups = int(group.max(initial=-1)) + 1
    leaves = rng.random(groups) < plan.errors.moved
    rows = movable[leaves[group]]
    if not len(rows):
        return units
    when = rng.integers(1, days, groups)[group][leaves[group]]
    units.until[rows] = when - 1
    later = _units(plan, agents, target[units.kind[rows]], units.network[rows], units.key[rows], units.pool[rows], rng)
    later.since[:] = when
    return Population._make(np.concatenate(pair) for pair in zip(units, later, strict=True))


def slices(world: World) -> Iterator[tuple[int, int]]:
    """Rows of units, from and to, that are made together; the same for the same world."""
    people = world.plan.people
    rate = np.select(
        [np.array([entry.rate == name for entry in KINDS]) for name in ("line", "person", "machine")],
        [people.line_visits, people.person_visits, world.plan.bots.rate],
    )
    lines = np.cumsum(
        (_LINES_OF_KIND * people.pages * rate)[world.units.kind] * world.units.users + world.units.users * 0.05
    )
    number = max(1, round(float(lines[-1]) / SLICE_LINES))
    cuts = np.searchsorted(lines, np.arange(1, number) * lines[-1] / number).tolist()
    borders = [0, *cuts, len(world.units.kind)]
    yield from ((start, stop) for start, stop in pairwise(borders) if start < stop)


def make_people(world: World, start: int, stop: int) -> People:
    """Draw the people of a slice; the same ones for the same slice."""
    rng = stream(world.seed, _PEOPLE, start)
    units, plan = world.units, world.plan
    users = units.users[start:stop]
    unit = np.repeat(np.arange(start, stop), users)
    kind = units.kind[unit]
    slot = np.arange(len(unit)) - np.repeat(np.cumsum(users) - users, users)
    spread = plan.people.spread * np.array([entry.spread for entry in KINDS])[kind]
    activity = np.exp(rng.normal(0.0, 1.0, len(unit)) * spread - spread**2 / 2)  # its mean is 1
    zones = np.array([network.zone_h for network in world.networks])
    everywhere = np.array([entry.everywhere for entry in KINDS])[kind]
    zone_h = np.where(everywhere, rng.choice(zones, size=len(unit)), zones[units.network[unit]])
    devices, skew = _devices(world, kind, rng)
    forwards = np.array([entry.devices == "guest" and entry.forwards > 0 for entry in KINDS])[kind]
    home = np.full(len(unit), -1, dtype=np.int64)
    if len(world.homes):
        home[forwards] = rng.choice(world.homes, size=int(forwards.sum()))
    return People(start, stop, unit, slot, activity, zone_h, devices, skew, home)


def _chances(plan: WorldPlan, homes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Each household's own chance of one more device: beta-distributed, so that a few have very many."""
    mean, unlike = plan.people.more_devices, plan.people.unlike
    if not 0 < mean < 1 or not unlike:
        return np.full(homes, mean)
    both = 1 / unlike - 1  # the beta-binomial's intraclass correlation is 1 / (1 + both)
    return rng.beta(mean * both, (1 - mean) * both, homes)


def _devices(world: World, kind: Ints, rng: np.random.Generator) -> tuple[Ints, NDArray[np.float64]]:
    """Devices of each user: a household 1 to 12, people elsewhere 1 or 2, machines 1, a rotator its names."""
    plan = world.plan
    # Chance of each of eleven more devices in a home, of one more elsewhere.
    home = np.array([entry.devices in ("home", "swarm") for entry in KINDS])[kind]
    single = np.array([entry.devices in ("server", "crawler", "scan", "phone", "tor") for entry in KINDS])[kind]
    counts = 1 + (~single & (rng.random(len(kind)) < 0.3)).astype(np.int64)
    lines = np.flatnonzero(home)
    counts[lines] = 1 + rng.binomial(MORE_DEVICES, _chances(plan, len(lines), rng))
    skew = np.full(len(kind), 2.0)
    rows = np.flatnonzero(np.array([entry.devices == "disguise" for entry in KINDS])[kind])
    low, high = plan.bots.rotator_agents
    counts[rows] = np.rint(np.exp(rng.uniform(np.log(low), np.log(high), len(rows))))
    even = rng.random(len(rows)) < plan.bots.rotator_even
    skew[rows] = np.where(even, 1.0, rng.uniform(1.3, 4.0, len(rows)))
    return counts, skew
