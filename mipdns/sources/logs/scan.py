"""Stored bytes to rows. In: files of one layout. Out: SQL of the relation `raw`, which DuckDB reads from them.

The one rule: no line is lost. DuckDB notes the lines that it cannot cut out of a file (no UTF-8, endless) in table
`reject` with their numbers; all others come, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mipdns.sources.logs.files import LINE_BYTES_MAX, LogFile, Part, glob_literal
from mipdns.sources.logs.formats.layout import LINES, Scan

BATCH_BYTES = 256 << 20
BATCH_FILES = 64

_CUT = "\x01"
"""Stands between two columns of a line that is to be one: a character that no log writes (all escape it)."""


class Numbered(NamedTuple):
    """A file and the number that stands for it in the tables."""

    number: int
    file: LogFile


class Batch(NamedTuple):
    """Files of one layout that one query reads, and the lines to take of each."""

    files: tuple[Numbered, ...]
    part: Part


def batches(files: Sequence[Numbered]) -> Iterator[Batch]:
    """The files in order, those of one layout together; a file with several layouts as one batch each."""
    pending: list[Numbered] = []
    for numbered in files:
        if pending and not _joins(numbered.file, pending):
            yield Batch(tuple(pending), pending[0].file.parts[0])
            pending = []
        if len(numbered.file.parts) == 1:
            pending.append(numbered)
        else:
            for part in numbered.file.parts:
                yield Batch((numbered,), part)
    if pending:
        yield Batch(tuple(pending), pending[0].file.parts[0])


def _joins(file: LogFile, pending: Sequence[Numbered]) -> bool:
    first = pending[0].file
    return (
        (file.parts, file.packing, file.crlf) == (first.parts, first.packing, first.crlf)
        and first.parts[0].layout.scan.how != "parquet"
        and len(pending) < BATCH_FILES
        and sum(other.file.bytes for other in pending) + file.bytes <= BATCH_BYTES
    )


def raw(batch: Batch, *, numbered: bool) -> str:
    """SQL of `raw`: `file`, `number` (NULL unless asked for, because it costs order) and what the scan gives.

    number: counted from 1 over the lines that could be cut out.
    """
    scan, part = batch.part.layout.scan, batch.part
    first = batch.files[0].number
    if scan.how == "parquet":
        return (
            f"SELECT {first}::UINTEGER AS file, file_row_number + 1 AS number, * EXCLUDE (file_row_number)"
            f" FROM read_parquet({_paths(batch)}, file_row_number = true)"
        )
    if numbered or part.last is not None or part.first > 1:
        return numbered_lines(batch, scan)
    if scan.how == "csv":
        return f"SELECT (file_index + {first})::UINTEGER AS file, NULL::BIGINT AS number, * FROM {_cut(batch, scan)}"
    line = "CASE WHEN rest IS NULL THEN line ELSE CONCAT(line, CHR(1), rest) END AS line"
    return (
        f"SELECT * FROM (SELECT (file_index + {first})::UINTEGER AS file, NULL::BIGINT AS number, {line}"
        f" FROM {_cut(batch, scan)}) WHERE TRIM(line) <> ''"
    )


def numbered_lines(batch: Batch, scan: Scan, *, blank: bool = False) -> str:
    """SQL of `raw` with line numbers, of one file only. blank: its blank lines instead of the others.

    In a CSV file, blank lines are not counted.
    """
    heading = 1 if scan.how == "csv" else 0
    last = f" AND number <= {batch.part.last}" if batch.part.last is not None else ""
    number = f"ROW_NUMBER() OVER () + {heading} AS number"
    sql = (
        f"SELECT * FROM (SELECT {batch.files[0].number}::UINTEGER AS file, {number}, *"
        f" FROM {_cut(batch, scan, whole=True)}) WHERE number >= {batch.part.first}{last}"
    )
    if scan.how == "csv":
        return sql
    return f"SELECT * FROM ({sql}) WHERE COALESCE(TRIM(line), '') {'=' if blank else '<>'} ''"


def _paths(batch: Batch) -> str:
    names = (glob_literal(numbered.file.path).replace("'", "''") for numbered in batch.files)
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def _cut(batch: Batch, scan: Scan, *, whole: bool = False) -> str:
    """SQL of DuckDB's scan. A line comes as one column, `line`, and `rest` where `_CUT` stands in it.

    With two columns DuckDB passes over blank lines, which upsets their numbers; `whole` therefore has one.
    """
    table = scan.how == "csv"
    names = [f"c{at}" for at in range(1, scan.width + 1)] if table else ["line"] if whole else ["line", "rest"]
    quote = "'\"'" if table else "''"
    options = {
        "auto_detect": "false",
        "header": "true" if table else "false",
        "columns": "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}",
        "null_padding": "false" if table else "true",
        "delim": f"'{scan.separator or _CUT}'",
        "quote": quote,
        "escape": quote,
        "new_line": "'\\r\\n'" if batch.files[0].file.crlf else "'\\n'",
        "compression": f"'{batch.files[0].file.packing or 'none'}'",
        "strict_mode": "false",
        "max_line_size": str(LINE_BYTES_MAX),
        "ignore_errors": "true",
        "store_rejects": "true",
        "rejects_table": "'reject'",
        "rejects_scan": "'reject_scan'",
        "rejects_limit": "0",
    }
    return f"read_csv({_paths(batch)}, {', '.join(f'{name} = {value}' for name, value in options.items())})"


def blank_lines(batch: Batch) -> str:
    """SQL: the numbers of a file's blank lines, in order."""
    return f"SELECT number FROM ({numbered_lines(batch, LINES, blank=True)})"
