"""A person at work: what an address would be without some evidence, who contradicts whom, and what a denial changes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import mipdns, must

DAY = datetime.datetime(2026, 11, 19, tzinfo=datetime.UTC)
CRAWLER, EXIT, NAMED = "30.0.0.9", "30.0.1.9", "30.0.2.9"

CONFIG = """
[load]
as_of = 2026-11-20
[[source]]
name = "edge"
kind = "logs"
format = "logpush"
path = "edge.ndjson"
[[source]]
name = "vpns"
kind = "egress"
format = "cidr"
class = "vpn"
path = "vpn.txt"
dated = 2026-11-20
[[source]]
name = "exits"
kind = "egress"
format = "cidr"
class = "tor"
path = "tor.txt"
dated = 2026-11-20
[[source]]
name = "reverse"
kind = "ptr"
path = "ptr.csv"
dated = 2026-11-20
[[source]]
name = "origins"
kind = "routes"
format = "ranges"
path = "routes.csv"
"""


def requests(address: str, count: int) -> str:
    """One program that fetches page after page."""
    lines = [
        {
            "ClientIP": address,
            "ClientSrcPort": 1024 + 7 * number,
            "ClientRequestUserAgent": "python-requests/2.32",
            "EdgeStartTimestamp": (DAY + datetime.timedelta(seconds=100 * number)).isoformat().replace("+00:00", "Z"),
        }
        for number in range(count)
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reasons")
    (folder / "edge.ndjson").write_text(requests(CRAWLER, 800) + requests("30.9.0.9", 3))
    (folder / "vpn.txt").write_text("30.0.0.0/24\n30.0.2.0/24\n31.0.0.0/24\n")
    (folder / "tor.txt").write_text(f"{EXIT}\n")
    (folder / "ptr.csv").write_text(f"address,name\n{NAMED},static-30-0-2-9.customer.example.net\n")
    (folder / "routes.csv").write_text("30.0.0.0,30.255.255.255,64500,One\n31.0.0.0,31.255.255.255,64501,Other\n")
    (folder / "mipdns.toml").write_text(CONFIG)
    must(folder / "mipdns.toml", "load")
    return folder / "mipdns.toml"


def explained(world: Path, address: str, *left_out: str) -> dict[str, Any]:
    options = [word for name in left_out for word in ("--without", name)]
    document: dict[str, Any] = json.loads(must(world, "explain", "--json", address, *options))
    return document


@pytest.mark.parametrize(
    ("address", "left_out", "gone"),
    [
        (CRAWLER, ["vpns"], "list.vpn"),
        (CRAWLER, ["egress"], "list.vpn"),
        (CRAWLER, ["list"], "list.vpn"),
        (CRAWLER, ["agents"], "crawler_share"),
        (CRAWLER, ["logs"], "crawler_share"),
        (CRAWLER, ["edge"], "crawler_share"),
        (EXIT, ["exits"], "list.tor"),
        (NAMED, ["ptr"], "names.static"),
        (NAMED, ["reverse", "vpns"], "list.vpn"),
    ],
)
def test_without_some_evidence_the_rest_is_judged(world, address, left_out, gone):
    document = explained(world, address, *left_out)
    assert gone in {term["origin"] for term in document["terms"]}
    rest = document["without"]
    assert rest["left_out"] == left_out
    assert gone not in {term["origin"] for term in rest["terms"]}
    assert sum(term["log_odds"] for term in rest["terms"]) == pytest.approx(rest["log_odds"])
    # Against a list, traffic takes away only so much: without it the same may come out.
    assert rest["confidence"] != document["confidence"] or not gone.startswith("list.")


def test_what_is_not_asked_for_is_not_told(world):
    assert explained(world, EXIT)["without"] is None
    assert explained(world, EXIT, "exits", "exits")["without"]["left_out"] == ["exits"]
    told = must(world, "explain", EXIT, "--without", "exits")
    assert "without exits" in told
    assert "list.tor +4.73 to +0.00" in told
    assert "nothing that speaks of it" in must(world, "explain", EXIT, "--without", "logs")


def test_a_name_that_nothing_goes_by_is_refused_with_those_that_there_are(world):
    done = mipdns(world, "explain", EXIT, "--without", "altas")
    assert done.returncode == 1
    assert "'altas'" in done.stderr
    assert "exits" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_routes_cannot_be_left_out_afterwards(world):
    for command in (["explain", EXIT], ["validate"]):
        done = mipdns(world, *command, "--without", "routes")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "routes say which network an address is in" in done.stderr


def test_disagreements_lead_with_what_both_sides_are_sure_of(world):
    found = json.loads(must(world, "disagreements", "--json"))
    told = [(one["range"], one["shared"]["source"], one["single"]["source"]) for one in found["disagreements"]]
    assert told == [(CRAWLER, "vpns", "traffic"), (NAMED, "vpns", "reverse")]
    sizes = [one["size"] for one in found["disagreements"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {(pair["shared"], pair["single"]): pair["places"] for pair in found["pairs"]} == {
        ("vpns", "traffic"): 1,
        ("vpns", "reverse"): 1,
    }
    assert found["disagreements"][0]["served"] == explained(world, CRAWLER)["confidence"]
    assert len(json.loads(must(world, "disagreements", "--json", "--limit", "1"))["disagreements"]) == 1
    assert CRAWLER in must(world, "disagreements")


def test_denials_lower_their_source_where_they_were_said(world):
    here, elsewhere = "30.0.2.200", "31.0.0.7"
    before = explained(world, here)["confidence"], explained(world, elsewhere)["confidence"]
    must(world, "feedback", "deny", "30.0.0.0/24", "--who", "test", "--observed", "2026-11-19")
    must(world, "load", "--force")
    after = explained(world, here)["confidence"], explained(world, elsewhere)["confidence"]
    assert after[0] < after[1] <= before[1] == before[0]
    served = must(world, "export", "csv")
    assert f"{after[0]}," in next(line for line in served.splitlines() if line.startswith("30.0.2.10,"))
    truth = world.parent / "truth.csv"
    truth.write_text("prefix,verdict\n30.0.2.200,deny\n31.0.0.7,confirm\n")
    (row,) = json.loads(must(world, "validate", "--truth", str(truth), "--draws", "10", "--json", "-"))["sources"]
    assert (row["source"], row["origin"], row["right"], row["wrong"]) == ("vpns", "list.vpn", 0, 1)
    assert row["claims"] > row["weighs"] > row["networks"][0]["weighs"]
    assert [one["asn"] for one in row["networks"]] == [64500]
    assert "vpns (list.vpn) weighs" in must(world, "validate", "--truth", str(truth), "--draws", "10")


def test_a_list_that_names_half_the_internet_moves_nothing_and_is_trouble(tmp_path):
    (tmp_path / "tor.txt").write_text("".join(f"{first}.0.0.0/8\n" for first in range(20, 60)))
    config = tmp_path / "mipdns.toml"
    config.write_text('[[source]]\nname = "exits"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "tor.txt"\n')
    loaded = mipdns(config, "load")
    assert (loaded.returncode, loaded.stderr.count("\n")) == (0, 1)
    assert "mipdns: warning: source 'exits' names far more" in loaded.stderr
    checked = mipdns(config, "check")
    assert checked.returncode == 1
    assert "WRONG database" in checked.stdout
    assert explained(config, "30.0.0.1")["confidence"] is None, "no verdict: it says nothing"
    done = mipdns(config, "status", "--json")
    assert done.returncode == 1
    assert [line for line in json.loads(done.stdout)["trouble"] if "'exits' names far more" in line]
