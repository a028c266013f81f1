"""Parameters of a made world: read from TOML, written as TOML, drawn at random.

In: a file, a plan or a seeded generator. Out: a plan or its text. Its one rule: what `plan_text` writes, `read_plan`
reads as the same plan.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mipdns.errors import ConfigError
from mipdns.simulate.plan import Bots, Errors, People, Programs, Shares, Translation, WorldPlan


def read_plan(path: Path) -> WorldPlan:
    """A plan from a file of parameters; what it leaves out is as shipped. Raises ConfigError naming file and key."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), WorldPlan)
    except OSError as fault:
        raise ConfigError(f"{path}: {fault.strerror}; name the file of a world's parameters") from fault
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigError(f"{path}: is no TOML: {fault}") from fault
    except msgspec.ValidationError as fault:
        raise ConfigError(f"{path}: {fault}; docs/simulation.md lists the parameters") from fault


def plan_for(
    path: Path | None,
    *,
    draw_seed: int | None = None,
    units: int | None = None,
    observer_share: float | None = None,
    shared_share: float | None = None,
    without: tuple[str, ...] = (),
) -> WorldPlan:
    """The plan of a file, of a seed, or as shipped; what else is given takes the place of what it says."""
    if path is not None:
        plan = read_plan(path)
    elif draw_seed is not None:
        plan = draw_plan(np.random.default_rng(draw_seed), units=WorldPlan().units, without=())
    else:
        plan = WorldPlan()
    given = {"units": units, "observer_share": observer_share, "shared_share": shared_share, "without": without or None}
    kept = {name: value for name, value in given.items() if value is not None}
    try:  # converted, since what is replaced is not held against the bounds
        return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(plan, **kept)), WorldPlan)
    except ValueError as fault:  # a share of multi-user units that the file's kinds cannot have
        raise ConfigError(f"{path or 'parameters'}: {fault}") from fault


def plan_text(plan: WorldPlan) -> str:
    """The whole plan as TOML, every parameter written out."""
    values: dict[str, Any] = msgspec.to_builtins(plan)
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for name, table in values.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return str(value).lower() if isinstance(value, bool) else repr(value)


def draw_plan(
    rng: np.random.Generator,
    *,
    units: int = 15_000,
    observer_share: float | tuple[float, float] = (0.03, 1.0),
    shared_share: float | tuple[float, float] = (0.10, 0.45),
    without: tuple[str, ...] | None = None,
) -> WorldPlan:
    """A world that differs from others by its parameters, not by its seed alone.

    observer_share: drawn log-uniformly from a range, or given; shared_share: uniformly. without: sources it lacks; None
    leaves each of them out with a chance of its own, and columns of the log now and then.
    """
    shares = Shares()
    wobbled = {name: float(part * np.exp(rng.normal(0, 0.5))) for name, part in shares.parts().items()}
    multi = float(rng.uniform(*shared_share)) if isinstance(shared_share, tuple) else shared_share
    return WorldPlan(
        units=units,
        units_a_network=int(rng.integers(60, 200)),
        observer_share=_log_uniform(rng, *observer_share) if isinstance(observer_share, tuple) else observer_share,
        shared_share=multi,
        without=_lacking(rng) if without is None else without,
        shares=Shares(**wobbled),
        people=People(
            pages=_log_uniform(rng, 0.5, 3.0),
            line_visits=_log_uniform(rng, 0.7, 4.0),
            person_visits=_log_uniform(rng, 0.08, 0.5),
            spread=float(rng.uniform(0.7, 1.4)),
            more_devices=float(rng.uniform(0.08, 0.22)),
            unlike=float(rng.uniform(0.05, 0.4)),
            phones=_log_uniform(rng, 0.5, 3.0),
            app_share=float(rng.uniform(0.02, 0.45)),
            flatness=float(rng.uniform(0.0, 0.25)),
            shift_h=float(rng.uniform(-1.5, 1.5)),
            lease_churn=_log_uniform(rng, 0.003, 0.2),
        ),
        programs=Programs(
            newest=int(rng.integers(126, 150)),
            lag=_log_uniform(rng, 0.5, 3.0),
            reduction=float(rng.uniform(0.6, 1.0)),
            resumed=float(rng.uniform(0.0, 0.4)),
            quic=float(rng.choice([0.0, rng.uniform(0.05, 0.4)])),
        ),
        translation=Translation(
            ratio_weights=tuple(float(part) for part in rng.dirichlet(np.array(Translation().ratio_weights))),
            full=float(rng.uniform(0.3, 0.8)),
            lone=_log_uniform(rng, 0.02, 0.4),
            guests=float(rng.uniform(0.0, 0.2)),
            tilt=_five(np.exp(rng.normal(0, 0.6, 5))),
            sharing_shown=float(rng.uniform(0.2, 0.8)),
        ),
        bots=Bots(
            rate=_log_uniform(rng, 0.3, 3.0),
            rotator_even=float(rng.uniform(0.1, 0.7)),
            rotator_tls=float(rng.uniform(0.2, 0.7)),
            rotator_true=float(rng.uniform(0.0, 0.2)),
            active=float(rng.uniform(0.5, 1.0)),
            forged=float(rng.uniform(0.0, 0.1)),
        ),
        errors=_errors(rng),
    )


def _errors(rng: np.random.Generator) -> Errors:
    return Errors(
        peeringdb_missing_small=float(rng.uniform(0.4, 0.95)),
        peeringdb_missing_large=float(rng.uniform(0.0, 0.2)),
        peeringdb_wrong=float(rng.uniform(0.02, 0.15)),
        peeringdb_empty=float(rng.uniform(0.05, 0.25)),
        names_missing_small=float(rng.uniform(0.3, 0.9)),
        names_missing_large=float(rng.uniform(0.0, 0.3)),
        names=float(rng.uniform(0.6, 0.98)),
        names_stale=_log_uniform(rng, 0.01, 0.1),
        names_generic=float(rng.uniform(0.2, 0.8)),
        list_small=float(rng.uniform(0.05, 0.5)),
        list_large=float(rng.uniform(0.6, 0.95)),
        list_tor=float(rng.uniform(0.8, 0.98)),
        list_stale=_log_uniform(rng, 0.02, 0.15),
        list_age_days=int(rng.integers(10, 120)),
        partner_space=float(rng.uniform(0.0, 0.05)),
        partner_wrong=float(rng.uniform(0.01, 0.06)),
        duplicated=_log_uniform(rng, 0.001, 0.03),
        moved=_log_uniform(rng, 0.001, 0.02),
    )


_LACKING = {
    "peeringdb": 0.15, "atlas": 0.3, "ptr": 0.2, "partner": 0.5, "tor": 0.15, "vpn": 0.25, "relay": 0.25,
    "secure-web": 0.3, "edge-network": 0.3, "mobile": 0.4, "campus": 0.3, "hosting": 0.2, "ja4": 0.2, "bot_score": 0.5,
    "forwarded": 0.5, "port": 0.15, "agent": 0.05,
}  # fmt: skip
"""Chance of each source and column of a log to be missing from a drawn world."""


def _lacking(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(name for name, chance in _LACKING.items() if rng.random() < chance)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _five(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float, float, float, float]:
    one, two, three, four, five = values.tolist()
    return one, two, three, four, five
