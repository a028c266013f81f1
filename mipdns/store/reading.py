"""Reading back. In: the database's path. Out: the records that went in, from one build.

The one rule: read only, the connection closed after. What takes a path reads one snapshot a call; several calls read
one and the same build when they are given a `Snapshot`. Standard library only, so that the serving half starts without
what writes.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
import struct
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mipdns import net
from mipdns.errors import StoreMissing
from mipdns.evidence import (
    CONTEXT_COLUMNS,
    UNIT_COLUMNS,
    Assertion,
    BadLine,
    Belief,
    FileRead,
    JudgedNetwork,
    Label,
    Network,
    NetworkType,
)
from mipdns.store.build import Build
from mipdns.store.connection import reading
from mipdns.vocabulary import Class, Signal, Verdict


class Snapshot(NamedTuple):
    """One state of a database, until it is closed; see `snapshot`. schema: of the file, which may be an older one."""

    path: Path
    connection: sqlite3.Connection
    schema: int


Source = Path | Snapshot
"""Where to read: a database, or one state of it."""


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """The state that the database is in now: a load that commits meanwhile changes nothing that is read from it.

    Raises StoreMissing, StoreVersion or StoreError.
    """
    with reading(path) as connection:
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        yield Snapshot(path, connection, schema)


@contextmanager
def _opened(source: Source) -> Iterator[Snapshot]:
    if isinstance(source, Snapshot):
        yield source
    else:
        with snapshot(source) as opened:
            yield opened


class Observation(NamedTuple):
    """What the scorecard saw of one unit: an IPv4 address or a /64.

    asn: None where no route covers it. traffic: the network type that the traffic around it shows, None unknown.
    last_day: the newest day it was seen on. features: columns of `evidence.UNIT_COLUMNS` and `CONTEXT_COLUMNS`; what
    could not be measured is left out.
    """

    first: int
    last: int
    asn: int | None
    traffic: NetworkType | None
    last_day: datetime.date
    features: Mapping[str, float]


def latest_build(source: Source) -> Build:
    """The build that is there. Raises StoreMissing where no load has ended yet, StoreVersion or StoreError."""
    with _opened(source) as opened:
        return _latest_build(opened.connection, opened.path)


def verdict_rows(path: Path) -> Generator[Verdict, None, None]:
    """Every verdict, sorted by first address, as a stream out of one snapshot.

    It holds a connection until it is exhausted or closed. Raises like `latest_build`, when first asked for a row.
    """
    with read_build(path) as (_, rows):
        yield from rows


@contextmanager
def read_build(path: Path) -> Iterator[tuple[Build, Iterator[Verdict]]]:
    """A build and the stream of its verdicts, out of one snapshot: a load that commits meanwhile changes neither."""
    with reading(path) as connection:
        yield _latest_build(connection, path), _verdicts(connection)


def find_verdict(source: Source, address: int) -> Verdict | None:
    """The verdict whose range holds the address, whatever its confidence. Raises like `latest_build`."""
    with _opened(source) as opened:
        row = opened.connection.execute(
            f"SELECT {_VERDICT_COLUMNS} FROM verdict WHERE first <= ? ORDER BY first DESC LIMIT 1",  # noqa: S608 ours
            (net.to_blob(address),),
        ).fetchone()
    verdict = _verdict(row) if row else None
    return verdict if verdict and verdict.last >= address else None


def observation_at(source: Source, address: int) -> Observation | None:
    """What was measured of the address's unit; None where the logs never saw it. Raises like `latest_build`."""
    first, _ = net.unit(address)
    with _opened(source) as opened:
        cursor = opened.connection.execute("SELECT * FROM observation WHERE first = ?", (net.to_blob(first),))
        row = cursor.fetchone()
        columns = [column[0] for column in cursor.description]
    return _observation(columns, row) if row else None


def observations_within(path: Path, ranges: Iterable[net.Range]) -> Iterator[tuple[int, Observation]]:
    """What was measured of the units that begin inside ranges, in their order, each with the number of its range.

    It holds a connection until it is exhausted or closed. Raises like `latest_build`.
    """
    with reading(path) as connection:
        for number, (first, last) in enumerate(ranges):
            cursor = connection.execute(
                "SELECT * FROM observation WHERE first BETWEEN ? AND ? ORDER BY first",
                (net.to_blob(first), net.to_blob(last)),
            )
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                yield number, _observation(columns, row)


_FEATURES = (*UNIT_COLUMNS, *CONTEXT_COLUMNS)


def _observation(columns: Sequence[str], row: Sequence[Any]) -> Observation:
    values = dict(zip(columns, row, strict=True))
    values.pop("build")
    return Observation(
        first=net.from_blob(values.pop("first")),
        last=net.from_blob(values.pop("last")),
        asn=values.pop("asn"),
        traffic=values.pop("traffic"),
        last_day=datetime.date.fromisoformat(values.pop("last_day")),
        features={name: _single(values[name]) for name in _FEATURES if values.get(name) is not None},
    )


def _single(value: float) -> float:
    """The single-precision number that was judged: 0.22 is stored for people, and just misses a step at 0.22."""
    single: float = struct.unpack("f", struct.pack("f", value))[0]
    return single


def assertions_at(source: Source, address: int) -> list[Assertion]:
    """What was said of the address or, unless it was said of exact addresses, of any part of its /64.

    In the order in which it was loaded. Walks the index over all that starts before the address: milliseconds.
    Raises like `latest_build`.
    """
    first, last = net.unit(address)
    with _opened(source) as opened:
        rows = opened.connection.execute(
            f"SELECT {_ASSERTION_COLUMNS} FROM assertion "  # noqa: S608 a literal
            "WHERE first <= ? AND last >= ? AND (NOT exact OR (first <= ? AND last >= ?)) ORDER BY id",
            (net.to_blob(last), net.to_blob(first), net.to_blob(address), net.to_blob(address)),
        ).fetchall()
    return _assertions(rows)


def assertions(source: Source) -> list[Assertion]:
    """All that was said and counted, in the order in which it was loaded. Raises like `latest_build`."""
    with _opened(source) as opened:
        return _assertions(opened.connection.execute(f"SELECT {_ASSERTION_COLUMNS} FROM assertion ORDER BY id"))  # noqa: S608 likewise


_ASSERTION_COLUMNS = "first, last, origin, signal, stance, class, observed, expires, exact, source, detail"


def _assertions(rows: Iterable[Sequence[Any]]) -> list[Assertion]:
    return [
        Assertion(
            net.from_blob(low),
            net.from_blob(high),
            origin,
            Signal(signal),
            stance,
            Class(classes),
            datetime.date.fromisoformat(observed),
            datetime.date.fromisoformat(expires),
            bool(exact),
            source,
            detail,
        )
        for low, high, origin, signal, stance, classes, observed, expires, exact, source, detail in rows
    ]


def network_of(source: Source, asn: int) -> JudgedNetwork | None:
    """An AS as the build judged it; None where it does not occur. Raises like `latest_build`."""
    with _opened(source) as opened:
        row = opened.connection.execute(
            "SELECT name, info_type, declared, scope, traffic, updated, source, inferred, requests, units "
            "FROM network WHERE asn = ?",
            (asn,),
        ).fetchone()
    if row is None:
        return None
    *declared, inferred, requests, units = row
    network = Network(asn, *declared)
    return JudgedNetwork(asn, network if network.name or network.source else None, inferred, requests, units)


def sources(source: Source) -> list[FileRead]:
    """The files that the build was made from, in the order they were read. Raises like `latest_build`."""
    with _opened(source) as opened:
        rows = opened.connection.execute(
            "SELECT name, kind, format, file, digest, bytes, rows, rejected, dropped, examples, dated, licence "
            "FROM source ORDER BY id"
        ).fetchall()
    return [
        FileRead(
            *(name, kind, format_, file, digest, size, good, rejected, dropped),
            tuple(BadLine(bad["file"], bad["line"], bad["reason"]) for bad in json.loads(examples)),
            datetime.date.fromisoformat(dated),
            licence,
        )
        for name, kind, format_, file, digest, size, good, rejected, dropped, examples, dated, licence in rows
    ]


def labels(source: Source) -> list[Label]:
    """All ground truth, oldest first.

    Raises StoreMissing without a database; one that holds labels and no build yet is fine.
    """
    with _opened(source) as opened:
        rows = opened.connection.execute(
            "SELECT first, last, confirmed, class, observed, who, source FROM label ORDER BY observed, id"
        ).fetchall()
    return [
        Label(
            net.from_blob(first),
            net.from_blob(last),
            bool(confirmed),
            Class(classes),
            datetime.date.fromisoformat(observed),
            who,
            source,
        )
        for first, last, confirmed, classes, observed, who, source in rows
    ]


def beliefs(source: Source) -> list[Belief]:
    """What the last load learnt of its sources, by source; nothing in a schema before 4. Raises StoreError."""
    with _opened(source) as opened:
        if opened.schema < _BELIEFS_SINCE:
            return []
        rows = opened.connection.execute(
            'SELECT source, asn, origin, "right", wrong, plausible FROM belief ORDER BY source, origin, asn'
        )
        return [Belief(*row) for row in rows]


def listed_since(source: Source, address: int) -> datetime.date | None:
    """The day since which every build lists the address; None where it is not listed, and in a schema before 3.

    Raises like `latest_build`.
    """
    with _opened(source) as opened:
        if opened.schema < _STANDING_SINCE:
            return None
        row = opened.connection.execute(
            "SELECT last, since FROM standing WHERE first <= ? ORDER BY first DESC LIMIT 1", (net.to_blob(address),)
        ).fetchone()
    return datetime.date.fromisoformat(row[1]) if row and net.from_blob(row[0]) >= address else None


_STANDING_SINCE, _BELIEFS_SINCE = 3, 4
"""The schemas that brought these tables."""

_VERDICT_COLUMNS = "first, last, confidence, class, users_low, users_high, sources, asn, observed"


def _verdicts(connection: sqlite3.Connection) -> Iterator[Verdict]:
    cursor = connection.execute(f"SELECT {_VERDICT_COLUMNS} FROM verdict ORDER BY first")  # noqa: S608 a literal
    return map(_verdict, cursor)


def _verdict(row: tuple[bytes, bytes, int, int, int | None, int | None, int, int | None, str]) -> Verdict:
    first, last, confidence, classes, users_low, users_high, signals, asn, observed = row
    return Verdict(
        int.from_bytes(first, "big"),
        int.from_bytes(last, "big"),
        confidence,
        classes,
        users_low,
        users_high,
        signals,
        asn,
        observed,
    )


def _latest_build(connection: sqlite3.Connection, path: Path) -> Build:
    row = connection.execute(
        "SELECT serial, started, finished, as_of, window_days, model, prior, counts, scores, stages, verdicts, "
        "listed_v4, listed_v6 FROM build ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise StoreMissing(f"{path}: holds no build yet; run `mipdns load`")
    serial, started, finished, as_of, window_days, model, prior, counts, scores, stages, *totals = row
    return Build(
        serial,
        started,
        finished,
        datetime.date.fromisoformat(as_of),
        window_days,
        model,
        prior,
        json.loads(counts),
        None if scores is None else json.loads(scores),
        [(name, seconds) for name, seconds in json.loads(stages)],
        *totals,
    )
