"""`check` looks at one build, even while a load writes the next."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mipdns import store
from mipdns.check import check
from mipdns.cli import main
from mipdns.config import Config, Store
from mipdns.status import describe_build, status

from .store.made import contents, file_read, verdict


def test_a_load_meanwhile_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    database = tmp_path / "mip.db"
    store.regenerate(database, contents([verdict("51.15.7.0/24")]))
    latest_build = store.latest_build

    def load_meanwhile(path: Path) -> store.Build:
        build = latest_build(path)
        store.regenerate(path, contents([verdict("51.15.7.0/24"), verdict("51.15.9.0/24")]))
        return build

    monkeypatch.setattr(store, "latest_build", load_meanwhile)
    [found] = [finding for finding in check(Config(Store(str(database)))) if finding.what == "database"]
    assert found.good, found.says


def test_a_source_that_names_too_much_is_told(tmp_path: Path):
    database = tmp_path / "mip.db"
    build = store.regenerate(database, contents([verdict("51.15.7.0/24")], counts={"doubted_edge": 0}))
    [found] = [finding for finding in check(Config(Store(str(database)))) if finding.what == "database"]
    assert not found.good
    assert "source 'edge' names far more addresses than all of its kind can be" in found.says
    assert describe_build(build)["counts"] == {"doubted_edge": 0}


def test_a_source_that_traffic_does_not_bear_out_is_told_and_no_fault(tmp_path: Path):
    database = tmp_path / "mip.db"
    config = Config(Store(str(database)))
    store.regenerate(database, contents([verdict("51.15.7.0/24")], counts={"unsupported_edge": 321}))
    [found] = [finding for finding in check(config) if finding.what == "database"]
    assert found.good
    assert found.says.endswith("stale nor tampered with")
    told = status(config)
    assert told["trouble"] == []
    assert "source 'edge' is not borne out by traffic: 321 addresses that it names" in str(told["warnings"])


def test_a_source_that_lies_outside_the_window_is_told_and_no_fault(tmp_path: Path):
    database = tmp_path / "mip.db"
    config = Config(Store(str(database)))
    store.regenerate(database, contents([verdict("51.15.7.0/24")], counts={"outside_window_edge": 87}))
    told = status(config)
    assert told["trouble"] == []
    assert "source 'edge': 87 % of its lines lie outside the window (7 days up to 20" in str(told["warnings"])


def test_status_has_a_line_a_source_and_each_file_where_asked(tmp_path: Path):
    august = file_read("edge", "logs")._replace(rows=169_900, rejected=299, dropped=0)
    september = august._replace(file="data/2.txt", rows=100, rejected=1, dated=datetime.date(2026, 9, 21))
    store.regenerate(
        tmp_path / "mip.db", contents([verdict("51.15.7.0/24")], files=[august, september, file_read("relay")])
    )
    config = tmp_path / "mipdns.toml"
    config.write_text("")

    def told(*options: str) -> str:
        return CliRunner().invoke(main, ["--config", str(config), "status", *options]).stdout

    assert told().splitlines()[-2:] == [
        f"{'source':<15}  edge   2 files, 170,000 rows, 300 rejected, newest 2026-09-21",
        f"{'':<15}  relay  1 file, 100 rows, 1 rejected, 5 special, newest 2026-08-22",
    ]
    each = told("--files")
    assert each.count("sha256 abab") == 3
    assert "data/2.txt" in each
    assert [file["rows"] for file in json.loads(told("--json"))["source"]] == [169_900, 100, 100]
