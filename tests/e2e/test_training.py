"""`mipdns train` on loads whose truth is known: the whole way from made logs to a scorecard that a load could use."""

from __future__ import annotations

import csv
import datetime
import json
import math
import re
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from mipdns.inference import parse_scorecard, shipped_scorecard
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.training.sample import score
from mipdns.simulate import plan_for, simulate
from mipdns.train import label_sample, read_sample
from mipdns.validation.labelling import KINDS
from mipdns.validation.truth import read_truth
from tests.e2e.commands import mipdns, must

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small loaded worlds."""
    return [loaded(tmp_path_factory.mktemp(f"world{seed}"), seed) for seed in (1, 2)]


def loaded(folder: Path, seed: int) -> Path:
    simulate(folder, seed=seed, units=2500, days=2, as_of=datetime.date(2026, 9, 22), form="parquet")
    must(folder / "mipdns.toml", "load")
    return folder


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
    few, out = tmp_path / "few.csv", tmp_path / "x.json"
    few.write_text("prefix,verdict\n21.0.0.1,confirm\n")
    done = mipdns(worlds[0] / "mipdns.toml", "train", str(worlds[0] / "mip.db"), "--truth", str(few), "--out", str(out))
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


def ranking(world: Path, card: Scorecard) -> tuple[float, float]:
    """AUC on the truth of a world: of traffic alone, and of everything."""
    everything = read_sample(world / "mip.db", read_truth(world / "truth.csv"), card)
    silent, _ = label_sample(world / "mip.db", KINDS, card)
    known = everything.known
    by_traffic, by_all = (score(one, card).points[known] for one in (silent, everything))
    shared = everything.shared[known]
    return float(roc_auc_score(shared, by_traffic)), float(roc_auc_score(shared, by_all))


def test_a_world_teaches_by_its_own_labels(worlds: list[Path], tmp_path: Path) -> None:
    """Nobody can read the truth before the scorecard stands; how it ranks is measured on another world."""
    truths = [(folder / "truth.csv").rename(tmp_path / f"{folder.name}.csv") for folder in worlds]
    try:
        databases = [str(folder / "mip.db") for folder in worlds]
        printed = must(worlds[0] / "mipdns.toml", "train", *databases, "--out", str(tmp_path / "both.json"))
    finally:
        for folder, truth in zip(worlds, truths, strict=True):
            truth.rename(folder / "truth.csv")
    card = parse_scorecard((tmp_path / "both.json").read_text(), "both.json")
    assert card.terms != shipped_scorecard().terms
    assert card.trained["databases"] == 2
    assert card.trained != shipped_scorecard().trained
    assert re.search(r"by partner: \d+ shared, \d+ other; trace: .*; list: .*; names: ", printed)
    assert card.users == shipped_scorecard().users, "no label tells how many"
    assert card.network == shipped_scorecard().network, "types of networks tell who labels"
    by_traffic, by_all = ranking(loaded(tmp_path / "another", 3), card)
    assert by_traffic > 0.9
    assert by_all > 0.93


def test_labels_of_too_few_are_counted_by_kind(worlds: list[Path], tmp_path: Path) -> None:
    config, database, out = worlds[0] / "mipdns.toml", str(worlds[0] / "mip.db"), tmp_path / "x.json"
    done = mipdns(config, "train", database, "--labels", "partner,trace", "--out", str(out))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "by partner" in done.stderr
    assert "500 of each are needed" in done.stderr
    assert "--labels partner,trace,list,names" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--labels", "tor"], "'tor' makes no labels; there are partner, trace, list, names"),
        (["--labels", ""], "'' makes no labels"),
        (["--labels", "list", "--truth", "{truth}"], "choose one"),
    ],
)
def test_wrong_usage_of_labels(worlds: list[Path], tmp_path: Path, arguments: list[str], says: str) -> None:
    asked = [part.format(truth=worlds[0] / "truth.csv") for part in arguments]
    for command in (["train", str(worlds[0] / "mip.db"), "--out", str(tmp_path / "x.json")], ["validate"]):
        done = mipdns(worlds[0] / "mipdns.toml", *command, *asked)
        assert done.returncode == 2
        assert says in done.stderr


@pytest.mark.parametrize("without", [("port", "ja4", "bot_score"), ("routes",)])
def test_what_a_load_lacks_does_not_end_in_a_traceback(tmp_path: Path, without: tuple[str, ...]) -> None:
    """As an access log has it; and without routes all units are of no known AS."""
    plan = plan_for(None, units=2500, shared_share=0.5, without=without)
    simulate(tmp_path, seed=1, days=1, plan=plan, as_of=datetime.date(2026, 9, 22), form="parquet")
    config, out = tmp_path / "mipdns.toml", tmp_path / "own.json"
    must(config, "load")
    printed = must(config, "train", str(tmp_path / "mip.db"), "--truth", str(tmp_path / "truth.csv"), "--out", str(out))
    card = parse_scorecard(out.read_text(), "own.json")
    assert card.terms != shipped_scorecard().terms
    assert ("boosted trees" in printed) == ("ranking" in card.trained)
