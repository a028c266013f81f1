"""Log evidence in one piece, for tests that look at all of it; and the law of its chunks, checked on the way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mipdns.columns import neighbourhoods
from mipdns.evidence import UNIT_COLUMNS, Chunk, LogEvidence, Profile, UnitTable


def whole(evidence: LogEvidence) -> Chunk:
    """All chunks as one: ascending keys, each neighbourhood in one chunk only."""
    chunks = list(evidence.chunks()) or [nothing()]
    places = [
        np.unique(np.append(neighbourhoods(chunk.units.key), chunk.profile.neighbourhood)).tolist() for chunk in chunks
    ]
    assert all(before[-1] < after[0] for before, after in pairwise(filter(None, places)))
    key = np.concatenate([chunk.units.key for chunk in chunks])
    assert (key[1:] > key[:-1]).all()
    units = UnitTable(
        key,
        np.concatenate([chunk.units.last_day for chunk in chunks]),
        {name: np.concatenate([chunk.units.columns[name] for chunk in chunks]) for name in UNIT_COLUMNS},
    )
    rows = zip(*(chunk.profile for chunk in chunks), strict=True)
    return Chunk(units, Profile._make(np.concatenate(columns) for columns in rows))


def nothing() -> Chunk:
    """No unit, and no activity."""
    empty = np.empty(0)
    units = UnitTable(
        empty.astype(np.uint64), empty.astype(np.int32), {name: empty.astype(np.float32) for name in UNIT_COLUMNS}
    )
    return Chunk(units, Profile(empty.astype(np.uint64), empty.astype(bool), empty.astype(np.int8), *[empty] * 5))
