"""One small made world for all tests of the simulator."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from mipdns.simulate import Summary, simulate
from mipdns.simulate.plan import WorldPlan
from mipdns.simulate.population import World, make_world
from mipdns.simulate.traffic import Day, make_day

AS_OF = datetime.date(2026, 9, 22)  # a Tuesday


@pytest.fixture(scope="package")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder: Path = tmp_path_factory.mktemp("world")
    return simulate(folder, scale=0.1, as_of=AS_OF)


@pytest.fixture(scope="package")
def world() -> World:
    return make_world(WorldPlan(), 0.3, np.random.default_rng(7))


@pytest.fixture(scope="package")
def weekday(world: World) -> Day:
    return make_day(world, WorldPlan(), AS_OF, (0, 1), np.random.default_rng(8))


@pytest.fixture(scope="package")
def sunday(world: World) -> Day:
    return make_day(world, WorldPlan(), AS_OF - datetime.timedelta(days=2), (0, 1), np.random.default_rng(8))
