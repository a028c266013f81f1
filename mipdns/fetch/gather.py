"""All sources that have addresses. In: sources, limits. Out: what became of each address, and the copies in place.

The one rule: a fault ends one address's fetch and never the others'; a last good copy stays, and is told to be stale.
"""

from __future__ import annotations

import datetime
import os
import re
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from mipdns import presets
from mipdns.config import Source
from mipdns.errors import FetchError, SourceError
from mipdns.fetch import copies, soundness, ways
from mipdns.fetch.copies import Copy, State
from mipdns.fetch.transfer import Client, Limits
from mipdns.progress import Progress, silent

Outcome = Literal["new", "unchanged", "recent", "stale", "failed"]
"""new: replaced; unchanged: confirmed by the far end; recent: not asked again so soon; stale: the fetch failed and the
last good copy stays; failed: and there is none, or none that is young enough."""

Taste = Callable[[Source, Path], None]
"""Reads a new file as its source would, and raises SourceError where it cannot be used."""


class Fetched(NamedTuple):
    """What became of one address. age_hours: since the far end last gave or confirmed the copy; None without one."""

    source: str
    url: str
    path: Path
    outcome: Outcome
    bytes: int = 0
    age_hours: float | None = None
    fault: str = ""


def fetched_sources(sources: Sequence[Source]) -> list[tuple[Source, list[Copy]]]:
    """The sources that have addresses, each with its copies, in order."""
    return [
        (source, [Copy(source.name, url, Path(path)) for url, path in zip(source.urls, source.paths, strict=True)])
        for source in sources
        if source.urls
    ]


def fetch(
    sources: Sequence[Source],
    limits: Limits,
    *,
    taste: Taste | None = None,
    force: bool = False,
    progress: Progress = silent,
    now: datetime.datetime | None = None,
    client: Client | None = None,
) -> list[Fetched]:
    """Get every address of the sources, several sources at a time, the addresses of one source one after the other.

    force: ask also what was asked a short while ago, unconditionally, and take also what has shrunk. Raises nothing for
    a far end's faults; OSError of the local disk are told as faults of the address.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    client = client or Client(limits, tls=ssl.create_default_context())
    jobs = fetched_sources(sources)
    total, done = sum(len(job) for _, job in jobs), 0

    def one_source(job: tuple[Source, list[Copy]]) -> list[Fetched]:
        nonlocal done
        outcomes = []
        for copy in job[1]:
            outcomes.append(_one(client, job[0], copy, taste, force, now))
            done += 1
            progress(f"fetch {job[0].name}", done / total)
        return outcomes

    with ThreadPoolExecutor(max_workers=max(1, limits.parallel)) as pool:
        return [outcome for outcomes in pool.map(one_source, jobs) for outcome in outcomes]


def _one(
    client: Client, source: Source, copy: Copy, taste: Taste | None, force: bool, now: datetime.datetime
) -> Fetched:
    state = copies.read_state(copy.path)
    if not copy.path.exists():
        state = State(not_before=state.not_before)  # whoever removed the copy wants it anew
    try:
        if not force and (rest := _rest(source, copy, state, now)):
            return rest
        state, outcome = _get(client, source, copy, State() if force else state, taste, now)
        copies.write_state(copy.path, state)
        return _told(copy, state, outcome, now)
    except (SourceError, OSError) as fault:
        words = str(fault)
        if isinstance(fault, OSError):
            words = f"{copy.path.parent}: the copy cannot be kept: {fault.strerror or fault}"
        return _failed(source, copy, copies.read_state(copy.path), words, getattr(fault, "wait_s", None), now)


def _rest(source: Source, copy: Copy, state: State, now: datetime.datetime) -> Fetched | None:
    """Why the far end is not asked now, if it is not: it was a short while ago, or it asked to be left alone."""
    if state.not_before and now < state.not_before:
        until = state.not_before.strftime("%Y-%m-%d %H:%M UTC")
        words = f"it asked not to be asked before {until}"
        return _failed(source, copy, state, words, None, now, asked=False)
    interval = datetime.timedelta(hours=source.fetch_every_hours)
    # A clock that was set back must not put fetching off for years.
    if state.fetched and not state.failures and datetime.timedelta() <= now - state.fetched < interval:
        return _told(copy, state, "recent", now)
    return None


def _get(
    client: Client, source: Source, copy: Copy, state: State, taste: Taste | None, now: datetime.datetime
) -> tuple[State, Outcome]:
    intact = bool(state.sha256) and copies.digest(copy.path) == state.sha256
    known = state if intact else msgspec.structs.replace(state, url="", etag="", last_modified="")
    way = {"file": ways.get_file, "newest": ways.get_newest, "pages": ways.get_pages, "window": ways.get_file}
    url = ways.window(copy.url, source, now.date())
    with copies.beside(copy.path) as (temporary, file):
        come_from, answer = way[presets.way(source.preset)](
            client, url, file, state=known, secret=_secret(source.authorization)
        )
        file.flush()
        if answer.status == 304:
            copies.stamp(copy.path, answer.last_modified or known.last_modified)
            return _confirmed(known, answer.etag or known.etag, answer.last_modified or known.last_modified, now), (
                "unchanged"
            )
        unpacked = soundness.check(temporary, _format(source), unpacked_max=client.limits.unpacked_max)
        soundness.repack(temporary, copy.path.suffix)
        sha256 = copies.digest(temporary)
        changed = not intact or sha256 != state.sha256
        if changed:
            _refuse_shrunk(state, unpacked, client.limits.shrink_max)
            _taste(taste, source, temporary, copy.path)
            copies.replace(temporary, copy.path)
        copies.stamp(copy.path, answer.last_modified)
    fresh = State(
        url=come_from,
        sha256=sha256,
        bytes=copy.path.stat().st_size,
        unpacked_bytes=unpacked,
        changed=now if changed else state.changed,
    )
    return _confirmed(fresh, answer.etag, answer.last_modified, now), "new" if changed else "unchanged"


def _confirmed(state: State, etag: str, last_modified: str, now: datetime.datetime) -> State:
    return msgspec.structs.replace(
        state,
        etag=etag,
        last_modified=last_modified,
        fetched=now,
        failed_since=None,
        failures=0,
        fault="",
        not_before=None,
    )


def _format(source: Source) -> str:
    return str(source.format)


def _refuse_shrunk(state: State, unpacked: int, shrink_max: float) -> None:
    if unpacked < (1 - shrink_max) * state.unpacked_bytes:
        raise FetchError(
            f"it has shrunk from {state.unpacked_bytes} to {unpacked} bytes, more than shrink_max allows; "
            "`mipdns fetch --force` takes it"
        )


def _taste(taste: Taste | None, source: Source, temporary: Path, path: Path) -> None:
    if taste is None:
        return
    try:
        taste(msgspec.structs.replace(source, path=(str(temporary),)), temporary)
    except SourceError as fault:
        raise FetchError(f"what came cannot be used: {str(fault).replace(str(temporary), path.name)}") from None


_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def _secret(authorization: str) -> str:
    """The header's value with its variables from the environment; "" where one of them is not set."""
    names = _VARIABLE.findall(authorization)
    if any(not os.environ.get(name) for name in names):
        return ""
    return _VARIABLE.sub(lambda found: os.environ[found[1]].strip(), authorization)


def _failed(
    source: Source,
    copy: Copy,
    state: State,
    words: str,
    wait_s: float | None,
    now: datetime.datetime,
    *,
    asked: bool = True,
) -> Fetched:
    """Keep and tell that a fetch failed: stale where there is a copy that is young enough, else failed."""
    if asked:
        if (
            words.startswith(("it answers 401", "it answers 403"))
            and source.authorization
            and not _secret(source.authorization)
        ):
            words += f" ({', '.join(f'${name}' for name in _VARIABLE.findall(source.authorization))} is not set)"
        state = msgspec.structs.replace(
            state,
            failures=state.failures + 1,
            failed_since=state.failed_since or now,
            fault=words,
            not_before=now + datetime.timedelta(seconds=wait_s) if wait_s else None,
        )
        try:
            copies.write_state(copy.path, state)
        except FetchError as fault:
            words = f"{words}; {fault}"
    if not copy.path.exists():
        return Fetched(source.name, copy.url, copy.path, "failed", fault=words)
    told = _told(copy, state, "stale", now)
    if source.max_age_days is not None and (told.age_hours is None or told.age_hours > 24 * source.max_age_days):
        words = f"{words}; the last good copy is older than max_age_days ({source.max_age_days:g})"
        return told._replace(outcome="failed", fault=words)
    return told._replace(fault=words)


def _told(copy: Copy, state: State, outcome: Outcome, now: datetime.datetime) -> Fetched:
    """How a copy stands. One that no fetch of ours made is as old as its file."""
    size = copy.path.stat()
    since = state.fetched or datetime.datetime.fromtimestamp(size.st_mtime, datetime.UTC)
    age = max(0.0, (now - since).total_seconds() / 3600)
    return Fetched(copy.source, copy.url, copy.path, outcome, size.st_size, round(age, 2))
