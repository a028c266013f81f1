"""Request logs: logpush, combined, CSV and Parquet. In: one day of an observer's requests. Out: files."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path

import duckdb
import numpy as np

from mipdns.simulate.agents import old_fingerprint
from mipdns.simulate.writers.files import Written, write_csv, write_lines
from mipdns.simulate.writers.rows import Requests, Wear

CSV_COLUMNS = {
    "time": "when", "client": "ip", "port": "sport", "agent": "ua", "host": "site", "ja3": "ja3", "forwarded": "xff",
}  # fmt: skip
PARQUET_COLUMNS = {
    "time": "ts", "client": "remote", "port": "rport", "agent": "agent", "host": "site", "ja4": "fp",
    "bot_score": "score", "forwarded": "forwarded",
}  # fmt: skip


def write_logpush(folder: Path, date: datetime.date, requests: Requests, wear: Wear) -> list[Written]:
    """Two files a day, as of two jobs: one with RFC 3339 times, the other with nanoseconds."""
    halves: tuple[list[str], list[str]] = [], []
    agents = {text: json.dumps(text) for text in set(requests.agent)}
    rows = zip(
        requests.connection, requests.epoch_s, requests.client, requests.port, requests.agent, requests.ja4,
        requests.bot_score, requests.path, strict=True,
    )  # fmt: skip
    for at, (connection, epoch_s, client, port, agent, ja4, score, path) in enumerate(rows):
        east = connection % 5 < 3
        stamp = str(int(epoch_s * 1e6) * 1000) if east else f'"{_rfc3339(epoch_s)}"'
        shown = agents[agent] if agent != "-" else '""'
        halves[east].append(
            f'{{"ClientIP":"{client}","ClientSrcPort":{port},"ClientRequestHost":"shop.example",'
            f'"ClientRequestMethod":"GET","ClientRequestURI":"{path}","ClientRequestUserAgent":{shown},'
            f'"EdgeStartTimestamp":{stamp},"EdgeResponseStatus":200,"JA4":"{ja4}","BotScore":{score},'
            f'"RayID":"{at:016x}"}}'
        )
    return [
        write_lines(folder / f"{date}-{name}.ndjson.gz", wear.torn(lines))
        for name, lines in zip(("west", "east"), halves, strict=True)
    ]


def write_combined(path: Path, requests: Requests, wear: Wear, *, port: bool) -> Written:
    """One file a day, with what such logs hold besides visitors: health checks, TLS spoken to the plain port."""
    lines: list[str] = []
    rows = zip(requests.epoch_s, requests.client, requests.port, requests.agent, requests.path, strict=True)
    for at, (epoch_s, client, source, agent, uri) in enumerate(rows):
        host = f"{client}:{source}" if port else client
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_s))
        if at % 400 == 57:
            lines.append(f'{host} - - [{stamp}] "\\x16\\x03\\x01\\x02\\x00\\x01" 400 157 "-" "-"')
        if at % 250 == 0:
            local = f"127.0.0.1:{40000 + at % 20000}" if port else "127.0.0.1"
            lines.append(f'{local} - - [{stamp}] "GET /healthz HTTP/1.1" 200 2 "-" "probe/1.0"')
        lines.append(f'{host} - - [{stamp}] "GET {uri} HTTP/1.1" 200 {500 + at % 9000} "-" "{agent}"')
    return write_lines(path, wear.torn(lines))


def write_csv_log(path: Path, requests: Requests, wear: Wear) -> Written:
    """A program's own CSV. A share of its lines has lost the address."""
    lost = set(wear.chosen(len(requests.client)))
    rows = zip(
        requests.epoch_s,
        requests.client,
        requests.port,
        requests.agent,
        requests.stack,
        requests.forwarded,
        strict=True,
    )
    return write_csv(
        path,
        list(CSV_COLUMNS.values()),
        (
            (
                _rfc3339(epoch_s),
                "" if at in lost else client,
                port,
                agent,
                "app.example",
                old_fingerprint(stack),
                origin,
            )
            for at, (epoch_s, client, port, agent, stack, origin) in enumerate(rows)
        ),
    )


def write_parquet_log(path: Path, requests: Requests) -> Written:
    """The same for a program that writes Parquet: microsecond timestamps, absent values as NULL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "micros": np.array([int(epoch_s * 1e6) for epoch_s in requests.epoch_s], dtype=np.int64),
        "remote": np.array(requests.client, dtype=object),
        "rport": np.array(requests.port, dtype=np.int32),
        "agent": np.array(requests.agent, dtype=object),
        "fp": np.array(requests.ja4, dtype=object),
        "score": np.array(requests.bot_score, dtype=np.int16),
        "forwarded": np.array(requests.forwarded, dtype=object),
    }
    with duckdb.connect(config={"threads": 1}) as database:
        database.register("columns", columns)
        database.execute(
            f"""
            COPY (SELECT make_timestamp(micros) AS ts, remote, rport, agent, 'api.example' AS site, fp, score,
                         nullif(forwarded, '') AS forwarded FROM columns)
            TO '{str(path).replace("'", "''")}' (FORMAT parquet)
            """  # noqa: S608 — COPY takes no parameter for its file; quotes are doubled
        )
    return Written(path, len(requests.client))


def _rfc3339(epoch_s: float) -> str:
    whole = int(epoch_s)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((epoch_s - whole) * 1e6):06d}Z"
