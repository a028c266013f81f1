"""Whole loads of logs: whichever engine counts, and wherever the logs lie, the window's evidence is the same."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mipdns import config, enginekeys
from mipdns.errors import EngineError, SourceError, SourceUnreadable, TooManyBadLines
from mipdns.evidence import FileRead
from mipdns.progress import silent
from mipdns.sources.logs import read_logs
from mipdns.sources.logs.engines import PASSWORD_VARIABLE, spark
from mipdns.sources.logs.engines.inprocess import Embedded
from tests.unit.sources.logs.engines.bench import PASSWORD, USER, FarClickHouse
from tests.unit.sources.logs.engines.test_tables import COLUMNS, DAY, NAMES, NOON, in_clickhouse, source

pytestmark = pytest.mark.engines

NOW = datetime.date(2027, 1, 1)
Told = tuple[list[Any], datetime.date, datetime.date, int, int, int]


def told(work: Path, sources: Sequence[config.Logs], keys: enginekeys.Engine | None = None, **load: Any) -> Told:
    """All that a load of these sources knows."""
    return loaded(work, sources, keys, **load)[0]


def loaded(
    work: Path, sources: Sequence[config.Logs], keys: enginekeys.Engine | None = None, **load: Any
) -> tuple[Told, list[FileRead]]:
    settings = config.Load(work=str(work), **{"threads": 2, "bad_lines_max": 1.0, **load})
    with read_logs(sources, settings, silent, now=NOW, keys=keys or enginekeys.Engine()) as (evidence, files):
        assert evidence is not None
        chunks = [
            (
                chunk.units.key.tolist(),
                chunk.units.last_day.tolist(),
                # Text, because no NaN equals another.
                {name: str(column.tolist()) for name, column in chunk.units.columns.items()},
                [column.tolist() for column in chunk.profile],
            )
            for chunk in evidence.chunks()
        ]
        days = evidence.complete_days, evidence.complete_weekend_days, evidence.agents_capped
        return (chunks, evidence.as_of, evidence.first_day, *days), files


def over_http(far: FarClickHouse) -> enginekeys.Engine:
    return enginekeys.Engine(clickhouse=enginekeys.ClickHouse(url=far.url, user=USER))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


@pytest.fixture
def by_spark(spark_session: Any, monkeypatch: pytest.MonkeyPatch) -> enginekeys.Engine:
    """Settings for the session that all tests share, which no load may stop."""
    monkeypatch.setattr(type(spark_session), "stop", lambda _: None)
    return enginekeys.Engine(spark=enginekeys.Spark(master="local[2]"))


def zeek(real_data: Path) -> list[config.Logs]:
    ours = ("64.225.56.201/32",)
    return [
        config.Logs(
            name=f"zeek-{kind}",
            format=f"zeek-{kind}",  # type: ignore[arg-type]  # one of them
            path=str(real_data / "logs" / f"zeek-webserver-{kind}.log.gz"),
            sensor="web",
            ours=ours,
        )
        for kind in ("conn", "http")
    ]


@pytest.mark.real
def test_real_zeek_logs(real_data: Path, far: FarClickHouse, by_spark: enginekeys.Engine, tmp_path: Path) -> None:
    expected = told(tmp_path / "duckdb", zeek(real_data))
    assert sum(len(chunk[0]) for chunk in expected[0]) > 5000
    assert told(tmp_path / "clickhouse", zeek(real_data), over_http(far), engine="clickhouse") == expected
    # Spark takes seconds a day, so it counts one of the three.
    one_day: dict[str, Any] = {"window_days": 1, "as_of": expected[1] - datetime.timedelta(days=1)}
    expected = told(tmp_path / "duckdb", zeek(real_data), **one_day)
    assert sum(len(chunk[0]) for chunk in expected[0]) > 1000
    assert told(tmp_path / "spark", zeek(real_data), by_spark, engine="spark", **one_day) == expected


def as_file(folder: Path, rows: Sequence[Sequence[Any]]) -> config.Logs:
    path = folder / "seen.parquet"
    kinds = {"ts": "BIGINT", "sport": "UINTEGER", "score": "INTEGER"}
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kinds.get(name, 'VARCHAR')}" for name in NAMES)
        connection.execute(f"CREATE TABLE t ({columns})")
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(NAMES))})", rows)
        connection.execute(f"COPY t TO '{path}'")
    return config.Logs(name="kept", format="parquet", path=str(path), columns=COLUMNS)  # type: ignore[arg-type]


def days_of_rows() -> list[tuple[Any, ...]]:
    return [
        (NOON - back * 86400 + second * 60, address, port, agent, f"t{port % 3}", None, None, None, "tcp", "SF", None)
        for back in range(3)
        for second in range(-600, 600, 7)
        for address, port, agent in (
            (f"9.9.9.{second % 5}", 1000 + second, "curl/8.5.0"),
            (
                f"2a00:1:2:{second % 3}::{second % 4}",
                2000 + second,
                f"Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/{second % 9}",
            ),
        )
    ]


def test_a_table_gives_what_a_file_of_its_rows_gives(chdb: Embedded, far: FarClickHouse, tmp_path: Path) -> None:
    rows = days_of_rows()
    expected = told(tmp_path / "duckdb", [as_file(tmp_path, rows)])
    table = source(in_clickhouse(chdb, rows))
    found, files = loaded(tmp_path / "table", [table], over_http(far), engine="clickhouse")
    assert found == expected
    assert [(file.file, file.rows, file.dated) for file in files] == [
        (f"clickhouse/kept.seen/2026-11-{day}", len(rows) // 3, datetime.date(2026, 11, day)) for day in (18, 19, 20)
    ]


def test_only_days_that_changed_are_counted_again(chdb: Embedded, far: FarClickHouse, tmp_path: Path) -> None:
    rows = days_of_rows()
    table = source(in_clickhouse(chdb, rows))

    def days_read() -> list[int]:
        """Days whose rows were read, for their account or to be counted."""
        far.statements.clear()
        told(tmp_path / "work", [table], over_http(far), engine="clickhouse")
        return [DAY - (NOON // 86400 - int(text) // 86400) for text in far.days_read()]

    assert sorted(days_read()) == sorted([DAY - 2, DAY - 1, DAY] * 2)
    assert days_read() == []
    chdb.run(f"INSERT INTO kept.seen (ts, ip) VALUES ({NOON - 86400}, '9.9.9.9')")
    assert days_read() == [DAY - 1] * 2
    again = told(tmp_path / "anew", [table], over_http(far), engine="clickhouse")
    assert told(tmp_path / "work", [table], over_http(far), engine="clickhouse") == again
    chdb.run(f"ALTER TABLE kept.seen DELETE WHERE ts < {NOON - 86400 - 43200} SETTINGS mutations_sync = 1")
    assert days_read() == [DAY - 1]  # its first hour is not known to be whole any more
    assert told(tmp_path / "work", [table], over_http(far), engine="clickhouse") == told(
        tmp_path / "anew again", [table], over_http(far), engine="clickhouse"
    )


def test_bad_rows_of_a_table_end_the_load_with_an_example(chdb: Embedded, far: FarClickHouse, tmp_path: Path) -> None:
    rows = [(NOON, "9.9.9.9" if at else "nobody", *[None] * 9) for at in range(10)]
    table = source(in_clickhouse(chdb, rows), columns={"time": "ts", "client": "ip"})
    with pytest.raises(TooManyBadLines, match=r"(?s)'kept'.*client 'nobody' is not an address"):
        told(tmp_path / "work", [table], over_http(far), engine="clickhouse", bad_lines_max=0.05)
    _, files = loaded(tmp_path / "work", [table], over_http(far), engine="clickhouse", bad_lines_max=0.5)
    assert [(file.rows, file.rejected, [one.reason for one in file.examples]) for file in files] == [
        (9, 1, ["client 'nobody' is not an address"])
    ]


def test_an_empty_table_is_said_to_be_empty(chdb: Embedded, far: FarClickHouse, tmp_path: Path) -> None:
    table = source(in_clickhouse(chdb, []))
    with pytest.raises(SourceUnreadable, match=r"table kept.seen: source 'kept': holds no row"):
        told(tmp_path / "work", [table], over_http(far), engine="clickhouse")


# ── faults ──


def one_line(tmp_path: Path, keys: enginekeys.Engine, engine: str) -> str:
    row = (NOON, "9.9.9.9", *[None] * 9)
    with pytest.raises(EngineError) as caught:
        told(tmp_path / "work", [as_file(tmp_path, [row])], keys, engine=engine)
    assert isinstance(caught.value, SourceError)
    text = str(caught.value)
    assert "\n" not in text
    assert PASSWORD not in text
    return text


def test_a_clickhouse_that_nobody_can_reach(tmp_path: Path) -> None:
    keys = enginekeys.Engine(clickhouse=enginekeys.ClickHouse(url="http://127.0.0.1:1"))
    assert one_line(tmp_path, keys, "clickhouse").startswith("ClickHouse at http://127.0.0.1:1: cannot be reached: ")


def test_a_wrong_password(far: FarClickHouse, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("wrong\n")
    keys = enginekeys.Engine(clickhouse=enginekeys.ClickHouse(url=far.url, user=USER, password_file=str(file)))
    text = one_line(tmp_path, keys, "clickhouse")
    assert "Authentication failed" in text
    assert "wrong" not in text


def test_a_password_goes_into_a_header_only(far: FarClickHouse, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    keys = enginekeys.Engine(clickhouse=enginekeys.ClickHouse(url=far.url, user=USER, password_file=str(file)))
    told(tmp_path / "work", [as_file(tmp_path, days_of_rows()[:50])], keys, engine="clickhouse")
    assert len({asked["session_id"] for asked, _ in far.asked}) == 1
    for asked, headers in far.asked:
        assert headers["x-clickhouse-key"] == PASSWORD
        assert PASSWORD not in str(asked)


def test_a_password_that_cannot_be_read(tmp_path: Path) -> None:
    keys = enginekeys.ClickHouse(url="http://127.0.0.1:1", password_file=str(tmp_path / "none"))
    assert "password_file: " in one_line(tmp_path, enginekeys.Engine(clickhouse=keys), "clickhouse")


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (
            500,
            "Code: 241. DB::Exception: Memory limit exceeded\nstack",
            "Code: 241. DB::Exception: Memory limit exceeded",
        ),
        (502, "", "answers 502"),
        (302, "", "answers 302 and sends elsewhere; name the server itself"),
        (200, "<html>login</html>", "is no ClickHouse"),
        (200, "21.8.3.44\n", "is ClickHouse 21.8.3.44; counting needs 24.8 or newer"),
    ],
)
def test_what_else_may_answer(far: FarClickHouse, tmp_path: Path, status: int, text: str, said: str) -> None:
    far.upset = (status, text)
    assert said in one_line(tmp_path, over_http(far), "clickhouse")


def test_a_clickhouse_that_does_not_answer(far: FarClickHouse, tmp_path: Path) -> None:
    keys = enginekeys.ClickHouse(url=far.url, user=USER, timeout_s=0.2)
    far.silent_s = 1.0
    assert "did not answer in time" in one_line(tmp_path, enginekeys.Engine(clickhouse=keys), "clickhouse")


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (enginekeys.Spark(remote="sc://127.0.0.1:1/;token=s3cret"), "Spark at sc://127.0.0.1:1: cannot be reached: "),
        (
            enginekeys.Spark(master="spark://127.0.0.1:1,127.0.0.1:2"),
            "Spark at spark://127.0.0.1:1,127.0.0.1:2: cannot",
        ),
    ],
)
def test_a_spark_that_nobody_can_reach(tmp_path: Path, keys: enginekeys.Spark, name: str) -> None:
    pytest.importorskip("pyspark")
    assert one_line(tmp_path, enginekeys.Engine(spark=keys), "spark").startswith(name)


def test_results_that_do_not_come_back_are_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="every node of the cluster has at the same place"):
        spark._results(tmp_path / "made", "Spark")
