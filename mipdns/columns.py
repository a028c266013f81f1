"""The arithmetic of `mipdns.net` on columns: many addresses and units at once, as numpy arrays.

A 128-bit address is a row of two uint64, its upper and its lower half; a unit is its key (`net.unit_key`), uint64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mipdns import net

_LOW_BITS = (1 << 64) - 1
_V4_HIGH = np.uint64(net.V4_FIRST)
_V4_LAST = np.uint64(net.UNIT_V4_LAST)
_ONES = np.uint64(_LOW_BITS)


def halves(addresses: Sequence[int]) -> NDArray[np.uint64]:
    """128-bit addresses as an (n, 2) array of their halves."""
    rows = [(address >> 64, address & _LOW_BITS) for address in addresses]
    return np.array(rows, dtype=np.uint64).reshape(-1, 2)


def unit_bounds(first: NDArray[np.uint64], last: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first address of some units, and the last address of others: `net.unit_range` of many."""
    v4 = first <= _V4_LAST
    zero = np.uint64(0)
    low = np.column_stack([np.where(v4, zero, first), np.where(v4, first | _V4_HIGH, zero)])
    high = np.column_stack([np.where(v4, zero, last), np.where(v4, last | _V4_HIGH, _ONES)])
    return low, high


def unit_keys(addresses: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`net.unit_key` of many: (n, 2) halves in, keys out."""
    upper, lower = addresses[:, 0], addresses[:, 1]
    v4 = (upper == 0) & (lower >> np.uint64(32) == np.uint64(0xFFFF))
    return np.where(v4, lower & _V4_LAST, upper)


def neighbourhoods(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`net.neighbourhood_key` of many units."""
    return np.where(keys <= _V4_LAST, keys & (_ONES ^ np.uint64(0xFF)), keys & (_ONES ^ np.uint64(0xFFFF)))


def blobs(addresses: NDArray[np.uint64]) -> list[bytes]:
    """`net.to_blob` of many: (n, 2) halves in."""
    found: list[bytes] = addresses.astype(">u8").reshape(-1).view("V16").tolist()
    return found


def from_blobs(found: Sequence[bytes]) -> NDArray[np.uint64]:
    """The inverse of `blobs`."""
    return np.frombuffer(b"".join(found), dtype=">u8").reshape(-1, 2).astype(np.uint64)


def distinct(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each key once, sorted. `np.unique` hashes, which takes several times as long for keys that are nearly sorted."""
    ordered = np.sort(keys, kind="stable")
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def days_as_text(days: NDArray[np.int64]) -> list[str]:
    """Days since 1970-01-01 as ISO dates. There are few different ones."""
    numbers = days.tolist()
    texts = {day: str(np.datetime64(day, "D")) for day in set(numbers)}
    return [texts[day] for day in numbers]


def days_of_text(texts: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """The inverse: ISO dates as ten ASCII characters each in, days since 1970-01-01 out."""
    digits = np.ascontiguousarray(texts).view(np.uint8).reshape(-1, 10)[:, [0, 1, 2, 3, 5, 6, 8, 9]].astype(
        np.int64
    ) - ord("0")
    number = digits @ np.array([10**power for power in range(7, -1, -1)])
    known = np.unique(number)
    days = [f"{one // 10_000:04}-{one // 100 % 100:02}-{one % 100:02}" for one in known.tolist()]
    numbers: NDArray[np.int64] = np.array(days, dtype="datetime64[D]").astype(np.int64)[np.searchsorted(known, number)]
    return numbers
