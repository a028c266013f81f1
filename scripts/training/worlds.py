"""The worlds that the scorecard is learnt from, and the other ones that it is measured on. In: a folder. Out: loads.

The one rule: a world is made from what stands in `Made` alone, and one of the same that is there already is taken.
"""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from mipdns.config import read_config
from mipdns.load import load
from mipdns.simulate import simulate
from mipdns.simulate.parameters import draw_plan
from mipdns.simulate.plan import WorldPlan, changed

AS_OF = datetime.date(2026, 9, 22)
DAYS = (3, 7, 3, 2)
"""Of logs, one after the other."""
KINDS = 10
"""Of worlds to learn from; three of them come in two forms, by turns."""
LARGE = 4
"""So many times as large is every fifth of a kind: large networks show what small ones cannot."""
FLOWS_ONLY = ("agent", "ja4", "bot_score", "forwarded")
ACCESS_LOG = ("ja4", "bot_score")
"""What web servers do not log unless they are told to."""
SOURCES = (
    "peeringdb", "atlas", "ptr", "partner", "tor", "vpn", "relay", "secure-web", "edge-network", "mobile", "campus",
    "hosting", "ja4", "bot_score", "forwarded",
)  # fmt: skip
LEARNT, MEASURED = 20_261_123, 4_711
"""Seeds: no world is drawn for both."""


class Made(NamedTuple):
    """A world to make. days: of logs."""

    name: str
    seed: int
    plan: WorldPlan
    days: int


def learnt(count: int, units: int) -> list[Made]:
    """Worlds to learn from: of wholly drawn parameters, or as shipped but for site and pools, thin, poor, of access
    logs or flows. Every kind is there with each number of days.
    """
    return [Made(f"learn-{at}", at, _learnt(at, units), DAYS[at // (2 * KINDS) % len(DAYS)]) for at in range(count)]


def _learnt(at: int, units: int) -> WorldPlan:
    rng = np.random.default_rng([LEARNT, at])
    units *= LARGE if at // KINDS % 5 == 4 else 1
    shipped = changed(
        WorldPlan(units=units, shared_share=_log_uniform(rng, 0.07, 0.55)),
        people={"pages": _log_uniform(rng, 0.6, 2.0)},
        translation={"guests": float(rng.uniform(0.0, 0.15))},
    )
    twice = at // KINDS % 2
    match at % KINDS:
        case 1:
            return _with(shipped, without=_half(rng), observer_share=_much(rng, 0.2))
        case 2:
            return _with(shipped, units=units * 3 // 2, observer_share=_log_uniform(rng, 0.03, 0.15))
        case 3:
            return _with(shipped, without=FLOWS_ONLY, observer_share=_much(rng, 0.1))
        case 4 if twice:
            return draw_plan(rng, units=units, observer_share=(0.4, 1.0))
        case 5:
            return draw_plan(rng, units=units)
        case 6:
            return _with(shipped, without=ACCESS_LOG, observer_share=_much(rng, 0.4))
        case 7 if twice:
            return _with(draw_plan(rng, units=units), without=FLOWS_ONLY)
        case 7:
            return _with(shipped, without=FLOWS_ONLY, observer_share=_much(rng, 0.4))
        case 4 | 8:
            return shipped
        case 9:
            without = ACCESS_LOG if twice else ()
            return _with(shipped, units=units * 3 // 2, without=without, observer_share=_log_uniform(rng, 0.07, 0.15))
        case _:
            return _with(shipped, observer_share=_much(rng, 0.4))


def measured(count: int, units: int) -> list[Made]:
    """Worlds to measure on, so many of each kind: of seeds and parameters that nothing was learnt from."""
    worlds = []
    for at in range(count):
        seed = 100_000 + at
        rng = np.random.default_rng([MEASURED, at])
        shipped, days = WorldPlan(units=units), DAYS[at % 2]
        worlds += [
            Made(f"shipped-{at}", seed, shipped, days),
            Made(f"drawn-{at}", seed, draw_plan(rng, units=units), days),
            Made(f"tenth-{at}", seed, _with(shipped, observer_share=0.1), days),
            Made(f"few-shared-{at}", seed, _with(shipped, shared_share=0.12), days),
            Made(f"many-shared-{at}", seed, _with(shipped, shared_share=0.45), days),
            Made(f"half-missing-{at}", seed, _with(shipped, without=_half(rng)), days),
            Made(f"access-log-{at}", seed, _with(shipped, without=ACCESS_LOG), days),
            Made(f"flows-only-{at}", seed, _with(shipped, without=FLOWS_ONLY), days),
        ]
    return worlds


def loaded(world: Made, folder: Path) -> Path:
    """The folder of a world that is made and loaded; its logs are gone."""
    place = folder / world.name
    done = place / "done"
    if done.exists() and done.read_text("utf-8") == repr(world):
        return place
    shutil.rmtree(place, ignore_errors=True)
    simulate(
        place,
        seed=world.seed,
        days=world.days,
        as_of=AS_OF + datetime.timedelta(world.seed % 7),
        plan=world.plan,
        form="parquet",
    )
    load(read_config(place / "mipdns.toml"))
    shutil.rmtree(place / "logs")
    shutil.rmtree(place / "work", ignore_errors=True)
    done.write_text(repr(world), "utf-8")
    return place


def _with(plan: WorldPlan, **changes: object) -> WorldPlan:
    return msgspec.structs.replace(plan, **changes)


def _half(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(sorted(rng.permutation(SOURCES)[: len(SOURCES) // 2 + 1].tolist()))


def _much(rng: np.random.Generator, least: float) -> float:
    """An observer's share, from the least to all: servers log all that comes, so a sixth to a third see it whole."""
    return min(_log_uniform(rng, least, 1.6), 1.0)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
