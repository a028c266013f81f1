"""Rows of one slice's day as one observer has them, as columns and as Python values, ready for any format."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import FORMS, PLATFORMS, fingerprint, old_fingerprint
from mipdns.simulate.dice import mixed, uniform
from mipdns.simulate.habits import OBSERVERS
from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.layout import Ints
from mipdns.simulate.population import People, World
from mipdns.simulate.traffic import Connections, Day

_AUTOMATED = np.array([name in ("library", "crawler", "scanner", "client") for name in PLATFORMS])
_FORGERS = np.array([kind.name in ("scanner", "rotator") for kind in KINDS])


class Scene(NamedTuple):
    """One day of a slice of the world. part: which slice it is. dotted: its IPv4 addresses as text (`dotted_texts`)."""

    world: World
    people: People
    day: Day
    part: int
    dotted: list[str]


class Columns(NamedTuple):
    """What an observer of requests has of each, by time. connection: the row in the day's connections.

    micros: since 1970. client: into `clients`, texts. agent: into the world's. tls: as in `Connections`.
    forwarded: into `origins`, texts, of which the first is "".
    """

    connection: Ints
    micros: Ints
    client: Ints
    clients: list[str]
    port: Ints
    agent: Ints
    tls: Ints
    bot_score: Ints
    forwarded: Ints
    origins: list[str]


class Requests(NamedTuple):
    """The same as Python values in parallel. epoch_s: unix seconds. ja3: an older fingerprint of the same stack."""

    connection: list[int]
    epoch_s: list[float]
    client: list[str]
    port: list[int]
    agent: list[str]
    ja4: list[str]
    ja3: list[str]
    bot_score: list[int]
    forwarded: list[str]
    path: list[str]


class Flows(NamedTuple):
    """What an observer of connections has of each."""

    connection: list[int]
    epoch_s: list[float]
    client: list[str]
    port: list[int]
    complete: list[bool]
    quic: list[bool]


_PATHS = ("/", "/", "/offers", "/basket", "/api/v1/items?page=2", "/img/logo.svg", "/style.css", "/search?q=tea")


def epoch_s(date: datetime.date) -> int:
    """Unix seconds at which a UTC day begins."""
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=datetime.UTC).timestamp())


def fingerprints(world: World) -> list[str]:
    """The JA4 of each `tls` number."""
    return [fingerprint(stack, form) for stack in world.agents.stacks for form in FORMS]


def columns_at(scene: Scene, observer: str, rng: np.random.Generator) -> Columns:
    """The requests that reached an observer, by time; a share of the lines appears twice."""
    world, people, day = scene.world, scene.people, scene.day
    connections = day.connections
    seen = np.flatnonzero(connections.observer[day.request] == OBSERVERS.index(observer))
    twice = rng.integers(0, max(1, len(seen)), rng.binomial(len(seen), world.plan.errors.duplicated))
    seen = np.sort(np.concatenate([seen, seen[twice]]))
    rows = day.request[seen]
    client, clients = _clients(scene, connections.unit, connections.host)
    forwarded, origins = _forwarded(world, people, connections)
    return Columns(
        connection=rows,
        micros=epoch_s(day.date) * 1_000_000 + (day.request_s[seen] * 1e6).astype(np.int64),
        client=client[rows],
        clients=clients,
        port=connections.port[rows],
        agent=connections.agent[rows],
        tls=connections.tls[rows],
        bot_score=_bot_scores(world, connections, rng)[rows],
        forwarded=forwarded[rows],
        origins=origins,
    )


def requests_at(scene: Scene, observer: str, rng: np.random.Generator) -> Requests:
    """The requests that reached an observer, by time, as Python values."""
    world = scene.world
    columns = columns_at(scene, observer, rng)
    prints = fingerprints(world)
    old = [old_fingerprint(stack, form) for stack in world.agents.stacks for form in FORMS]
    tls = columns.tls.tolist()
    return Requests(
        connection=columns.connection.tolist(),
        epoch_s=(columns.micros / 1e6).tolist(),
        client=[columns.clients[at] for at in columns.client.tolist()],
        port=columns.port.tolist(),
        agent=[world.agents.text[at] for at in columns.agent.tolist()],
        ja4=[prints[at] for at in tls],
        ja3=[old[at] for at in tls],
        bot_score=columns.bot_score.tolist(),
        forwarded=[columns.origins[at] for at in columns.forwarded.tolist()],
        path=[_PATHS[at] for at in rng.integers(0, len(_PATHS), len(tls)).tolist()],
    )


def flows_at(scene: Scene, observer: str) -> Flows:
    """The connections that reached an observer, by time."""
    day, connections = scene.day, scene.day.connections
    rows = np.flatnonzero(connections.observer == OBSERVERS.index(observer))
    client, clients = _clients(scene, connections.unit[rows], connections.host[rows])
    return Flows(
        connection=rows.tolist(),
        epoch_s=(epoch_s(day.date) + connections.time_s[rows]).tolist(),
        client=[clients[at] for at in client.tolist()],
        port=connections.port[rows].tolist(),
        complete=connections.complete[rows].tolist(),
        quic=connections.quic[rows].tolist(),
    )


def dotted_texts(world: World, start: int, stop: int) -> list[str]:
    """The IPv4 units of a slice as text. Units are sorted by key, so they come before its IPv6 ones."""
    key = world.units.key[start:stop]
    return [_dotted(number) for number in key[: int(np.searchsorted(key, 1 << 32))].tolist()]


def _clients(scene: Scene, unit: Ints, host: NDArray[np.uint64]) -> tuple[Ints, list[str]]:
    """Full addresses: a number for each row, and the texts they stand for; each is formatted once."""
    key, four = scene.world.units.key, len(scene.dotted)
    client = unit - scene.people.start
    six = np.flatnonzero(client >= four)
    # Hosts are 64 random bits or 1, so a mix of unit and host tells addresses apart.
    address = mixed(unit[six], 31) ^ host[six]
    _, first, inverse = np.unique(address, return_index=True, return_inverse=True)
    client[six] = four + inverse
    halves = np.stack([key[unit[six[first]]], host[six[first]]], axis=1).astype(">u8").tobytes()
    texts = [socket.inet_ntop(socket.AF_INET6, halves[at : at + 16]) for at in range(0, len(halves), 16)]
    return client, scene.dotted + texts


def _dotted(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def address_text(key: int, host: int = 0) -> str:
    """A unit's key and the lower half of an IPv6 address as text."""
    return str(IPv4Address(key)) if key < 1 << 32 else str(IPv6Address(key << 64 | host))


def prefix_text(key: int) -> str:
    """A unit as a prefix: an IPv4 address, or an IPv6 /64."""
    return _dotted(key) if key < 1 << 32 else f"{IPv6Address(key << 64)}/64"


def _forwarded(world: World, people: People, connections: Connections) -> tuple[Ints, list[str]]:
    """X-Forwarded-For of each connection: a home behind a reverse proxy, an inner address behind a gateway, a lie."""
    result = np.zeros(len(connections.unit), dtype=np.int64)
    origins = [""]
    unit, kind = connections.unit, world.units.kind[connections.unit]
    pool = world.units.pool[unit]
    of_group = np.where(pool < 0, unit, pool + (1 << 40))
    chance = uniform(of_group, world.seed, 32)
    share = np.array([entry.forwards for entry in KINDS])[kind]
    share = np.where(_FORGERS[kind], world.plan.bots.forged, share)
    rows = np.flatnonzero(chance < share)
    person = connections.person[rows]
    home = people.home[person]
    invented = mixed(rows, world.seed, 33) % np.uint64(223 << 24)
    inner = (10 << 24) + (unit[rows] % 256) * 65536 + people.slot[person]
    number = np.where(home >= 0, world.units.key[np.maximum(home, 0)], inner.astype(np.uint64))
    number = np.where(_FORGERS[kind[rows]], np.maximum(invented, np.uint64(1 << 24)), number)
    distinct, inverse = np.unique(number, return_inverse=True)
    result[rows] = 1 + inverse
    return result, origins + [_dotted(value) for value in distinct.tolist()]


def _bot_scores(world: World, connections: Connections, rng: np.random.Generator) -> Ints:
    """A score that is often right: machines from 1 to 29, people from 30 to 99, one in twenty anywhere."""
    size = len(connections.unit)
    automated = _AUTOMATED[world.agents.platform[connections.agent]]
    disguised = world.units.kind[connections.unit] == KIND_NUMBER["rotator"]
    draw = rng.random(size)
    low = np.where(automated | disguised, 1, 30)
    high = np.where(disguised, 70, np.where(automated, 30, 100))
    anywhere = rng.random(size) < 0.05
    low, high = np.where(anywhere, 1, low), np.where(anywhere, 100, high)
    scores: Ints = low + (draw * (high - low)).astype(np.int64)
    return scores


class Wear(NamedTuple):
    """What happens to lines on their way to disk. share: of lines torn. rng: draws also what only logs have."""

    share: float
    rng: np.random.Generator

    def chosen(self, count: int) -> list[int]:
        """Which of `count` lines are torn: at most twice the share, so that a short file loads as well."""
        worn = min(int(self.rng.binomial(count, self.share)), int(2 * self.share * count))
        rows: list[int] = np.sort(self.rng.permutation(count)[:worn]).tolist()
        return rows

    def torn(self, lines: Sequence[str]) -> list[str]:
        """The lines, some cut short after 12 to 30 characters, as a full disk or a crash leaves them."""
        result = list(lines)
        for at in self.chosen(len(result)):
            result[at] = result[at][: int(self.rng.integers(12, 31))]
        return result
