"""`check` looks at one build, even while a load writes the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns import store
from mipdns.check import check
from mipdns.config import Config, Store
from mipdns.status import describe_build, status

from .store.made import contents, verdict


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
