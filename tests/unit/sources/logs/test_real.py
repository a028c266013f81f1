"""Real logs: Zeek's, of a public web server and of a laboratory, against brute force over their lines."""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from mipdns import config, net
from mipdns.sources.logs.counting.coverage import day_number
from tests.unit.sources.logs.bench import features, lines, read
from tests.unit.sources.logs.oracle import Hit, all_features
from tests.unit.sources.logs.test_agents import classified
from tests.unit.sources.logs.test_counting import compare, whole_days

pytestmark = pytest.mark.real

SERVER = "64.225.56.201"


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        for line in file:
            if line.startswith("#fields\t"):
                names = line.rstrip("\n").split("\t")[1:]
            elif not line.startswith("#"):
                yield dict(zip(names, line.rstrip("\n").split("\t"), strict=True))


def established(row: dict[str, str]) -> bool:
    after = row["history"].partition("h")[2]
    return (
        row["proto"] == "tcp"
        and row["conn_state"] in ("S1", "S2", "S3", "SF", "RSTO", "RSTR")
        and ("h" not in row["history"] or bool(set(after) & set("ADF")))
    )


def hits_of(folder: Path) -> Iterator[Hit]:
    """What counts, by the definitions: towards the server, from the Internet, established."""
    for name in ("conn", "http"):
        for row in rows(folder / f"zeek-webserver-{name}.log.gz"):
            client = row["id.orig_h"]
            if row["id.resp_h"] != SERVER or client == SERVER or net.is_special(net.parse_address(client)):
                continue
            if name == "conn" and established(row):
                yield Hit("web1", "conn", client, int(float(row["ts"])), int(row["id.orig_p"]))
            elif name == "http":
                agent = "" if row["user_agent"] in ("-", "(empty)") else row["user_agent"]
                header = row["proxied"]
                claimed = "" if header == "-" else header.removeprefix("X-FORWARDED-FOR -> ").split("\\x2c")[0]
                yield Hit(
                    "web1", "http", client, int(float(row["ts"])), int(row["id.orig_p"]), agent, forwarded=claimed
                )


def web_sources(folder: Path) -> list[config.Logs]:
    return [
        config.Logs(
            name=name,
            format=f"zeek-{name}",  # type: ignore[arg-type]  # one of the two
            path=str(folder / f"zeek-webserver-{name}.log.gz"),
            ours=(f"{SERVER}/32",),
            sensor="web1",
        )
        for name in ("conn", "http")
    ]


def test_web_server(real_data: Path, tmp_path: Path) -> None:
    evidence, files = read(tmp_path, *web_sources(real_data / "logs"))
    assert [(file.rows + file.dropped, file.rejected) for file in files] == [(105918, 0), (18829, 0)]
    assert (evidence.as_of, evidence.complete_days) == (datetime.date(2024, 4, 21), 3)
    found = features(evidence)
    assert SERVER not in found

    hits = list(hits_of(real_data / "logs"))
    kinds = classified({hit.agent for hit in hits if hit.agent})
    full = {pair for pair in whole_days(hits) if pair[1] > day_number(evidence.as_of) - 7}
    assert len(full) == 3
    compare(evidence, all_features(hits, full, kinds.__getitem__))


@pytest.mark.parametrize(
    ("name", "form", "count"),
    [
        ("conn.log", "zeek-conn", 360),
        ("http.log", "zeek-http", 150),
        ("json_conn.log", "zeek-conn", 50),
        ("json_http.log", "zeek-http", 28),
    ],
)
def test_small_logs_of_a_laboratory(real_data: Path, tmp_path: Path, name: str, form: str, count: int) -> None:
    """TSV and JSON; nearly all of it private addresses."""
    content = (real_data / "logs" / "zeek-small" / name).read_bytes()
    found = lines(tmp_path, content, name=name, format=form)
    assert [line.reason for line in found if line.reason] == []
    assert len(found) == count == sum(not line.startswith(b"#") for line in content.splitlines())
