"""`mipdns train` on loads whose truth is known: the whole way from made logs to a scorecard that a load could use."""

from __future__ import annotations

import csv
import datetime
import json
import math
from pathlib import Path

import pytest

from mipdns.inference import parse_scorecard, shipped_scorecard
from mipdns.simulate import simulate
from tests.e2e.commands import mipdns, must

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small loaded worlds."""
    folders = [tmp_path_factory.mktemp(f"world{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders, 1):
        simulate(folder, seed=seed, units=2500, days=2, as_of=datetime.date(2026, 9, 22), form="parquet")
        must(folder / "mipdns.toml", "load")
    return folders


def arguments(worlds: list[Path], out: Path) -> list[str]:
    databases = [str(folder / "mip.db") for folder in worlds]
    truths = [part for folder in worlds for part in ("--truth", str(folder / "truth.csv"))]
    return ["train", *databases, *truths, "--out", str(out)]


def test_a_scorecard_is_learnt_and_the_same_one_again(worlds: list[Path], tmp_path: Path) -> None:
    config = worlds[0] / "mipdns.toml"
    must(config, *arguments(worlds, tmp_path / "one.json"))
    must(config, *arguments(worlds, tmp_path / "two.json"))
    text = (tmp_path / "one.json").read_text()
    assert text == (tmp_path / "two.json").read_text()
    card, shipped = parse_scorecard(text, "one.json"), shipped_scorecard()
    assert card.terms != shipped.terms
    assert (card.rules, card.prior) == (shipped.rules, shipped.prior)
    assert {term.feature for term in card.terms} >= {"agents_day_max", "tls_day_max", "neighbours_crowded"}


def test_a_load_judges_by_what_was_learnt_and_explains_by_it(worlds: list[Path], tmp_path: Path) -> None:
    must(worlds[0] / "mipdns.toml", *arguments(worlds, tmp_path / "card.json"))
    other = worlds[1] / "learnt.toml"
    text = (worlds[1] / "mipdns.toml").read_text().replace('"mip.db"', '"learnt.db"')
    other.write_text(f'{text}\n[load]\nscorecard = "{tmp_path / "card.json"}"\n')
    must(other, "load")
    served = list(csv.DictReader(must(other, "export", "csv").splitlines()))
    shipped = list(csv.DictReader(must(worlds[1] / "mipdns.toml", "export", "csv").splitlines()))
    assert served != shipped
    for row in served[:: len(served) // 10]:
        told = json.loads(must(other, "explain", "--json", row["first"]))
        assert told["confidence"] == int(row["confidence"])
        log_odds = sum(term["log_odds"] for term in told["terms"])
        assert abs(100 / (1 + math.exp(-log_odds)) - told["confidence"]) < 1.01  # whole percents, held within 1 … 99


def test_too_little_truth_is_said_in_one_line(worlds: list[Path], tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    few.write_text("prefix,verdict\n21.0.0.1,confirm\n")
    done = mipdns(worlds[0] / "mipdns.toml", "train", str(worlds[0] / "mip.db"), "--truth", str(few), "--out", str(few))
    assert done.returncode == 1
    assert "500 of each are needed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_each_database_needs_its_truth(worlds: list[Path], tmp_path: Path) -> None:
    config, out = worlds[0] / "mipdns.toml", tmp_path / "x.json"
    done = mipdns(config, *arguments(worlds, out)[:-4], "--out", str(out))
    assert done.returncode == 1
    assert "2 databases and 1 truths" in done.stderr
    assert not out.exists()


def test_the_shipped_scorecard_says_what_it_was_learnt_from() -> None:
    trained = shipped_scorecard().trained
    assert {"command", "worlds", "units", "versions", "measured"} <= set(trained)
    assert json.dumps(trained)
