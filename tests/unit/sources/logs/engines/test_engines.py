"""Engines: whichever counts, the evidence is the same to the last row and type."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipdns.sources.logs.counting.engine import Engine
from tests.unit.sources.logs.engines.bench import UNIT_MAX, Reference, Row, counted, share, write_hits

pytestmark = pytest.mark.engines

DAY = 20777
BIG = 1 << 63

hashes = st.one_of(st.none(), st.sampled_from([0, 1, 2, BIG - 1, BIG, UNIT_MAX]))


def _agent(draw: st.DrawFn) -> Row:
    agent = draw(hashes)
    if not agent:
        return {"agent": agent}
    return {"agent": agent, "family": agent // 2, "is_crawler": agent % 2, "is_mobile": agent // 2 % 2}


@st.composite
def hits(draw: st.DrawFn) -> Row:
    unit = draw(st.sampled_from([0, 1, 0xFFFFFFFF, 0x2000 << 48, BIG - 1, BIG, BIG + 65536, UNIT_MAX]))
    day = draw(st.sampled_from([DAY, DAY, DAY, DAY + 1]))
    return {
        "unit": unit,
        "host": 0 if unit <= 0xFFFFFFFF else draw(st.sampled_from([0, 1, BIG, UNIT_MAX])),
        "day": day,
        "hour": 24 * day + draw(st.sampled_from([0, 1, 23])),
        "port": draw(st.one_of(st.none(), st.sampled_from([1, 255, 256, 511, 512, 65535]))),
        **_agent(draw),
        "tls": draw(hashes),
        "forwarded": draw(hashes),
        "bot_score": draw(st.one_of(st.none(), st.sampled_from([1, 50, 99]))),
        "sensor": draw(st.sampled_from([0, 1, (1 << 32) - 1])),
        "source": draw(st.sampled_from([0, 7])),
        "file": 3,
    }


tables = st.lists(hits(), max_size=60), st.sets(st.sampled_from([0, 1, (1 << 32) - 1]))
fixtures_keep_nothing = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def compare(engine: Engine, rows: list[Row], full: set[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = [write_hits(folder, rows[::2], "even.parquet"), write_hits(folder, rows[1::2], "odd.parquet")]
        expected = counted(Reference(), share(folder, *kept, day=DAY, full=sorted(full)))
        assert counted(engine, share(folder, *kept, day=DAY, full=sorted(full))) == expected


@given(*tables)
@settings(max_examples=12, deadline=None, suppress_health_check=fixtures_keep_nothing)
def test_clickhouse_counts_what_duckdb_counts(clickhouse: Engine, rows: list[Row], full: set[int]) -> None:
    compare(clickhouse, rows, full)


@given(*tables)
@settings(max_examples=2, deadline=None, suppress_health_check=fixtures_keep_nothing)  # each takes seconds
def test_spark_counts_what_duckdb_counts(spark: Engine, rows: list[Row], full: set[int]) -> None:
    compare(spark, rows, full)


def test_a_share_is_no_more_than_its_units_and_its_day(engine: Engine, tmp_path: Path) -> None:
    row = {"host": 0, "day": DAY, "hour": 24 * DAY, "sensor": 0, "source": 0, "file": 0}
    rows = [{**row, "unit": unit} for unit in (1, 2, 3, BIG, BIG + 1, UNIT_MAX)]
    rows += [{**row, "unit": 2, "day": DAY + 1, "hour": 24 * DAY + 24}]
    path = write_hits(tmp_path, rows)
    _, found = counted(engine, share(tmp_path, path, day=DAY, first=2, last=BIG))["day_count"]
    assert [(found_row[0], found_row[1]) for found_row in found] == [(2, DAY), (3, DAY), (BIG, DAY)]


def test_names_of_folders_are_no_patterns_and_no_sql(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *folder?"
    folder.mkdir()
    row = {"unit": 1, "host": 0, "day": DAY, "hour": 24 * DAY, "sensor": 0, "source": 0, "file": 0}
    engine._scratch = folder  # type: ignore[attr-defined]  # each of them has one
    path = write_hits(folder, [row], "it's [a] {b,c} \\d.parquet")
    assert counted(engine, share(folder, path, day=DAY))["day_count"][1][0][:3] == (1, DAY, 1)
