"""Reading a whole build as columns. In: the database's path. Out: tables as numpy arrays, in batches, of one snapshot.

The one rule: memory holds a batch. What asks for all rows at once (validation, figures) reads here; what asks for one
address reads in `reading`.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mipdns.columns import from_blobs, unit_keys
from mipdns.evidence import (
    CONTEXT_COLUMNS,
    NETWORK_TYPES,
    UNIT_COLUMNS,
    JudgedNetwork,
    Network,
    ObservationTable,
    VerdictTable,
)
from mipdns.store.connection import feature_columns, reading
from mipdns.store.reading import latest_build

_BATCH_ROWS = 1 << 16
_EPOCH = datetime.date(1970, 1, 1)
_FEATURES = (*UNIT_COLUMNS, *CONTEXT_COLUMNS)
_TRAFFIC = {name: at for at, name in enumerate(NETWORK_TYPES)} | {None: -1}


class PastBuild(NamedTuple):
    """What a build left behind: its serial, when it ended (ISO, UTC), its model, and its scores (see `Build`)."""

    serial: int
    finished: str
    model: str
    scores: dict[str, object]


class Bulk:
    """One snapshot of a database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def verdicts(self) -> Iterator[VerdictTable]:
        """All verdicts, sorted."""
        cursor = self._connection.execute(
            "SELECT first, last, confidence, class, ifnull(users_low, -1), ifnull(users_high, -1), sources, "
            "ifnull(asn, 0), observed FROM verdict ORDER BY first"
        )
        while rows := cursor.fetchmany(_BATCH_ROWS):
            first, last, *numbers, observed = zip(*rows, strict=True)
            columns = (np.array(column, dtype=np.int64) for column in numbers)
            yield VerdictTable._make([from_blobs(first), from_blobs(last), *columns, _days(observed)])

    def observations(self) -> Iterator[ObservationTable]:
        """What was measured of all units, sorted."""
        names = feature_columns(self._connection, _FEATURES)
        cursor = self._connection.execute(
            f"SELECT first, last_day, ifnull(asn, 0), traffic, {names} FROM observation ORDER BY first"  # noqa: S608 ours
        )
        while rows := cursor.fetchmany(_BATCH_ROWS):
            first, last_day, asn, traffic, *features = zip(*rows, strict=True)
            yield ObservationTable(
                unit_keys(from_blobs(first)),
                _days(last_day).astype(np.int32),
                np.array(asn, dtype=np.int64),
                np.array([_TRAFFIC[kind] for kind in traffic], dtype=np.int8),
                {name: np.array(column, dtype=np.float32) for name, column in zip(_FEATURES, features, strict=True)},
            )

    def observed(self) -> int:
        """How many units have what was measured of them kept."""
        (units,) = self._connection.execute("SELECT count(*) FROM observation").fetchone()
        return int(units)

    def networks(self) -> list[JudgedNetwork]:
        """Every AS of the build, by number."""
        rows = self._connection.execute(
            "SELECT asn, name, info_type, declared, scope, traffic, updated, source, inferred, requests, units "
            "FROM network ORDER BY asn"
        )
        return [JudgedNetwork(row[0], Network(*row[:8]), *row[8:]) for row in rows]

    def past_builds(self, number: int = 2) -> list[PastBuild]:
        """The newest builds, the newest first."""
        rows = self._connection.execute(
            "SELECT serial, finished, model, scores FROM build ORDER BY id DESC LIMIT ?", (number,)
        )
        return [
            PastBuild(serial, finished, model, json.loads(scores) if scores else {})
            for serial, finished, model, scores in rows
        ]


@contextmanager
def read_bulk(path: Path) -> Iterator[Bulk]:
    """A build as columns. Raises StoreMissing where no load has ended yet, StoreVersion or StoreError."""
    latest_build(path)
    with reading(path) as connection:
        yield Bulk(connection)


def _days(texts: tuple[str, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    days = {text: (datetime.date.fromisoformat(text) - _EPOCH).days for text in set(texts)}
    return np.array([days[text] for text in texts], dtype=np.int64)
