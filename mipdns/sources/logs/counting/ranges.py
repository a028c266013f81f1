"""Cutting what is sorted by unit into ranges of units. In: Parquet files with a column `unit`. Out: ranges of keys.

The one rule: a range holds at most so many rows, and more only where it is one unit, or one neighbourhood where those
must stay whole. How the rows lie over the key is counted, coarse first and finer where it is dense, so that neither a
hot neighbourhood nor a thousand million cold ones need memory.
"""

from __future__ import annotations

from typing import NamedTuple

import duckdb

KEY_MAX = (1 << 64) - 1
V4_MAX = (1 << 32) - 1

NEIGHBOURHOOD = 1
_WIDTHS = ((1 << 16, 1 << 32), (1 << 8, 1 << 16), (1, 1))
"""Units of an IPv4 and of an IPv6 bucket, level by level: /16 and /32; the neighbourhood, /24 and /48; the unit."""


class UnitRange(NamedTuple):
    """Units from `first` to `last`, inclusive, and how many rows they have."""

    first: int
    last: int
    rows: int


def unit_ranges(
    connection: duckdb.DuckDBPyConnection, relation: str, rows_max: int, *, whole_neighbourhoods: bool = False
) -> list[UnitRange]:
    """Ranges that hold every row of the relation (SQL, with a column `unit`), in order; none where it is empty."""
    levels = NEIGHBOURHOOD + 1 if whole_neighbourhoods else len(_WIDTHS)
    found: list[UnitRange] = []
    for bucket in _buckets(connection, relation, rows_max, levels, UnitRange(0, KEY_MAX, 0)):
        if found and found[-1].rows + bucket.rows <= rows_max:
            found[-1] = UnitRange(found[-1].first, bucket.last, found[-1].rows + bucket.rows)
        else:
            found.append(bucket)
    return found


def _buckets(
    connection: duckdb.DuckDBPyConnection, relation: str, rows_max: int, levels: int, within: UnitRange, level: int = 0
) -> list[UnitRange]:
    v4, v6 = _WIDTHS[level]
    counted = connection.execute(
        f"SELECT unit - unit % (CASE WHEN unit <= {V4_MAX} THEN {v4} ELSE {v6} END)::UBIGINT AS first, COUNT(*)"
        f" FROM ({relation}) WHERE unit BETWEEN {within.first}::UBIGINT AND {within.last}::UBIGINT"
        " GROUP BY first ORDER BY first"
    ).fetchall()
    buckets: list[UnitRange] = []
    for first, rows in counted:
        bucket = UnitRange(first, first + (v4 if first <= V4_MAX else v6) - 1, rows)
        if rows > rows_max and level + 1 < levels:
            buckets += _buckets(connection, relation, rows_max, levels, bucket, level + 1)
        else:
            buckets.append(bucket)
    return buckets
