"""Rows of one day as one observer has them, ready to be put into any format."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import AGENTS, STACKS, fingerprint
from mipdns.simulate.habits import OBSERVERS
from mipdns.simulate.kinds import KIND_NUMBER
from mipdns.simulate.layout import Ints
from mipdns.simulate.population import World
from mipdns.simulate.traffic import Connections, Day

_AUTOMATED = frozenset(("library", "crawler", "scanner"))


class Requests(NamedTuple):
    """What an observer of requests has of each, as Python values in parallel. epoch_s: unix seconds.

    connection: the row in the day's connections. forwarded: the client that a reverse proxy names, else "".
    """

    connection: list[int]
    epoch_s: list[float]
    client: list[str]
    port: list[int]
    agent: list[str]
    ja4: list[str]
    stack: list[str]
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


def requests_at(world: World, day: Day, observer: str, rng: np.random.Generator) -> Requests:
    """The requests that reached an observer, by time."""
    connections = day.connections
    seen = np.flatnonzero(connections.observer[day.request] == OBSERVERS.index(observer))
    rows = day.request[seen]
    agents = [entry.text for entry in AGENTS]
    prints = [fingerprint(stack) for stack in STACKS]
    stacks = connections.stack[rows].tolist()
    return Requests(
        connection=rows.tolist(),
        epoch_s=(epoch_s(day.date) + day.request_s[seen]).tolist(),
        client=client_texts(world, connections.unit[rows], connections.host[rows]),
        port=connections.port[rows].tolist(),
        agent=[agents[number] for number in connections.agent[rows].tolist()],
        ja4=[prints[number] for number in stacks],
        stack=[STACKS[number] for number in stacks],
        bot_score=_bot_scores(world, connections, rows, rng),
        forwarded=_forwarded(world, connections, rows),
        path=[_PATHS[number] for number in rng.integers(0, len(_PATHS), len(rows)).tolist()],
    )


def flows_at(world: World, day: Day, observer: str) -> Flows:
    """The connections that reached an observer, by time."""
    connections = day.connections
    rows = np.flatnonzero(connections.observer == OBSERVERS.index(observer))
    return Flows(
        connection=rows.tolist(),
        epoch_s=(epoch_s(day.date) + connections.time_s[rows]).tolist(),
        client=client_texts(world, connections.unit[rows], connections.host[rows]),
        port=connections.port[rows].tolist(),
        complete=connections.complete[rows].tolist(),
        quic=connections.quic[rows].tolist(),
    )


def client_texts(world: World, unit: Ints, host: NDArray[np.uint64]) -> list[str]:
    """Full addresses as text; each distinct one is formatted once."""
    texts: dict[tuple[int, int], str] = {}
    result: list[str] = []
    for upper, lower in zip(world.units.key[unit].tolist(), host.tolist(), strict=True):
        text = texts.get((upper, lower))
        if text is None:
            text = texts[upper, lower] = address_text(upper, lower)
        result.append(text)
    return result


def address_text(key: int, host: int = 0) -> str:
    """A unit's key and the lower half of an IPv6 address as text."""
    return str(IPv4Address(key)) if key < 1 << 32 else str(IPv6Address(key << 64 | host))


def prefix_text(key: int) -> str:
    """A unit as a prefix: an IPv4 address, or an IPv6 /64."""
    return address_text(key) if key < 1 << 32 else f"{address_text(key)}/64"


def _forwarded(world: World, connections: Connections, rows: Ints) -> list[str]:
    """X-Forwarded-For: the home address of whoever stands behind a reverse proxy."""
    person = connections.person[rows]
    home = world.people.home[person]
    key = world.units.key[np.maximum(home, 0)].tolist()
    number = (person % 50_000 + 2).astype(np.int64).tolist()
    return [
        address_text(upper, lower) if unit >= 0 else ""
        for unit, upper, lower in zip(home.tolist(), key, number, strict=True)
    ]


def _bot_scores(world: World, connections: Connections, rows: Ints, rng: np.random.Generator) -> list[int]:
    """A score that is often right: machines from 1 to 29, people from 30 to 99, one in twenty anywhere."""
    automated = np.array([entry.platform in _AUTOMATED for entry in AGENTS])[connections.agent[rows]]
    disguised = world.units.kind[connections.unit[rows]] == KIND_NUMBER["disguised_crawler"]
    score = np.where(automated, rng.integers(1, 30, len(rows)), rng.integers(30, 100, len(rows)))
    score = np.where(disguised, rng.integers(1, 70, len(rows)), score)
    scores: list[int] = np.where(rng.random(len(rows)) < 0.05, rng.integers(1, 100, len(rows)), score).tolist()
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
