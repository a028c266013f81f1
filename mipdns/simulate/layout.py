"""Where units stand in address space. In: the kind and network of each. Out: a key and a pool for each.

Its one rule: a network's /24s and /48s look as networks' do. Households are scattered with gaps, gateways stand in
contiguous pools, and some pools share a /24 with households, since carriers do not draw their lines at /24s.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.kinds import KINDS
from mipdns.simulate.plan import NETWORKS, Role, v4_base, v6_base

Ints = NDArray[np.int64]

ALONE = -1
_SCATTERED_PER_24: dict[Role, int] = {"home": 110, "hosting": 50, "search": 30, "office": 40}
_SCATTER_LAST_OCTET = 190  # the quarter above it is left for pools
_POOL_SIZES = (8, 16, 16, 32)
_HOUSEHOLDS_PER_48 = 60  # of the 256 /56s
_SECOND_SUBNET = 1 / 7  # households that use a second /64 of their /56
_PHONES_PER_48 = 500


class Place(NamedTuple):
    """A unit's place: its row, its key, and the number of its pool or `ALONE`."""

    row: int
    key: int
    pool: int


def lay_out(kinds: Ints, network: Ints, rng: np.random.Generator) -> tuple[NDArray[np.uint64], Ints]:
    """The key (IPv4 number, or upper half of a /64) and the pool number of each unit; keys are distinct."""
    key = np.zeros(len(kinds), dtype=np.uint64)
    pool = np.full(len(kinds), ALONE, dtype=np.int64)
    six = np.array([kind.family == 6 for kind in KINDS])[kinds]
    numbers = count()
    for at in range(len(NETWORKS)):
        here = network == at
        places = [*_v4(at, kinds, np.flatnonzero(here & ~six), numbers, rng)]
        places += _v6(at, kinds, np.flatnonzero(here & six), numbers, rng)
        for place in places:
            key[place.row], pool[place.row] = place.key, place.pool
    return key, pool


def _v4(at: int, kinds: Ints, rows: Ints, numbers: Iterator[int], rng: np.random.Generator) -> Iterator[Place]:
    pooled = np.array([kind.pool for kind in KINDS])[kinds[rows]]
    alone = rng.permutation(rows[~pooled]).tolist()
    per_24 = next((size for role, size in _SCATTERED_PER_24.items() if role in NETWORKS[at].roles), 40)
    base, blocks = v4_base(at), -(-len(alone) // per_24)
    for block in range(blocks):
        octets = 1 + rng.permutation(_SCATTER_LAST_OCTET)[:per_24]
        for row, octet in zip(alone[block * per_24 : (block + 1) * per_24], octets.tolist(), strict=False):
            yield Place(row, base + 256 * block + octet, ALONE)
    quarters = [256 * block + 192 for block in range(0, blocks, 3)]  # in every third of those /24s
    fresh = count(256 * blocks, 64)
    for members in _pools(kinds, rows[pooled], rng):
        start, number = quarters.pop() if quarters else next(fresh), next(numbers)
        for step, row in enumerate(members):
            yield Place(row, base + start + step, number)


def _pools(kinds: Ints, rows: Ints, rng: np.random.Generator) -> Iterator[list[int]]:
    """The units of one network's pools, each pool of one kind."""
    for kind in np.unique(kinds[rows]):
        members = rows[kinds[rows] == kind].tolist()
        while members:
            size = int(rng.choice(_POOL_SIZES))
            yield members[:size]
            members = members[size:]


def _v6(at: int, kinds: Ints, rows: Ints, numbers: Iterator[int], rng: np.random.Generator) -> Iterator[Place]:
    """Each kind in /48s of its own: households a /56 each (RFC 6177), phones a /64 each, gateways consecutive /64s."""
    sites = count(v6_base(at) + 0x10000, 0x10000)
    for number in np.unique(kinds[rows]):
        kind = KINDS[int(number)]
        members = rng.permutation(rows[kinds[rows] == number]).tolist()
        if kind.role == "mobile" and not kind.multi_user:
            yield from _phones(members, sites, rng)
        elif kind.pool:
            for start in range(0, len(members), 16):
                site, pool = next(sites), next(numbers)
                yield from (Place(row, site + step, pool) for step, row in enumerate(members[start : start + 16]))
        else:
            yield from _households(members, sites, rng)


def _phones(members: list[int], sites: Iterator[int], rng: np.random.Generator) -> Iterator[Place]:
    for start in range(0, len(members), _PHONES_PER_48):
        some, site = members[start : start + _PHONES_PER_48], next(sites)
        subnets = rng.choice(1 << 16, size=len(some), replace=False).tolist()
        yield from (Place(row, site + subnet, ALONE) for row, subnet in zip(some, subnets, strict=True))


def _households(members: list[int], sites: Iterator[int], rng: np.random.Generator) -> Iterator[Place]:
    for start in range(0, len(members), _HOUSEHOLDS_PER_48):
        some, site = members[start : start + _HOUSEHOLDS_PER_48], next(sites)
        slots = rng.permutation(256)[: len(some)].tolist()
        last = 0
        for row, slot, again in zip(some, slots, (rng.random(len(some)) < _SECOND_SUBNET).tolist(), strict=True):
            second = again and last and not last & 1  # the second /64 of the household before
            last = last | 1 if second else site | slot << 8
            yield Place(row, last, ALONE)
