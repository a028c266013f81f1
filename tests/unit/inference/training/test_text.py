"""A scorecard as text."""

from __future__ import annotations

from importlib import resources

from msgspec.structs import replace

from mipdns.inference import parse_scorecard, shipped_scorecard
from mipdns.inference.training.text import WIDTH, card_text


def test_what_is_written_is_read_as_the_same():
    card = shipped_scorecard()
    assert parse_scorecard(card_text(card), "again") == card


def test_the_shipped_file_is_as_training_writes_it():
    text = resources.files("mipdns.inference").joinpath("scorecard.json").read_text("utf-8")
    assert card_text(shipped_scorecard()) == text


def test_a_change_of_one_weight_changes_one_line():
    card = shipped_scorecard()
    first, *others = card.terms
    other = replace(card, terms=(replace(first, weights=(first.weights[0] - 0.5, *first.weights[1:])), *others))
    before, after = card_text(card).splitlines(), card_text(other).splitlines()
    assert len(before) == len(after)
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1


def test_no_line_is_wider_than_a_screen_but_for_words():
    assert all(len(line) <= WIDTH or '"' in line for line in card_text(shipped_scorecard()).splitlines())
