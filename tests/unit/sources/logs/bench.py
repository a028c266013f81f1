"""What the tests of logs share: a file with given content, read as a source, and what became of each of its lines."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from mipdns import config, net
from mipdns.evidence import FileRead, LogEvidence
from mipdns.progress import silent
from mipdns.sources.logs import _connect, _read, read_logs
from mipdns.sources.logs.files import inspect
from mipdns.sources.logs.lines.normalise import COUNTS, ELSEWHERE, NOTHING, SPECIAL
from mipdns.sources.logs.scan import Numbered
from tests.chunks import whole

NOW = datetime.date(2027, 1, 1)
FATES = {COUNTS: "counts", SPECIAL: "special", ELSEWHERE: "elsewhere", NOTHING: "nothing", None: "bad"}


class Line(NamedTuple):
    """What became of a line. client: text, `/64` and the low half apart for IPv6."""

    fate: str
    client: str
    host: int
    seconds: int | None
    port: int | None
    agent: str | None
    reason: str | None
    told: dict[str, Any]


@contextmanager
def opened(folder: Path, *sources: config.Logs, bad_lines_max: float = 1.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the sources' lines stand in table `line`."""
    folder.mkdir(exist_ok=True)
    load = config.Load(work=str(folder), threads=2, bad_lines_max=bad_lines_max)
    files, at = [], 0
    for source in sources:
        files.append([Numbered(at + number, inspect(source, Path(path))) for number, path in enumerate(source.paths)])
        at += len(source.paths)
    with tempfile.TemporaryDirectory(dir=folder) as fresh, _connect(Path(fresh), load) as connection:
        _read(connection, sources, files, load, silent)
        yield connection


def lines(tmp_path: Path, content: str | bytes, name: str = "a.log", **keys: Any) -> list[Line]:
    """Every line of a file with that content that was cut out of it, in order of what can be told of it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = config.Logs(name="s", path=str(path), **keys)
    with opened(tmp_path / "db", source) as connection:
        rows = connection.execute(
            "SELECT fate, unit, host, seconds, port, agent, reason, tls, forwarded, bot_score FROM line ORDER BY ALL"
        ).fetchall()
    return [
        Line(
            FATES[fate],
            "" if unit is None else net.format_address(net.unit_range(unit)[0]),
            host,
            seconds,
            port,
            agent,
            reason,
            {"tls": tls, "forwarded": forwarded, "bot_score": score},
        )
        for fate, unit, host, seconds, port, agent, reason, tls, forwarded, score in rows
    ]


def read(folder: Path, *sources: config.Logs, **load: Any) -> tuple[LogEvidence, list[FileRead]]:
    """`read_logs`, in a work folder of its own that must be left empty."""
    work = folder / "work"
    evidence, files = read_logs(sources, config.Load(work=str(work), **{"threads": 2, **load}), silent, now=NOW)
    assert evidence is not None
    assert list(work.iterdir()) == []
    return evidence, files


def features(evidence: LogEvidence) -> dict[str, dict[str, float]]:
    """Units by address, each with its columns."""
    units = whole(evidence).units
    return {
        net.format_address(net.unit_range(int(key))[0]): {
            name: float(column[at]) for name, column in units.columns.items()
        }
        for at, key in enumerate(units.key)
    }
