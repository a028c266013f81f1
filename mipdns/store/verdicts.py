"""Verdicts on their way into the table: checked for order, counted, and compared with the build before as they pass.

In: tables of columns. Out: rows of `verdict` and `standing`, and totals. The one rule: a wrong row is named.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from operator import length_hint
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import blobs, days_as_text, unit_keys
from mipdns.errors import StoreError
from mipdns.evidence import VerdictTable
from mipdns.store import standing
from mipdns.store.build import LISTED_CONFIDENCE
from mipdns.store.standing import Standing

_BATCH_ROWS = 1 << 15
_INSERT = "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class VerdictRows:
    """count: rows so far. listed_v4, listed_v6: addresses and /64s at LISTED_CONFIDENCE or more. asns: AS numbers."""

    def __init__(self, path: Path, connection: sqlite3.Connection, compared: Standing) -> None:
        self.path = path
        self.connection = connection
        self.compared = compared
        self.count = self.listed_v4 = self.listed_v6 = 0
        self.asns: set[int] = set()
        self._end = np.empty((0, 2), dtype=np.uint64)
        self._listed_end = -1

    def write(self, table: VerdictTable) -> None:
        """Insert the rows, which lie behind those before. Raises a StoreError that names the row at fault."""
        for start in range(0, len(table.asn), _BATCH_ROWS):
            self._write(VerdictTable._make(column[start : start + _BATCH_ROWS] for column in table))

    def finish(self) -> None:
        """All rows were written."""
        self.connection.executemany(standing.INSERT, self.compared.finish().rows())

    def _write(self, rows: VerdictTable) -> None:
        self._check_order(rows)
        first_blobs, asns = iter(blobs(rows.first)), _known(rows.asn, 1)
        values = zip(
            first_blobs,
            blobs(rows.last),
            rows.confidence.tolist(),
            rows.classes.tolist(),
            _known(rows.users_low, 0),
            _known(rows.users_high, 0),
            rows.sources.tolist(),
            asns,
            days_as_text(rows.observed),
            strict=True,
        )
        try:
            self.connection.executemany(_INSERT, values)
        except sqlite3.IntegrityError as fault:
            at = len(rows.asn) - length_hint(first_blobs) - 1
            raise StoreError(f"{self.path}: verdict {_told(rows, at)} breaks a rule of its table: {fault}") from fault
        self.count += len(rows.asn)
        self.asns |= {asn for asn in set(asns) if asn is not None}
        listed = rows.confidence >= LISTED_CONFIDENCE
        first, last = unit_keys(rows.first[listed]), unit_keys(rows.last[listed])
        self._count_listed(first, last)
        self.connection.executemany(standing.INSERT, self.compared.add(first, last).rows())

    def _check_order(self, rows: VerdictTable) -> None:
        ends = np.concatenate([self._end, rows.last])[-len(rows.asn) - 1 : -1]
        starts = rows.first[-len(ends) :] if len(ends) else rows.first[:0]
        later = (starts[:, 0] > ends[:, 0]) | ((starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1]))
        if not later.all():
            at = int(np.flatnonzero(~later)[0]) + len(rows.asn) - len(ends)
            text = net.format_range(*_bounds(rows, at))
            raise StoreError(f"{self.path}: verdict {text} overlaps the one before it, or is out of order")
        self._end = rows.last[-1:].copy()

    def _count_listed(self, first: NDArray[np.uint64], last: NDArray[np.uint64]) -> None:
        v4 = last <= np.uint64(net.UNIT_V4_LAST)
        one = np.uint64(1)
        self.listed_v4 += int((last[v4] - first[v4] + one).sum())
        first, last = first[~v4], last[~v4]
        if len(last):
            # Exact /128 ranges may share a /64, which counts once.
            after = np.append(np.uint64(self._listed_end + 1), last[:-1] + one)
            self.listed_v6 += int((last + one - np.maximum(first, after)).sum())
            self._listed_end = int(last[-1])


def _known(column: NDArray[np.int64], least: int) -> Sequence[int | None]:
    """The column with None for what is below `least`: unknown."""
    values: list[int | None] = column.tolist()
    for at in np.flatnonzero(column < least).tolist():
        values[at] = None
    return values


def _bounds(rows: VerdictTable, at: int) -> net.Range:
    (first_high, first_low), (last_high, last_low) = rows.first[at].tolist(), rows.last[at].tolist()
    return (first_high << 64) | first_low, (last_high << 64) | last_low


def _told(rows: VerdictTable, at: int) -> str:
    def fields() -> Iterator[str]:
        first, last = _bounds(rows, at)
        yield f"first={net.format_address(first)}, last={net.format_address(last)}"
        for name, column in zip(rows._fields[2:], rows[2:], strict=True):
            yield f"{name}={int(column[at])}"

    return f"({', '.join(fields())})"
