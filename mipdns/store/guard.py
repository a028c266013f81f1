"""The guard on change. In: the build that is there, and the listed rows of the next as they are written. Out: nothing,
or SnapshotTooDifferent, raised before the next is committed, so that database and index stay as they are.

The one rule: what changed is counted in addresses, listed before or after but not both: IPv4 addresses and IPv6 /64s
apart. Both builds stream past in order, and rows that they share, most of them, cost no arithmetic.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mipdns.errors import SnapshotTooDifferent, StoreMissing
from mipdns.net import V4_FIRST, Range, from_blob, is_v4
from mipdns.store.connection import reading

LISTED_CONFIDENCE: Final = 50
"""From which confidence on a build counts an address as listed: the floor of the zone as shipped."""

LISTED_MIN: Final = 10_000
"""A family of which the old build lists fewer addresses than this may change at will: a small world, a first load."""

_CHUNK_ROWS: Final = 4096
_LISTED: Final = "SELECT CAST(first || last AS BLOB) FROM verdict WHERE confidence >= ? ORDER BY first"
_NEWEST: Final = "SELECT listed_v4, listed_v6 FROM build ORDER BY id DESC LIMIT 1"
_ABOVE_ALL: Final = b"\xff" * 33


@contextmanager
def guarded(path: Path, change_max: float | None) -> Iterator[Guard | None]:
    """A guard that sees the committed build of the database; None without a limit, or before the first build.

    Whoever writes must leave this before the commit.
    """
    if change_max is None:
        yield None
        return
    try:
        with reading(path, oldest=1) as old:
            before = old.execute(_NEWEST).fetchone()
            yield Guard(path, old, before, change_max) if before else None
    except StoreMissing:
        yield None


class Guard:
    """Takes the listed rows of the new build in order; `finish` judges."""

    def __init__(self, path: Path, old: sqlite3.Connection, before: tuple[int, int], change_max: float) -> None:
        self._path = path
        self._before = before
        self._change_max = change_max
        self._rows = old.execute(_LISTED, (LISTED_CONFIDENCE,))
        self._old: list[bytes] = []
        self._new: list[bytes] = []
        self._v4, self._v6 = _Difference(), _Difference()

    def add(self, bounds: bytes) -> None:
        """The next listed row: first and last address in 32 bytes."""
        self._new.append(bounds)
        if len(self._new) == _CHUNK_ROWS:
            self._compare(bounds[16:])

    def finish(self) -> None:
        """All rows were told. Raises SnapshotTooDifferent."""
        self._compare(None)
        for family, before, change in (
            ("IPv4 addresses", self._before[0], self._v4),
            ("IPv6 /64s", self._before[1], self._v6),
        ):
            if before >= LISTED_MIN and max(change.lost, change.gained) > self._change_max * before:
                raise SnapshotTooDifferent(
                    f"{self._path}: of {before} listed {family} the new build loses {change.lost}, and it gains "
                    f"{change.gained}; [load] change_max = {self._change_max:g} forbids that, so nothing was changed; "
                    "if it is right, `mipdns load --force`"
                )

    def _compare(self, last: bytes | None) -> None:
        """Compare all that starts up to the address `last`; None: all there is."""
        old = self._old_until(last)
        new, self._new = self._new, []
        same = {*old}.intersection(new)
        for rows, at in ((old, 0), (new, 1)):
            for row in rows:
                if row not in same:
                    first, end = from_blob(row[:16]), from_blob(row[16:])
                    if is_v4(first):
                        self._v4.add(at, first - V4_FIRST, end - V4_FIRST)
                    else:
                        self._v6.add(at, first >> 64, end >> 64)
        # The next rows start after `last`, but may lie in the same /64.
        self._v4.settle(None if last is None else from_blob(last) - V4_FIRST)
        self._v6.settle(None if last is None else (from_blob(last) >> 64) - 1)

    def _old_until(self, last: bytes | None) -> list[bytes]:
        end = _ABOVE_ALL if last is None else last + _ABOVE_ALL
        rows = self._old
        while not rows or rows[-1] <= end:
            more = [row for (row,) in self._rows.fetchmany(_CHUNK_ROWS)]
            if not more:
                break
            rows += more
        at = bisect_right(rows, end)
        self._old = rows[at:]
        return rows[:at]


class _Difference:
    """Counts what lies in one of two sets of ranges and not in the other. Ranges of a set come in order."""

    def __init__(self) -> None:
        self.lost = self.gained = 0
        self._ranges: tuple[list[Range], list[Range]] = ([], [])
        self._ends = [-1, -1]

    def add(self, at: int, first: int, last: int) -> None:
        """The next range of the old set (0) or the new (1); what of it was told before is passed over."""
        first = max(first, self._ends[at] + 1)
        if first <= last:
            self._ranges[at].append((first, last))
            self._ends[at] = last

    def settle(self, end: int | None) -> None:
        """Count up to and with `end`, or everything; ranges told later start after it."""
        (old, later_old), (new, later_new) = (_split(ranges, end) for ranges in self._ranges)
        shared = _overlap(old, new)
        self.lost += _size(old) - shared
        self.gained += _size(new) - shared
        self._ranges = later_old, later_new


def _split(ranges: list[Range], end: int | None) -> tuple[list[Range], list[Range]]:
    if end is None:
        return ranges, []
    until = [(first, min(last, end)) for first, last in ranges if first <= end]
    return until, [(max(first, end + 1), last) for first, last in ranges if last > end]


def _size(ranges: list[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _overlap(some: list[Range], others: list[Range]) -> int:
    """How much two sorted lists of disjoint ranges share."""
    shared = at = 0
    for first, last in some:
        while at < len(others) and others[at][1] < first:
            at += 1
        until = at
        while until < len(others) and others[until][0] <= last:
            shared += min(last, others[until][1]) - max(first, others[until][0]) + 1
            until += 1
        at = max(at, until - 1)
    return shared
