"""A file of weights that the configuration names judges, and is named where it is wrong."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from mipdns.config import Config, Load, Store, read_config
from mipdns.errors import ConfigError
from mipdns.inference import shipped_scorecard
from mipdns.weights import scorecard_of

SHIPPED = resources.files("mipdns.inference").joinpath("scorecard.json").read_text("utf-8")


def configured(card: Path | str) -> Config:
    return Config(Store("mip.db"), load=Load(scorecard=str(card)))


def test_without_a_file_it_is_the_shipped_one():
    assert scorecard_of(configured("")) == shipped_scorecard()


def test_a_file_lies_beside_the_configuration(tmp_path: Path):
    (tmp_path / "card.json").write_text(json.dumps(json.loads(SHIPPED) | {"name": "ours"}))
    (tmp_path / "mipdns.toml").write_text('[load]\nscorecard = "card.json"\n')
    assert scorecard_of(read_config(tmp_path / "mipdns.toml")).name == "ours"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, r"\[load\] scorecard: .*card\.json: No such file"),
        ("{}", r"card\.json: .*missing"),
        ("not JSON", r"card\.json: "),
        (json.dumps(json.loads(SHIPPED) | {"prior": 2}), r"card\.json: .*prior"),
        (json.dumps(json.loads(SHIPPED) | {"version": 99}), r"card\.json: version"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str | None, named: str):
    if text is not None:
        (tmp_path / "card.json").write_text(text)
    with pytest.raises(ConfigError, match=named):
        scorecard_of(configured(tmp_path / "card.json"))
