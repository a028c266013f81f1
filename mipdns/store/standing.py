"""Since when each address has been listed without a break, and how much of that the next build changes.

In: what the old build lists, and the listed rows of the new one as they are written. Out: rows of `standing`, and how
much was lost and gained. The one rule: everything is counted in units, IPv4 addresses and IPv6 /64s, so that how a
build cuts them into ranges changes nothing. Both builds stream past in order; memory holds a batch of each.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import blobs, days_as_text, days_of_text, distinct, unit_bounds, unit_keys
from mipdns.errors import StoreMissing
from mipdns.store.build import LISTED_CONFIDENCE
from mipdns.store.connection import reading

INSERT: Final = "INSERT INTO standing VALUES (?, ?, ?)"

_BATCH_ROWS: Final = 1 << 16
_KEY_MAX: Final = (1 << 64) - 2
"""The highest key: one below the last /64, which is special-purpose space, so that an end plus one is a number."""

_EPOCH: Final = datetime.date(1970, 1, 1)
_BEFORE: Final = "SELECT listed_v4, listed_v6, as_of FROM build ORDER BY id DESC LIMIT 1"
_STANDING: Final = "SELECT CAST(first || last || since AS BLOB) FROM standing ORDER BY first"
_LISTED: Final = "SELECT CAST(first || last || ? AS BLOB) FROM verdict WHERE confidence >= ? ORDER BY first"
_ROW: Final = np.dtype([("first", ">u8", 2), ("last", ">u8", 2), ("since", "S10")])
"""One column instead of three: it is fetched in a third of the time."""

_STANDING_SINCE_SCHEMA: Final = 3


class Runs(NamedTuple):
    """Ranges of units that have been listed since the same day, days since 1970; sorted and disjoint."""

    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    since: NDArray[np.int64]

    def rows(self) -> Iterator[tuple[bytes, bytes, str]]:
        """As rows of the table."""
        first, last = unit_bounds(self.first, self.last)
        return zip(blobs(first), blobs(last), days_as_text(self.since), strict=True)


class Before(NamedTuple):
    """What the committed build lists. v4, v6: addresses and /64s; runs: which, in batches."""

    v4: int
    v6: int
    runs: Iterator[Runs]


@contextmanager
def listed_before(path: Path) -> Iterator[Before | None]:
    """What is listed in the database as it is committed; None before the first build. To be left before the commit."""
    try:
        with reading(path) as old:
            build = old.execute(_BEFORE).fetchone()
            yield Before(build[0], build[1], _runs(old, build[2])) if build else None
    except StoreMissing:
        yield None


def _runs(old: sqlite3.Connection, as_of: str) -> Iterator[Runs]:
    (schema,) = old.execute("PRAGMA user_version").fetchone()
    if schema >= _STANDING_SINCE_SCHEMA:
        rows = old.execute(_STANDING)
    else:
        rows = old.execute(_LISTED, (as_of, LISTED_CONFIDENCE))
    while batch := rows.fetchmany(_BATCH_ROWS):
        columns = np.frombuffer(b"".join(row for (row,) in batch), dtype=_ROW)
        first, last = (unit_keys(columns[name].astype(np.uint64)) for name in ("first", "last"))
        yield Runs(first, last, days_of_text(columns["since"]))


class Standing:
    """Takes the listed rows of the new build in order, and gives the runs that follow.

    lost, gained: units listed before and not now, and the reverse, as [IPv4, IPv6]; complete after `finish`.
    """

    def __init__(self, before: Before | None, as_of: datetime.date) -> None:
        self.lost = [0, 0]
        self.gained = [0, 0]
        self._today = (as_of - _EPOCH).days
        self._batches = before.runs if before else iter(())
        self._old = self._new = self._held = _nothing()

    def add(self, first: NDArray[np.uint64], last: NDArray[np.uint64]) -> Runs:
        """The next listed rows, as the keys of their first and last units; the runs that no later row can extend."""
        if not len(first):
            return _nothing()
        now = np.full(len(first), self._today, dtype=np.int64)
        self._new = _disjoint(_joined(self._new, Runs(first, np.minimum(last, np.uint64(_KEY_MAX)), now)))
        # The next row may lie in the same /64 as this one ends in.
        return self._settle(int(last[-1]) - 1)

    def finish(self) -> Runs:
        """All rows were told: the runs that are left."""
        return _joined(self._settle(_KEY_MAX), self._held)

    def _settle(self, end: int) -> Runs:
        """Compare old and new up to and with a key."""
        self._read(end)
        old, self._old = _cut(self._old, end)
        new, self._new = _cut(self._new, end)
        one = np.uint64(1)
        starts = distinct(np.concatenate([old.first, old.last + one, new.first, new.last + one]))
        ends = np.append(starts[1:], starts[-1:]) - one
        of_old, of_new = _holding(old, starts), _holding(new, starts)
        before, now = of_old >= 0, of_new >= 0
        self._count(self.lost, starts, ends, before & ~now)
        self._count(self.gained, starts, ends, now & ~before)
        since = np.append(old.since, self._today)[of_old]
        runs = Runs(starts[now], ends[now], np.minimum(since, self._today)[now])
        runs = _merged(_joined(self._held, runs))
        self._held = _take(runs, slice(max(len(runs.first) - 1, 0), None))
        return _take(runs, slice(0, max(len(runs.first) - 1, 0)))

    def _read(self, end: int) -> None:
        """Read the old build until it starts behind `end`."""
        while not len(self._old.first) or int(self._old.first[-1]) <= end:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._old = _disjoint(_joined(self._old, batch))

    @staticmethod
    def _count(into: list[int], starts: NDArray[np.uint64], ends: NDArray[np.uint64], which: NDArray[np.bool_]) -> None:
        sizes = np.where(which, ends - starts + np.uint64(1), np.uint64(0))
        v4 = starts <= np.uint64(net.UNIT_V4_LAST)
        into[0] += int(sizes[v4].sum())
        into[1] += int(sizes[~v4].sum())


def _nothing() -> Runs:
    keys = np.empty(0, dtype=np.uint64)
    return Runs(keys, keys, np.empty(0, dtype=np.int64))


def _joined(some: Runs, more: Runs) -> Runs:
    return Runs._make(np.concatenate(columns) for columns in zip(some, more, strict=True))


def _take(runs: Runs, which: slice | NDArray[np.bool_]) -> Runs:
    return Runs._make(column[which].copy() for column in runs)


def _disjoint(runs: Runs) -> Runs:
    """Sorted runs of which several may share a /64: the first of them keeps it."""
    first = runs.first.copy()
    np.maximum(first[1:], runs.last[:-1] + np.uint64(1), out=first[1:])
    return _take(runs._replace(first=first), first <= runs.last)


def _cut(runs: Runs, end: int) -> tuple[Runs, Runs]:
    """What lies up to and with a key, and what lies behind it."""
    key = np.uint64(max(end, 0))
    low, high = runs.first <= key, runs.last > key
    return (
        _take(runs._replace(last=np.minimum(runs.last, key)), low),
        _take(runs._replace(first=np.maximum(runs.first, key + np.uint64(1))), high),
    )


def _holding(runs: Runs, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The index of the run that holds each key, -1 for none."""
    at = np.searchsorted(runs.first, keys, side="right").astype(np.int64) - 1
    if len(runs.first):
        at[(at >= 0) & (runs.last[at] < keys)] = -1
    return at


def _merged(runs: Runs) -> Runs:
    """Runs that touch and stand since the same day as one."""
    new = np.ones(len(runs.first), dtype=np.bool_)
    new[1:] = (runs.first[1:] != runs.last[:-1] + np.uint64(1)) | (runs.since[1:] != runs.since[:-1])
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(new))[: len(starts)] - 1
    return Runs(runs.first[starts], runs.last[ends], runs.since[starts])
