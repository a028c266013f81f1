"""Counting in Spark: a cluster's, by its master's address or by Spark Connect. In: a share. Out: its day evidence.

Spark reads the hits and writes what it made where they lie: the load's work folder, which every node must have at the
same place. Unsigned 64-bit numbers are DECIMAL(20, 0) there, which holds each of them exactly.

The one rule: nothing travels through this process but SQL.
"""

from __future__ import annotations

import os
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from mipdns.errors import EngineError
from mipdns.sources.logs.counting.engine import EVIDENCE_COLUMNS, Share
from mipdns.sources.logs.engines import rendering

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DIALECT = "spark"

CONNECT_PORT = 15002
"""Where Spark Connect listens, if its address names no port."""

MASTER_PORT = 7077

CONNECT_TIMEOUT_S = 10.0

_SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
_SETTINGS_OF_A_MASTER = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}


class Spark:
    """An engine (`counting.engine.Engine`). scratch: a folder that the cluster has too, at the same place."""

    rows_max: int | None = None

    def __init__(self, session: SparkSession, name: str, connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
        self._session = session
        self._name = name
        self._connection = connection
        self._scratch = scratch

    def count(self, share: Share) -> None:
        """Make the day evidence of a share. Raises EngineError."""
        made = self._scratch / "made"
        with faults(self._name):
            hits = self._session.read.parquet(*(_pattern(path) for path in share.hits))
            chosen = f"day = {int(share.day)} AND unit BETWEEN {int(share.first)} AND {int(share.last)}"
            hits.where(chosen).createOrReplaceTempView("hit")
            self._session.sql(_full_days(share)).createOrReplaceTempView("full_day")
            for table in EVIDENCE_COLUMNS:
                result = self._session.sql(rendering.select(table, DIALECT))
                result.write.mode("overwrite").parquet(f"file://{made / table}")
        for table in EVIDENCE_COLUMNS:
            rendering.keep(table, _results(made / table, self._name), share.out, self._connection)
        shutil.rmtree(made)


def _pattern(path: Path) -> str:
    """The path as Spark must be told it to read it, who takes every path for a pattern."""
    return "file://" + "".join(f"\\{letter}" if letter in "\\[]{}*?" else letter for letter in str(path))


def _full_days(share: Share) -> str:
    if not share.full_sensors:
        return "SELECT CAST(NULL AS BIGINT) AS sensor, CAST(NULL AS INT) AS day WHERE FALSE"
    rows = ", ".join(f"({int(sensor)}L, {int(share.day)})" for sensor in share.full_sensors)
    return f"SELECT * FROM VALUES {rows} AS full_day(sensor, day)"


def _results(folder: Path, name: str) -> str:
    """The glob of what Spark wrote to a folder."""
    if not any(folder.glob("*.parquet")):
        raise EngineError(
            f"{name}: wrote nothing to {folder} that can be seen here; "
            "[load] work must be a folder that every node of the cluster has at the same place"
        )
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(folder)) + "/*.parquet"


@contextmanager
def session(master: str, remote: str, settings: Mapping[str, str], scratch: Path) -> Iterator[SparkSession]:
    """A session of a cluster; stopped at the end. Raises EngineError: not installed, cannot be reached.

    master: as Spark has it (`local[4]`, `spark://host:7077`, `yarn`); or remote: of Spark Connect (`sc://host:15002`).
    """
    name = named(master, remote)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pyspark.sql import SparkSession as Session  # noqa: PLC0415  # 450 MB that only this needs
    except ImportError:
        raise rendering.not_installed("pyspark") from None
    builder = Session.builder.appName("mipdns")
    if remote:
        _prove_reachable(name, remote.removeprefix("sc://").partition("/")[0], CONNECT_PORT)
        builder = builder.remote(remote)
    else:
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            raise EngineError(f"{name}: there is no Java here, it needs 17 or newer (Debian: openjdk-17-jre-headless)")
        if master.startswith("spark://"):
            _prove_reachable(name, master.removeprefix("spark://"), MASTER_PORT)
        builder = builder.master(master).config("spark.local.dir", str(scratch))
        for key, value in _SETTINGS_OF_A_MASTER.items():
            builder = builder.config(key, value)
    for key, value in {**settings, **_SETTINGS}.items():
        builder = builder.config(key, value)
    with faults(name):
        found = builder.getOrCreate()
    try:
        yield found
    finally:
        found.stop()


def named(master: str, remote: str) -> str:
    """What messages call the cluster; what follows a `;` in a Spark Connect address may be a secret."""
    return f"Spark at {remote.partition('/;')[0] if remote else master}"


def _prove_reachable(name: str, address: str, port: int) -> None:
    """Spark's own clients would try for minutes before they say that nobody is there."""
    why: OSError | None = None
    for host in address.split(","):
        parts = urlsplit(f"//{host}")
        try:
            socket.create_connection((parts.hostname or "", parts.port or port), CONNECT_TIMEOUT_S).close()
        except OSError as fault:
            why = fault
        else:
            return
    raise EngineError(f"{name}: cannot be reached: {why.strerror or why if why else 'it names no host'}")


@contextmanager
def faults(name: str) -> Iterator[None]:
    """Turn what Spark raises into one line."""
    from py4j.protocol import Py4JError  # noqa: PLC0415  # as above
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError) as fault:
        raise EngineError(f"{name}: {rendering.first_line(_java_words(str(fault)))}") from None


def _java_words(text: str) -> str:
    """What Java said, out of what py4j says of it."""
    _, found, words = text.partition("\n: ")
    return words if found else text
