"""What the people of the made world do on one day, as columns of connections and requests.

In: a `World`, a date, a seeded generator. Out: `Day`. Its one rule: a day is drawn on its own, so that memory is bound
by one day and days may be made apart.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import AGENTS, APP_SHARE, STACKS
from mipdns.simulate.habits import CONNECTION_LOGS, DAY_SHAPES, OBSERVER_SHARES, OBSERVERS, REQUEST_LOGS, WEEKEND_FACTOR
from mipdns.simulate.kinds import KIND_NUMBER, KINDS, Shape
from mipdns.simulate.layout import Ints
from mipdns.simulate.plan import WorldPlan
from mipdns.simulate.population import PORT_FIRST, PORTS_SHARED, Machines, People, World

DAY_S = 86400
LINUX_PORTS = (32768, 61000)  # net.ipv4.ip_local_port_range as Linux ships it, and Android with it
DYNAMIC_PORTS = (49152, 65536)  # RFC 6335 §6: what Windows and Apple's systems use
_ROTATING_ADDRESSES = 40
_FEW_ADDRESSES = 16


class Connections(NamedTuple):
    """Connections, sorted by time. unit, person: rows of the world. observer: index into `OBSERVERS`.

    time_s: seconds of the day, UTC. host: lower 64 bits of the IPv6 address, 0 for IPv4. complete: whether it was
    established. quic: UDP to port 443. agent: into `AGENTS`. stack: into `STACKS`. requests: 0 if none is seen.
    """

    unit: Ints
    person: Ints
    observer: Ints
    time_s: NDArray[np.float64]
    port: Ints
    host: NDArray[np.uint64]
    complete: NDArray[np.bool_]
    quic: NDArray[np.bool_]
    agent: Ints
    stack: Ints
    requests: Ints


class Day(NamedTuple):
    """All that happens on one day. request: for each request, sorted by time, its connection's row; and its time."""

    date: datetime.date
    connections: Connections
    request: Ints
    request_s: NDArray[np.float64]


def make_day(
    world: World, plan: WorldPlan, date: datetime.date, place: tuple[int, int], rng: np.random.Generator
) -> Day:
    """Draw one day. `place` is (which day, of how many): every unit is seen on one of them at least."""
    person, sure = _visits(world, date, place, rng)
    kind = world.units.kind[world.people.unit[person]]
    time_s = _times(kind, world.people.zone_h[person], date.weekday() >= 5, rng)
    device = _devices(world.people, person, rng)
    agent = _agents(world.machines, device, rng)
    observer = _observers(kind, sure, rng)

    count = rng.geometric(1 / np.array([entry.connections for entry in KINDS])[kind])
    visit = np.repeat(np.arange(len(person)), count)
    first = np.concatenate([[True], visit[1:] != visit[:-1]]) if len(visit) else np.zeros(0, dtype=np.bool_)
    reported = (observer[visit] != OBSERVERS.index("colo")) | (rng.random(len(visit)) < plan.sampled)
    visit, first = visit[reported], first[reported]
    start_s = np.minimum(time_s[visit] + np.where(first, 0, rng.exponential(45, len(visit))), DAY_S - 0.001)
    order = np.argsort(start_s, kind="stable")
    visit, first, start_s = visit[order], first[order], start_s[order]

    person, device, kind, agent, observer = person[visit], device[visit], kind[visit], agent[visit], observer[visit]
    unit = world.people.unit[person]
    broken = rng.random(len(visit)) < np.array([entry.broken for entry in KINDS])[kind]
    # A request log knows no broken connections; the one that makes a unit seen is whole.
    only_requests = np.array([name not in CONNECTION_LOGS for name in OBSERVERS])[observer]
    certain = sure[visit] & first
    complete = ~broken | only_requests | certain
    flows = np.array([name not in REQUEST_LOGS for name in OBSERVERS])[observer]
    connections = Connections(
        unit=unit,
        person=person,
        observer=observer,
        time_s=start_s,
        port=_ports(world, person, agent, kind, rng),
        host=_hosts(unit, device, kind, date, rng),
        complete=complete,
        quic=flows & ~certain & (rng.random(len(visit)) < 0.3),  # a lone UDP flow proves no handshake
        agent=agent,
        stack=_stacks(agent, kind),
        requests=np.where(complete & ~flows, rng.geometric(1 / np.array([entry.requests for entry in KINDS])[kind]), 0),
    )
    request = np.repeat(np.arange(len(visit)), connections.requests)
    fresh = np.concatenate([[True], request[1:] != request[:-1]]) if len(request) else np.zeros(0, dtype=np.bool_)
    request_s = np.minimum(
        start_s[request] + 0.02 + np.where(fresh, 0, rng.exponential(3, len(request))), DAY_S - 0.001
    )
    order = np.argsort(request_s, kind="stable")
    return Day(date, connections, request[order], request_s[order])


def _visits(
    world: World, date: datetime.date, place: tuple[int, int], rng: np.random.Generator
) -> tuple[Ints, NDArray[np.bool_]]:
    """The person of each visit, and whether it is the one that makes sure its unit is seen at all."""
    people, (day, days) = world.people, place
    kind = world.units.kind[people.unit]
    weekend = np.array([WEEKEND_FACTOR[entry.shape] for entry in KINDS]) if date.weekday() >= 5 else np.ones(len(KINDS))
    mean = np.array([entry.visits for entry in KINDS]) * weekend
    count = rng.poisson(mean[kind] * people.activity)
    certain = (people.slot == 0) & (people.unit % days == day)
    person = np.repeat(np.arange(len(kind)), count + certain)
    first = np.concatenate([[True], person[1:] != person[:-1]]) if len(person) else np.zeros(0, dtype=np.bool_)
    return person, certain[person] & first


def _times(kind: Ints, zone_h: NDArray[np.float64], weekend: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """Seconds of the UTC day. What local time carries over midnight comes back on the same day."""
    hour = np.zeros(len(kind))
    for shape, (weekday_parts, weekend_parts) in DAY_SHAPES.items():
        rows = np.flatnonzero(_shape_is(shape)[kind])
        parts = np.array(weekend_parts if weekend else weekday_parts, dtype=np.float64)
        hour[rows] = np.searchsorted(np.cumsum(parts / parts.sum()), rng.random(len(rows)), side="right").clip(0, 23)
    local_s = (hour + rng.random(len(kind))) * 3600
    utc_s: NDArray[np.float64] = np.mod(local_s - zone_h * 3600, DAY_S)
    return utc_s


def _shape_is(shape: Shape) -> NDArray[np.bool_]:
    return np.array([entry.shape == shape for entry in KINDS])


def _devices(people: People, person: Ints, rng: np.random.Generator) -> Ints:
    """The device of each visit: a user's first device does most of his browsing."""
    at = (people.devices[person] * rng.random(len(person)) ** 2).astype(np.int64)
    return people.first_device[person] + at


def _agents(machines: Machines, device: Ints, rng: np.random.Generator) -> Ints:
    return np.where(rng.random(len(device)) < APP_SHARE, machines.app[device], machines.agent[device])


def _observers(kind: Ints, sure: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Which of our observers each visit goes to. One that must be seen does not go to the one that only samples."""
    observer = np.zeros(len(kind), dtype=np.int64)
    for name, shares in OBSERVER_SHARES.items():
        rows = np.flatnonzero(np.array([entry.observers == name for entry in KINDS])[kind])
        parts = np.array(shares, dtype=np.float64)
        observer[rows] = rng.choice(len(OBSERVERS), size=len(rows), p=parts / parts.sum())
    missed = sure & (observer == OBSERVERS.index("colo"))
    return np.where(missed, OBSERVERS.index("cloud"), observer)


def _ports(world: World, person: Ints, agent: Ints, kind: Ints, rng: np.random.Generator) -> Ints:
    """Source ports as we see them, after whatever NAT stands between.

    `host`: the device's own ephemeral port, which home routers keep where they can. `carrier`: anywhere in the
    subscriber's block, or anywhere at all. `any`: a NAT over all its ports. `linux`: a machine's own.
    """
    mode = np.array([entry.ports for entry in KINDS])[kind]
    unix = np.array([entry.platform in ("linux", "android", "chromeos", "tv", "android_app") for entry in AGENTS])[
        agent
    ]
    linux = (mode == "linux") | ((mode == "host") & unix)
    low = np.where(linux, LINUX_PORTS[0], np.where(mode == "host", DYNAMIC_PORTS[0], PORT_FIRST))
    size = np.where(
        linux,
        LINUX_PORTS[1] - LINUX_PORTS[0],
        np.where(mode == "host", DYNAMIC_PORTS[1] - DYNAMIC_PORTS[0], PORTS_SHARED),
    )
    block = world.units.block[world.people.unit[person]]
    low = np.where(block > 0, PORT_FIRST + world.people.slot[person] * block, low)
    size = np.where(block > 0, block, size)
    ports: Ints = low + (rng.random(len(person)) * size).astype(np.int64)
    return ports


def _hosts(unit: Ints, device: Ints, kind: Ints, date: datetime.date, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Lower halves of IPv6 addresses: temporary ones change every day (RFC 8981), one device in ten keeps its own."""
    hosts = np.array([entry.hosts for entry in KINDS])[kind]
    stable = _mixed(device.astype(np.uint64)) % np.uint64(10) == 0
    day = np.where(stable, 0, date.toordinal()).astype(np.uint64)
    seeds = {
        "privacy": device.astype(np.uint64) << np.uint64(20) | day,
        "rotating": unit.astype(np.uint64) << np.uint64(28)
        | np.uint64(date.toordinal()) << np.uint64(6)
        | rng.integers(0, _ROTATING_ADDRESSES, len(unit)).astype(np.uint64),
        "few": unit.astype(np.uint64) << np.uint64(8) | rng.integers(0, _FEW_ADDRESSES, len(unit)).astype(np.uint64),
    }
    result = np.ones(len(unit), dtype=np.uint64)
    for name, seed in seeds.items():
        result = np.where(hosts == name, _mixed(seed), result)
    four = np.array([entry.family == 4 for entry in KINDS])[kind]
    return np.where(four, np.uint64(0), result)


def _mixed(seed: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: neighbouring seeds become unrelated interface identifiers."""
    with np.errstate(over="ignore"):
        x = seed + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return x ^ x >> np.uint64(31)


def _stacks(agent: Ints, kind: Ints) -> Ints:
    """The TLS stack: that of the program, or that of the machine in between which speaks TLS itself."""
    own = np.array([STACKS.index(entry.stack) for entry in AGENTS])[agent]
    masked = np.array([entry.masked for entry in KINDS])[kind]
    face = np.full(len(KINDS), STACKS.index("edge"))
    face[KIND_NUMBER["disguised_crawler"]] = STACKS.index("disguise")
    face[KIND_NUMBER["forward_proxy"]] = STACKS.index("gateway")
    return np.where(masked, face[kind], own)
