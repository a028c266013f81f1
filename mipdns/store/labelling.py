"""Ground truth that outlives loads. In: `Label` records. Out: rows of `label`.

The one rule: nobody's word is lost by a load. A truth source's labels are what it says now; people's (`feedback`) stay
until they say otherwise or take it back.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from mipdns import net
from mipdns.errors import AddressError
from mipdns.evidence import FEEDBACK, Label
from mipdns.store import schema
from mipdns.store.connection import BUSY_S, writing

_COLUMNS = "first, last, confirmed, class, observed, who, source"

_Row = tuple[bytes, bytes, int, int, str, str, str]


def add_label(path: Path, label: Label, *, busy_s: float = BUSY_S) -> None:
    """Write one label; the database is made where there is none, so that people may speak before the first load.

    What the same person said of the same range on the same day is replaced. Raises AddressError for a range that is
    none or touches special-purpose space, StoreBusy during a load, StoreVersion or StoreError.
    """
    if not 0 <= label.first <= label.last <= net.ADDRESS_MAX or net.is_v4(label.first) != net.is_v4(label.last):
        raise AddressError(f"a label for addresses {label.first:#x} to {label.last:#x}: not a range of one family")
    if list(net.subtract(label.first, label.last, net.SPECIAL)) != [(label.first, label.last)]:
        raise AddressError(
            f"{net.format_range(label.first, label.last)} touches special-purpose space, which is never listed"
        )
    row = _row(label)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with writing(path, busy_s=busy_s) as connection:
        schema.migrate(connection)
        connection.execute(
            "DELETE FROM label WHERE first = ? AND last = ? AND observed = ? AND who = ? AND source = ?",
            (*row[:2], *row[4:]),
        )
        _insert(connection, [row], now)


def remove_feedback(path: Path, said: Iterable[Label], *, busy_s: float = BUSY_S) -> None:
    """Take back labels that people gave; those of sources stay. Raises like `add_label`."""
    with writing(path, busy_s=busy_s) as connection:
        schema.migrate(connection)
        connection.executemany(
            "DELETE FROM label WHERE first = ? AND last = ? AND confirmed = ? AND class = ? AND observed = ? "
            "AND who = ? AND source = ?",
            [_row(label) for label in said if label.source == FEEDBACK],
        )


def replace(connection: sqlite3.Connection, sources: set[str], labels: Iterable[Label], now: str) -> None:
    """Inside a load's transaction: make the labels of truth sources what they say now.

    `sources`: those that were read, also the ones that say nothing any more. Labels that were there before keep the
    time at which they were added; those of other sources and of `FEEDBACK` stay as they are.
    """
    said = {_row(label) for label in labels if label.source != FEEDBACK}
    for source in sorted((sources | {row[-1] for row in said}) - {FEEDBACK}):
        held = dict.fromkeys(
            connection.execute(f"SELECT {_COLUMNS} FROM label WHERE source = ?", (source,))  # noqa: S608 a literal
        )
        now_says = {row for row in said if row[-1] == source}
        connection.executemany(
            "DELETE FROM label WHERE first = ? AND last = ? AND confirmed = ? AND class = ? AND observed = ? "
            "AND who = ? AND source = ?",
            [row for row in held if row not in now_says],
        )
        _insert(connection, sorted(now_says - held.keys()), now)


def _insert(connection: sqlite3.Connection, rows: Iterable[_Row], now: str) -> None:
    connection.executemany(
        f"INSERT INTO label ({_COLUMNS}, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 a literal
        [(*row, now) for row in rows],
    )


def _row(label: Label) -> _Row:
    return (
        net.to_blob(label.first),
        net.to_blob(label.last),
        int(label.confirmed),
        int(label.classes),
        label.observed.isoformat(),
        label.who,
        label.source,
    )
