"""Writing a build. In: everything a load concluded, as `Contents`. Out: the `Build`, committed.

The one rule: one transaction. It deletes the old build and writes the new one, so that a reader sees the one or the
other, and whatever goes wrong (an exception, a full disk, `kill -9`) leaves the old one.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import blobs, days_as_text, unit_bounds
from mipdns.evidence import (
    NETWORK_TYPES,
    Assertion,
    Conclusion,
    FileRead,
    JudgedNetwork,
    Label,
    ObservationTable,
    Part,
)
from mipdns.store import guard, labelling, schema
from mipdns.store.build import Build, next_serial
from mipdns.store.connection import BUSY_S, writing
from mipdns.store.standing import Standing, listed_before
from mipdns.store.verdicts import VerdictRows

_CHUNK_ROWS = 10_000
_TRAFFIC = np.array([*NETWORK_TYPES, None], dtype=object)


class Contents(NamedTuple):
    """What one load concluded and read. Iterables are read once, so they may be generators of millions.

    parts: verdicts and observations as they are judged; the time that this takes is stage `judge`. conclude: asked when
    they have passed. names: AS number to organisation, for AS numbers of which nothing else is known. labels: what
    truth sources say now; it replaces what they said before. Labels of `FEEDBACK` among them are passed over: the
    database has them. counts: what was met before anything was judged. stages, model, as_of, window_days: as in
    `Build`.
    """

    parts: Iterable[Part]
    conclude: Callable[[], Conclusion]
    names: Mapping[int, str]
    assertions: Iterable[Assertion]
    files: list[FileRead]
    labels: list[Label]
    as_of: datetime.date
    window_days: int
    model: str
    counts: Mapping[str, int]
    stages: Iterable[tuple[str, float]]


def regenerate(
    path: Path,
    contents: Contents,
    *,
    change_max: float | None = None,
    busy_s: float = BUSY_S,
    now: Callable[[], float] = time.time,
) -> Build:
    """Replace the build in the database, which is made or brought up to date first, and return the new one.

    Raises StoreBusy when another load holds the database for `busy_s` seconds, StoreVersion when a newer mipdns made
    it, StoreError when it cannot be written or a row is wrong, SnapshotTooDifferent when more than `change_max` of the
    listed addresses go or come (see `store.guard`). What `parts` and
    `conclude` raise passes. `now`: unix seconds; the serial follows it.
    """
    began, started = time.monotonic(), now()
    stages = [(name, float(seconds)) for name, seconds in contents.stages]
    with writing(path, busy_s=busy_s) as connection:
        schema.migrate(connection)
        for table in ("verdict", "standing", "observation", "assertion", "network", "source", "belief"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 names are the literals above
        (last,) = connection.execute("SELECT serial FROM build ORDER BY id DESC LIMIT 1").fetchone() or (None,)
        (build_id,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM build").fetchone()
        parts = _Timed(contents.parts)
        with listed_before(path) as before:
            compared = Standing(before, contents.as_of)
            rows = VerdictRows(path, connection, compared)
            for part in parts:
                rows.write(part.verdicts)
                rows.asns.update(_write_observations(connection, part.observations, build_id))
            rows.finish()
        if before and change_max is not None:
            guard.check(path, (before.v4, before.v6), compared.lost, compared.gained, change_max)
        conclusion = contents.conclude()
        _write_networks(connection, conclusion.networks, contents.names, rows.asns)
        connection.executemany("INSERT INTO belief VALUES (?, ?, ?, ?, ?, ?)", conclusion.beliefs)
        connection.executemany(_INSERT_ASSERTION, map(_assertion_row, contents.assertions))
        connection.executemany(_INSERT_SOURCE, ((build_id, *_source_row(file)) for file in contents.files))
        truth = {file.source for file in contents.files if file.kind == "truth"}
        labelling.replace(connection, truth, contents.labels, _iso(started))
        build = Build(
            serial=next_serial(last, int(started)),
            started=_iso(started - sum(seconds for _, seconds in stages)),
            finished=_iso(now()),
            as_of=contents.as_of,
            window_days=contents.window_days,
            model=contents.model,
            prior=float(conclusion.prior),
            counts={name: int(count) for name, count in (conclusion.counts | dict(contents.counts)).items()},
            scores=_scores(conclusion, compared),
            stages=[*stages, ("judge", parts.seconds), ("write", round(time.monotonic() - began - parts.seconds, 3))],
            verdicts=rows.count,
            listed_v4=rows.listed_v4,
            listed_v6=rows.listed_v6,
        )
        connection.execute(_INSERT_BUILD, (build_id, *_build_row(build)))
    return build


def _scores(conclusion: Conclusion, compared: Standing) -> dict[str, object] | None:
    """What the next build is compared with, and what partners say of this one; None where nothing was measured.

    lost, gained: units that the build before listed and this one does not, and the reverse, [IPv4, IPv6].
    """
    drift: dict[str, object] = {}
    if any(conclusion.histogram):
        drift = {"histogram": list(conclusion.histogram), "lost": compared.lost, "gained": compared.gained}
    return ({**(conclusion.scores or {}), **drift}) or None


_INSERT_NETWORK = "INSERT INTO network VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ASSERTION = "INSERT INTO assertion VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_SOURCE = "INSERT INTO source VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_BUILD = "INSERT INTO build VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class _Timed:
    """An iterable, and how long its items took to come, in seconds."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = parts
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Part]:
        parts = iter(self._parts)
        while True:
            start = time.monotonic()
            part = next(parts, None)
            self.seconds = round(self.seconds + time.monotonic() - start, 3)
            if part is None:
                return
            yield part


def _write_observations(connection: sqlite3.Connection, table: ObservationTable, build_id: int) -> set[int]:
    """Write the units' features, chunk by chunk, and return the AS numbers among them."""
    columns = ["first", "last", "build", "asn", "traffic", "last_day", *table.columns]
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT INTO observation ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 names of evidence.py
    for start in range(0, len(table.key), _CHUNK_ROWS):
        connection.executemany(insert, _observation_rows(table, slice(start, start + _CHUNK_ROWS), build_id))
    return set(table.asn.tolist()) - {0}


def _observation_rows(table: ObservationTable, rows: slice, build_id: int) -> Iterator[tuple[object, ...]]:
    keys = table.key[rows]
    first, last = unit_bounds(keys, keys)
    return zip(
        blobs(first),
        blobs(last),
        repeat(build_id, len(keys)),
        [asn or None for asn in table.asn[rows].tolist()],
        _TRAFFIC[table.traffic[rows]].tolist(),
        days_as_text(table.last_day[rows].astype(np.int64)),
        *(_shortest(column[rows]) for column in table.columns.values()),
        strict=True,
    )


def _shortest(column: NDArray[np.float32]) -> list[float]:
    """The column as Python numbers that print as people wrote them, 0.1 and not 0.10000000149, and read back the same.

    NaN stays NaN, which SQLite keeps as NULL.
    """
    exact = column.astype("float64")
    rounded = exact.round(6)
    same = rounded.astype("float32") == column
    exact[same] = rounded[same]
    numbers: list[float] = exact.tolist()
    return numbers


def _write_networks(
    connection: sqlite3.Connection, networks: Iterable[JudgedNetwork], names: Mapping[int, str], asns: set[int]
) -> None:
    """One row for every AS judged or referred to."""
    rows = {judged.asn: _network_row(judged, names) for judged in networks}
    for asn in asns - rows.keys():
        rows[asn] = _network_row(JudgedNetwork(asn, None, None, 0.0, 0), names)
    connection.executemany(_INSERT_NETWORK, (rows[asn] for asn in sorted(rows)))


def _network_row(judged: JudgedNetwork, names: Mapping[int, str]) -> tuple[object, ...]:
    asn, network, inferred, requests, units = judged
    name = (network.name if network else "") or names.get(asn, "")
    if network is None:
        return asn, name, None, inferred, float(requests), int(units), "", "", "", "", ""
    declared = network.info_type, network.scope, network.traffic, network.updated, network.source
    return asn, name, network.declared, inferred, float(requests), int(units), *declared


def _assertion_row(assertion: Assertion) -> tuple[object, ...]:
    return (
        net.to_blob(assertion.first),
        net.to_blob(assertion.last),
        assertion.origin,
        int(assertion.signal),
        assertion.stance,
        int(assertion.classes),
        assertion.observed.isoformat(),
        assertion.expires.isoformat(),
        int(assertion.exact),
        assertion.source,
        assertion.detail,
    )


def _source_row(file: FileRead) -> tuple[object, ...]:
    examples = [{"file": bad.file, "line": bad.line, "reason": bad.reason} for bad in file.examples]
    return (
        file.source,
        file.kind,
        file.format,
        file.file,
        file.digest,
        file.bytes,
        file.rows,
        file.rejected,
        file.dropped,
        json.dumps(examples, ensure_ascii=False),
        file.dated.isoformat(),
        file.licence,
    )


def _build_row(build: Build) -> tuple[object, ...]:
    return (
        build.serial,
        build.started,
        build.finished,
        build.as_of.isoformat(),
        build.window_days,
        build.model,
        build.prior,
        build.verdicts,
        build.listed_v4,
        build.listed_v6,
        _json(build.counts),
        None if build.scores is None else _json(build.scores),
        _json(build.stages),
    )


def _json(value: object) -> str:
    """JSON; numpy's scalars become numbers, NaN becomes null."""
    return msgspec.json.encode(value, enc_hook=float).decode()


def _iso(unix_s: float) -> str:
    return datetime.datetime.fromtimestamp(unix_s, datetime.UTC).isoformat(timespec="seconds")
