"""Where units stand in address space. In: the kind and network of each. Out: a key and a pool for each.

Its one rule: a network's /24s and /48s look as networks' do. Households are scattered with gaps, gateways stand in
contiguous pools of their own or between households, since carriers do not draw their lines at /24s.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.kinds import KINDS
from mipdns.simulate.networks import Network
from mipdns.simulate.plan import EIGHTS, v6_start

Ints = NDArray[np.int64]

ALONE = -1
_GRANULE = 8
"""Addresses that are laid out together: a pool has whole granules, scattered units share them."""
_SCATTERED = 3
"""Scattered units in a granule: 96 in a /24."""
_SECOND_SUBNET = 1 / 7  # households that use a second /64 of what they are delegated
_HOUSEHOLDS_PER_48 = 60
_PHONES_PER_48 = 500
_POOL_6 = 16
_MOST_48S = 8192  # a larger network gives less than a /48 to each
_LAST_V4 = 33 << 24 | 0x80 << 16  # behind it lie our own servers


def lay_out(
    kinds: Ints, network: Ints, networks: Sequence[Network], lone: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint64], Ints]:
    """The key (IPv4 number, or upper half of a /64) and the pool number of each unit; keys are distinct.

    lone: share of the units of pooled kinds that stand among the scattered ones instead.
    """
    key = np.zeros(len(kinds), dtype=np.uint64)
    pool = np.full(len(kinds), ALONE, dtype=np.int64)
    six = np.array([kind.family == 6 for kind in KINDS])[kinds]
    pooled = np.array([bool(kind.pool) for kind in KINDS])[kinds] & (six | (rng.random(len(kinds)) >= lone))
    next_24 = EIGHTS[0] << 16
    next_pool = 0
    order = np.argsort(network, kind="stable")
    starts = np.searchsorted(network[order], np.arange(len(networks) + 1))
    for at, entry in enumerate(networks):
        rows = order[starts[at] : starts[at + 1]]
        four = rows[~six[rows]]
        sizes, number = _pools(kinds, four[pooled[four]], pool, next_pool, rng)
        next_pool += number
        granules = _granules(sizes, four[~pooled[four]], four[pooled[four]], pool, key, entry.separate, rng)
        blocks = max(4, 1 << int(np.ceil(np.log2(max(1, -(-granules // (256 // _GRANULE)))))))
        next_24 = _room(next_24, blocks)
        key[four] += np.uint64(next_24 << 8)
        next_24 += blocks
        rows6 = rows[six[rows]]
        next_pool = _v6(v6_start(at), entry.delegated, kinds, rows6, key, pool, next_pool, rng)
    return key, pool


def place_guests(
    kinds: Ints, network: Ints, key: NDArray[np.uint64], pool: Ints, share: float, rng: np.random.Generator
) -> None:
    """Let a share of the addresses of IPv4 pools change places with scattered lines of one user of the same network.

    Carriers give a customer who pays for it an address of his own, out of the same range. Changes `key` and `pool`.
    """
    single = np.array([kind.rate == "line" and kind.family == 4 and not kind.multi_user for kind in KINDS])[kinds]
    four = np.array([kind.family == 4 for kind in KINDS])[kinds]
    guest = np.flatnonzero(single & (pool == ALONE))
    host = np.flatnonzero(four & (pool != ALONE))
    host = rng.permutation(host[rng.random(len(host)) < share])
    guest = rng.permutation(guest)
    # The n-th host of a network changes with the n-th guest of it.
    guest, host = (rows[np.argsort(network[rows], kind="stable")] for rows in (guest, host))
    guests, hosts = (network[rows] * (len(kinds) + 1) + _rank(network[rows]) for rows in (guest, host))
    _, one, other = np.intersect1d(guests, hosts, assume_unique=True, return_indices=True)
    guest, host = guest[one], host[other]
    key[guest], key[host] = key[host], key[guest]
    pool[host] = ALONE


def _rank(groups: Ints) -> Ints:
    """The place of each row within its run of equal groups."""
    return np.arange(len(groups)) - np.searchsorted(groups, groups, side="left")


def _room(next_24: int, blocks: int) -> int:
    """Where an aligned run of /24s fits next."""
    start = -(-next_24 // blocks) * blocks
    eight = start >> 16
    while eight not in EIGHTS or (start + blocks - 1) >> 16 != eight or (start + blocks) << 8 > _LAST_V4:
        later = [entry for entry in EIGHTS if entry > eight]
        if not later:
            raise ValueError("the stage has no room for so many units")
        eight, start = later[0], later[0] << 16
        if blocks > 1 << 16:
            raise ValueError("one network has more units than a /8 holds")
    return start


def _pools(kinds: Ints, rows: Ints, pool: Ints, first: int, rng: np.random.Generator) -> tuple[Ints, int]:
    """Number the pools of one network's units, each of one kind. Returns the size of each pool, and how many."""
    sizes: list[int] = []
    for kind in np.unique(kinds[rows]).tolist():
        members = rows[kinds[rows] == kind]
        start = 0
        while start < len(members):
            size = int(rng.choice(KINDS[kind].pool))
            pool[members[start : start + size]] = first + len(sizes)
            sizes.append(len(members[start : start + size]))
            start += size
    return np.array(sizes, dtype=np.int64), len(sizes)


def _granules(
    sizes: Ints, alone: Ints, pooled: Ints, pool: Ints, key: NDArray[np.uint64], separate: bool,
    rng: np.random.Generator,
) -> int:  # fmt: skip
    """Offsets of one network's IPv4 units, into `key`. Returns how many granules they take."""
    scattered = -(-len(alone) // _SCATTERED)
    lengths = np.concatenate([-(-sizes // _GRANULE), np.ones(scattered, dtype=np.int64)])
    place = rng.random(len(lengths))
    if separate:
        place[: len(sizes)] -= 1
    order = np.argsort(place)
    start = np.empty(len(lengths), dtype=np.int64)
    start[order] = np.cumsum(lengths[order]) - lengths[order]
    if len(pooled):
        number = pool[pooled] - pool[pooled].min()
        within = np.arange(len(pooled)) - np.concatenate([[0], np.cumsum(sizes)])[number]
        key[pooled] = (start[number] * _GRANULE + within).astype(np.uint64)
    if len(alone):
        shuffled = rng.permutation(len(alone))
        within = np.argsort(rng.random((scattered, _GRANULE)), axis=1)[:, :_SCATTERED].ravel()[: len(alone)]
        granule = start[len(sizes) + np.arange(len(alone)) // _SCATTERED]
        key[alone[shuffled]] = (granule * _GRANULE + within).astype(np.uint64)
    return int(lengths.sum())


def _v6(
    base: int, delegated: int, kinds: Ints, rows: Ints, key: NDArray[np.uint64], pool: Ints, next_pool: int,
    rng: np.random.Generator,
) -> int:  # fmt: skip
    """Each kind in /48s of its own: lines a prefix each (RFC 6177), phones a /64 each, gateways consecutive /64s."""
    site = 1
    for number in np.unique(kinds[rows]).tolist():
        kind = KINDS[number]
        members = rng.permutation(rows[kinds[rows] == number])
        at = np.arange(len(members))
        if kind.pool:
            pool[members] = next_pool + at // _POOL_6
            sites, subnet = at // _POOL_6, at % _POOL_6
            next_pool += int(sites[-1]) + 1
        elif kind.role == "mobile":
            sites, subnet = at // _PHONES_PER_48, _scattered(at % _PHONES_PER_48, 1 << 16, rng)
        else:
            # Consecutive lines of a /48; where one uses a second /64, the next unit is that.
            bits = max(delegated, 56) if delegated > 48 else 56
            sites = at // _HOUSEHOLDS_PER_48
            subnet = _scattered(at % _HOUSEHOLDS_PER_48, 256, rng) << (64 - bits)
            if bits < 64:
                second = (at % 2 == 1) & (rng.random(len(at)) < 2 * _SECOND_SUBNET) & (at % _HOUSEHOLDS_PER_48 > 0)
                subnet[second] = subnet[np.flatnonzero(second) - 1] | 1
            if delegated == 48 and len(at) <= _MOST_48S:
                sites, subnet = _scattered(at, max(256, 1 << int(np.ceil(np.log2(len(at) + 1)) + 1)), rng), at % 2
        key[members] = np.uint64(base) + ((site + sites).astype(np.uint64) << np.uint64(16)) + subnet.astype(np.uint64)
        site += int(sites.max()) + 1
    return next_pool


def _scattered(at: Ints, size: int, rng: np.random.Generator) -> Ints:
    """Distinct places for distinct numbers below `size`, a power of two: an odd step and a start."""
    step, start = int(rng.integers(size // 2)) * 2 + 1, int(rng.integers(size))
    places: Ints = (at * step + start) % size
    return places
