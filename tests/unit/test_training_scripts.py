"""What the shipped scorecard is learnt from and measured on: `scripts/training`, without its hours."""

from __future__ import annotations

import measures
import numpy as np
import pytest
import run
import worlds
from msgspec.structs import replace

from mipdns.inference import shipped_scorecard
from mipdns.validation import metrics

CARD = shipped_scorecard()


def test_nothing_is_measured_on_a_world_that_was_learnt_from():
    learnt, measured = worlds.learnt(320, 5000), worlds.measured(4, 50_000)
    assert len({world.seed for world in learnt}) == len(learnt) == 480
    assert not {world.seed for world in learnt} & {world.seed for world in measured}
    assert not {repr(world.plan) for world in learnt} & {repr(world.plan) for world in measured}


def test_every_kind_is_there_with_each_number_of_days():
    one, several = worlds.learnt(320, 5000)[:320], worlds.learnt(320, 5000)[320:]
    for kind in range(worlds.KINDS):
        assert {world.days for world in one[kind :: worlds.KINDS]} == set(worlds.DAYS), kind
    assert {world.days for world in several} == set(worlds.DAYS)


def test_of_each_kind_every_fifth_is_large():
    sizes = [world.plan.units for world in worlds.learnt(320, 5000)[:320]]
    for kind in range(worlds.KINDS):
        of_kind = sizes[kind :: worlds.KINDS]
        small = min(of_kind)
        assert small in (5000, 7500)
        assert [units // small for units in of_kind] == [4 if at % 5 == 4 else 1 for at in range(len(of_kind))]


@pytest.fixture
def made(monkeypatch):
    """The names of the worlds that are made; nothing is written but their marks."""
    names = []

    def make(place, **_):
        (place / "logs").mkdir(parents=True)
        names.append(place.name)

    monkeypatch.setattr(worlds, "simulate", make)
    monkeypatch.setattr(worlds, "load", lambda _: None)
    monkeypatch.setattr(worlds, "read_config", lambda _: None)
    return names


def test_a_world_is_made_once_and_again_if_its_parameters_or_the_code_changed(tmp_path, made, monkeypatch):
    world = worlds.learnt(2, 5000)[0]
    for _ in range(2):
        worlds.loaded(world, tmp_path)
    assert made == ["learn-0"]
    worlds.loaded(world._replace(days=5), tmp_path)
    assert made == ["learn-0"] * 2
    monkeypatch.setattr(worlds, "code", lambda: "other")
    worlds.loaded(world._replace(days=5), tmp_path)
    assert made == ["learn-0"] * 3


def test_the_code_of_a_world_is_what_makes_and_counts_it(tmp_path, monkeypatch):
    def digest() -> str:
        worlds.code.cache_clear()
        return worlds.code()

    modules = {name for name in worlds.CODE if name.endswith(".py")}
    for name in modules | {"simulate/world.py", "inference/rollup.py", "inference/training/learning.py", "cli.py"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    monkeypatch.setattr(worlds, "PACKAGE", tmp_path)
    before = digest()
    for name, counts in (
        ("simulate/world.py", True),
        ("inference/rollup.py", True),
        ("load.py", True),
        ("inference/training/learning.py", False),
        ("cli.py", False),
    ):
        (tmp_path / name).write_text("after")
        assert (digest() != before) == counts, name
        before = digest()
    worlds.code.cache_clear()


def test_other_weights_have_the_next_name():
    other = replace(CARD, prior=CARD.prior / 2, trained={})
    number = int(CARD.name.removeprefix("trained-"))
    assert run.named(replace(CARD, name="x", trained={}), CARD) == CARD.name
    assert run.named(other, CARD) == f"trained-{number + 1}"


@pytest.mark.parametrize(
    ("units", "shared", "off"),
    [(199, 199, 0), (200, 200, 1), (200, 80, 0), (200, 100, 0), (200, 101, 1), (200, 60, 0), (200, 59, 1)],
)
def test_a_served_bin_is_off_by_more_than_a_tenth_of_200_units(units, shared, off):
    """All at 40 percent."""
    served, truth = np.full(units, 40, np.int16), np.arange(units) < shared
    assert measures.bins_off(served, truth) == off
    worst = float(metrics.worst_served_bin(metrics.histograms(served, truth)))
    assert bool(worst > 0.1 + 1e-9) == bool(off)
