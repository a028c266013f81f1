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
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mipdns import net
from mipdns.errors import StoreError
from mipdns.evidence import NETWORK_TYPES, Assertion, Belief, FileRead, JudgedNetwork, Label, ObservationTable
from mipdns.store import labelling, schema
from mipdns.store.build import Build, next_serial
from mipdns.store.connection import BUSY_S, writing
from mipdns.store.guard import LISTED_CONFIDENCE, Guard, guarded
from mipdns.vocabulary import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK_ROWS = 10_000
_EPOCH = datetime.date(1970, 1, 1)
_V6_HOST_BITS = 64


class Contents(NamedTuple):
    """What one load concluded and read. Iterables are read once, so they may be generators of millions.

    verdicts: sorted by first address and disjoint. observations: None without logs. networks: one for each AS judged.
    names: AS number to organisation, for AS numbers of which nothing else is known. labels: what truth sources say
    now; it replaces what they said before. Labels of `FEEDBACK` among them are passed over: the database has them.
    counts, scores, stages, model, prior, as_of, window_days: as in `Build`.
    """

    verdicts: Iterable[Verdict]
    observations: ObservationTable | None
    networks: Iterable[JudgedNetwork]
    names: Mapping[int, str]
    assertions: Iterable[Assertion]
    files: list[FileRead]
    labels: list[Label]
    as_of: datetime.date
    window_days: int
    model: str
    prior: float
    counts: Mapping[str, int]
    scores: Mapping[str, object] | None
    stages: Iterable[tuple[str, float]]
    beliefs: Iterable[Belief] = ()


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
    listed addresses go or come (see `store.guard`). `now`: unix seconds; the serial follows it.
    """
    began, started = time.monotonic(), now()
    stages = [(name, float(seconds)) for name, seconds in contents.stages]
    with writing(path, busy_s=busy_s) as connection:
        schema.migrate(connection)
        for table in ("verdict", "observation", "assertion", "network", "source", "belief"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 names are the literals above
        (last,) = connection.execute("SELECT serial FROM build ORDER BY id DESC LIMIT 1").fetchone() or (None,)
        (build_id,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM build").fetchone()
        with guarded(path, change_max) as guard:
            rows = _VerdictRows(path, contents.verdicts, guard)
            rows.write(connection)
        asns = rows.asns
        if contents.observations is not None:
            asns.update(_write_observations(connection, contents.observations, build_id))
        _write_networks(connection, contents, asns)
        connection.executemany(_INSERT_ASSERTION, map(_assertion_row, contents.assertions))
        connection.executemany("INSERT INTO belief VALUES (?, ?, ?, ?, ?, ?)", contents.beliefs)
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
            prior=float(contents.prior),
            counts={name: int(count) for name, count in contents.counts.items()},
            scores=None if contents.scores is None else dict(contents.scores),
            stages=[*stages, ("write", round(time.monotonic() - began, 3))],
            verdicts=rows.count,
            listed_v4=rows.listed_v4,
            listed_v6=rows.listed_v6,
        )
        connection.execute(_INSERT_BUILD, (build_id, *_build_row(build)))
    return build


_INSERT_VERDICT = "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_NETWORK = "INSERT INTO network VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ASSERTION = "INSERT INTO assertion VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_SOURCE = "INSERT INTO source VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_BUILD = "INSERT INTO build VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class _VerdictRows:
    """Verdicts on their way into the table: checked for order, and counted as they pass."""

    def __init__(self, path: Path, verdicts: Iterable[Verdict], guard: Guard | None) -> None:
        self.path = path
        self.verdicts = verdicts
        self.guard = guard
        self.now: Verdict | None = None
        self.count = self.listed_v4 = self.listed_v6 = 0
        self.asns: set[int] = set()

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert every row, or raise a StoreError that names the row at fault, or what the guard raises."""
        try:
            connection.executemany(_INSERT_VERDICT, self._rows())
        except (sqlite3.IntegrityError, OverflowError) as fault:
            raise StoreError(f"{self.path}: verdict {self.now} breaks a rule of its table: {fault}") from fault
        if self.guard:
            self.guard.finish()

    def _rows(self) -> Iterator[tuple[object, ...]]:
        asns = self.asns
        tell = self.guard.add if self.guard else None
        before, unit_before, count = -1, -1, 0
        for verdict in self.verdicts:
            first, last, confidence, classes, users_low, users_high, sources, asn, observed = self.now = verdict
            if first <= before:
                text = net.format_range(first, last)
                raise StoreError(f"{self.path}: verdict {text} overlaps the one before it, or is out of order")
            before = last
            count += 1
            first_blob, last_blob = first.to_bytes(16, "big"), last.to_bytes(16, "big")
            if confidence >= LISTED_CONFIDENCE:
                if tell:
                    tell(first_blob + last_blob)
                if first >> 32 == 0xFFFF:
                    self.listed_v4 += last - first + 1
                else:
                    # Exact /128 ranges may share a /64, which counts once.
                    unit = last >> _V6_HOST_BITS
                    self.listed_v6 += unit - max(first >> _V6_HOST_BITS, unit_before + 1) + 1
                    unit_before = unit
            if asn:
                asns.add(asn)
            yield (
                first_blob,
                last_blob,
                confidence,
                int(classes),
                users_low,
                users_high,
                int(sources),
                asn or None,
                observed,
            )
        self.count = count


def _write_observations(connection: sqlite3.Connection, table: ObservationTable, build_id: int) -> set[int]:
    """Write the units' features, chunk by chunk, and return the AS numbers among them."""
    columns = ["first", "last", "build", "asn", "traffic", "last_day", *table.columns]
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT INTO observation ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 names of evidence.py
    for start in range(0, len(table.key), _CHUNK_ROWS):
        connection.executemany(insert, _observation_rows(table, slice(start, start + _CHUNK_ROWS), build_id))
    return set(table.asn.tolist()) - {0}


def _observation_rows(table: ObservationTable, rows: slice, build_id: int) -> Iterator[tuple[object, ...]]:
    features = zip(*(_shortest(column[rows]) for column in table.columns.values()), strict=True)
    for key, last_day, asn, traffic, values in zip(
        table.key[rows].tolist(),
        table.last_day[rows].tolist(),
        table.asn[rows].tolist(),
        table.traffic[rows].tolist(),
        features,
        strict=True,
    ):
        first, last = net.unit_range(key)
        yield (
            net.to_blob(first),
            net.to_blob(last),
            build_id,
            asn or None,
            NETWORK_TYPES[traffic] if traffic >= 0 else None,
            (_EPOCH + datetime.timedelta(last_day)).isoformat(),
            *values,
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


def _write_networks(connection: sqlite3.Connection, contents: Contents, asns: set[int]) -> None:
    """One row for every AS judged or referred to."""
    rows = {judged.asn: _network_row(judged, contents.names) for judged in contents.networks}
    for asn in asns - rows.keys():
        rows[asn] = _network_row(JudgedNetwork(asn, None, None, 0.0, 0), contents.names)
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
