"""Made listings for measuring. In: how many, the share of IPv6, a seed. Out: scattered single addresses and /64s.

The one rule: the same arguments give the same listings, whoever asks, so that every server is given the same data and
a figure can be had again. There are at most 65,536 different payloads, as real builds have few.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.vocabulary import Class, Signal, Verdict

PAYLOADS = 1 << 16
SEED = 5782
_CHUNK = 100_000
_V4_FIRST, _V4_END = 1 << 24, 224 << 24
_V6_TOP = 0x2A << 56


class Payload(NamedTuple):
    """What a verdict says beside its range, in the order of `Verdict`."""

    confidence: int
    classes: int
    users_low: int
    users_high: int
    sources: int
    asn: int
    observed: str


class Listings(NamedTuple):
    """Listings in columns. keys: sorted unit keys (`net.unit_key`). payload: for each its index in `pool`."""

    keys: NDArray[np.uint64]
    payload: NDArray[np.uint16]
    pool: list[Payload]


def make_listings(count: int, *, v6_share: float = 0.1, seed: int = SEED) -> Listings:
    """So many listings, all of confidence 50 or more, none in special-purpose space. Takes about 1 s for a million."""
    generator = np.random.default_rng(seed)
    wanted_v6 = round(count * v6_share)
    v4 = _scattered(generator, count - wanted_v6, _V4_FIRST, _V4_END, 0)
    v6 = _scattered(generator, wanted_v6, 0, 1 << 40, 16) | np.uint64(_V6_TOP)
    payload = generator.integers(0, PAYLOADS, count, dtype=np.uint16)
    return Listings(np.concatenate([v4, v6]), payload, _pool(seed))


def make_verdicts(listings: Listings) -> Iterator[Verdict]:
    """The listings as the store takes them."""
    for key, payload in pairs(listings):
        yield verdict(key, payload)


def verdict(key: int, payload: Payload) -> Verdict:
    """One listing as the store takes it."""
    first, last = net.unit_range(key)
    return Verdict(first, last, payload.confidence, payload.classes, *payload[2:])


def pairs(listings: Listings) -> Iterator[tuple[int, Payload]]:
    """Unit key and payload of every listing, in order."""
    pool = listings.pool
    for start in range(0, len(listings.keys), _CHUNK):
        keys = listings.keys[start : start + _CHUNK].tolist()
        for key, index in zip(keys, listings.payload[start : start + _CHUNK].tolist(), strict=True):
            yield key, pool[index]


def _scattered(generator: np.random.Generator, count: int, first: int, end: int, shift: int) -> NDArray[np.uint64]:
    """So many different numbers of [first, end), shifted, sorted; of IPv4 (no shift) none that is special-purpose."""
    keys = np.empty(0, np.uint64)
    while len(keys) < count:
        more = generator.integers(first, end, count - len(keys) + 1000, dtype=np.uint64)
        keys = np.union1d(keys, more if shift else more[~_special(more)])
    chosen = generator.permutation(len(keys))[:count]
    return np.sort(keys[chosen]) << np.uint64(shift)


def _special(numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
    special = np.zeros(len(numbers), np.bool_)
    for first, last in net.SPECIAL:
        low, high = max(first, net.V4_FIRST), min(last, net.V4_LAST)
        if low <= high:
            special |= (numbers >= low - net.V4_FIRST) & (numbers <= high - net.V4_FIRST)
    return special


def _pool(seed: int) -> list[Payload]:
    chance = random.Random(seed)
    autonomous_systems = [chance.randint(1, 400_000) for _ in range(2000)]
    signals = [Signal.PORTS | Signal.AGENTS, Signal.LIST, Signal.PORTS | Signal.AGENTS | Signal.TRACE, Signal.NAMES]
    classes = [int(one) for one in Class] + [Class.CGNAT | Class.MOBILE, Class.TOR | Class.VPN]
    return [
        Payload(
            chance.randint(50, 100),
            int(chance.choice(classes)),
            low := 1 << chance.randint(1, 8),
            low * 4,
            int(chance.choice(signals)),
            chance.choice(autonomous_systems),
            f"2026-11-{chance.randint(14, 20):02}",
        )
        for _ in range(PAYLOADS)
    ]
