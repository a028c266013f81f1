"""A build that never touches a disk, for tests and whoever has verdicts at hand. In: verdicts and a serial. Out: the
`MappedSnapshot` that their file would give, over bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice

from mipdns.errors import SnapshotError
from mipdns.index.mapped import MappedSnapshot
from mipdns.index.payloads import pack
from mipdns.index.tables import BATCH_ROWS, Row, Tables
from mipdns.net import ADDRESS_MAX, to_blob
from mipdns.vocabulary import Verdict

NO_BUILD = bytes(16)
"""Where a file tells its build apart from others."""


def from_verdicts(verdicts: Iterable[Verdict], serial: int) -> MappedSnapshot:
    """The snapshot of sorted, disjoint verdicts. Raises SnapshotError where they are neither."""
    return MappedSnapshot(compile_bytes(verdicts, serial))


def compile_bytes(verdicts: Iterable[Verdict], serial: int) -> bytes:
    """The bytes of their index file."""
    out = BytesIO()
    rows = map(_row, verdicts)
    with Tables(BytesIO) as tables:
        for batch in _batches(rows):
            tables.add(batch)
        tables.write(out, serial, NO_BUILD)
    return out.getvalue()


def _row(verdict: Verdict) -> Row:
    if not 0 <= verdict.first <= verdict.last <= ADDRESS_MAX:
        raise SnapshotError(f"a verdict runs from {verdict.first:#x} to {verdict.last:#x}, which is no range")
    try:
        return to_blob(verdict.first) + to_blob(verdict.last), *pack(verdict)
    except TypeError as fault:
        raise SnapshotError(f"a verdict is malformed: {fault}") from None


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch
