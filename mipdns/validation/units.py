"""Units whose truth is known, beside what was concluded of them. In: truth, a snapshot of a build. Out: `Units`.

The one rule: each unit once, and twice only where the truth says both of addresses inside one /64. A statement on one
unit is looked up as it stands; one on a wider range speaks of the units in it that logs saw, which is the population
that confidences are about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.columns import blobs, unit_bounds
from mipdns.evidence import CONTEXT_COLUMNS, NETWORK_TYPES, UNIT_COLUMNS, ObservationTable
from mipdns.inference.population import counted
from mipdns.store.bulk import Bulk
from mipdns.validation.truth import Truth

REGIONS = ("Africa", "Asia Pacific", "Australia", "Europe", "Middle East", "North America", "South America")
"""The scopes that PeeringDB networks declare and that name a part of the world."""


class Evidence(NamedTuple):
    """What units are judged by, one row a unit, sorted by address; the columns are those of `Units`."""

    key: NDArray[np.uint64]
    address: NDArray[np.bytes_]
    last_day: NDArray[np.int32]
    declared: NDArray[np.int8]
    traffic: NDArray[np.int8]
    columns: Mapping[str, NDArray[np.float32]]


class Units(NamedTuple):
    """One row a unit, sorted by address.

    key: uint64. address: 16 bytes, as stored. shared, classes, users: the truth. seen: whether logs saw it.
    confidence: as served, 0 without a verdict. told: served classes. users_low, users_high: -1 unknown. asn: 0 none.
    kind: index into NETWORK_TYPES of what the AS declares, else of what its traffic shows, -1 unknown. region: index
    into REGIONS, -1 unknown. last_day: days since 1970-01-01 when it was last seen, 0 if never. declared, traffic,
    columns: what the unit was judged by; NaN and -1 where it was not seen.
    """

    key: NDArray[np.uint64]
    address: NDArray[np.bytes_]
    shared: NDArray[np.bool_]
    classes: NDArray[np.int64]
    users: NDArray[np.float64]
    seen: NDArray[np.bool_]
    confidence: NDArray[np.int64]
    told: NDArray[np.int64]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]
    asn: NDArray[np.int64]
    kind: NDArray[np.int8]
    region: NDArray[np.int8]
    last_day: NDArray[np.int32]
    declared: NDArray[np.int8]
    traffic: NDArray[np.int8]
    columns: Mapping[str, NDArray[np.float32]]

    @property
    def evidence(self) -> Evidence:
        """What they are judged by."""
        return Evidence(self.key, self.address, self.last_day, self.declared, self.traffic, self.columns)

    def take(self, at: NDArray[np.int64] | NDArray[np.bool_]) -> Units:
        """Some of the units."""
        columns = {name: column[at] for name, column in self.columns.items()}
        return Units(*(column[at] for column in self[:-1]), columns)  # type: ignore[call-arg,arg-type]  # all are columns


class _Seen(NamedTuple):
    """Rows of observations that a truth speaks of, and which statement does."""

    word: NDArray[np.int64]
    table: ObservationTable


def gather(truth: Truth, bulk: Bulk) -> Units:
    """Everything known of the units that a truth speaks of."""
    seen = _seen(truth, bulk)
    keys = seen.table.key
    # Single units that no log saw stand by themselves; wide ones that no log saw into are empty.
    alone = np.flatnonzero(~truth.wide & ~np.isin(truth.first, keys))
    alone = alone[_first_said(truth.first[alone], truth.shared[alone])]
    word = np.concatenate([seen.word, alone])
    inside, _ = unit_bounds(keys, keys)
    halves = np.concatenate(
        [np.where(truth.wide[seen.word][:, None], inside, truth.address[seen.word]), truth.address[alone]]
    )
    address = np.array(blobs(halves), dtype="S16")
    order = np.argsort(address, kind="stable")
    word, address = word[order], address[order]
    missing = len(alone)
    was_seen = np.append(np.ones(len(keys), dtype=np.bool_), np.zeros(missing, dtype=np.bool_))[order]
    served = _served(address, bulk)
    asn = np.where(was_seen, np.append(seen.table.asn, np.zeros(missing, dtype=np.int64))[order], served["asn"])
    declared, kind, region = _of_networks(asn, bulk)
    columns = {
        name: np.append(column, np.full(missing, np.nan, dtype=np.float32))[order]
        for name, column in seen.table.columns.items()
    }
    return Units(
        key=np.append(keys, truth.first[alone])[order],
        address=address,
        shared=truth.shared[word],
        classes=truth.classes[word],
        users=truth.users[word],
        seen=was_seen,
        confidence=served["confidence"],
        told=served["classes"],
        users_low=served["users_low"],
        users_high=served["users_high"],
        asn=asn,
        kind=kind,
        region=region,
        last_day=np.append(seen.table.last_day, np.zeros(missing, dtype=np.int32))[order],
        declared=np.where(was_seen, declared, -1).astype(np.int8),
        traffic=np.append(seen.table.traffic, np.full(missing, -1, dtype=np.int8))[order],
        columns=columns,
    )


def drawn(bulk: Bulk, number: int, seed: int) -> Evidence:
    """About so many of the units that a load counts, drawn at random, or all if there are fewer.

    Of neighbourhoods that lie in two batches of the database more may be counted than the load does.
    """
    share = min(1.0, number / max(bulk.observed(), 1))
    dice = np.random.default_rng(seed)
    tables = []
    for table in bulk.observations():
        chosen = dice.random(len(table.key)) < share
        tables.append(table.take(chosen & counted(table.key)))
    table = _together(tables)
    inside, _ = unit_bounds(table.key, table.key)
    declared, _, _ = _of_networks(table.asn, bulk)
    address = np.array(blobs(inside), dtype="S16")
    return Evidence(table.key, address, table.last_day, declared, table.traffic, table.columns)


def _together(tables: list[ObservationTable]) -> ObservationTable:
    if not tables:
        return _NOTHING_SEEN
    return ObservationTable(
        np.concatenate([table.key for table in tables]),
        np.concatenate([table.last_day for table in tables]),
        np.concatenate([table.asn for table in tables]),
        np.concatenate([table.traffic for table in tables]),
        {name: np.concatenate([table.columns[name] for table in tables]) for name in _FEATURES},
    )


def _seen(truth: Truth, bulk: Bulk) -> _Seen:
    words: list[NDArray[np.int64]] = []
    tables: list[ObservationTable] = []
    for table in bulk.observations():
        begin = np.searchsorted(truth.last, table.key, side="left")
        count = np.maximum(np.searchsorted(truth.first, table.key, side="right") - begin, 0)  # several inside a /64
        row = np.repeat(np.arange(len(table.key)), count)
        word = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + begin[row]
        kept = _first_said(table.key[row], truth.shared[word])
        row, word = row[kept], word[kept]
        words.append(word.astype(np.int64))
        tables.append(table.take(row))
    return _Seen(np.concatenate(words) if words else np.zeros(0, dtype=np.int64), _together(tables))


def _first_said(key: NDArray[np.uint64], shared: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows that say of a unit what none before them says. key: sorted."""
    _, at = np.unique(key, return_inverse=True)
    _, first = np.unique(2 * at + shared, return_index=True)
    return np.sort(first)


_FEATURES = (*UNIT_COLUMNS, *CONTEXT_COLUMNS)
_NOTHING_SEEN = ObservationTable(
    np.zeros(0, dtype=np.uint64),
    np.zeros(0, dtype=np.int32),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int8),
    {name: np.zeros(0, dtype=np.float32) for name in _FEATURES},
)


def _served(address: NDArray[np.bytes_], bulk: Bulk) -> dict[str, NDArray[np.int64]]:
    """What is served for sorted addresses, batch by batch of verdicts."""
    found = {
        "confidence": np.zeros(len(address), dtype=np.int64),
        "classes": np.zeros(len(address), dtype=np.int64),
        "users_low": np.full(len(address), -1, dtype=np.int64),
        "users_high": np.full(len(address), -1, dtype=np.int64),
        "asn": np.zeros(len(address), dtype=np.int64),
    }
    for table in bulk.verdicts():
        first, last = (np.array(blobs(side), dtype="S16") for side in (table.first, table.last))
        begin = int(np.searchsorted(address, first[0], side="left"))
        end = int(np.searchsorted(address, last[-1], side="right"))
        mine = address[begin:end]
        at = np.searchsorted(first, mine, side="right") - 1
        hit = last[at] >= mine
        rows = np.arange(begin, end)[hit]
        for name, column in found.items():
            column[rows] = getattr(table, name)[at[hit]]
    return found


def _of_networks(asn: NDArray[np.int64], bulk: Bulk) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]:
    """For each unit: declared type, the type that groups it, its region."""
    types: dict[str | None, int] = {name: at for at, name in enumerate(NETWORK_TYPES)}
    regions = {name: at for at, name in enumerate(REGIONS)}
    table: dict[int, tuple[int, int, int]] = {}
    for judged in bulk.networks():
        declared = types.get(judged.network.declared, -1) if judged.network else -1
        kind = declared if declared >= 0 else types.get(judged.inferred, -1)
        region = regions.get(judged.network.scope, -1) if judged.network else -1
        table[judged.asn] = declared, kind, region
    distinct, at = np.unique(asn, return_inverse=True)
    rows = np.array([table.get(number, (-1, -1, -1)) for number in distinct.tolist()], dtype=np.int8).reshape(-1, 3)
    found = rows[at]
    return found[:, 0], found[:, 1], found[:, 2]
