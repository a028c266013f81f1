"""Request logs: logpush, combined, CSV and Parquet. In: one day of an observer's requests. Out: files."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from pathlib import Path

import duckdb
import numpy as np

from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_csv, write_lines
from mipdns.simulate.writers.rows import Columns, Requests, Wear, fingerprints

CSV_COLUMNS = {
    "time": "when", "client": "ip", "port": "sport", "agent": "ua", "host": "site", "ja3": "ja3", "forwarded": "xff",
}  # fmt: skip
PARQUET_COLUMNS = {
    "time": "ts", "client": "remote", "port": "rport", "agent": "agent", "host": "site", "ja4": "fp",
    "bot_score": "score", "forwarded": "forwarded",
}  # fmt: skip

_CELLS = {
    "time": "make_timestamp(micros)", "client": "client_text.text", "port": "rows.port", "agent": "agent_text.text",
    "host": "'{site}'", "ja4": "tls_text.text", "bot_score": "rows.score",
    "forwarded": "CASE WHEN rows.forwarded > 0 THEN forwarded_text.text END",
}  # fmt: skip


def write_logpush(folder: Path, day: str, requests: Requests, wear: Wear) -> list[Written]:
    """Two files a `day`, which is a name, as of two jobs: one with RFC 3339 times, the other with nanoseconds."""
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
        write_lines(folder / f"{day}-{name}.ndjson.gz", wear.torn(lines))
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
        requests.ja3,
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
                ja3,
                origin,
            )
            for at, (epoch_s, client, port, agent, ja3, origin) in enumerate(rows)
        ),
    )


def write_parquet_log(
    path: Path, world: World, columns: Columns, *, site: str, without: Collection[str] = ()
) -> Written:
    """The same for a program that writes Parquet: microsecond timestamps, absent values as NULL, zstd.

    without: columns of `PARQUET_COLUMNS` that it lacks. Texts are joined to numbers inside DuckDB: a Python string for
    every row would cost ten times the rest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [name for name in PARQUET_COLUMNS if name not in without]
    cells = ", ".join(f"{_CELLS[name]} AS {PARQUET_COLUMNS[name]}" for name in kept)
    rows = {
        "micros": columns.micros,
        "client": columns.client.astype(np.int32),
        "port": columns.port.astype(np.int32),
        "agent": columns.agent.astype(np.int32),
        "tls": columns.tls.astype(np.int32),
        "score": columns.bot_score.astype(np.int16),
        "forwarded": columns.forwarded.astype(np.int32),
    }
    texts = {
        "client": columns.clients, "agent": world.agents.text, "tls": fingerprints(world), "forwarded": columns.origins,
    }  # fmt: skip
    with duckdb.connect(config={"threads": 1}) as database:
        database.register("rows", rows)
        for name, values in texts.items():
            table = {"id": np.arange(len(values), dtype=np.int32), "text": np.array(values, dtype=object)}
            database.register("texts", table)
            # An enumeration is written as it is stored, so that no text is hashed for every row.
            distinct = "SELECT text FROM texts GROUP BY text ORDER BY min(id)"
            database.execute(f"CREATE TYPE {name}_kind AS ENUM ({distinct})")
            made = f"SELECT id, text::{name}_kind AS text FROM texts"  # noqa: S608 — one of our own four names
            database.execute(f"CREATE TABLE {name}_text AS {made}")
        database.execute(
            f"""
            COPY (SELECT {cells.format(site=site)} FROM rows
                  JOIN client_text ON client_text.id = rows.client JOIN agent_text ON agent_text.id = rows.agent
                  JOIN tls_text ON tls_text.id = rows.tls JOIN forwarded_text ON forwarded_text.id = rows.forwarded)
            TO '{str(path).replace("'", "''")}' (FORMAT parquet, COMPRESSION zstd)
            """  # noqa: S608 — COPY takes no parameter for its file; quotes are doubled
        )
    return Written(path, len(columns.micros))


def _rfc3339(epoch_s: float) -> str:
    whole = int(epoch_s)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((epoch_s - whole) * 1e6):06d}Z"
