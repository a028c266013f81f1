"""Which program makes a visit, and whose TLS it speaks. In: people and devices. Out: agents and stacks.

Its one rule: what runs on a device follows from the device's number (`dice`), so that it is the same every day.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.agents import (
    APP_PLATFORM,
    HOUSE_STANDARD,
    INTERCEPTED,
    MARKETS,
    PLATFORM_SHARES,
    PLATFORMS,
    AgentTable,
    Platform,
    agent_weights,
    device_shares,
)
from mipdns.simulate.dice import mixed, uniform
from mipdns.simulate.kinds import KINDS
from mipdns.simulate.layout import Ints
from mipdns.simulate.population import People, World

_SURROUNDINGS = tuple(PLATFORM_SHARES)
_OF_KIND = np.array([_SURROUNDINGS.index(kind.devices) for kind in KINDS])
_OFFICE, _DISGUISE = _SURROUNDINGS.index("office"), _SURROUNDINGS.index("disguise")
_NAMES_TAKEN = tuple(PLATFORM_SHARES["disguise"])
_DEVICES_EACH = 512
_USERS_EACH = 4096
_APPS_MOST = 6


def device_numbers(people: People, person: Ints, rng: np.random.Generator) -> Ints:
    """The device of each visit, among its user's: the first does most of the browsing, or all do alike."""
    at: Ints = (people.devices[person] * rng.random(len(person)) ** people.skew[person]).astype(np.int64)
    return at


def pick_programs(
    world: World, people: People, person: Ints, device: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """The agent of each visit (into the world's table) and the TLS stack that is seen."""
    unit = people.unit[person]
    kind = world.units.kind[unit]
    surrounding = _OF_KIND[kind]
    market = np.array([network.market for network in world.networks])[world.units.network[unit]]
    number = (unit * _USERS_EACH + people.slot[person]) * _DEVICES_EACH + device
    fate = uniform(number, world.seed, 11)
    managed = (surrounding == _OFFICE) & (uniform(number, world.seed, 12) < HOUSE_STANDARD)
    fate = np.where(managed, uniform(unit, world.seed, 13), fate)
    agent = np.zeros(len(person), dtype=np.int64)
    group = surrounding * len(MARKETS) + market
    for at in np.unique(group).tolist():
        rows = np.flatnonzero(group == at)
        cumulative = _cumulative(world, at // len(MARKETS), at % len(MARKETS))
        agent[rows] = np.searchsorted(cumulative, fate[rows], side="right")
    agent = np.minimum(agent, len(world.agents.text) - 1)
    # Half of the rotators draw from a list of names in which the rare ones are as likely as the common ones.
    listed = np.flatnonzero((surrounding == _DISGUISE) & (uniform(unit, world.seed, 10) < 0.5))
    names = np.flatnonzero(np.isin(world.agents.platform, [PLATFORMS.index(name) for name in _NAMES_TAKEN]))
    agent[listed] = names[(fate[listed] * len(names)).astype(np.int64)]
    _apps(world, surrounding, number, agent, rng)
    return agent, _stacks(world, people, person, device, number, surrounding, agent)


def _apps(world: World, surrounding: Ints, number: Ints, agent: Ints, rng: np.random.Generator) -> None:
    """Put an app in the place of the browser where one makes the visit: a device has up to six, used unevenly."""
    platform = world.agents.platform[agent]
    app_platform = np.full(len(PLATFORMS), -1)
    for browser, program in APP_PLATFORM.items():
        app_platform[PLATFORMS.index(browser)] = PLATFORMS.index(program)
    people = np.isin(surrounding, [_SURROUNDINGS.index(name) for name in ("home", "phone", "campus", "guest", "apple")])
    rows = np.flatnonzero(people & (app_platform[platform] >= 0))
    # A desktop's other programs speak far less often than a phone's.
    desktop = app_platform[platform[rows]] == PLATFORMS.index("desktop_app")
    share = world.plan.people.app_share * np.where(desktop, 0.3, 1.0)
    rows = rows[rng.random(len(rows)) < share]
    count = 1 + mixed(number[rows], world.seed, 14) % np.uint64(_APPS_MOST)
    which = (count * rng.random(len(rows)) ** 2).astype(np.int64)
    fate = uniform(number[rows] * 8 + which, world.seed, 15)
    target = app_platform[platform[rows]]
    for name in set(APP_PLATFORM.values()):
        own = target == PLATFORMS.index(name)
        cumulative = _cumulative_of(world.agents, name)
        agent[rows[own]] = np.searchsorted(cumulative, fate[own], side="right").clip(0, len(cumulative) - 1)


def _stacks(
    world: World, people: People, person: Ints, device: Ints, number: Ints, surrounding: Ints, agent: Ints
) -> Ints:
    """The TLS stack: of the program, of a virus scanner on the device, or of the machine in between."""
    table = world.agents
    stack = table.stack[agent]
    scanned = (table.platform[agent] == PLATFORMS.index("windows")) & (surrounding != _DISGUISE)
    scanned &= uniform(number, world.seed, 16) < INTERCEPTED
    scanners = np.array([at for at, name in enumerate(table.stacks) if name.startswith("antivirus-")])
    stack = np.where(scanned, scanners[(mixed(number, world.seed, 17) % np.uint64(len(scanners))).astype(int)], stack)
    rows = np.flatnonzero(surrounding == _DISGUISE)
    if len(rows):
        stack[rows] = _disguised(world, people, person[rows], device[rows], stack[rows])
    mask = world.units.mask[people.unit[person]]
    result: Ints = np.where(mask >= 0, mask, stack)
    return result


def _disguised(world: World, people: People, person: Ints, device: Ints, true: Ints) -> Ints:
    """What a rotator shows: one library, sometimes several in turn; a few drive real browsers."""
    table, bots = world.agents, world.plan.bots
    newest = world.plan.programs.newest // 8
    used = ("impersonate-", "go-1.22", "openssl-3.0", "curl-8", "headless", "rustls", f"chromium-{newest}")
    libraries = np.array([at for at, name in enumerate(table.stacks) if name.startswith(used)])
    unit = people.unit[person]
    chance = uniform(unit, world.seed, 18)
    # Geometric: one, and with the chance `rotator_tls` one more, and so on.
    more = np.floor(np.log(np.maximum(chance, 1e-9)) / np.log(min(max(bots.rotator_tls, 1e-6), 0.99))).astype(np.int64)
    at = mixed(unit, world.seed, 19) + (device % (1 + np.minimum(more, 8))).astype(np.uint64)
    stack = libraries[(at % np.uint64(len(libraries))).astype(np.int64)]
    honest = uniform(unit, world.seed, 20) < bots.rotator_true
    result: Ints = np.where(honest, true, stack)
    return result


def _cumulative(world: World, surrounding: int, market: int) -> NDArray[np.float64]:
    programs, phones = world.plan.programs, world.plan.people.phones
    return _table(_Key(world.agents, (programs.newest, programs.lag, programs.reduction)), surrounding, market, phones)


class _Key:
    """A table of agents, equal to another made from the same numbers: what `lru_cache` needs."""

    def __init__(self, table: AgentTable, made_from: tuple[float, ...]) -> None:
        self.table, self.made_from = table, made_from

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.made_from == other.made_from

    def __hash__(self) -> int:
        return hash(self.made_from)


@lru_cache(maxsize=256)
def _table(key: _Key, surrounding: int, market: int, phones: float) -> NDArray[np.float64]:
    shares = device_shares(_SURROUNDINGS[surrounding], MARKETS[market], phones)
    return np.cumsum(agent_weights(key.table, shares))


def _cumulative_of(table: AgentTable, platform: Platform) -> NDArray[np.float64]:
    weights = np.where(table.platform == PLATFORMS.index(platform), table.weight, 0.0)
    return np.cumsum(weights / weights.sum())
