"""The whole path on a made world with known truth: simulate → load → serve → ask, and what people do in between."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mipdns import net
from mipdns.lookup import lookup
from mipdns.simulate import WorldPlan, simulate
from tests.e2e import servers
from tests.e2e.commands import mipdns, must

ORIGIN = "mip.internal"


class Unit(NamedTuple):
    """A row of the truth."""

    first: int
    last: int
    shared: bool
    kind: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a small world, loaded."""
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, seed=7, units=900)
    must(folder / "mipdns.toml", "load")
    return folder / "mipdns.toml"


@pytest.fixture
def own_world(world: Path, tmp_path: Path) -> Path:
    """A copy of the loaded world that a test may change."""
    shutil.copytree(world.parent, tmp_path / "world")
    return tmp_path / "world" / "mipdns.toml"


def read_truth(config: Path) -> list[Unit]:
    with (config.parent / "truth.csv").open() as file:
        return [
            Unit(*net.parse_range(row["prefix"]), row["verdict"] == "confirm", row["class"])
            for row in csv.DictReader(file)
        ]


def served(config: Path) -> list[tuple[int, int, int, set[str]]]:
    """Every verdict as exported: first, last, confidence, classes."""
    rows = csv.DictReader(io.StringIO(must(config, "export", "csv")))
    return [
        (
            net.parse_address(row["first"]),
            net.parse_address(row["last"]),
            int(row["confidence"]),
            set(row["class"].split("+")),
        )
        for row in rows
    ]


def confidences(config: Path, units: list[Unit]) -> list[int]:
    """What is served for the first address of each unit; 0 where there is no verdict."""
    rows = served(config)
    found = []
    at = 0
    for unit in sorted(units):
        while at < len(rows) and rows[at][1] < unit.first:
            at += 1
        covered = at < len(rows) and rows[at][0] <= unit.first
        found.append(rows[at][2] if covered else 0)
    return found


def test_what_is_served_is_mostly_true(world: Path) -> None:
    units = sorted(read_truth(world))
    known = list(zip(units, confidences(world, units), strict=True))
    assert len(known) > 500
    for level, precision_min, recall_min in ((50, 0.90, 0.70), (80, 0.95, 0.60)):
        listed = [unit.shared for unit, confidence in known if confidence >= level]
        assert sum(listed) / len(listed) >= precision_min
        assert sum(listed) / sum(unit.shared for unit in units) >= recall_min


def test_a_world_with_one_log_in_parquet_and_few_sources_is_loaded_too(tmp_path: Path) -> None:
    plan = WorldPlan(units=400, without=("atlas", "ptr", "partner", "vpn", "bot_score"))
    made = simulate(tmp_path, seed=3, plan=plan, form="parquet")
    must(made.config, "load")
    units = sorted(read_truth(made.config))
    known = list(zip(units, confidences(made.config, units), strict=True))
    listed = [unit.shared for unit, confidence in known if confidence >= 80]
    assert len(listed) > 20 and sum(listed) / len(listed) >= 0.9


def test_every_command_says_what_it_did_to_a_program(world: Path) -> None:
    unit = next(iter(served(world)))
    address = net.format_address(unit[0])
    status = json.loads(must(world, "status", "--json"))
    assert status["verdicts"] == len(served(world))
    assert {source["name"] for source in status["source"]} >= {"edge", "tor", "partner"}
    assert all(source["rows"] > 0 for source in status["source"])
    assert json.loads(must(world, "explain", "--json", address))["confidence"] == unit[2]
    assert all(finding["good"] for finding in json.loads(must(world, "check", "--json")))


def test_a_word_from_people_counts_from_the_next_load_on(own_world: Path) -> None:
    rows = served(own_world)
    shared = next(row for row in rows if row[2] >= 90 and net.is_v4(row[0]))
    single = next(row for row in rows if row[2] <= 10 and net.is_v4(row[0]))
    must(own_world, "feedback", "deny", net.format_address(shared[0]), "--who", "tester")
    must(own_world, "feedback", "confirm", net.format_address(single[0]), "--class", "campus", "--who", "tester")
    assert served(own_world) == rows

    must(own_world, "load")

    after = {first: (confidence, classes) for first, _, confidence, classes in served(own_world)}
    assert after[shared[0]][0] < 50
    assert after[single[0]][0] >= 80
    assert "campus" in after[single[0]][1]
    told = must(own_world, "explain", net.format_address(single[0]))
    assert "tester" in told


@pytest.fixture
def running(own_world: Path) -> Iterator[tuple[Path, tuple[str, int]]]:
    text = own_world.read_text().replace('"127.0.0.1:5300", "[::1]:5300"', '"127.0.0.1:0"')
    own_world.write_text(text)
    with servers.start(own_world) as server:
        yield own_world, server.addresses[0]


def test_the_server_takes_up_what_a_load_found(running: tuple[Path, tuple[str, int]]) -> None:
    config, server = running
    shared = next(row for row in served(config) if row[2] >= 90 and net.is_v4(row[0]))
    assert lookup(shared[0], server, ORIGIN).a is not None
    must(config, "feedback", "deny", net.format_address(shared[0]))
    must(config, "load")
    until = time.monotonic() + 30
    while lookup(shared[0], server, ORIGIN).a is not None and time.monotonic() < until:
        time.sleep(0.2)
    assert lookup(shared[0], server, ORIGIN).a is None
    assert f"{lookup(shared[0], server, ORIGIN, 'all').txt['src']}".endswith("partner")


def test_a_failed_lookup_is_one_line(world: Path) -> None:
    done = mipdns(world, "lookup", "192.0.2.1", "--server", "127.0.0.1:9", "--zone", ORIGIN)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "127.0.0.1:9" in done.stderr
