"""Reading back in bulk what a build was judged from: every unit as columns, and all that was said.

In: the database's path. Out: `Observed`. The one rule: as in `reading`, one snapshot and nothing written.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mipdns import net
from mipdns.errors import StoreMissing
from mipdns.evidence import (
    CONTEXT_COLUMNS,
    NETWORK_TYPES,
    UNIT_COLUMNS,
    Assertion,
    Belief,
    NetworkType,
    ObservationTable,
)
from mipdns.store.connection import feature_columns
from mipdns.store.reading import beliefs, snapshot
from mipdns.vocabulary import Class, Signal


class Observed(NamedTuple):
    """A build's evidence. units: sorted by key. declared: what each AS says of itself. as_of: the day judged from.

    beliefs: what the load learnt of its sources.
    """

    units: ObservationTable
    assertions: list[Assertion]
    declared: dict[int, NetworkType]
    as_of: datetime.date
    beliefs: list[Belief]


def observed(path: Path) -> Observed:
    """Everything the newest build was judged from. Raises StoreMissing, StoreVersion or StoreError."""
    names = [*UNIT_COLUMNS, *CONTEXT_COLUMNS]
    with snapshot(path) as opened:
        connection = opened.connection
        build = connection.execute("SELECT as_of FROM build ORDER BY id DESC LIMIT 1").fetchone()
        if build is None:
            raise StoreMissing(f"{path}: holds no build yet; run `mipdns load`")
        units = connection.execute(
            f"SELECT first, asn, traffic, last_day, {feature_columns(connection, names)} FROM observation"  # noqa: S608 ours
        ).fetchall()
        said = connection.execute(
            "SELECT first, last, origin, signal, stance, class, observed, expires, exact, source, detail "
            "FROM assertion ORDER BY id"
        ).fetchall()
        declared = connection.execute("SELECT asn, declared FROM network WHERE declared IS NOT NULL").fetchall()
        believed = beliefs(opened)
    kinds = {name: at for at, name in enumerate(NETWORK_TYPES)}
    units.sort(key=lambda row: net.unit_key(net.from_blob(row[0])))
    table = ObservationTable(
        np.array([net.unit_key(net.from_blob(row[0])) for row in units], dtype=np.uint64),
        np.array([datetime.date.fromisoformat(row[3]).toordinal() - _EPOCH for row in units], dtype=np.int32),
        np.array([row[1] or 0 for row in units], dtype=np.int64),
        np.array([kinds.get(row[2], -1) for row in units], dtype=np.int8),
        {
            name: np.array([np.nan if row[at] is None else row[at] for row in units], dtype=np.float32)
            for at, name in enumerate(names, 4)
        },
    )
    as_of = datetime.date.fromisoformat(build[0])
    return Observed(table, [_assertion(row) for row in said], dict(declared), as_of, believed)


_EPOCH = datetime.date(1970, 1, 1).toordinal()

_Row = tuple[bytes, bytes, str, int, str, int, str, str, int, str, str]


def _assertion(row: _Row) -> Assertion:
    first, last, origin, signal, stance, classes, observed_, expires, exact, source, detail = row
    return Assertion(
        net.from_blob(first),
        net.from_blob(last),
        origin,
        Signal(signal),
        stance,  # type: ignore[arg-type]  # what the loader wrote
        Class(classes),
        datetime.date.fromisoformat(observed_),
        datetime.date.fromisoformat(expires),
        bool(exact),
        source,
        detail,
    )
