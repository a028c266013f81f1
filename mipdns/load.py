"""The scheduled job, stage by stage: sources → evidence → inference → store → index.

In: a `Config`. Out: the new build, written in one transaction, and its index; or an exception and the old build as it
was. Everything that can be wrong with a source is found before the first row is written.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from mipdns import config as configuration
from mipdns import inference, net, store
from mipdns.config import Config
from mipdns.errors import ConfigError, StoreError, StoreMissing, StoreVersion
from mipdns.evidence import FEEDBACK, Assertion, FileRead, Label, LogEvidence, Network, Route
from mipdns.index.compile import compile_index
from mipdns.progress import Progress, silent
from mipdns.schedule.attempt import claimed
from mipdns.sources import atlas, egress, logs, peeringdb, ptr, reading, routes, truth
from mipdns.weights import scorecard_of

T = TypeVar("T")

CLOCK_BACK_MAX = datetime.timedelta(days=1)
"""How far the clock may lie behind the last build: what an hour or a time zone put right comes to."""


class Evidence(NamedTuple):
    """All that the sources of one load said."""

    logs: LogEvidence | None
    routes: list[Route]
    organisations: dict[int, str]
    networks: list[Network]
    assertions: list[Assertion]
    labels: list[Label]
    files: list[FileRead]


class Stages:
    """How long each stage took, in seconds, in order."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: list[tuple[str, float]] = []
        self.progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside, and tell the progress when it starts and ends."""
        start = time.monotonic()
        self.progress(name, 0.0)
        yield
        self.seconds.append((name, round(time.monotonic() - start, 3)))
        self.progress(name, 1.0)


def load(
    config: Config,
    progress: Progress = silent,
    *,
    today: datetime.date | None = None,
    force: bool = False,
    wait_s: float = 0.0,
    before: Callable[[], object] | None = None,
) -> store.Build:
    """Read every configured source, judge, regenerate the tables, and compile the index; leave a record of how it went.

    force: also where more of what is listed changes than `change_max` allows, or where the clock went back. wait_s: how
    long to wait for another load of this database to end. before: what is to be done first, as a part of this load:
    fetching. Raises StoreBusy if the other load does not end, before anything is read; what `before` raises;
    SourceError, ConfigError, StoreError or SnapshotTooDifferent, and SnapshotError if the index cannot be written, when
    the build is committed.
    """
    if not config.sources:
        raise ConfigError("no [[source]] is configured, so there is nothing to load")
    database = Path(config.store.database)
    _make_room(database)
    with claimed(database, wait_s) as claim:
        now = datetime.datetime.now(datetime.UTC)
        if today is None and not force:
            _check_clock(database, now)
        if before:
            before()
        build = _regenerate(config, progress, today or now.date(), force=force)
        claim.serial = build.serial
        # So that a server starts at once; one that runs and notices the build first compiles it, and this waits for it.
        stages = Stages(progress)
        with stages.stage("compile"):
            compile_index(database, Path(config.store.index))
    return build._replace(stages=[*build.stages, *stages.seconds])


def _regenerate(config: Config, progress: Progress, today: datetime.date, *, force: bool) -> store.Build:
    """From the sources to the committed build."""
    with ExitStack() as held:
        return _build(config, Stages(progress), today, held, force=force)


def _build(config: Config, stages: Stages, today: datetime.date, held: ExitStack, *, force: bool) -> store.Build:
    """The same; `held` keeps the counted logs in their place until the build is committed."""
    progress = stages.progress
    database = Path(config.store.database)
    card = scorecard_of(config)
    for source in config.sources:
        reading.expand(source)
    evidence = read_sources(config, stages, today, held)
    as_of = evidence.logs.as_of if evidence.logs else config.load.as_of or today
    labels = evidence.labels + _feedback(database)
    with stages.stage("survey"):
        judgement = inference.judge(
            logs=evidence.logs,
            routes=evidence.routes,
            networks=evidence.networks,
            assertions=evidence.assertions + truth.assertions(labels),
            labels=labels,
            exclude=[net.parse_range(text) for text in config.load.exclude],
            scorecard=card,
            prior=config.load.prior,
            as_of=as_of,
            observations=config.load.observations,
            progress=progress,
        )
    counts = {"lines_outside_window": evidence.logs.lines_outside} if evidence.logs else {}
    counts |= {"unit_days_agents_capped": evidence.logs.agents_capped} if evidence.logs else {}
    counts |= {f"outside_window_{name}": share for name, share in evidence.logs.outside} if evidence.logs else {}
    contents = store.Contents(
        parts=judgement.parts,
        conclude=judgement.conclude,
        names=evidence.organisations,
        assertions=judgement.assertions,
        files=evidence.files,
        labels=evidence.labels,
        as_of=as_of,
        window_days=config.load.window_days,
        model=card.name,
        counts={name: count for name, count in counts.items() if count},
        stages=stages.seconds,
    )
    progress("write", 0.0)
    build = store.regenerate(database, contents, change_max=None if force else config.load.change_max)
    progress("write", 1.0)
    return build


def read_sources(config: Config, stages: Stages, today: datetime.date, held: ExitStack) -> Evidence:
    """Everything the configured sources say, read kind by kind, the small ones first: they fail sooner.

    What was counted in logs lies in the work folder, which is held until `held` is closed.
    """
    limit = config.load.bad_lines_max
    files: list[FileRead] = []
    assertions: list[Assertion] = []
    networks: list[Network] = []
    labels: list[Label] = []
    raw_routes: list[routes.RawRoute] = []
    log_sources: list[configuration.Logs] = []
    for source in config.sources:
        if isinstance(source, configuration.Logs):
            log_sources.append(source)
            continue
        with stages.stage(f"read {source.name}"):
            match source:
                case configuration.Routes():
                    files += _keep(routes.read(source, bad_lines_max=limit), raw_routes)
                case configuration.PeeringDB():
                    files += _keep(peeringdb.read(source, bad_lines_max=limit), networks)
                case configuration.Atlas():
                    files += _keep(atlas.read(source, bad_lines_max=limit), assertions)
                case configuration.Ptr():
                    files += _keep(ptr.read(source, bad_lines_max=limit), assertions)
                case configuration.Egress():
                    files += _keep(egress.read(source, bad_lines_max=limit), assertions)
                case configuration.Truth():
                    files += _keep(truth.read(source, bad_lines_max=limit), labels)
    with stages.stage("flatten routes"):
        organisations = {raw.asn: raw.org for raw in raw_routes if raw.org}
        table = routes.flatten(raw_routes)
        raw_routes.clear()
    with stages.stage("count logs"):
        log_evidence, log_files = held.enter_context(
            logs.read_logs(log_sources, config.load, stages.progress, now=today, keys=config.engine)
        )
    return Evidence(
        logs=log_evidence,
        routes=table,
        organisations=organisations,
        networks=peeringdb.merge(networks),
        assertions=assertions,
        labels=labels,
        files=files + log_files,
    )


def _keep(read: reading.Read[T], into: list[T]) -> list[FileRead]:
    into.extend(read.records)
    return read.files


def _make_room(database: Path) -> None:
    """Find out now, and not after minutes of reading, whether the database can be written."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreError(f"{database}: its folder cannot be made: {fault.strerror}") from None
    if not os.access(database if database.exists() else database.parent, os.W_OK):
        raise StoreError(f"{database}: may not be written by this user")


def _check_clock(database: Path, now: datetime.datetime) -> None:
    """Refuse to judge as of a day that has passed: all that was seen since would lie in the future, and be lost."""
    try:
        finished = datetime.datetime.fromisoformat(store.latest_build(database).finished)
    except (StoreMissing, StoreVersion):
        return
    if now < finished - CLOCK_BACK_MAX:
        raise StoreError(
            f"{database}: the clock says {now:%Y-%m-%d %H:%M}, but the last build is of {finished:%Y-%m-%d %H:%M}; "
            "set the clock, or, if it is right now and was wrong then, `mipdns load --force`"
        )


def _feedback(database: Path) -> list[Label]:
    """What people said through `mipdns feedback`; none where there is no database yet."""
    if not database.exists():
        return []
    return [label for label in store.labels(database) if label.source == FEEDBACK]
