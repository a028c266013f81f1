"""What a log cannot tell is unknown, never one: a connection log has no agents, and a crowd is no one program."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path

from mipdns import config
from mipdns.evidence import UnitTable
from tests.chunks import whole
from tests.unit.sources.logs.bench import read_whole

BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
]
AGENTS = ["agents_hour_max", "agents_day_max", "agents_day_median", "families_day_max", "agent_top_share"]


def counted(folder: Path, *sources: config.Logs) -> UnitTable:
    load = config.Load(work=str(folder / "work"))
    evidence, _ = read_whole(sources, load, now=datetime.date(2026, 11, 20))
    return whole(evidence).units


def connections(folder: Path) -> config.Logs:
    """A Zeek `conn` log: 100 connections of one client."""
    rows = (
        {
            "ts": 1795132800.0 + number,
            "id.orig_h": "45.33.32.1",
            "id.orig_p": 40000 + number,
            "id.resp_p": 443,
            "proto": "tcp",
            "conn_state": "SF",
        }
        for number in range(100)
    )
    (folder / "conn.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return config.Logs(name="conn", format="zeek-conn", path=str(folder / "conn.json"), sensor="web1")


def requests(folder: Path) -> config.Logs:
    """A Zeek `http` log: four requests of that client, by two agents of two families."""
    rows = (
        {"ts": 1795132800.0 + number, "id.orig_h": "45.33.32.1", "method": "GET", "user_agent": agent}
        for number, agent in enumerate(BROWSERS * 2)
    )
    (folder / "http.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return config.Logs(name="http", format="zeek-http", path=str(folder / "http.json"), sensor="web1")


def test_a_log_without_agents_tells_of_none(tmp_path: Path):
    units = counted(tmp_path, connections(tmp_path))
    assert units.columns["ports_hour_max"].tolist() == [100]
    assert all(math.isnan(units.columns[name][0]) for name in AGENTS)


def test_a_log_without_agents_adds_none_to_those_of_another(tmp_path: Path):
    alone = counted(tmp_path, requests(tmp_path))
    beside = counted(tmp_path, requests(tmp_path), connections(tmp_path))
    assert [alone.columns[name][0] for name in AGENTS] == [2, 2, 2, 2, 0.5]
    assert [beside.columns[name][0] for name in AGENTS] == [2, 2, 2, 2, 0.5]
