"""What the tests of logs share: a file with given content, read as a source, and what became of each of its lines."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from mipdns import config, net
from mipdns.evidence import FileRead, LogEvidence
from mipdns.progress import Progress, silent
from mipdns.sources.logs import read_logs
from mipdns.sources.logs.files import inspect
from mipdns.sources.logs.ingest import stage
from mipdns.sources.logs.lines.normalise import COUNTS, ELSEWHERE, NOTHING, SPECIAL
from mipdns.sources.logs.scan import Numbered, batches
from mipdns.sources.logs.texts import parquet, sql
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
def opened(folder: Path, *sources: config.Logs) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the sources' lines stand in view `line`."""
    folder.mkdir(exist_ok=True)
    numbers = count()
    with (
        tempfile.TemporaryDirectory(dir=folder) as fresh,
        duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(sql("lines", "macros.sql"))
        connection.execute("CREATE TABLE rejected (file UINTEGER, number BIGINT, reason VARCHAR)")
        for source in sources:
            files = [Numbered(next(numbers), inspect(source, Path(path))) for path in source.paths]
            for at, batch in enumerate(batches(files)):
                stage(connection, source, batch, Path(fresh) / f"{source.name}-{at}.parquet")
        connection.execute(f"CREATE VIEW line AS SELECT * FROM read_parquet({parquet(sorted(Path(fresh).iterdir()))})")
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


def read_whole(
    sources: Sequence[config.Logs], load: config.Load, *, progress: Progress = silent, now: datetime.date = NOW
) -> tuple[LogEvidence, list[FileRead]]:
    """`read_logs`, whose chunks may still be asked for when it has let go of its folder."""
    with read_logs(sources, load, progress, now=now) as (evidence, files):
        assert evidence is not None
        chunk = whole(evidence)
        again = whole(evidence)
    assert chunk.units.key.tolist() == again.units.key.tolist()
    return evidence._replace(chunks=lambda: [chunk]), files


def read(folder: Path, *sources: config.Logs, **load: Any) -> tuple[LogEvidence, list[FileRead]]:
    """`read_logs`, in a work folder that is fresh unless `work` names one, and in which nothing half made stays."""
    fresh = tempfile.TemporaryDirectory(dir=folder)
    with fresh as name:
        work = Path(load.pop("work", name))
        told = read_whole(sources, config.Load(work=str(work), **{"threads": 2, **load}))
        assert not (work / "evidence" / "scratch").exists()
    return told


def features(evidence: LogEvidence) -> dict[str, dict[str, float]]:
    """Units by address, each with its columns."""
    units = whole(evidence).units
    return {
        net.format_address(net.unit_range(int(key))[0]): {
            name: float(column[at]) for name, column in units.columns.items()
        }
        for at, key in enumerate(units.key)
    }
