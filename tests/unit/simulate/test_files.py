"""The files of a made world, read by readers that know nothing of the project."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import ipaddress
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import zstandard

from mipdns.errors import ConfigError
from mipdns.simulate import Summary, WorldPlan, simulate
from mipdns.simulate.configuration import Form
from mipdns.simulate.habits import OBSERVERS
from mipdns.simulate.kinds import KINDS
from mipdns.simulate.plan import OUR_V4, OUR_V6
from mipdns.simulate.population import make_world

from .conftest import AS_OF

COMBINED = re.compile(r'^(\S+) - - \[([^]]+)] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"$')
OURS = ipaddress.ip_network(OUR_V4), ipaddress.ip_network(OUR_V6)


def text_of(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return content.decode()


def lines_of(folder: Path, pattern: str) -> Iterator[str]:
    paths = sorted(folder.glob(pattern))
    assert len(paths) >= 3
    for path in paths:
        yield from text_of(path).splitlines()


def truth_of(summary: Summary) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(summary.truth.read_text())))


def units_of(summary: Summary) -> set[str]:
    return {row["prefix"].removesuffix("/64") for row in truth_of(summary)}


def unit_of(address: str) -> str:
    if ":" not in address:
        return str(ipaddress.IPv4Address(address))
    return str(ipaddress.ip_network((int(ipaddress.IPv6Address(address)) >> 64 << 64, 64)).network_address)


def query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        return database.execute(sql).fetchall()


def check_clients(summary: Summary, clients: Counter[str], torn: int, total: int) -> None:
    """Every client is a unit of the world, every port one; few lines are torn."""
    units = units_of(summary)
    assert total and torn / total < 0.01
    assert clients and set(map(unit_of, clients)) <= units


@pytest.mark.parametrize("form", ["mixed", "ndjson", "parquet"])
def test_the_same_arguments_make_the_same_bytes(tmp_path: Path, form: Form):
    contents = []
    for name in ("one", "two"):
        made = simulate(tmp_path / name, seed=5, units=90, days=2, as_of=AS_OF, form=form)
        files = sorted(path for path in made.folder.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(made.folder)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_another_seed_makes_another_world(tmp_path: Path):
    truths = [simulate(tmp_path, seed=seed, units=90, days=1, as_of=AS_OF).truth.read_text() for seed in (1, 2)]
    assert truths[0] != truths[1]


def test_a_second_world_in_the_same_folder_leaves_no_log_of_the_first(tmp_path: Path):
    simulate(tmp_path, units=90, days=2, as_of=AS_OF - datetime.timedelta(days=9))
    (tmp_path / "work" / "evidence").mkdir(parents=True)
    made = simulate(tmp_path, units=90, days=1, as_of=AS_OF)
    assert {path for path in (tmp_path / "logs").rglob("*") if path.is_file()} == {
        file.path for file in made.files if "logs" in file.path.parts
    }
    assert not (tmp_path / "work").exists(), "what loads counted of its logs would count on"


def test_without_a_date_the_last_day_is_yesterday(tmp_path: Path):
    made = simulate(tmp_path, units=30, days=1)
    assert datetime.datetime.now(datetime.UTC).date() - made.last_day in (
        datetime.timedelta(days=1),
        datetime.timedelta(days=2),  # midnight passed in between
    )


@pytest.mark.parametrize(("seed", "units", "days"), [(1, 0, 3), (1, -1, 3), (1, 1 << 40, 3), (1, 100, 0), (-1, 100, 1)])
def test_a_world_of_nothing_is_refused(tmp_path: Path, seed: int, units: int, days: int):
    with pytest.raises(ConfigError, match="cannot be made"):
        simulate(tmp_path, seed=seed, units=units, days=days)
    assert not any(tmp_path.iterdir())


TODAY = datetime.datetime.now(datetime.UTC).date()


@pytest.mark.parametrize(
    ("last_day", "days", "words"),
    [
        (TODAY + datetime.timedelta(days=2), 1, "no load reads beyond it"),
        (datetime.date.max, 1, "no load reads beyond it"),
        (AS_OF, 40_000, "before 1990"),
        (datetime.date(1990, 1, 2), 3, "before 1990"),
        (datetime.date.min, 5, "before 1990"),
    ],
)
def test_days_that_no_load_would_read_are_refused(tmp_path: Path, last_day: datetime.date, days: int, words: str):
    with pytest.raises(ConfigError, match=words):
        simulate(tmp_path, units=90, days=days, as_of=last_day)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["logs/access.log", "mipdns.toml", "lists/mine.txt", "work/evidence"])
def test_files_that_are_no_worlds_stay(tmp_path: Path, name: str):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(ConfigError, match="name another folder"):
        simulate(tmp_path, units=50, days=1)
    assert mine.read_text() == "mine"


def test_who_waits_is_told_how_far_it_is(tmp_path: Path):
    told: list[tuple[str, float]] = []
    simulate(tmp_path, units=60, days=4, form="parquet", progress=lambda stage, done: told.append((stage, done)))
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["make units", "write logs", "write sources"]
    assert [done for stage, done in told if stage == "write logs"] == [0.0, 0.25, 0.5, 0.75]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"file/world: .*cannot be written"):
        simulate(tmp_path / "file" / "world", units=50, days=1)


def test_a_folder_without_zones_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="no zone files"):
        simulate(tmp_path / "world", units=30, zones=tmp_path)


def test_truth_has_every_unit_once(summary: Summary):
    rows = truth_of(summary)
    assert len(rows) == summary.units and sum(row["verdict"] == "confirm" for row in rows) == summary.multi_user
    networks = [ipaddress.ip_network(row["prefix"]) for row in rows]
    assert len(set(networks)) == len(networks)
    assert {network.prefixlen for network in networks} == {32, 64}
    by_name = {kind.name: kind for kind in KINDS}
    for row, network in zip(rows, networks, strict=True):
        assert network.is_global, row
        assert row["class"] == by_name[row["kind"]].classes
        assert (row["verdict"] == "confirm") == bool(row["class"]) == (int(row["users"]) > 1)
        assert row["verdict"] in ("confirm", "deny")
    assert {row["kind"] for row in rows} == set(by_name)


def test_every_unit_is_in_a_log(summary: Summary):
    seen: set[str] = set()
    for path in (summary.folder / "logs").rglob("*"):
        if path.suffix == ".parquet":
            seen |= {row[0] for row in query(f"SELECT DISTINCT remote FROM '{path}'")}
        elif path.is_file():
            texts = set(re.findall(r"(?:\d+\.){3}\d+|[0-9a-f]+(?::[0-9a-f]*)+", text_of(path)))
            seen |= {text.rpartition(":")[0] for text in texts} if path.name.startswith("shop") else set()
            seen |= texts
    missing = units_of(summary) - {unit_of(text) for text in seen if _is_address(text)}
    assert len(missing) <= 2, "a unit may be seen once, and that line be torn"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def test_logpush(summary: Summary):
    clients: Counter[str] = Counter()
    forms: Counter[type] = Counter()
    torn = total = 0
    for line in lines_of(summary.folder, "logs/edge/*.ndjson.gz"):
        total += 1
        try:
            row = json.loads(line)
        except ValueError:
            torn += 1
            continue
        clients[row["ClientIP"]] += 1
        stamp = row["EdgeStartTimestamp"]
        forms[type(stamp)] += 1
        seconds = stamp / 1e9 if isinstance(stamp, int) else datetime.datetime.fromisoformat(stamp).timestamp()
        date = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
        assert summary.first_day <= date <= summary.last_day
        assert 1024 <= row["ClientSrcPort"] <= 65535 and 1 <= row["BotScore"] <= 99
        assert re.fullmatch(r"[tq]13d\d{4}h[23]_[0-9a-f]{12}_[0-9a-f]{12}", row["JA4"])
    check_clients(summary, clients, torn, total)
    assert set(forms) == {int, str}


@pytest.mark.parametrize(("pattern", "port"), [("logs/web/shop-*.log.gz", True), ("logs/web/blog-*.log.zst", False)])
def test_combined(summary: Summary, pattern: str, port: bool):
    clients: Counter[str] = Counter()
    torn = total = health = 0
    for line in lines_of(summary.folder, pattern):
        total += 1
        match = COMBINED.match(line)
        if not match:
            torn += 1
            continue
        client, source = match[1].rsplit(":", 1) if port else (match[1], "1024")
        assert 1024 <= int(source) <= 65535
        datetime.datetime.strptime(match[2], "%d/%b/%Y:%H:%M:%S %z")
        if client == "127.0.0.1":
            health += 1
        else:
            clients[client] += 1
    check_clients(summary, clients, torn, total)
    assert health, "the one special-purpose client, on purpose"


def zeek_rows(summary: Summary, sensor: str, name: str) -> tuple[list[dict[str, str]], int]:
    """Rows by field name as text, and how many lines were torn."""
    rows: list[dict[str, str]] = []
    torn = 0
    fields: list[str] = []
    for line in lines_of(summary.folder, f"logs/{sensor}/{name}-*"):
        if line.startswith("#"):
            fields = line.split("\t")[1:] if line.startswith("#fields") else fields
            continue
        if sensor == "probe":
            try:
                rows.append({key: str(value) for key, value in json.loads(line).items()})
            except ValueError:
                torn += 1
        elif line.count("\t") == len(fields) - 1:
            rows.append(dict(zip(fields, line.split("\t"), strict=True)))
        else:
            torn += 1
    return rows, torn


@pytest.mark.parametrize("sensor", ["sensor", "probe"])
def test_zeek(summary: Summary, sensor: str):
    conn, torn = zeek_rows(summary, sensor, "conn")
    towards_us = [row for row in conn if ipaddress.ip_address(row["id.resp_h"]) in OURS["." not in row["id.resp_h"]]]
    visitors = [row for row in towards_us if row["proto"] == "tcp"]
    check_clients(summary, Counter(row["id.orig_h"] for row in visitors), torn, len(conn) + torn)
    assert any(row["proto"] == "icmp" and row["id.orig_p"] == "8" for row in towards_us)
    outwards = [row for row in conn if row not in towards_us]
    assert outwards and {row["id.orig_h"] for row in outwards} == {f"33.240.0.{2 if sensor == 'sensor' else 3}"}
    assert {row["conn_state"] for row in visitors} >= {"SF", "S0", "REJ", "RSTO"}
    assert len({row["uid"] for row in conn}) == len(conn)

    http, torn = zeek_rows(summary, sensor, "http")
    check_clients(summary, Counter(row["id.orig_h"] for row in http), torn, len(http) + torn)
    same = {(row["uid"], row["id.orig_h"], row["id.orig_p"]) for row in visitors}
    known = [(row["uid"], row["id.orig_h"], row["id.orig_p"]) in same for row in http]
    assert sum(known) / len(known) > 0.98, "conn and http tell of the same connections, torn lines aside"
    forwarded = [row["proxied"] for row in http if row.get("proxied", "-") != "-"]
    assert forwarded and all("X-FORWARDED-FOR -> " in text for text in forwarded)


def test_vpcflow(summary: Summary):
    clients: Counter[str] = Counter()
    torn = total = 0
    headers, actions, protocols = set(), set(), set()
    columns: list[str] = []
    for line in lines_of(summary.folder, "logs/cloud/vpc-*.log.gz"):
        if line.startswith("version"):
            columns = line.split()
            headers.add(line)
            continue
        total += 1
        if len(line.split()) != len(columns):
            torn += 1
            continue
        row = dict(zip(columns, line.split(), strict=True))
        if row["log-status"] == "NODATA":
            assert row["srcaddr"] == "-"
            continue
        actions.add(row["action"])
        protocols.add(row["protocol"])
        ours = [ipaddress.ip_address(row[end]) in OURS[":" in row[end]] for end in ("srcaddr", "dstaddr")]
        assert sum(ours) == 1
        clients[row["dstaddr" if ours[0] else "srcaddr"]] += 1
    check_clients(summary, clients, torn, total)
    assert len(headers) == 2 and actions == {"ACCEPT", "REJECT"} and protocols >= {"1", "6", "17"}


def test_nfdump(summary: Summary):
    clients: Counter[str] = Counter()
    torn = total = 0
    for path in sorted(summary.folder.glob("logs/colo/*.csv")):
        body, _, tail = text_of(path).partition("Summary\n")
        assert tail.startswith("flows,bytes,packets")
        rows = list(csv.reader(io.StringIO(body)))
        columns = rows[0]
        for row in rows[1:]:
            total += 1
            if len(row) != len(columns):
                torn += 1
                continue
            cells = dict(zip(columns, row, strict=True))
            clients[cells["sa"]] += 1
            assert cells["pr"] in ("TCP", "UDP") and int(cells["dp"]) == 443 and int(cells["ipkt"]) > 0
            datetime.datetime.fromisoformat(cells["ts"])
    check_clients(summary, clients, torn, total)


def test_csv_and_parquet(summary: Summary):
    clients: Counter[str] = Counter()
    forwarded = torn = total = 0
    for path in summary.folder.glob("logs/app/*.csv"):
        for row in csv.DictReader(io.StringIO(text_of(path))):
            total += 1
            torn += not row["ip"]
            clients[row["ip"]] += bool(row["ip"])
            forwarded += bool(row["xff"])
            assert datetime.datetime.fromisoformat(row["when"]).date() <= AS_OF and len(row["ja3"]) == 32
    del clients[""]
    assert forwarded
    check_clients(summary, clients, torn, total)
    found = query(f"SELECT ts, remote, rport, agent, fp, score, forwarded FROM '{summary.folder}/logs/api/*.parquet'")
    assert {type(row[0]) for row in found} == {datetime.datetime}
    assert any(row[6] is None for row in found) and any(row[6] for row in found)
    check_clients(summary, Counter(row[1] for row in found), 0, len(found))


def test_every_observer_sees_a_part_of_its_own(summary: Summary):
    rows: Counter[str] = Counter()
    for file in summary.files:
        if "logs" in file.path.parts:
            rows[file.path.parent.name] += file.rows
    assert set(rows) == (set(OBSERVERS) - {"blog"}) and min(rows.values()) > 100
    assert rows["edge"] == max(rows.values())
    assert summary.log_lines == sum(rows.values())


def test_every_file_is_named_by_the_configuration_and_the_other_way_round(summary: Summary):
    document = tomllib.loads(summary.config.read_text())
    named = set()
    for source in document["source"]:
        paths = source["path"] if isinstance(source["path"], list) else [source["path"]]
        for path in paths:
            assert not Path(path).is_absolute()
            matches = set(summary.folder.glob(path))
            assert matches, path
            named |= matches
    assert named == {file.path for file in summary.files}
    assert summary.truth not in named


def test_the_configuration_has_every_kind_and_format(summary: Summary):
    document = tomllib.loads(summary.config.read_text())
    assert {(source["kind"], source["format"]) for source in document["source"]} == {
        *(
            ("logs", form)
            for form in ("logpush", "combined", "zeek-http", "zeek-conn", "vpcflow", "nfdump", "csv", "parquet")
        ),
        *(("routes", form) for form in ("ranges", "pfx2as", "iptoasn")),
        *(("egress", form) for form in ("cidr", "geofeed", "misp")),
        ("peeringdb", "api"),
        ("atlas", "results"),
        ("ptr", "csv"),
        ("truth", "csv"),
    }
    assert {source["class"] for source in document["source"] if source["kind"] == "egress"} == {
        "tor", "vpn", "relay", "proxy", "mobile", "campus", "hosting",
    }  # fmt: skip


def test_zones_are_copied(summary: Summary):
    assert (summary.folder / "zones" / "mip.internal.toml").is_file()


def test_one_log_as_parquet(one_log: Summary):
    found = query(f"SELECT ts, remote, rport, agent, fp, score, forwarded FROM '{one_log.folder}/logs/edge/*.parquet'")
    assert len(found) == one_log.log_lines
    assert {row[0].date() for row in found} == {one_log.first_day + datetime.timedelta(days=at) for at in range(3)}
    check_clients(one_log, Counter(row[1] for row in found), 0, len(found))
    assert all(1024 <= row[2] <= 65535 and row[3] and 1 <= row[5] <= 99 for row in found)
    assert any(row[6] is None for row in found) and any(row[6] for row in found)
    assert len(set(found)) < len(found), "some lines are there twice"
    assert {file.path.name for file in one_log.files if "logs" in file.path.parts} == {
        f"2026-09-{day}.parquet" for day in (20, 21, 22)
    }


def test_one_log_as_ndjson_is_the_same_visitors(one_log: Summary, tmp_path: Path):
    made = simulate(tmp_path, units=300, as_of=AS_OF, form="ndjson")
    clients = {json.loads(line)["ClientIP"] for line in lines_of(made.folder, "logs/edge/*") if line.endswith("}")}
    [(parquet,)] = query(f"SELECT list(DISTINCT remote) FROM '{one_log.folder}/logs/edge/*.parquet'")
    assert len(clients ^ set(parquet)) < 10, "torn lines aside"
    assert made.truth.read_text() == one_log.truth.read_text()


def test_a_world_of_several_slices_has_a_file_for_each_and_loses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mipdns.simulate.population.SLICE_LINES", 2500)
    made = simulate(tmp_path, units=300, days=3, as_of=AS_OF)
    names = sorted(path.name for path in (tmp_path / "logs" / "api").iterdir())
    assert len(names) > 3 and names[0] == "api-2026-09-20-0000.parquet"
    uids = [row["uid"] for row in zeek_rows(made, "sensor", "conn")[0]]
    assert len(set(uids)) == len(uids)
    edge: Counter[str] = Counter()
    for line in lines_of(made.folder, "logs/edge/*.ndjson.gz"):
        if line.endswith("}"):
            edge[json.loads(line)["ClientIP"]] += 1
    check_clients(made, edge, 0, edge.total())


def test_a_large_world_has_room_on_the_stage_and_a_key_for_each_unit():
    world = make_world(WorldPlan(units=150_000), 1, 1)
    assert len(np.unique(world.units.key)) == len(world.units.key) >= 150_000
