"""Addresses in SQL. In: a relation with addresses as text. Out: SQL that adds each as two unsigned 64-bit halves.

The one rule: what `net.parse_address` takes is taken, with the same number; what it refuses is NULL. IPv4 is in its
IPv4-mapped form, as everywhere, so `::ffff:192.0.2.1` and `192.0.2.1` are one address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mipdns import net

_HALF_MAX = (1 << 64) - 1
_MAPPED_LOW = 0xFFFF << 32


def with_addresses(relation: str, columns: Sequence[str]) -> str:
    """SQL of `relation` with `<column>_high` and `<column>_low` (UBIGINT, both NULL for no address) for each column.

    Works in steps, each a sub-select over the one before, because a later step uses an earlier result several times.
    """

    def step(inner: str, *made: str) -> str:
        cells = ", ".join(expression.replace("@", name) for name in columns for expression in made)
        return f"SELECT *, {cells} FROM ({inner})"

    sql = step(relation, "dotted(@) AS @_dotted")
    sql = step(sql, "quad(@_dotted) AS @_quad")
    sql = step(sql, "CASE WHEN CONTAINS(@, ':') THEN hexed(@, @_quad) END AS @_hexed")
    sql = step(sql, "unfolded(@_hexed) AS @_unfolded")
    sql = step(sql, "hex_groups(@_unfolded) AS @_groups")
    return step(
        sql,
        "CASE WHEN CONTAINS(@, ':') THEN half(@_groups[1], @_groups[2], @_groups[3], @_groups[4])"
        " WHEN @_quad IS NOT NULL THEN 0 END::UBIGINT AS @_high",
        "CASE WHEN CONTAINS(@, ':') THEN half(@_groups[5], @_groups[6], @_groups[7], @_groups[8])"
        f" ELSE @_quad + {_MAPPED_LOW} END::UBIGINT AS @_low",
    )


def is_v4(column: str) -> str:
    """SQL: whether the address that `with_addresses` made of `column` is IPv4."""
    return f"({column}_high = 0 AND {column}_low >= {_MAPPED_LOW} AND {column}_low <= {_MAPPED_LOW | 0xFFFFFFFF})"


def within(column: str, ranges: Iterable[net.Range]) -> str:
    """SQL: whether the address that `with_addresses` made of `column` lies in any of the ranges (128-bit numbers)."""
    by_high: list[str] = []
    by_low: dict[int, list[str]] = {}
    for low_end, high_end in ranges:
        first, last = low_end, high_end
        if first & _HALF_MAX and first >> 64 != last >> 64:  # the part up to the next half's border
            by_low.setdefault(first >> 64, []).append(_between(f"{column}_low", first & _HALF_MAX, _HALF_MAX))
            first = ((first >> 64) + 1) << 64
        if last & _HALF_MAX != _HALF_MAX and first >> 64 != last >> 64:
            by_low.setdefault(last >> 64, []).append(_between(f"{column}_low", 0, last & _HALF_MAX))
            last = ((last >> 64) << 64) - 1
        if first & _HALF_MAX or last & _HALF_MAX != _HALF_MAX:
            by_low.setdefault(first >> 64, []).append(_between(f"{column}_low", first & _HALF_MAX, last & _HALF_MAX))
        elif first <= last:
            by_high.append(_between(f"{column}_high", first >> 64, last >> 64))
    for high, lows in by_low.items():
        by_high.append(f"({column}_high = {high} AND ({' OR '.join(lows)}))")
    return f"({' OR '.join(by_high)})" if by_high else "FALSE"


def _between(column: str, first: int, last: int) -> str:
    return f"{column} BETWEEN {first}::UBIGINT AND {last}::UBIGINT"
