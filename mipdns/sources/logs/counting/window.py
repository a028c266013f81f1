"""Features of the window, from the evidence of its days. In: folders of day evidence. Out: chunks, as numpy columns.

The one rule: a chunk is counted once a load, in bounded memory, and is kept on disk for whoever reads it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import UNIT_COLUMNS, Chunk, Profile, UnitTable
from mipdns.sources.logs.counting.days import relation
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS
from mipdns.sources.logs.counting.ranges import UnitRange, unit_ranges
from mipdns.sources.logs.texts import sql

BYTES_A_ROW = 1000
"""Room that a row of `hour_count` takes while the features of its chunk are made, with all that comes of it."""

ROWS_LEAST = 20_000


class EvidenceOf(NamedTuple):
    """Where the evidence of a share of a day is, and which units are in it."""

    folder: Path
    first: int
    last: int


class Connect(Protocol):
    """Opens a DuckDB connection that keeps to the configured memory and threads."""

    def __call__(self) -> duckdb.DuckDBPyConnection:
        """A new connection, which the caller closes."""
        ...


class Window:
    """The evidence of a window, chunk by chunk. scratch: an empty folder that lasts as long as this is used."""

    def __init__(self, connect: Connect, shares: Sequence[EvidenceOf], memory: int, scratch: Path) -> None:
        self._connect = connect
        self._shares = shares
        self._rows_max = max(ROWS_LEAST, memory // BYTES_A_ROW)
        self._scratch = scratch
        self._ranges: list[UnitRange] | None = None

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, from the start, in ascending order of keys; no neighbourhood is divided between two."""
        with closing(self._connect()) as connection:
            if self._ranges is None:
                every = relation((share.folder for share in self._shares), "hour_count", {"unit": "UBIGINT"})
                self._ranges = unit_ranges(connection, every, self._rows_max, whole_neighbourhoods=True)
            for number, units in enumerate(self._ranges):
                kept = self._scratch / f"chunk-{number}.npz"
                if not kept.exists():
                    _keep(kept, _chunk(connection, self._shares, units))
                yield _kept(kept)


def _chunk(connection: duckdb.DuckDBPyConnection, shares: Sequence[EvidenceOf], units: UnitRange) -> Chunk:
    folders = [share.folder for share in shares if share.first <= units.last and units.first <= share.last]
    within = f"unit BETWEEN {units.first}::UBIGINT AND {units.last}::UBIGINT"
    for table in EVIDENCE_COLUMNS:
        connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM ({relation(folders, table)}) WHERE {within}"
        )
    unit = _fetch(connection, f"SELECT * FROM ({sql('counting', 'units.sql')}) ORDER BY unit", _UNIT_KINDS)
    profile = _fetch(
        connection,
        f"SELECT * FROM ({sql('counting', 'profile.sql')}) ORDER BY neighbourhood, weekend, hour_of_day",
        _PROFILE_KINDS,
    )
    for table in EVIDENCE_COLUMNS:
        connection.execute(f"DROP TABLE {table}")
    return Chunk(UnitTable(unit.pop("unit"), unit.pop("last_day"), unit), Profile(*profile.values()))


_UNIT_KINDS: dict[str, type[np.generic]] = {"unit": np.uint64, "last_day": np.int32}
_UNIT_KINDS |= dict.fromkeys(UNIT_COLUMNS, np.float32)
_PROFILE_KINDS: dict[str, type[np.generic]] = {"neighbourhood": np.uint64, "weekend": np.bool_, "hour_of_day": np.int8}
_PROFILE_KINDS |= dict.fromkeys(
    ("requests", "crawler_requests", "mobile_requests", "agent_requests", "unit_hours"), np.float64
)


def _fetch(
    connection: duckdb.DuckDBPyConnection, query: str, kinds: Mapping[str, type[np.generic]]
) -> dict[str, NDArray[Any]]:
    """A result as columns of the given kinds; NULL is NaN."""
    found = connection.execute(query).fetchnumpy()
    columns = {}
    for name, kind in kinds.items():
        column = found.pop(name).astype(kind)
        columns[name] = np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column
    return columns


def _keep(path: Path, chunk: Chunk) -> None:
    made = path.with_suffix(".made.npz")
    columns: dict[str, Any] = {"key": chunk.units.key, "last_day": chunk.units.last_day}
    columns |= {f"unit_{name}": column for name, column in chunk.units.columns.items()}
    columns |= {f"profile_{name}": column for name, column in chunk.profile._asdict().items()}
    np.savez(made, **columns)
    made.rename(path)


def _kept(path: Path) -> Chunk:
    with np.load(path) as stored:
        return Chunk(
            UnitTable(stored["key"], stored["last_day"], {name: stored[f"unit_{name}"] for name in UNIT_COLUMNS}),
            Profile(*(stored[f"profile_{name}"] for name in Profile._fields)),
        )
