"""One small made world for all tests of the simulator."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from mipdns.simulate import Summary, WorldPlan, simulate
from mipdns.simulate.population import People, World, make_people, make_world
from mipdns.simulate.traffic import Day, make_day

AS_OF = datetime.date(2026, 9, 22)  # a Tuesday


@pytest.fixture(scope="package")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder: Path = tmp_path_factory.mktemp("world")
    return simulate(folder, units=300, as_of=AS_OF)


@pytest.fixture(scope="package")
def one_log(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder: Path = tmp_path_factory.mktemp("one-log")
    return simulate(folder, units=300, as_of=AS_OF, form="parquet")


@pytest.fixture(scope="package")
def world() -> World:
    return make_world(WorldPlan(units=1200), 7, 3)


class Seen(NamedTuple):
    """Everybody's day."""

    people: People
    day: Day


def day_of(world: World, place: int, date: datetime.date, *, one_log: bool = False) -> Seen:
    people = make_people(world, 0, len(world.units.kind))
    return Seen(people, make_day(world, people, place, date, one_log=one_log))


@pytest.fixture(scope="package")
def weekday(world: World) -> Seen:
    return day_of(world, 2, AS_OF)


@pytest.fixture(scope="package")
def sunday(world: World) -> Seen:
    return day_of(world, 0, AS_OF - datetime.timedelta(days=2))
