"""The worlds that the scorecard is learnt from, and the other ones that it is measured on. In: a folder. Out: loads.

The one rule: a world is made from what stands in `Made` alone, and one of the same that is there already is taken, if
the same code made it.
"""

from __future__ import annotations

import datetime
import hashlib
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

import mipdns
from mipdns.config import read_config
from mipdns.load import load
from mipdns.simulate import simulate
from mipdns.simulate.configuration import LOG_COLUMNS, OBSERVERS, Form
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
COMBINED = (*ACCESS_LOG, "port", "forwarded")
"""And what they do not log in their usual format."""
SITES = ("edge", "shop", "blog", "app", "api")
"""Observers that log requests alone; the others log connections, two of them requests too."""
SOURCES = (
    "peeringdb", "atlas", "ptr", "partner", "tor", "vpn", "relay", "secure-web", "edge-network", "mobile", "campus",
    "hosting", "ja4", "bot_score", "forwarded",
)  # fmt: skip
_FLOWS = tuple(name for name in OBSERVERS if name not in SITES)
PACKAGE = Path(mipdns.__file__).parent
CODE = ("simulate", "sources", "inference", "store", "columns.py", "evidence.py", "load.py", "net.py")
"""Of the package what makes, counts and keeps a world; what is learnt from it afterwards stands in `training`."""
LEARNT, MEASURED = 20_261_123, 4_711
"""Seeds: no world is drawn for both."""


class Made(NamedTuple):
    """A world to make. days: of logs. form: of the logs."""

    name: str
    seed: int
    plan: WorldPlan
    days: int
    form: Form = "parquet"


def learnt(count: int, units: int) -> list[Made]:
    """Worlds to learn from: of wholly drawn parameters, or as shipped but for site and pools, thin, poor, of access
    logs or flows. Every kind is there with each number of days. To each two of one log comes one of many observers.
    """
    one = [Made(f"learn-{at}", at, _learnt(at, units), DAYS[at // (2 * KINDS) % len(DAYS)]) for at in range(count)]
    return one + [_observed(at, units) for at in range(count // 2)]


def _observed(at: int, units: int) -> Made:
    """Logs of many observers, who each see a part of the traffic in a form of their own: all of them, one site, one
    that counts connections beside it, a few of all; with all sources, half of them, or routes alone.
    """
    rng = np.random.default_rng([LEARNT, 1, at])
    drawn = at // 5 % 3 == 1
    plan = draw_plan(rng, units=units, observer_share=(0.3, 1.0), without=()) if drawn else _shipped(rng, units)
    site = SITES[at // 5 % len(SITES)]
    match at % 5:
        case 1:
            there: tuple[str, ...] = (site,)
        case 2:
            there = (site, str(rng.choice(_FLOWS)))
        case 3:
            there = tuple(rng.permutation(OBSERVERS)[: int(rng.integers(2, 6))].tolist())
        case 4 if at // 5 % 2:
            there = tuple(rng.permutation(_FLOWS)[: int(rng.integers(1, 3))].tolist())
        case _:
            there = OBSERVERS
    silent = ((), _half(rng), (), tuple(name for name in SOURCES if name not in LOG_COLUMNS))[at // 5 % 4]
    without = (
        *(name for name in OBSERVERS if name not in there),
        *(name for name in silent if name not in LOG_COLUMNS),
    )
    return Made(f"learn-observed-{at}", 50_000 + at, _with(plan, without=without), DAYS[at // 10 % len(DAYS)], "mixed")


def _learnt(at: int, units: int) -> WorldPlan:
    rng = np.random.default_rng([LEARNT, at])
    units *= LARGE if at // KINDS % 5 == 4 else 1
    shipped = _shipped(rng, units)
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
            log = COMBINED if at // KINDS % 3 else ACCESS_LOG
            return _with(shipped, without=log, observer_share=_much(rng, 0.4))
        case 7 if twice:
            return _with(draw_plan(rng, units=units), without=FLOWS_ONLY)
        case 7:
            return _with(shipped, without=FLOWS_ONLY, observer_share=_much(rng, 0.4))
        case 8 if twice:
            return _with(shipped, without=("port",))
        case 4 | 8:
            return shipped
        case 9:
            without = ((), ACCESS_LOG, ("port",), COMBINED)[at // KINDS % 4]
            return _with(shipped, units=units * 3 // 2, without=without, observer_share=_log_uniform(rng, 0.07, 0.15))
        case _:
            return _with(shipped, observer_share=_much(rng, 0.4))


def _shipped(rng: np.random.Generator, units: int) -> WorldPlan:
    """As shipped, but for how many are shared, the pages of the site, and lines within pools."""
    return changed(
        WorldPlan(units=units, shared_share=_log_uniform(rng, 0.07, 0.55)),
        people={"pages": _log_uniform(rng, 0.6, 2.0)},
        translation={"guests": float(rng.uniform(0.0, 0.15))},
    )


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
            Made(f"combined-{at}", seed, _with(shipped, without=COMBINED), days),
            Made(f"observers-{at}", seed, _with(shipped, units=units * 2 // 5), days, "mixed"),
            Made(
                f"one-site-{at}",
                seed,
                _with(shipped, units=units * 2 // 5, without=_but(SITES[at % len(SITES)])),
                days,
                "mixed",
            ),
        ]
    return worlds


def loaded(world: Made, folder: Path) -> Path:
    """The folder of a world that is made and loaded; its logs are gone."""
    place = folder / world.name
    done, made = place / "done", f"{world!r}\n{code()}\n"
    if done.exists() and done.read_text("utf-8") == made:
        return place
    shutil.rmtree(place, ignore_errors=True)
    simulate(
        place,
        seed=world.seed,
        days=world.days,
        as_of=AS_OF + datetime.timedelta(world.seed % 7),
        plan=world.plan,
        form=world.form,
    )
    load(read_config(place / "mipdns.toml"))
    shutil.rmtree(place / "logs")
    shutil.rmtree(place / "work", ignore_errors=True)
    done.write_text(made, "utf-8")
    return place


@cache
def code() -> str:
    """SHA-256 of `CODE`: other code may make, or count, another world of the same parameters."""
    sha = hashlib.sha256()
    files = [path for name in CODE for path in (PACKAGE / name, *(PACKAGE / name).rglob("*"))]
    for path in sorted(files):
        if path.suffix in (".py", ".sql") and "training" not in path.parts:
            sha.update(path.read_bytes())
    return sha.hexdigest()


def _with(plan: WorldPlan, **changes: object) -> WorldPlan:
    return msgspec.structs.replace(plan, **changes)


def _but(site: str) -> tuple[str, ...]:
    """What a world is without that has one observer, the routes, and nobody who says anything."""
    silent = [name for name in SOURCES if name not in LOG_COLUMNS]
    return (*silent, *(name for name in OBSERVERS if name != site))


def _half(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(sorted(rng.permutation(SOURCES)[: len(SOURCES) // 2 + 1].tolist()))


def _much(rng: np.random.Generator, least: float) -> float:
    """An observer's share, from the least to all: servers log all that comes, so a sixth to a third see it whole."""
    return min(_log_uniform(rng, least, 1.6), 1.0)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
