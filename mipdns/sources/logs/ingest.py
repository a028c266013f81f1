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
from mipdns.sources.logs.files import LINE_BYTES_MAX, LogFile
from mipdns.sources.logs.lines.normalise import LINE_COLUMNS, NOTHING, SPECIAL, normalised
from mipdns.sources.logs.scan import Batch, Numbered, batches, blank_lines, raw

FILES_WITH_EXAMPLES = 10
"""Line numbers cost a second look at a file; of a source with many bad files, the first ones must do."""

BLANKS_KEPT = 100_000
"""Blank lines of a CSV file that are counted to number the lines after them."""

_REASONS = {
    "INVALID ENCODING": "not UTF-8 text",
    "LINE SIZE OVER MAXIMUM": f"longer than {LINE_BYTES_MAX >> 20} MiB",
    "MISSING COLUMNS": "fewer columns than the header",
    "TOO MANY COLUMNS": "more columns than the header",
    "UNQUOTED VALUE": "a quote that does not end",
}


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table `line`, and `rejected` for lines that never got so far."""
    connection.execute(f"CREATE TABLE line ({LINE_COLUMNS.replace('number BIGINT, ', '')})")
    connection.execute("CREATE TABLE rejected (file UINTEGER, number BIGINT, reason VARCHAR)")


def ingest(connection: duckdb.DuckDBPyConnection, source: Logs, files: Sequence[Numbered]) -> Iterator[int]:
    """Read a source's files into `line`. Yields stored bytes done, batch by batch. Raises SourceUnreadable."""
    for batch in batches(files):
        _insert(connection, source, batch)
        yield sum(numbered.file.bytes for numbered in batch.files) if batch.part is batch.files[0].file.parts[-1] else 0


def _insert(connection: duckdb.DuckDBPyConnection, source: Logs, batch: Batch) -> None:
    try:
        connection.execute(
            f"INSERT INTO line WITH raw AS NOT MATERIALIZED ({raw(batch, numbered=False)})"
            f" SELECT * EXCLUDE (number) FROM ({normalised(batch.part.layout, source)})"
        )
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


def _keep_rejects(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Note the lines that DuckDB could not cut out. A file in parts is scanned once for each; each takes its own."""
    last = batch.part.last if batch.part.last is not None else 1 << 62
    reasons = " ".join(f"WHEN '{kind}' THEN '{reason}'" for kind, reason in _REASONS.items())
    connection.execute(
        f"INSERT INTO rejected SELECT file_id + {batch.files[0].number}, line,"
        f" ANY_VALUE(CASE error_type {reasons} ELSE LOWER(error_type::VARCHAR) END) FROM reject"
        f" WHERE line BETWEEN {batch.part.first} AND {last} GROUP BY ALL"
    )
    _forget_rejects(connection)


def _forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DROP TABLE IF EXISTS reject")
    connection.execute("DROP TABLE IF EXISTS reject_scan")


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
    uncut = _rejects(connection, first, last)
    reads = []
    looked_at = 0
    for numbered in files:
        rows, dropped, bad, newest = counted.get(numbered.number, _Account(0, 0, 0, None))
        lost, rejects = uncut.get(numbered.number, (0, []))
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
                bad=bad + lost,
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


def _rejects(
    connection: duckdb.DuckDBPyConnection, first: int, last: int
) -> dict[int, tuple[int, list[tuple[int, str]]]]:
    """Of each file that has any: how many lines could not be cut out, and the first of them with the reason."""
    rows = connection.execute(
        f"""
        SELECT file, COUNT(*) OVER (PARTITION BY file), number, reason
        FROM rejected WHERE file BETWEEN ? AND ?
        QUALIFY ROW_NUMBER() OVER (PARTITION BY file ORDER BY number) <= {reading.EXAMPLES_KEPT}
        ORDER BY file, number
        """,
        [first, last],
    ).fetchall()
    found: dict[int, tuple[int, list[tuple[int, str]]]] = {}
    for file, count, number, reason in rows:
        found.setdefault(file, (count, []))[1].append((number, reason))
    return found


def _examples(
    connection: duckdb.DuckDBPyConnection,
    source: Logs,
    numbered: Numbered,
    rejects: list[tuple[int, str]],
    *,
    look: bool,
) -> list[BadLine]:
    """The first bad lines of a file with their numbers: a second look at the file, in order, until enough are found."""
    found = list(rejects)
    for part in numbered.file.parts if look else ():
        batch = Batch((numbered,), part)
        rows = connection.execute(
            f"WITH raw AS NOT MATERIALIZED ({raw(batch, numbered=True)}) SELECT number, reason"
            f" FROM ({normalised(part.layout, source)}) WHERE reason IS NOT NULL LIMIT {reading.EXAMPLES_KEPT}"
        ).fetchall()
        missing = [number for number, _ in rejects]
        if part.layout.scan.how == "csv":
            _forget_rejects(connection)
            missing += [row[0] for row in connection.execute(f"{blank_lines(batch)} LIMIT {BLANKS_KEPT}").fetchall()]
        found += [(_stored_number(number, sorted(missing)), reason) for number, reason in rows]
        _forget_rejects(connection)
    path = str(numbered.file.path)
    return [
        BadLine(path, number, " ".join(reason.split())[: reading.REASON_CHARACTERS])
        for number, reason in sorted(found)[: reading.EXAMPLES_KEPT]
    ]


def _stored_number(number: int, missing: list[int]) -> int:
    """The line's number in the file, from its number among the lines that came; missing: those that did not, sorted.

    Of the lines that could not be cut out, the first few are enough: what comes after them is no first example.
    """
    for other in missing:
        if other > number:
            break
        number += 1
    return number
