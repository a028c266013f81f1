"""`mipdns validate`, run as its users run it, and its page in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mipdns.simulate import simulate
from tests.e2e.commands import mipdns, must
from tests.peers import program

BROWSER_S = 120
CONSOLE = ("--enable-logging=stderr", "--v=0")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, seed=11, units=900)
    must(folder / "mipdns.toml", "load")
    return folder / "mipdns.toml"


def run(world: Path, *arguments: str) -> Any:
    return json.loads(must(world, "validate", "--draws", "50", "--json", "-", *arguments))


def test_against_the_simulators_truth(world: Path):
    document = run(world, "--truth", str(world.parent / "truth.csv"))
    (part,) = document["sets"]
    assert (part["name"], part["judged"], part["without"]) == ("truth.csv", "as served", [])
    assert part["ablation"]["as_served"] > 0.9  # the rest: a percent of difference, where partners taught about sources
    assert part["units"] > 700
    assert part["overall"]["roc_auc"]["value"] > 0.9
    assert part["overall"]["pr_auc"]["value"] > part["shared"] / part["units"]
    assert {row["at"] for row in part["thresholds"]} == {50, 80, 90, 95}
    assert {group["name"] for group in part["groups"]["family"]} == {"IPv4", "IPv6"}
    assert part["users"]["units"] > 0
    assert 0 < part["classes"]["agree"] <= 1
    assert {row["kind"] for row in part["ablation"]["left_out"]} == {"signal", "source", "logs", "peeringdb"}
    assert document == run(world, "--truth", str(world.parent / "truth.csv")) | {"made": document["made"]}


def test_without_a_file_traces_and_partners_are_the_truth(world: Path):
    told = {part["name"]: part["without"] for part in run(world)["sets"]}
    assert told.pop("partners", ["partner"]) == ["partner"]
    assert told == {"traceroutes": ["trace"]}


def test_lists_and_names_are_truth_where_that_is_asked_for(world: Path):
    """Each is judged without itself, and so neither is always right nor by chance."""
    found = {part["name"]: part for part in run(world, "--labels", "list,names")["sets"]}
    assert {name: part["without"] for name, part in found.items()} == {
        "published lists": ["list"],
        "reverse names": ["names"],
    }
    for part in found.values():
        assert 20 < part["shared"] < part["units"] - 20
        assert 0.6 < part["overall"]["roc_auc"]["value"] < 1
    assert "published lists: " in must(world, "validate", "--labels", "list", "--draws", "10")


def test_more_may_be_left_out(world: Path):
    truth = str(world.parent / "truth.csv")
    (part,) = run(world, "--truth", truth, "--without", "egress", "--without", "agents")["sets"]
    assert part["judged"] == "again"
    assert "agents" in part["without"]
    assert "tor" in part["without"]
    told = mipdns(world, "validate", "--without", "egres")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "nothing here goes by 'egres'" in told.stderr


def test_without_lists_it_judges_among_as_many_as_a_load_without_lists_finds(world: Path):
    """Whom a list named is then one of whom nobody speaks, and most of them are shared."""
    head, *sources = world.read_text().split("[[source]]")
    kept = [source for source in sources if 'kind = "egress"' not in source]
    bare = world.with_name("bare.toml")
    bare.write_text("[[source]]".join([head.replace('"mip.db"', '"bare.db"'), *kept]))
    must(bare, "load")
    truth = ("--truth", str(world.parent / "truth.csv"))
    (served,) = run(world, *truth)["sets"]
    (again,) = run(world, *truth, "--without", "list")["sets"]
    (loaded,) = run(bare, *truth)["sets"]
    assert loaded["prior"] > served["prior"] + 0.03
    assert again["prior"] == pytest.approx(loaded["prior"], abs=0.01)
    assert again["overall"]["ece"]["value"] == pytest.approx(loaded["overall"]["ece"]["value"], abs=0.005)


def test_people_are_told_a_few_numbers(world: Path):
    told = must(world, "validate", "--truth", str(world.parent / "truth.csv"), "--draws", "50")
    assert re.search(r"ROC-AUC +0\.9\d\d \(0\.\d{3} to [01]\.\d{3}\)", told)
    assert "at 90: precision, recall" in told


def test_what_fails_is_one_line(world: Path, tmp_path: Path):
    (tmp_path / "truth.csv").write_text("address,shared\n51.15.7.9,yes\n")
    told = mipdns(world, "validate", "--truth", str(tmp_path / "truth.csv"))
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "the header has no column 'prefix'" in told.stderr


def browse(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A browser without a window and without a network; it exits by itself."""
    command = [program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--no-first-run", f"--user-data-dir={page.parent / 'browser'}", "--hide-scrollbars", *arguments]
    return subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=BROWSER_S, check=True)


def words(dom: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", dom, flags=re.DOTALL)))


@pytest.mark.peers
def test_a_browser_shows_the_numbers_of_the_document(world: Path, tmp_path: Path):
    page = tmp_path / "report.html"
    truth = str(world.parent / "truth.csv")
    document = run(world, "--truth", truth, "--html", str(page))
    (part,) = document["sets"]
    seen = browse(page, "--dump-dom", *CONSOLE)
    text = words(seen.stdout)
    for number in part["overall"].values():
        if number["value"] is not None:
            assert f"{number['value']:.3f}" in text
    for row in part["thresholds"]:
        assert f"{row['at']} and more {row['listed']:,} {100 * row['precision']['value']:.1f} %" in text
    for row in part["reliability"]["served"]:
        assert f"{row['from']} to {row['to']} {row['units']:,}" in text
    for group in part["groups"]["family"]:
        assert f"{group['name']} {group['units']:,} {group['shared']:,} {group['networks']:,}" in text
    for row in part["ablation"]["left_out"][:3]:
        assert row["name"] in text
    assert "CONSOLE" not in seen.stderr, "something on the page complains"
    assert seen.stdout.count("<svg") == 7 - (document["drift"] is None)


@pytest.mark.peers
def test_a_browser_would_complain_of_anything_from_elsewhere(world: Path, tmp_path: Path):
    """What the test above rests on: the page's own policy forbids every request, and the browser says so."""
    page = tmp_path / "report.html"
    must(world, "validate", "--truth", str(world.parent / "truth.csv"), "--draws", "10", "--html", str(page))
    page.write_text(page.read_text("utf-8").replace("<main>", '<main><img src="http://127.0.0.1:9/x.png">'), "utf-8")
    complaint = browse(page, "--dump-dom", *CONSOLE).stderr
    assert "CONSOLE" in complaint
    assert "Content Security Policy" in complaint


@pytest.mark.peers
@pytest.mark.parametrize("width", [360, 1200])
def test_a_browser_draws_it(world: Path, tmp_path: Path, width: int):
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    must(world, "validate", "--truth", str(world.parent / "truth.csv"), "--draws", "50", "--html", str(page))
    browse(page, f"--window-size={width},2400", f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000


@pytest.mark.parametrize("output", [("validate", "--draws", "10", "--json"), ("validate", "--draws", "10", "--html"),
                                    ("export", "csv", "--output")])  # fmt: skip
def test_where_the_disk_is_full_one_line_says_that_what_is_there_is_incomplete(
    world: Path, output: tuple[str, ...]
) -> None:
    done = mipdns(world, *output, "/dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        f"mipdns: `{output[0]}` could not write all of its output, so what is there is incomplete: "
        "No space left on device\n"
    )
