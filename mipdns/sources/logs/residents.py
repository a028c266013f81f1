"""Logs that lie in an engine, as if they were files: a day of a table is one. In: tables. Out: holdings.

A day is known by what the table says of it, so many rows in each hour. One that changed is another content, and counts
instead of the one before; one whose rows are gone is gone, because unlike a file it did not rotate away from under us.

The one rule: what is asked of a day is an account; its rows stay where they lie.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from mipdns import config
from mipdns.errors import SourceUnreadable
from mipdns.progress import Progress
from mipdns.sources.logs.counting.coverage import EPOCH
from mipdns.sources.logs.engines.tables import Table
from mipdns.sources.logs.files import Content
from mipdns.sources.logs.holdings import OnDisk, how, reading
from mipdns.sources.logs.manifest import Counts, Kept, Manifest, day_text

DAYS_BEYOND = 8
"""Days before the window that are looked at too: the newest day may hold too little to be the one judged from."""


def look(source: config.Logs, table: Table, today: int, window_days: int) -> list[OnDisk]:
    """The days of a table that may matter: those of the window that ends with its newest, and a few before.

    today: the last day that may count. Raises SourceUnreadable for a table without a row until then.
    """
    newest = table.newest_day(today)
    if newest is None:
        raise SourceUnreadable(f"{table.shown}: source {source.name!r}: holds no row whose time can be read")
    return [
        OnDisk(
            source,
            reading(source),
            how(source),
            Path("clickhouse", source.table, day_text(found.day)),
            Content(found.content, 0, found.content, 0),
            None,
            None,
        )
        for found in table.days(newest - window_days - DAYS_BEYOND, today)
    ]


def read(
    manifest: Manifest,
    tables: Mapping[str, Table],
    found: Sequence[OnDisk],
    sensor_of: Callable[[config.Logs], int],
    progress: Progress,
) -> None:
    """Take in the days that are new, each with the account that the engine gives of it."""
    kept = manifest.files()
    known = {(file.reading, file.content) for file in kept}
    todo = [one for one in found if one.source.table and (one.reading, one.content.content) not in known]
    for done, one in enumerate(todo):
        progress("read logs", done / len(todo))
        day = (datetime.date.fromisoformat(one.path.name) - EPOCH).days
        account = tables[one.source.name].account(day)
        examples = [(0, reason) for reason in account.reasons]
        manifest.add(
            [
                (
                    Kept(
                        id=manifest.next_file(),
                        source=one.source.name,
                        reading=one.reading,
                        how=one.how,
                        sensor=sensor_of(one.source),
                        path=str(one.path),
                        digest=one.content.digest,
                        bytes=0,
                        content=one.content.content,
                        content_bytes=0,
                        rows=account.rows,
                        dropped=account.dropped,
                        rejected=account.rejected,
                        newest=day,
                        examples=msgspec.json.encode(examples).decode(),
                        dated=str(one.source.dated or day_text(day)),
                        segment=None,
                        kept_from=0,
                        accepted=False,
                    ),
                    Counts(account.hours, [(day, account.hits)] if account.hits else []),
                    [],
                )
            ],
            0,
            0,
        )
