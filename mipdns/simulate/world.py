"""From a plan to a folder: source files of every kind, the configuration that names them, and the truth.

In: a folder, a seed, a plan. Out: files, the same bytes for the same arguments. Its one rule: the loader can tell
nothing from these files that it could not tell from real ones; `truth.csv` is for people and for scoring, no source.
"""

from __future__ import annotations

import datetime
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from mipdns.config import AS_OF_YEAR_MIN, shipped_zones
from mipdns.errors import ConfigError
from mipdns.progress import Progress, silent
from mipdns.simulate.configuration import OBSERVERS, WITHOUT, Form, configuration_text
from mipdns.simulate.kinds import KINDS
from mipdns.simulate.parameters import plan_text
from mipdns.simulate.plan import WorldPlan
from mipdns.simulate.population import World, make_people, make_world, slices, stream
from mipdns.simulate.traffic import make_day
from mipdns.simulate.writers import flows, lists, logs, names, networks, traces, words, zeek
from mipdns.simulate.writers.files import Written
from mipdns.simulate.writers.rows import Requests, Scene, Wear, columns_at, dotted_texts, flows_at, requests_at

_LOGS, _CLAIMS = 4, 5  # independent streams of random numbers
_OBSERVER = "edge"  # the one that sees everything where there is one log
_CLAIMED = ("routes", "peeringdb", "atlas", "ptr", "lists", "partner")
_COUNTED = "work"  # where loads keep what they counted of logs, those too that are no longer there
_MARK = "world.toml"  # the parameters; a folder that has them is a world's
MOST_UNITS = 20_000_000


class Summary(NamedTuple):
    """What was made. units: active ones on the last day; multi_user: of them shared. kinds: units of each kind.

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
    days: int = 3,
    as_of: datetime.date | None = None,
    plan: WorldPlan | None = None,
    units: int | None = None,
    form: Form = "mixed",
    zones: Path | None = None,
    progress: Progress = silent,
) -> Summary:
    """Write a made world into `folder`: so many active units over `days` days that end with `as_of`.

    `as_of` is yesterday (UTC) unless given, `units` the plan's. form: logs of nine observers in all formats (`mixed`),
    or one log as Logpush (`ndjson`) or Parquet. `zones` is the folder of zone files to copy. Files of an earlier world
    in the same folder are replaced. Raises ConfigError if there is nothing to make, a source that is unknown is to be
    left out, there is no zone file to serve it with, the folder holds somebody's own files where those of a world
    would go, it cannot be written, or its days have not come or lie before all logs.
    """
    plan = plan or WorldPlan()
    if units is not None:
        plan = msgspec.structs.replace(plan, units=units)
    today = datetime.datetime.now(datetime.UTC).date()
    last_day = as_of or today - datetime.timedelta(days=1)
    _check(plan, seed, days, form)
    _check_days(last_day, days, today)
    zones = zones or shipped_zones()
    if not any(zones.glob("*.toml")):
        raise ConfigError(f"{zones}: no zone files there to copy; name the folder that has them")
    _keep_what_is_no_world(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        progress("make units", 0.0)
        return _write(folder, make_world(plan, seed, days), last_day, days, form, zones, progress)
    except OSError as fault:
        raise ConfigError(f"{fault.filename or folder}: {fault.strerror}; a world cannot be written there") from fault


def _write(
    folder: Path, world: World, last_day: datetime.date, days: int, form: Form, zones: Path, progress: Progress
) -> Summary:
    plan = world.plan
    (folder / _MARK).write_text(plan_text(plan), "utf-8")
    dates = [last_day - datetime.timedelta(days=back) for back in reversed(range(days))]
    for name in ("logs", _COUNTED):  # an earlier world's days would mix with these
        shutil.rmtree(folder / name, ignore_errors=True)
    log_files = _write_logs(folder / "logs", world, dates, form, progress)
    progress("write sources", 0.0)
    claims = _write_claims(folder, world, last_day)
    truth = words.write_truth(folder / "truth.csv", world).path
    config = folder / "mipdns.toml"
    there = [file.path.relative_to(folder).as_posix() for file in (*log_files, *claims)]
    config.write_text(configuration_text(world, last_day, form, plan.without, there), "utf-8")
    shutil.copytree(zones, folder / "zones", dirs_exist_ok=True)
    kinds = Counter(world.units.kind[world.units.until >= days - 1].tolist())
    return Summary(
        folder=folder,
        config=config,
        truth=truth,
        first_day=dates[0],
        last_day=last_day,
        units=sum(kinds.values()),
        multi_user=sum(count for number, count in kinds.items() if KINDS[number].multi_user),
        kinds={KINDS[number].name: count for number, count in sorted(kinds.items())},
        log_lines=sum(file.rows for file in log_files),
        files=(*log_files, *claims),
    )


def _keep_what_is_no_world(folder: Path) -> None:
    """What a world replaces is deleted first: logs too, and they may be somebody's own."""
    if not (folder / _MARK).exists():
        for name in ("mipdns.toml", "logs", _COUNTED, *_CLAIMED):
            if (folder / name).exists():
                raise ConfigError(
                    f"{folder / name} is there, and not of a made world, which would replace it; name another folder"
                )


def _check(plan: WorldPlan, seed: int, days: int, form: Form) -> None:
    if seed < 0:
        raise ConfigError(f"a world of seed {seed} cannot be made: seeds are 0 and above")
    if not 1 <= plan.units <= MOST_UNITS or days < 1:
        raise ConfigError(
            f"a world of {plan.units} units and {days} days cannot be made: 1 to {MOST_UNITS} units, a day at least"
        )
    unknown = [name for name in plan.without if name not in WITHOUT]
    if unknown:
        raise ConfigError(f"a world without {unknown[0]!r}: there is no such source; there are {', '.join(WITHOUT)}")
    columns = [name for name in plan.without if name in logs.PARQUET_COLUMNS]
    if columns and form != "parquet":
        raise ConfigError(f"only a log in Parquet can be without {columns[0]!r}; choose that format")
    observers = [name for name in plan.without if name in OBSERVERS]
    if observers and form != "mixed":
        raise ConfigError(f"only logs of nine observers can be without {observers[0]!r}; choose mixed")


def _check_days(last_day: datetime.date, days: int, today: datetime.date) -> None:
    """A world that no load would read is not made: what has not come is no evidence, nor what was before all logs."""
    if last_day > today:
        raise ConfigError(
            f"a world up to {last_day} cannot be made: today is {today} (UTC), and no load reads beyond it"
        )
    if (last_day - datetime.date(AS_OF_YEAR_MIN, 1, 1)).days < days - 1:
        raise ConfigError(
            f"a world of {days} days up to {last_day} cannot be made: it would begin before {AS_OF_YEAR_MIN}"
        )


def _write_logs(
    folder: Path, world: World, dates: list[datetime.date], form: Form, progress: Progress
) -> list[Written]:
    written: list[Written] = []
    parts = list(slices(world))
    for part, (start, stop) in enumerate(parts):
        people, dotted = make_people(world, start, stop), dotted_texts(world, start, stop)
        for at, date in enumerate(dates):
            progress("write logs", (part + at / len(dates)) / len(parts))
            day = make_day(world, people, at, date, one_log=form != "mixed")
            scene = Scene(world, people, day, part, dotted)
            name = f"{date}" if len(parts) == 1 else f"{date}-{part:04}"
            wear = Wear(world.plan.errors.torn_lines, stream(world.seed, _LOGS, start, at))
            if form == "mixed":
                written += _write_day(folder, scene, name, wear, flags=at % 2 == 0)
            elif form == "ndjson":
                written += logs.write_logpush(folder / _OBSERVER, name, requests_at(scene, _OBSERVER, wear.rng), wear)
            else:
                columns = columns_at(scene, _OBSERVER, wear.rng)
                path = folder / _OBSERVER / f"{name}.parquet"
                written.append(
                    logs.write_parquet_log(path, world, columns, site="www.example", without=world.plan.without)
                )
    return _with_rows(written)


def _write_day(folder: Path, scene: Scene, name: str, wear: Wear, *, flags: bool) -> list[Written]:
    def asked(observer: str) -> Requests:
        return requests_at(scene, observer, wear.rng)

    def edge() -> list[Written]:
        return logs.write_logpush(folder / "edge", name, asked("edge"), wear)

    def shop() -> list[Written]:
        return [logs.write_combined(folder / "web" / f"shop-{name}.log.gz", asked("web"), wear, port=True)]

    def blog() -> list[Written]:
        return [logs.write_combined(folder / "web" / f"blog-{name}.log.zst", asked("blog"), wear, port=False)]

    def sensor() -> list[Written]:
        return zeek.write_zeek(folder / "sensor", zeek.Sensor("sensor", "tsv", 2), scene, name, wear)

    def probe() -> list[Written]:
        return zeek.write_zeek(folder / "probe", zeek.Sensor("probe", "json", 3), scene, name, wear)

    def cloud() -> list[Written]:
        seen = flows_at(scene, "cloud")
        return [flows.write_vpcflow(folder / "cloud" / f"vpc-{name}.log.gz", seen, wear, flags=flags)]

    def colo() -> list[Written]:
        return [flows.write_nfdump(folder / "colo" / f"nfcapd-{name}.csv", flows_at(scene, "colo"), wear)]

    def app() -> list[Written]:
        return [logs.write_csv_log(folder / "app" / f"app-{name}.csv", asked("app"), wear)]

    def api() -> list[Written]:
        columns = columns_at(scene, "api", wear.rng)
        path = folder / "api" / f"api-{name}.parquet"
        return [logs.write_parquet_log(path, scene.world, columns, site="api.example")]

    writers = {
        "edge": edge, "shop": shop, "blog": blog, "sensor": sensor, "probe": probe, "cloud": cloud, "colo": colo,
        "app": app, "api": api,
    }  # fmt: skip
    without = scene.world.plan.without
    return [file for observer, write in writers.items() if observer not in without for file in write()]


def _write_claims(folder: Path, world: World, as_of: datetime.date) -> list[Written]:
    """Everything that is said of networks, ranges and addresses, right or wrong."""
    plan = world.plan
    without = plan.without if plan.errors.partner_space else (*plan.without, "partner")

    def dice(number: int) -> np.random.Generator:
        return stream(world.seed, _CLAIMS, number)

    written: list[Written] = []
    for name in _CLAIMED:
        shutil.rmtree(folder / name, ignore_errors=True)
    if "routes" not in without:
        written += networks.write_routes(folder / "routes", world)
    if "peeringdb" not in without:
        written += networks.write_peeringdb(folder / "peeringdb", world, as_of)
    if "atlas" not in without:
        written.append(traces.write_atlas(folder / "atlas" / "traceroutes.ndjson.gz", world, as_of, dice(0)))
    if "ptr" not in without:
        written.append(names.write_ptr(folder / "ptr" / "names.csv.gz", world, dice(1)))
    if "lists" not in without:
        written += lists.write_lists(folder / "lists", world, as_of, dice(2), tuple(without))
    if "partner" not in without:
        written.append(words.write_partner(folder / "partner" / "words.csv", world, as_of, dice(3)))
    return _with_rows(written)


def _with_rows(written: list[Written]) -> list[Written]:
    """Whoever saw nobody, or has nothing to say, writes no file: one without a row is an error to a load."""
    for file in written:
        if not file.rows:
            file.path.unlink()
            if not any(file.path.parent.iterdir()):
                file.path.parent.rmdir()
    return [file for file in written if file.rows]
