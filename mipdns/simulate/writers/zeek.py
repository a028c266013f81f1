"""Zeek's conn and http logs, TSV and JSON. In: one day as one sensor saw it. Out: two files that tell of the same
traffic, and of what a sensor sees besides visitors.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Literal, NamedTuple

from mipdns.simulate.plan import OUR_SERVER_V4, OUR_SERVER_V6
from mipdns.simulate.writers.files import Written, write_lines
from mipdns.simulate.writers.rows import Scene, Wear, address_text, epoch_s, flows_at, requests_at

CONN_FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr", "id.resp_p": "port",
    "proto": "enum", "service": "string", "duration": "interval", "orig_bytes": "count", "resp_bytes": "count",
    "conn_state": "string", "local_orig": "bool", "local_resp": "bool", "missed_bytes": "count", "history": "string",
    "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count", "resp_ip_bytes": "count",
    "tunnel_parents": "set[string]",
}  # fmt: skip
HTTP_FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr", "id.resp_p": "port",
    "trans_depth": "count", "method": "string", "host": "string", "uri": "string", "referrer": "string",
    "version": "string", "user_agent": "string", "request_body_len": "count", "response_body_len": "count",
    "status_code": "count", "status_msg": "string", "tags": "set[enum]", "proxied": "set[string]",
}  # fmt: skip
_NUMBERS = frozenset(("time", "port", "interval", "count"))

# The columns of conn from `proto` on.
_DONE = "tcp\thttp\t0.412345\t612\t8211\tSF\tF\tT\t0\tShADadfF\t6\t930\t9\t8585\t-"
_RESET = "tcp\thttp\t0.298716\t612\t8211\tRSTO\tF\tT\t0\tShADadR\t6\t890\t8\t8533\t-"
_REFUSED = "tcp\t-\t-\t-\t-\tREJ\tF\tT\t0\tSr\t1\t40\t1\t40\t-"
_UNANSWERED = "tcp\t-\t-\t-\t-\tS0\tF\tT\t0\tS\t1\t40\t0\t0\t-"
_OUTWARDS = "tcp\tssl\t0.201544\t517\t4096\tSF\tT\tF\t0\tShADadFf\t8\t949\t9\t4572\t-"
_PING = "icmp\t-\t0.000041\t56\t56\tOTH\tF\tT\t0\t-\t1\t84\t1\t84\t-"
_ECHO_REQUEST = 8
_PART_BITS = 22  # a slice has fewer connections to one sensor than that on a day


class Sensor(NamedTuple):
    """One Zeek. name: its observer, and its folder's name. server: last octet of the address that it watches."""

    name: str
    form: Literal["tsv", "json"]
    server: int


def write_zeek(folder: Path, sensor: Sensor, scene: Scene, name: str, wear: Wear) -> list[Written]:
    """conn and http of one day, in `folder`. name: of the day and the slice."""
    conn = _visitors(sensor, scene)
    conn += _others(sensor, scene, len(conn) // 6 + 48, wear)
    conn.sort(key=lambda row: float(row.partition("\t")[0]))
    ending = "log.gz" if sensor.form == "tsv" else "ndjson.gz"
    written = []
    for log, fields, rows in (("conn", CONN_FIELDS, conn), ("http", HTTP_FIELDS, _requests(sensor, scene, wear))):
        path = folder / f"{log}-{name}.{ending}"
        if sensor.form == "tsv":
            date = scene.day.date
            header, footer = _header(log, fields, date), f"#close\t{date}-23-59-59\n"
            written.append(write_lines(path, wear.torn(rows), header=header, footer=footer))
        else:
            written.append(write_lines(path, wear.torn([_json_row(fields, row) for row in rows])))
    return written


def _visitors(sensor: Sensor, scene: Scene) -> list[str]:
    seen, first = flows_at(scene, sensor.name), _first_uid(sensor, scene)
    rows: list[str] = []
    for number, at_s, client, port, complete in zip(
        seen.connection, seen.epoch_s, seen.client, seen.port, seen.complete, strict=True
    ):
        usual, seldom = (_DONE, _RESET) if complete else (_UNANSWERED, _REFUSED)
        end = usual if number % 4 else seldom
        rows.append(f"{at_s:.6f}\t{_uid(first + number)}\t{client}\t{port}\t{_server(sensor, client)}\t80\t{end}")
    return rows


def _others(sensor: Sensor, scene: Scene, count: int, wear: Wear) -> list[str]:
    """Our server's own connections outwards, on thousands of ports, and pings whose ICMP type stands as a port."""
    start_s, first = epoch_s(scene.day.date), _first_uid(sensor, scene) + (1 << 31)
    keys = scene.world.units.key
    peers = wear.rng.choice(keys[keys < 1 << 32], size=count).tolist()
    seconds = (wear.rng.random(count) * 86_399).tolist()
    ports = wear.rng.integers(32768, 61000, size=count).tolist()
    ours = OUR_SERVER_V4.format(sensor.server)
    rows: list[str] = []
    for at, (key, second, port) in enumerate(zip(peers, seconds, ports, strict=True)):
        peer, head = address_text(key), f"{start_s + second:.6f}\t{_uid(first + at)}"
        if at % 4:
            rows.append(f"{head}\t{ours}\t{port}\t{peer}\t443\t{_OUTWARDS}")
        else:
            rows.append(f"{head}\t{peer}\t{_ECHO_REQUEST}\t{ours}\t0\t{_PING}")
    return rows


def _requests(sensor: Sensor, scene: Scene, wear: Wear) -> list[str]:
    seen, first = requests_at(scene, sensor.name, wear.rng), _first_uid(sensor, scene)
    rows: list[str] = []
    for number, at_s, client, port, agent, forwarded, path in zip(
        seen.connection, seen.epoch_s, seen.client, seen.port, seen.agent, seen.forwarded, seen.path, strict=True
    ):
        proxied = f"X-FORWARDED-FOR -> {forwarded}" if forwarded else "-"
        rows.append(
            f"{at_s:.6f}\t{_uid(first + number)}\t{client}\t{port}\t{_server(sensor, client)}\t80\t1\tGET\tshop.example"
            f"\t{path}\t-\t1.1\t{agent}\t0\t612\t200\tOK\t(empty)\t{proxied}"
        )
    return rows


def _server(sensor: Sensor, client: str) -> str:
    return (OUR_SERVER_V6 if ":" in client else OUR_SERVER_V4).format(sensor.server)


def _first_uid(sensor: Sensor, scene: Scene) -> int:
    return ((scene.day.date.toordinal() << 8 | sensor.server) << 32) + (scene.part << _PART_BITS)


def _uid(number: int) -> str:
    """A connection's name, the same in conn and http: `C` and 17 characters, as Zeek's are."""
    return f"C{number * 0x9E3779B97F4A7C15 & (1 << 68) - 1:017x}"


def _header(name: str, fields: dict[str, str], date: datetime.date) -> str:
    names, types = "\t".join(fields), "\t".join(fields.values())
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
        f"#path\t{name}\n#open\t{date}-00-00-00\n#fields\t{names}\n#types\t{types}\n"
    )


def _json_row(fields: dict[str, str], row: str) -> str:
    """Zeek's JSON: unset fields are left out, sets are arrays, numbers are numbers."""
    parts: list[str] = []
    for (name, kind), value in zip(fields.items(), row.split("\t"), strict=True):
        if value == "-":
            continue
        if kind.startswith("set"):
            shown = "[]" if value == "(empty)" else json.dumps([value])
        elif kind in _NUMBERS:
            shown = value
        elif kind == "bool":
            shown = "true" if value == "T" else "false"
        else:
            shown = json.dumps(value)
        parts.append(f'"{name}":{shown}')
    return "{" + ",".join(parts) + "}"
