"""Logs of any other make: `csv` and `parquet`. In: the header, and the names that the configuration gives.
Out: the layout.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mipdns.config import Logs
from mipdns.errors import SourceUnreadable
from mipdns.sources.logs.formats.layout import Layout, Scan, identifier, layout

_SEPARATORS = ",\t;|"

ESTABLISHED = (
    "'s1', 's2', 's3', 'sf', 'rsto', 'rstr', 'established', 'est', 'assured', 'accept', 'true', 't', 'yes', '1'"
)
TRANSPORTS = "'tcp', '6', 'quic', 'http', 'https', 'h2', 'h3'"


def csv_table(path: Path, source: Logs, first_line: str) -> Layout:
    """A CSV file with a header; separated by comma, tab, semicolon or bar, whichever finds the columns.

    Raises SourceUnreadable for a column that the header lacks, saying which there are.
    """
    headers = [(separator, next(csv.reader([first_line], delimiter=separator), [])) for separator in _SEPARATORS]
    separator, names = max(headers, key=lambda found: len({*source.columns.values()} & {*found[1]}))
    if not {*source.columns.values()} & {*names}:
        separator, names = max(headers, key=lambda found: len(found[1]))
    _check(path, source, names)
    cells: dict[str, str] = {ours: f"c{names.index(theirs) + 1}" for ours, theirs in source.columns.items()}
    scan = Scan("csv", separator, len(names))
    return layout(scan, "SELECT * FROM raw", columns_of(cells, lambda ours: cells[ours]))


def parquet_table(path: Path, source: Logs, types: Sequence[tuple[str, str]]) -> Layout:
    """A Parquet file, by the names and DuckDB types of its columns. Raises SourceUnreadable for a column it lacks."""
    _check(path, source, [name for name, _ in types])
    kinds = dict(types)
    cells: dict[str, str] = {ours: identifier(theirs) for ours, theirs in source.columns.items()}
    columns = columns_of(cells, lambda ours: f"CAST({cells[ours]} AS VARCHAR)")
    if kinds[source.columns["time"]].startswith(("TIMESTAMP", "DATE")):
        columns["seconds"] = f"TRY_CAST(FLOOR(EPOCH({cells['time']})) AS BIGINT)"
    return layout(Scan("parquet"), "SELECT * FROM raw", columns)


def _check(path: Path, source: Logs, names: Sequence[str]) -> None:
    for ours, theirs in source.columns.items():
        if theirs not in names:
            raise SourceUnreadable(
                f"{path}: source {source.name!r}: there is no column {theirs!r} (columns.{ours}); "
                f"there are {', '.join(map(repr, names))}"
            )


def columns_of(cells: Mapping[str, str], text: Callable[[str], str]) -> dict[str, str]:
    """The columns of a `Layout`, from those that the configuration names. text: the SQL of one of them, as text."""
    columns = {"time": text("time"), "client": f"TRIM({text('client')})"}
    for ours in ("port", "bot_score", "server"):
        if ours in cells:
            columns[ours] = text(ours)
    for ours in ("agent", "forwarded"):
        if ours in cells:  # the log has the column, so an empty one tells that there is none
            columns[ours] = f"COALESCE({text(ours)}, '')"
    prints = [f"NULLIF({text(ours)}, '')" for ours in ("ja4", "ja3") if ours in cells]
    if prints:
        columns["tls"] = f"COALESCE({', '.join(prints)}, '')"
    counts = []
    if "proto" in cells:
        proto = f"LOWER(TRIM({text('proto')}))"
        counts.append(f"({proto} IN ({TRANSPORTS}) OR {proto} LIKE 'http/%')")
    if "state" in cells:
        counts.append(f"LOWER(TRIM({text('state')})) IN ({ESTABLISHED})")
    if counts:
        columns["counts"] = f"COALESCE({' AND '.join(counts)}, FALSE)"
        if "port" in cells:
            columns["port"] = f"CASE WHEN {columns['counts']} THEN {text('port')} END"
    return columns
