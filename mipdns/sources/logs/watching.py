"""How far a statement is, told while it runs. In: a DuckDB connection at work. Out: shares of the statement, 0 to 1."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

INTERVAL_S = 0.5


@contextmanager
def watched(connection: duckdb.DuckDBPyConnection, report: Callable[[float], None]) -> Iterator[None]:
    """Report, from another thread and never going back, how far what runs inside is, where DuckDB can tell."""
    ended = threading.Event()

    def watch() -> None:
        furthest = 0.0
        while not ended.wait(INTERVAL_S):
            share = min(connection.query_progress() / 100, 1.0)  # below 0 while it does not know
            if share > furthest:
                furthest = share
                report(share)

    watcher = threading.Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
