"""The engines, started once for all tests that use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mipdns.sources.logs.counting.engine import Engine
from mipdns.sources.logs.engines.clickhouse import ClickHouse
from mipdns.sources.logs.engines.http import Http
from mipdns.sources.logs.engines.inprocess import Embedded, embedded
from mipdns.sources.logs.engines.spark import Spark, session
from mipdns.sources.logs.engines.statements import Transport
from tests.unit.sources.logs.engines.bench import PASSWORD, USER, FarClickHouse, far_clickhouse, needed


@pytest.fixture(scope="session")
def chdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """ClickHouse in this process."""
    needed("chdb", "sqlglot")
    with embedded(tmp_path_factory.mktemp("chdb")) as transport:
        yield transport


@pytest.fixture
def far(chdb: Embedded, tmp_path: Path) -> Iterator[FarClickHouse]:
    """ClickHouse behind HTTP."""
    with far_clickhouse(chdb, tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark in this process and a JVM beside it."""
    needed("pyspark", "sqlglot", java=True)
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # For a handful of rows: neither many parts nor compiled queries, and a JVM that starts fast.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    with session("local[2]", "", settings, tmp_path_factory.mktemp("spark")) as started:
        yield started


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for what engines leave lying for a moment."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(params=["chdb", "http"])
def clickhouse(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Engine]:
    """ClickHouse, in this process and behind HTTP."""
    transport: Transport = request.getfixturevalue("chdb")
    if request.param == "http":
        url = request.getfixturevalue("far").url
        transport = Http(url, user=USER, password=PASSWORD, database="default", timeout_s=60)
    with duckdb.connect() as connection:
        yield ClickHouse(transport, connection, scratch)


@pytest.fixture
def spark(spark_session: Any, scratch: Path) -> Iterator[Engine]:
    """Spark."""
    with duckdb.connect() as connection:
        yield Spark(spark_session, "Spark", connection, scratch)


@pytest.fixture(params=["chdb", "spark"])
def engine(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Engine]:
    """Every engine that is not DuckDB, one after the other."""
    with duckdb.connect() as connection:
        if request.param == "chdb":
            yield ClickHouse(request.getfixturevalue("chdb"), connection, scratch)
        else:
            yield request.getfixturevalue("spark")
