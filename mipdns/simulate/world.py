"""From a plan to a folder: source files of every kind, the configuration that names them, and the truth.

In: a folder, a seed. Out: files, the same bytes for the same arguments. Its one rule: the loader can tell nothing from
these files that it could not tell from real ones; `truth.csv` is for people and for scoring, no source.
"""

from __future__ import annotations

import datetime
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mipdns.config import shipped_zones
from mipdns.errors import ConfigError
from mipdns.simulate.configuration import configuration_text
from mipdns.simulate.kinds import KINDS
from mipdns.simulate.plan import WorldPlan
from mipdns.simulate.population import World, make_world
from mipdns.simulate.traffic import Day, make_day
from mipdns.simulate.writers import flows, lists, logs, names, networks, traces, words, zeek
from mipdns.simulate.writers.files import Written
from mipdns.simulate.writers.rows import Requests, Wear, flows_at, requests_at

_POPULATION, _TRAFFIC, _LOGS, _CLAIMS = range(4)  # independent streams of random numbers


class Summary(NamedTuple):
    """What was made. units: active ones; multi_user: of them shared. kinds: units of each kind.

    log_lines: lines in all request and flow logs. files: every source file with its rows.
    """

    folder: Path
    config: Path
    truth: Path
    first_day: datetime.date
    last_day: datetime.date
    units: int
    multi_user: int
    kinds: dict[str, int]
    log_lines: int
    files: tuple[Written, ...]


def simulate(
    folder: Path,
    *,
    seed: int = 1,
    scale: float = 1.0,
    days: int = 3,
    as_of: datetime.date | None = None,
    plan: WorldPlan | None = None,
    zones: Path | None = None,
) -> Summary:
    """Write a made world into `folder`: about 3,000 active units times `scale`, over `days` days that end with `as_of`.

    `as_of` is yesterday (UTC) unless given. `zones` is the folder of zone files to copy. Files of an earlier world in
    the same folder are replaced. Raises ConfigError if there is nothing to make or no zone file to serve it with.
    """
    if not 0 < scale <= 1000 or days < 1:
        raise ConfigError(f"a world of scale {scale} and {days} days cannot be made: scale 0 to 1000, a day at least")
    zones = zones or shipped_zones()
    if not any(zones.glob("*.toml")):
        raise ConfigError(f"{zones}: no zone files there to copy; name the folder that has them")
    plan = plan or WorldPlan()
    last_day = as_of or datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(plan, scale, _stream(seed, _POPULATION))
    dates = [last_day - datetime.timedelta(days=back) for back in reversed(range(days))]
    log_files = _write_logs(folder / "logs", world, plan, seed, dates)
    claims = _write_claims(folder, world, plan, last_day, _stream(seed, _CLAIMS))
    truth = words.write_truth(folder / "truth.csv", world).path
    config = folder / "mipdns.toml"
    config.write_text(configuration_text(last_day, seed=seed, scale=scale, days=days), "utf-8")
    shutil.copytree(zones, folder / "zones", dirs_exist_ok=True)
    kinds = Counter(KINDS[number].name for number in world.units.kind.tolist())
    return Summary(
        folder=folder,
        config=config,
        truth=truth,
        first_day=dates[0],
        last_day=last_day,
        units=len(world.units.kind),
        multi_user=sum(KINDS[number].multi_user for number in world.units.kind.tolist()),
        kinds=dict(kinds),
        log_lines=sum(file.rows for file in log_files),
        files=(*log_files, *claims),
    )


def _stream(seed: int, *path: int) -> np.random.Generator:
    return np.random.default_rng([seed, *path])


def _write_logs(folder: Path, world: World, plan: WorldPlan, seed: int, dates: list[datetime.date]) -> list[Written]:
    shutil.rmtree(folder, ignore_errors=True)  # an earlier world's days would mix with these
    written: list[Written] = []
    for at, date in enumerate(dates):
        day = make_day(world, plan, date, (at, len(dates)), _stream(seed, _TRAFFIC, at))
        wear = Wear(plan.torn_lines, _stream(seed, _LOGS, at))
        written += _write_day(folder, world, day, wear, flags=at % 2 == 0)
    return written


def _write_day(folder: Path, world: World, day: Day, wear: Wear, *, flags: bool) -> list[Written]:
    date = day.date

    def asked(observer: str) -> Requests:
        return requests_at(world, day, observer, wear.rng)

    written = logs.write_logpush(folder / "edge", date, asked("edge"), wear)
    written.append(logs.write_combined(folder / "web" / f"shop-{date}.log.gz", asked("web"), wear, port=True))
    written.append(logs.write_combined(folder / "web" / f"blog-{date}.log.zst", asked("blog"), wear, port=False))
    for sensor in (zeek.Sensor("sensor", "tsv", 2), zeek.Sensor("probe", "json", 3)):
        written += zeek.write_zeek(folder / sensor.name, sensor, world, day, wear)
    cloud, colo = flows_at(world, day, "cloud"), flows_at(world, day, "colo")
    written.append(flows.write_vpcflow(folder / "cloud" / f"vpc-{date}.log.gz", cloud, wear, flags=flags))
    written.append(flows.write_nfdump(folder / "colo" / f"nfcapd-{date}.csv", colo, wear))
    written.append(logs.write_csv_log(folder / "app" / f"app-{date}.csv", asked("app"), wear))
    written.append(logs.write_parquet_log(folder / "api" / f"api-{date}.parquet", asked("api")))
    return written


def _write_claims(
    folder: Path, world: World, plan: WorldPlan, as_of: datetime.date, rng: np.random.Generator
) -> list[Written]:
    """Everything that is said of networks, ranges and addresses, right or wrong."""
    return [
        *networks.write_routes(folder / "routes", world.units),
        *networks.write_peeringdb(folder / "peeringdb", as_of),
        traces.write_atlas(folder / "atlas" / "traceroutes.ndjson.gz", world, as_of, rng),
        names.write_ptr(folder / "ptr" / "names.csv.gz", world, plan, rng),
        *lists.write_lists(folder / "lists", world, plan, as_of, rng),
        words.write_partner(folder / "partner" / "words.csv", world, plan, as_of, rng),
    ]
