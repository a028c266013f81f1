"""Files into one table of integers. In: looked-over files. Out: the table `line`, and an account of every file.

The one rule: every line is accounted for. It is a row of `line`, with what became of it or the reason why it cannot be
read, or it is one of those that DuckDB could not even cut out of the file, whose numbers DuckDB keeps.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb

from mipdns.config import Logs
from mipdns.errors import SourceUnreadable
from mipdns.evidence import BadLine, FileRead
from mipdns.sources import reading
from mipdns.sources.logs.files import LINE_BYTES_MAX, LogFile, Part, glob_literal
from mipdns.sources.logs.formats.layout import Scan
from mipdns.sources.logs.lines.normalise import LINE_COLUMNS, NOTHING, SPECIAL, normalised

BATCH_BYTES = 256 << 20
BATCH_FILES = 64
FILES_WITH_EXAMPLES = 10
"""Line numbers cost a second look at a file; of a source with many bad files, the first ones must do."""

_REASONS = {
    "INVALID ENCODING": "not UTF-8 text",
    "LINE SIZE OVER MAXIMUM": f"longer than {LINE_BYTES_MAX >> 20} MiB",
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": "a quote that does not end",
}


class Numbered(NamedTuple):
    """A file and the number that stands for it in the table."""

    number: int
    file: LogFile


class _Batch(NamedTuple):
    """Files of one layout that are read by one query, and the lines to take of each."""

    files: tuple[Numbered, ...]
    part: Part


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table `line`, and `rejected` for lines that never got so far."""
    connection.execute(f"CREATE TABLE line ({LINE_COLUMNS.replace('number BIGINT, ', '')})")
    connection.execute("CREATE TABLE rejected (file UINTEGER, number BIGINT, reason VARCHAR)")


def ingest(connection: duckdb.DuckDBPyConnection, source: Logs, files: Sequence[Numbered]) -> Iterator[int]:
    """Read a source's files into `line`. Yields stored bytes done, batch by batch. Raises SourceUnreadable."""
    for batch in _batches(files):
        _insert(connection, source, batch)
        yield sum(numbered.file.bytes for numbered in batch.files) if batch.part is batch.files[0].file.parts[-1] else 0


def _batches(files: Sequence[Numbered]) -> Iterator[_Batch]:
    pending: list[Numbered] = []
    for numbered in files:
        file = numbered.file
        if pending and not (
            len(file.parts) == 1
            and (file.parts, file.packing, file.crlf)
            == (pending[0].file.parts, pending[0].file.packing, pending[0].file.crlf)
            and file.parts[0].layout.scan.how != "parquet"
            and len(pending) < BATCH_FILES
            and sum(other.file.bytes for other in pending) + file.bytes <= BATCH_BYTES
        ):
            yield _Batch(tuple(pending), pending[0].file.parts[0])
            pending = []
        if len(file.parts) == 1:
            pending.append(numbered)
        else:
            for part in file.parts:
                yield _Batch((numbered,), part)
    if pending:
        yield _Batch(tuple(pending), pending[0].file.parts[0])


def _insert(connection: duckdb.DuckDBPyConnection, source: Logs, batch: _Batch) -> None:
    rows = normalised(batch.part.layout, source)
    raw = _raw(batch, numbered=False)
    columns = LINE_COLUMNS.replace("number BIGINT,", "")
    names = ", ".join(column.split()[0] for column in columns.split(",") if column.strip())
    try:
        connection.execute(f"INSERT INTO line WITH raw AS NOT MATERIALIZED ({raw}) SELECT {names} FROM ({rows})")
        if batch.part.layout.scan.how != "parquet":
            _keep_rejects(connection, batch)
    except (duckdb.OutOfMemoryException, duckdb.InternalException):
        raise
    except duckdb.Error as fault:
        names = ", ".join(str(numbered.file.path) for numbered in batch.files[:3])
        more = f" and {len(batch.files) - 3} more" if len(batch.files) > 3 else ""
        raise SourceUnreadable(
            f"source {source.name!r}: {names}{more}: cannot be read as {source.format}: {str(fault).splitlines()[0]}"
        ) from None


def _raw(batch: _Batch, *, numbered: bool) -> str:
    """SQL of the relation `raw`: `file`, `number` (NULL unless asked for, because it costs order), and the scan's own.

    Lines come as one column: the separator is a control character that no log line holds, and there are no quotes.
    """
    scan = batch.part.layout.scan
    file = batch.files[0].file
    base = batch.files[0].number
    paths = "[" + ", ".join("'" + glob_literal(other.file.path).replace("'", "''") + "'" for other in batch.files) + "]"
    if scan.how == "parquet":
        return (
            f"SELECT {base}::UINTEGER AS file, file_row_number + 1 AS number, * EXCLUDE (file_row_number)"
            f" FROM read_parquet({paths}, file_row_number = true)"
        )
    ranged = numbered or batch.part.last is not None or batch.part.first > 1
    skipped = 1 if scan.how == "csv" else 0
    options = {
        "auto_detect": "false",
        "header": "true" if skipped else "false",
        "columns": _columns(scan),
        "delim": "'" + (scan.separator or "\x01") + "'",
        "quote": "'\"'" if scan.how == "csv" else "''",
        "escape": "'\"'" if scan.how == "csv" else "''",
        "new_line": "'\\r\\n'" if file.crlf else "'\\n'",
        "compression": f"'{file.packing or 'none'}'",
        "strict_mode": "false",
        "max_line_size": str(LINE_BYTES_MAX),
        "ignore_errors": "true",
        "store_rejects": "true",
        "rejects_table": "'reject'",
        "rejects_scan": "'reject_scan'",
        "rejects_limit": "0",
    }
    cut = f"read_csv({paths}, {', '.join(f'{name} = {value}' for name, value in options.items())})"
    number = f"ROW_NUMBER() OVER () + {skipped}" if ranged else "NULL::BIGINT"
    sql = f"SELECT (file_index + {base})::UINTEGER AS file, {number} AS number, * FROM {cut}"
    if ranged:
        last = f" AND number <= {batch.part.last}" if batch.part.last is not None else ""
        sql = f"SELECT * FROM ({sql}) WHERE number >= {batch.part.first}{last}"
    return f"SELECT * FROM ({sql}) WHERE TRIM(line) <> ''" if scan.how == "lines" else sql


def _columns(scan: Scan) -> str:
    names = ["line"] if scan.how == "lines" else [f"c{at}" for at in range(1, scan.width + 1)]
    return "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"


def _keep_rejects(connection: duckdb.DuckDBPyConnection, batch: _Batch) -> None:
    """Note the lines that DuckDB could not cut out. A file in parts is scanned once for each; each takes its own."""
    last = batch.part.last if batch.part.last is not None else 1 << 62
    reasons = " ".join(f"WHEN '{kind}' THEN '{reason}'" for kind, reason in _REASONS.items())
    connection.execute(
        f"INSERT INTO rejected SELECT file_id + {batch.files[0].number}, line,"
        f" ANY_VALUE(CASE error_type {reasons} ELSE LOWER(error_type::VARCHAR) END) FROM reject"
        f" WHERE line BETWEEN {batch.part.first} AND {last} GROUP BY ALL"
    )
    connection.execute("DROP TABLE reject")
    connection.execute("DROP TABLE reject_scan")


class _Account(NamedTuple):
    rows: int
    dropped: int
    bad: int
    newest: int | None


def account(
    connection: duckdb.DuckDBPyConnection, source: Logs, files: Sequence[Numbered], bad_lines_max: float
) -> list[FileRead]:
    """The account of a source's files, once all are read. Raises TooManyBadLines."""
    first, last = files[0].number, files[-1].number
    counted = {
        row[0]: _Account(*row[1:])
        for row in connection.execute(
            f"""
            SELECT
                file,
                COUNT(*) FILTER (reason IS NULL AND fate NOT IN ({SPECIAL}, {NOTHING})),
                COUNT(*) FILTER (fate = {SPECIAL}),
                COUNT(reason),
                MAX(CASE WHEN fate <> {NOTHING} THEN seconds // 86400 END)
            FROM line WHERE file BETWEEN ? AND ? GROUP BY file
            """,
            [first, last],
        ).fetchall()
    }
    uncut: dict[int, list[tuple[int, str]]] = {}
    for number, line, reason in connection.execute(
        "SELECT file, number, reason FROM rejected WHERE file BETWEEN ? AND ? ORDER BY file, number", [first, last]
    ).fetchall():
        uncut.setdefault(number, []).append((line, reason))
    reads = []
    looked_at = 0
    for numbered in files:
        rows, dropped, bad, newest = counted.get(numbered.number, _Account(0, 0, 0, None))
        rejects = uncut.get(numbered.number, [])
        examples: list[BadLine] = []
        if (bad or rejects) and looked_at < FILES_WITH_EXAMPLES:
            looked_at += 1
            examples = _examples(connection, source, numbered, rejects, look=bad > 0)
        reads.append(
            _file_read(
                source,
                numbered.file,
                rows=rows,
                dropped=dropped,
                bad=bad + len(rejects),
                newest=newest,
                examples=examples,
            )
        )
    reading.check_bad_lines(
        source.name,
        bad_lines_max,
        rows=sum(read.rows + read.dropped for read in reads),
        rejected=sum(read.rejected for read in reads),
        examples=[example for read in reads for example in read.examples][:1],
    )
    return reads


def _file_read(
    source: Logs, file: LogFile, *, rows: int, dropped: int, bad: int, newest: int | None, examples: list[BadLine]
) -> FileRead:
    day = None if newest is None else datetime.date(1970, 1, 1) + datetime.timedelta(days=newest)
    return FileRead(
        source=source.name,
        kind=source.kind,
        format=source.format,
        file=str(file.path),
        digest=file.digest,
        bytes=file.bytes,
        rows=rows,
        rejected=bad,
        dropped=dropped,
        examples=tuple(examples),
        dated=reading.date_of(source, file.path, day),
        licence=source.licence,
    )


def _examples(
    connection: duckdb.DuckDBPyConnection,
    source: Logs,
    numbered: Numbered,
    rejects: list[tuple[int, str]],
    *,
    look: bool,
) -> list[BadLine]:
    """The first bad lines of a file with their numbers: a second look at the file, in order, until enough are found."""
    found = rejects[: reading.EXAMPLES_KEPT]
    for part in numbered.file.parts if look else ():
        rows = connection.execute(
            f"WITH raw AS NOT MATERIALIZED ({_raw(_Batch((numbered,), part), numbered=True)}) SELECT number, reason"
            f" FROM ({normalised(part.layout, source)}) WHERE reason IS NOT NULL LIMIT {reading.EXAMPLES_KEPT}"
        ).fetchall()
        found += [(_stored_number(number, rejects), reason) for number, reason in rows]
        connection.execute("DROP TABLE IF EXISTS reject")
        connection.execute("DROP TABLE IF EXISTS reject_scan")
    path = str(numbered.file.path)
    return [
        BadLine(path, number, " ".join(reason.split())[: reading.REASON_CHARACTERS])
        for number, reason in sorted(found)[: reading.EXAMPLES_KEPT]
    ]


def _stored_number(number: int, rejects: list[tuple[int, str]]) -> int:
    """The line's number in the file, from its number among the lines that could be cut out of it."""
    for rejected, _ in rejects:
        if rejected > number:
            break
        number += 1
    return number
