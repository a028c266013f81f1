"""Counting elsewhere: the engines that stand in for DuckDB where one machine is too small. In: shares of hits.

`opened` starts the one that the configuration names. `rendering` translates the counting SQL, `spark` and `clickhouse`
run it there. ClickHouse is spoken to in `statements`, over `http` or `inprocess`; `tables` reads logs that lie in it.

The one rule: whatever engine counted, the evidence is the same to the last row. An engine's library is imported when
it is asked for, and not before.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import duckdb

from mipdns import enginekeys
from mipdns.config import Load
from mipdns.errors import EngineError
from mipdns.sources.logs.counting.engine import Engine
from mipdns.sources.logs.engines.clickhouse import ClickHouse
from mipdns.sources.logs.engines.http import Http
from mipdns.sources.logs.engines.inprocess import embedded
from mipdns.sources.logs.engines.spark import Spark, named, session
from mipdns.sources.logs.engines.statements import Transport

__all__ = ["ClickHouse", "Spark", "opened"]

PASSWORD_VARIABLE = "MIPDNS_CLICKHOUSE_PASSWORD"  # noqa: S105  # where it is, not what it is

_PASSWORD_BYTES = 4096


def opened(
    held: ExitStack, load: Load, keys: enginekeys.Engine, connection: duckdb.DuckDBPyConnection, scratch: Path
) -> Engine | None:
    """The engine that `[load] engine` names, until `held` closes; None for DuckDB. Raises EngineError.

    connection: puts in order what comes back. scratch: a folder for what lies about while it is made.
    """
    folder = scratch / load.engine
    match load.engine:
        case "spark":
            folder.mkdir()
            keys_ = keys.spark
            started = held.enter_context(session(keys_.master, keys_.remote, keys_.settings, folder))
            return Spark(started, named(keys_.master, keys_.remote), connection, folder)
        case "clickhouse":
            folder.mkdir()
            return ClickHouse(transport(held, keys.clickhouse, folder), connection, folder)
        case _:
            return None


def transport(held: ExitStack, keys: enginekeys.ClickHouse, folder: Path) -> Transport:
    """How ClickHouse is reached, until `held` closes. Raises EngineError."""
    if keys.url == enginekeys.EMBEDDED:
        return held.enter_context(embedded(folder / "chdb"))
    return Http(keys.url, user=keys.user, password=_password(keys), database=keys.database, timeout_s=keys.timeout_s)


def _password(keys: enginekeys.ClickHouse) -> str:
    """From the file that the configuration names, else from the environment, else none."""
    if not keys.password_file:
        password = os.environ.get(PASSWORD_VARIABLE, "")
    else:
        try:
            with Path(keys.password_file).open(encoding="utf-8") as file:
                password = file.read(_PASSWORD_BYTES).strip("\r\n")
        except (OSError, UnicodeDecodeError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else "is no text"
            raise EngineError(f"[engine.clickhouse] password_file: {keys.password_file}: {why}") from None
    if not (password.isascii() and (password.isprintable())):
        raise EngineError("[engine.clickhouse] the password goes into a header, so printable ASCII only")
    return password
