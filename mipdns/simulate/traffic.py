"""What the people of a slice of the made world do on one day, as columns of connections and requests.

In: a `World`, the `People` of a slice, a day. Out: `Day`. Its one rule: a slice's day is drawn on its own, so that
memory is bound by it and days may be made apart.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.dice import mixed, sorted_by_time, uniform
from mipdns.simulate.habits import CONNECTION_LOGS, DAY_SHAPES, OBSERVER_SHARES, OBSERVERS, REQUEST_LOGS, WEEKEND_FACTOR
from mipdns.simulate.kinds import KINDS, Shape
from mipdns.simulate.layout import Ints
from mipdns.simulate.plan import WorldPlan
from mipdns.simulate.population import People, World, stream
from mipdns.simulate.ports import source_ports
from mipdns.simulate.programs import device_numbers, pick_programs

DAY_S = 86400
_TRAFFIC, _LEASES = 2, 3
_ROTATING_ADDRESSES = 40
_FEW_ADDRESSES = 16
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Connections(NamedTuple):
    """Connections. unit: row of the world's units. person: of the slice's people. observer: index into `OBSERVERS`.

    time_s: seconds of the day, UTC. host: lower 64 bits of the IPv6 address, 0 for IPv4. complete: whether it was
    established. quic: UDP to port 443. agent: into the world's agents. tls: the stack, times 3, plus its form (of
    `agents.FORMS`). requests: 0 if none is seen.
    """

    unit: Ints
    person: Ints
    observer: Ints
    time_s: Floats
    port: Ints
    host: NDArray[np.uint64]
    complete: Flags
    quic: Flags
    agent: Ints
    tls: Ints
    requests: Ints


class Day(NamedTuple):
    """All that a slice does on one day. request: for each request, sorted by time, its connection's row; and its time.

    Connections are sorted by time too where several observers see them.
    """

    date: datetime.date
    connections: Connections
    request: Ints
    request_s: Floats


def make_day(world: World, people: People, place: int, date: datetime.date, *, one_log: bool) -> Day:
    """Draw one day, the window's `place`-th. one_log: a single request log sees all, instead of nine observers."""
    rng = stream(world.seed, _TRAFFIC, people.start, place)
    plan = world.plan
    person, sure = _visits(world, people, place, date, rng, one_log=one_log)
    kind = world.units.kind[people.unit[person]]
    count = rng.geometric(1 / np.array([entry.connections for entry in KINDS])[kind])
    if plan.observer_share < 1:
        count = rng.binomial(count, plan.observer_share)
        seen = np.flatnonzero(count)
        person, sure, kind, count = person[seen], sure[seen], kind[seen], count[seen]
    unit = _lines(world, people, place)[people.unit[person] - people.start]
    time_s = _times(world, people, person, kind, place, date.weekday() >= 5, rng)
    device = device_numbers(people, person, rng)
    agent, tls = pick_programs(world, people, person, device, rng)
    observer = np.zeros(len(person), dtype=np.int64) if one_log else _observers(kind, sure, rng)

    visit = np.repeat(np.arange(len(person)), count)
    first = _firsts(visit)
    start_s = np.minimum(time_s[visit] + np.where(first, 0, rng.exponential(45, len(visit))), DAY_S - 0.001)
    if not one_log:
        reported = (observer[visit] != OBSERVERS.index("colo")) | (rng.random(len(visit)) < plan.errors.sampled)
        visit, first, start_s = visit[reported], first[reported], start_s[reported]
        order = np.argsort(start_s, kind="stable")
        visit, first, start_s = visit[order], first[order], start_s[order]
    person, kind, agent, tls, observer = person[visit], kind[visit], agent[visit], tls[visit], observer[visit]
    unit, device = unit[visit], device[visit]
    complete, quic, requests = _requests(plan, kind, observer, sure[visit] & first, rng, one_log=one_log)
    form = rng.random(len(visit))
    resumed = form < plan.programs.resumed
    over_quic = (form > 1 - plan.programs.quic) & world.speaks_quic[agent] & (world.units.mask[unit] < 0)
    connections = Connections(
        unit=unit,
        person=person,
        observer=observer,
        time_s=start_s,
        port=source_ports(world, people, person, unit, world.agents.platform[agent], start_s, place, rng),
        host=_hosts(world, people, person, unit, device, date, rng),
        complete=complete,
        quic=quic,
        agent=agent,
        tls=tls * 3 + np.where(over_quic, 2, resumed),
        requests=requests,
    )
    request = np.repeat(np.arange(len(visit)), requests)
    late = np.where(_firsts(request), 0, rng.exponential(3, len(request)))
    request_s = np.minimum(start_s[request] + 0.02 + late, DAY_S - 0.001)
    order, request_s = sorted_by_time(request_s)
    return Day(date, connections, request[order], request_s)


def _firsts(groups: Ints) -> Flags:
    """Which rows begin a run of equal numbers."""
    return np.concatenate([[True], groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, dtype=np.bool_)


def _visits(
    world: World, people: People, place: int, date: datetime.date, rng: np.random.Generator, *, one_log: bool
) -> tuple[Ints, Flags]:
    """The person of each visit, and whether it is the one that makes sure a line or machine comes at all."""
    units, plan = world.units, world.plan
    rate = {"line": plan.people.line_visits, "person": plan.people.person_visits, "machine": plan.bots.rate}
    weekend = date.weekday() >= 5
    mean = np.array(
        [
            entry.visits
            * rate[entry.rate]
            * (WEEKEND_FACTOR[entry.shape] if weekend else 1.0)
            * (entry.site if one_log else 1.0)
            for entry in KINDS
        ]
    )
    at = np.arange(people.start, people.stop)
    since, until = units.since[at], units.until[at]
    here = (since <= place) & (place <= until)
    machine = np.array([entry.rate == "machine" for entry in KINDS])[units.kind[at]]
    idle = machine & (uniform(at, world.seed, place, 1) >= plan.bots.active)
    weight = (mean[units.kind[at]] * (here & ~idle))[people.unit - people.start] * people.activity
    # Independent Poisson counts, drawn as one process over all people: most of them stay away.
    below = np.cumsum(weight)
    points = np.sort(rng.random(rng.poisson(below[-1]))) * below[-1]
    person = np.searchsorted(below, points, side="right").clip(0, len(weight) - 1)
    span = np.minimum(until, world.days - 1) - since + 1
    comes = here & (at % np.maximum(span, 1) == place - since)
    certain = np.flatnonzero((people.slot == 0) & comes[people.unit - people.start])
    sure = np.concatenate([np.zeros(len(person), dtype=np.bool_), np.ones(len(certain), dtype=np.bool_)])
    return np.concatenate([person, certain]), sure


def _lines(world: World, people: People, place: int) -> Ints:
    """The unit that each unit's people use on a day: some lines get another address overnight."""
    kind = world.units.kind[people.start : people.stop]
    at = np.arange(people.start, people.stop)
    line = np.array([entry.rate == "line" and entry.role == "home" for entry in KINDS])[kind]
    whole = (world.units.since[at] == 0) & (world.units.until[at] >= world.days - 1)
    movable = np.flatnonzero(line & whole)
    for day in range(1, place + 1):
        rng = stream(world.seed, _LEASES, people.start, day)
        rows = movable[rng.random(len(movable)) < world.plan.people.lease_churn]
        six = world.units.key[people.start + rows] >= 1 << 32
        for family in (rows[~six], rows[six]):
            at[family] = at[np.roll(family, 1)]
    return at


def _times(
    world: World, people: People, person: Ints, kind: Ints, place: int, weekend: bool, rng: np.random.Generator
) -> Floats:
    """Seconds of the UTC day. What local time carries over midnight comes back on the same day."""
    plan = world.plan.people
    hour = np.zeros(len(kind))
    draw = rng.random(len(kind))
    for shape, (weekday_parts, weekend_parts) in DAY_SHAPES.items():
        rows = np.flatnonzero(_shape_is(shape)[kind])
        parts = np.array(weekend_parts if weekend else weekday_parts, dtype=np.float64)
        parts = parts / parts.sum() * (1 - plan.flatness) + plan.flatness / 24
        hour[rows] = np.searchsorted(np.cumsum(parts), draw[rows], side="right").clip(0, 23)
    local_s = (hour + rng.random(len(kind)) + np.where(_shape_is("flat")[kind], 0, plan.shift_h)) * 3600
    pauses = np.array([entry.pauses for entry in KINDS])[kind]
    rows = np.flatnonzero(pauses < 24)
    unit = people.unit[person[rows]]
    length_h = pauses[rows] + (24 - pauses[rows]) * uniform(unit, world.seed, 2)
    begins_h = 24 * uniform(unit, world.seed, place, 3)
    local_s[rows] = (begins_h + length_h * draw[rows]) * 3600
    utc_s: Floats = np.mod(local_s - people.zone_h[person] * 3600, DAY_S)
    return utc_s


def _shape_is(shape: Shape) -> Flags:
    return np.array([entry.shape == shape for entry in KINDS])


def _observers(kind: Ints, sure: Flags, rng: np.random.Generator) -> Ints:
    """Which of our observers each visit goes to. One that must be seen does not go to the one that only samples."""
    observer = np.zeros(len(kind), dtype=np.int64)
    for name, shares in OBSERVER_SHARES.items():
        rows = np.flatnonzero(np.array([entry.observers == name for entry in KINDS])[kind])
        parts = np.array(shares, dtype=np.float64)
        observer[rows] = rng.choice(len(OBSERVERS), size=len(rows), p=parts / parts.sum())
    missed = sure & (observer == OBSERVERS.index("colo"))
    return np.where(missed, OBSERVERS.index("cloud"), observer)


def _requests(
    plan: WorldPlan, kind: Ints, observer: Ints, certain: Flags, rng: np.random.Generator, *, one_log: bool
) -> tuple[Flags, Flags, Ints]:
    """Of each connection: whether it was established, is QUIC, and how many requests are seen of it.

    A request log knows no broken connections; the one that makes a unit seen is whole.
    """
    mean = np.maximum(1.0, plan.people.pages * np.array([entry.requests for entry in KINDS]))
    drawn = rng.geometric(1 / mean[kind])
    if one_log:
        whole = np.ones(len(kind), dtype=np.bool_)
        return whole, ~whole, drawn
    broken = rng.random(len(kind)) < np.array([entry.broken for entry in KINDS])[kind]
    only_requests = np.array([name not in CONNECTION_LOGS for name in OBSERVERS])[observer]
    flows = np.array([name not in REQUEST_LOGS for name in OBSERVERS])[observer]
    complete = ~broken | only_requests | certain
    quic = flows & ~certain & (rng.random(len(kind)) < 0.3)  # a lone UDP flow proves no handshake
    return complete, quic, np.where(complete & ~flows, drawn, 0)


def _hosts(
    world: World, people: People, person: Ints, unit: Ints, device: Ints, date: datetime.date, rng: np.random.Generator
) -> NDArray[np.uint64]:
    """Lower halves of IPv6 addresses: temporary ones change every day (RFC 8981), one device in ten keeps its own."""
    result = np.zeros(len(unit), dtype=np.uint64)
    six = np.flatnonzero(world.units.key[unit] >= 1 << 32)
    kind = world.units.kind[people.unit[person[six]]]
    hosts = np.array([entry.hosts for entry in KINDS])[kind]
    owner = people.unit[person[six]] * 4096 + people.slot[person[six]]
    own = mixed(owner, world.seed, 4) ^ device[six].astype(np.uint64)
    stable = mixed(own, 5) % np.uint64(10) == 0
    day = date.toordinal()
    made = np.ones(len(six), dtype=np.uint64)
    made = np.where(hosts == "privacy", np.where(stable, mixed(own, 6), mixed(own, 7, day)), made)
    for name, size in (("rotating", _ROTATING_ADDRESSES), ("few", _FEW_ADDRESSES)):
        made = np.where(hosts == name, mixed(unit[six] * 64 + rng.integers(0, size, len(six)), day, 8), made)
    result[six] = made
    return result
