"""Parameters of a made world: files, draws, and their page in the documentation."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mipdns.config import Logs, read_config
from mipdns.errors import ConfigError
from mipdns.load import load
from mipdns.simulate import WorldPlan, changed, draw_plan, plan_for, read_plan, simulate
from mipdns.simulate.configuration import LISTS, OBSERVERS, WITHOUT, Form
from mipdns.simulate.kinds import KINDS
from mipdns.simulate.parameters import plan_text
from mipdns.simulate.plan import Shares
from mipdns.simulate.population import MORE_DEVICES, make_world
from tests.conftest import REPOSITORY

from .conftest import AS_OF

NOTHING = "".join(f"{kind.name} = 0\n" for kind in KINDS)
NONE_SHARED = "".join(f"{kind.name} = 0\n" for kind in KINDS if kind.multi_user)
PAGE = (REPOSITORY / "docs" / "simulation.md").read_text("utf-8")


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_plan_written_and_read_is_the_same_and_can_be_made(tmp_path: Path, seed: int):
    plan = draw_plan(np.random.default_rng(seed), units=200)
    file = tmp_path / "world.toml"
    file.write_text(plan_text(plan))
    assert read_plan(file) == plan
    assert len(make_world(plan, seed, 2).units.key) >= 200


def test_drawn_plans_differ_and_lie_within_what_was_asked_for():
    plans = [draw_plan(np.random.default_rng(seed), observer_share=(0.03, 1.0)) for seed in range(200)]
    shares = [plan.observer_share for plan in plans]
    assert len({plan_text(plan) for plan in plans}) == 200
    assert min(shares) >= 0.03 and max(shares) <= 1 and 0.1 < np.median(shares) < 0.3  # log-uniform
    assert all(0.10 <= plan.shared_share <= 0.45 for plan in plans)
    assert all(set(plan.without) <= set(WITHOUT) for plan in plans)
    assert draw_plan(np.random.default_rng(1), observer_share=0.5, shared_share=0.2, without=()).observer_share == 0.5


def test_a_file_needs_to_name_only_what_it_changes(tmp_path: Path):
    file = tmp_path / "world.toml"
    file.write_text("observer_share = 1\n[people]\nphones = 2.5\n")
    assert read_plan(file) == changed(WorldPlan(), people={"phones": 2.5})
    assert plan_for(file, units=7, without=("atlas",)) == msgspec.structs.replace(
        read_plan(file), units=7, without=("atlas",)
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("phones = 2", "phones"),
        ("[people]\nfones = 2", "fones"),
        ("[people]\napp_share = 1.5", "app_share"),
        ("observer_share = 0", "observer_share"),
        ("[shares]\ncgnat = -1", "cgnat"),
        ("[translation]\nratio_weights = [1, 2]", "ratio_weights"),
        ("[translation]\nsharing_ratios = [1]", "sharing_ratios"),
        ("[bots]\nrotator_agents = [3, 9999]", "rotator_agents"),
        ("[bots]\nrotator_agents = [400, 3]", "rotator_agents"),
        ("[people]\nperson_visits = inf", "person_visits"),
        ("[people]\nline_visits = 1e12", "line_visits"),
        ("[people]\nspread = nan", "spread"),
        ("[people]\nspread = 100.0", "spread"),
        ("[people]\nshift_h = inf", "shift_h"),
        ("[shares]\nhousehold = inf", "household"),
        ("units = ", "TOML"),
        ("shared_share = 0.3\n[shares]\n" + NONE_SHARED, "shared_share"),
        ("[shares]\n" + NOTHING, "nothing to make"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(tmp_path: Path, text: str, named: str):
    file = tmp_path / "world.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as told:
        read_plan(file)
    assert named in str(told.value) and str(file) in str(told.value)


@pytest.mark.parametrize("name", ["observer_share", "shared_share"])
@pytest.mark.parametrize("share", [math.nan, math.inf, -1.0, 1.5])
def test_a_share_that_is_none_is_refused_from_the_command_too(name: str, share: float):
    """NaN lies outside of no range that is checked by comparing."""
    with pytest.raises(ConfigError, match=name):
        plan_for(None, **{name: share})  # type: ignore[arg-type]  # two of its keywords


def test_a_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"no\.toml"):
        read_plan(tmp_path / "no.toml")


@pytest.mark.parametrize("name", WITHOUT)
def test_what_is_left_out_is_neither_written_nor_named(tmp_path: Path, name: str):
    form: Form = "mixed" if name in OBSERVERS else "parquet"
    made = simulate(tmp_path, units=60, days=1, as_of=AS_OF, form=form, plan=WorldPlan(without=(name,)))
    whole = simulate(tmp_path / "whole", units=60, days=1, as_of=AS_OF, form=form)
    fewer = {file.path.relative_to(tmp_path) for file in made.files}
    every = {file.path.relative_to(tmp_path / "whole") for file in whole.files}
    assert fewer < every if name not in ("port", "agent", "host", "ja4", "bot_score", "forwarded") else fewer == every
    config = made.config.read_text()
    assert f'name = "{name}"' not in config and f'kind = "{name}"' not in config
    assert config != whole.config.read_text()


def test_an_unknown_source_cannot_be_left_out(tmp_path: Path):
    with pytest.raises(ConfigError, match="'altas'"):
        simulate(tmp_path, plan=WorldPlan(without=("altas",)))
    with pytest.raises(ConfigError, match="'ja4'"):
        simulate(tmp_path, plan=WorldPlan(without=("ja4",)))
    with pytest.raises(ConfigError, match="'blog'"):
        simulate(tmp_path, plan=WorldPlan(without=("blog",)), form="ndjson")


NOT_SAID = {
    "tor": ({"tor": 0}, {}, ["tor-exits.txt"]),
    "vpn": ({"vpn": 0, "vpn6": 0}, {}, ["vpn.txt.gz"]),
    "relay": ({"relay": 0, "relay6": 0}, {}, ["relay-egress.csv"]),
    "mobile": ({"mobile": 0}, {}, ["mobile-geofeed.csv"]),
    "campus": ({"campus": 0, "campus6": 0}, {}, ["universities.txt.zst"]),
    "proxies": (
        dict.fromkeys(("forward_proxy", "gateway6", "reverse_proxy", "reverse_proxy6"), 0),
        {},
        ["secure-web-gateways.json", "edge-network.txt"],
    ),
    "IPv6 alone": ({kind.name: 0 for kind in KINDS if kind.family == 4}, {}, ["names.csv.gz", "tor-exits.txt"]),
    "one server": ({kind.name: int(kind.name == "server") for kind in KINDS}, {}, ["words.csv", "vpn.txt.gz"]),
    "silence": (
        {},
        {"peeringdb_missing_small": 1, "peeringdb_missing_large": 1, "names": 0, "partner_space": 0},
        ["dump.json.gz", "net-1.json", "net-2.json", "names.csv.gz", "words.csv"],
    ),
}


@pytest.mark.parametrize("name", NOT_SAID)
def test_who_has_nothing_to_say_is_no_source_and_the_world_loads(tmp_path: Path, name: str):
    """An empty file is an error to a load: a world without Tor exits has no list of them."""
    shares, errors, absent = NOT_SAID[name]
    plan = changed(WorldPlan(units=40), shares=shares, errors=errors)
    made = simulate(tmp_path, days=1, as_of=AS_OF, form="ndjson", plan=plan)
    build = load(read_config(made.config))
    assert build.verdicts > 0
    there = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert not there & set(absent)
    assert {file.path for file in made.files} <= set(tmp_path.rglob("*"))
    assert not [folder for folder in tmp_path.iterdir() if folder.is_dir() and not any(folder.iterdir())]


@pytest.mark.parametrize(
    ("form", "share", "lines"), [("mixed", 0.002, True), ("ndjson", 1e-9, False), ("parquet", 1e-9, False)]
)
def test_who_sees_nobody_writes_no_log_and_the_world_loads(tmp_path: Path, form: Form, share: float, lines: bool):
    made = simulate(tmp_path, units=60, days=2, as_of=AS_OF, form=form, plan=WorldPlan(observer_share=share))
    assert (made.log_lines > 0) == lines
    config = read_config(made.config)
    logs = [source for source in config.sources if isinstance(source, Logs)]
    assert len(logs) < 11 and bool(logs) == lines
    assert load(config).verdicts > 0


def test_a_world_of_one_kind_is_made_whole(tmp_path: Path):
    """What lists, names and traceroutes cannot tell of is not there, and no error."""
    only = {kind.name: 0.0 for kind in KINDS} | {"household": 1.0}
    for form in ("mixed", "parquet"):
        made = simulate(tmp_path, units=50, days=2, as_of=AS_OF, form=form, plan=WorldPlan(shares=Shares(**only)))
        assert set(made.kinds) <= {"household", "cgnat"}, "an address may have changed its use"
        assert made.log_lines > 50


def test_the_command_takes_every_parameter(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text("[errors]\nmoved = 0\n")
    options = "--units 80 --days 1 --seed 4 --format parquet --observer-share 0.5 --shared-share 0.4 --without atlas"
    options += f" --without ja4 --as-of 2026-09-22 --world {file}"
    command = [sys.executable, "-m", "mipdns", "simulate", str(tmp_path / "w"), *options.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    plan = read_plan(tmp_path / "w" / "world.toml")
    assert (plan.units, plan.observer_share, plan.shared_share, plan.errors.moved) == (80, 0.5, 0.4, 0)
    assert plan.without == ("atlas", "ja4")
    again = subprocess.run([*command, "--draw"], capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 2 and "choose one" in again.stderr


def _rows(heading: str) -> dict[str, str]:
    found = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading}"
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", found[1], re.MULTILINE))


@pytest.mark.parametrize("table", [None, "people", "programs", "translation", "bots", "errors"])
def test_the_page_tells_every_parameter_with_its_value(table: str | None):
    values = msgspec.to_builtins(WorldPlan() if table is None else getattr(WorldPlan(), table))
    plain = {name: value for name, value in values.items() if not isinstance(value, dict)}
    told = _rows("The world" if table is None else f"`[{table}]`")
    assert set(told) == set(plain)
    for name, value in plain.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        assert told[name] == (shown or "none"), name


def test_the_page_tells_every_kind_s_share_and_every_source():
    told = _rows("`[shares]`")
    assert told == {name: str(value) for name, value in msgspec.to_builtins(Shares()).items()}
    assert all(f"`{name}`" in PAGE for name in (*WITHOUT, *LISTS))


def test_what_the_page_says_in_words_is_what_its_tables_say():
    errors = WorldPlan().errors
    assert re.findall(r"words on (\d+) % of the units, (\d+) % of them wrong", PAGE) == [
        (f"{100 * errors.partner_space:.0f}", f"{100 * errors.partner_wrong:.0f}")
    ]
    assert re.findall(r"1 to (\d+) devices", PAGE) == [str(1 + MORE_DEVICES)]
