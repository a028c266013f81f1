"""Which lists there are, and what each admits."""

from __future__ import annotations

from itertools import combinations

import pytest

from mipdns.answer.lists import RESERVED, SUB_LISTS, Rule, find_list, level_code, make_lists
from mipdns.vocabulary import CLASS_NAMES
from tests.builds import verdict


def names(lists: dict[tuple[bytes, ...], Rule]) -> set[str]:
    return {b".".join(labels).decode() for labels in lists}


def test_all_lists_together():
    """1 own, all, bits, 100 thresholds, 8 classes, 800 of both."""
    lists = make_lists(50, SUB_LISTS)
    assert len(lists) == 1 + 1 + 1 + 100 + 8 + 800
    assert lists[()] == Rule(50)
    assert lists[b"all",] == Rule(1)
    assert lists[b"bits",] == Rule(25, 0, True)
    assert lists[b"t01",] == Rule(1)
    assert lists[b"t100",] == Rule(100)
    assert lists[b"cgnat",] == Rule(50, 1)
    assert lists[b"t80", b"other"] == Rule(80, 128)


@pytest.mark.parametrize("kinds", [kinds for size in range(5) for kinds in combinations(SUB_LISTS, size)])
def test_what_is_switched_off_is_not_there(kinds):
    there = names(make_lists(50, kinds))
    assert "" in there
    assert ("all" in there) == ("all" in kinds)
    assert ("bits" in there) == ("bits" in kinds)
    assert ("t50" in there) == ("thresholds" in kinds)
    assert ("vpn" in there) == ("classes" in kinds)
    assert ("t50.vpn" in there) == ("thresholds" in kinds and "classes" in kinds)


def test_reserved_labels_are_those_of_lists():
    assert {labels[-1] for labels in make_lists(50, SUB_LISTS) if labels} == RESERVED


@pytest.mark.parametrize(
    ("text", "rule", "rest"),
    [
        ("4.3.2.1", Rule(50), "4.3.2.1"),
        ("4.3.2.1.t80.cgnat", Rule(80, 1), "4.3.2.1"),
        ("4.3.2.1.cgnat.t80", Rule(80), "4.3.2.1.cgnat"),
        ("t80", Rule(80), ""),
        ("t80.t90", Rule(90), "t80"),
        ("t00", Rule(50), "t00"),
    ],
)
def test_the_longest_list_name_counts(text: str, rule: Rule, rest: str):
    found, before = find_list(make_lists(50, SUB_LISTS), tuple(text.encode().split(b".")))
    assert (found, b".".join(before).decode()) == (rule, rest)


def test_a_label_with_a_dot_in_it_is_one_label():
    assert find_list(make_lists(50, SUB_LISTS), (b"t80.cgnat",))[0] == Rule(50)


@pytest.mark.parametrize("confidence", range(1, 101))
def test_codes_say_the_levels_passed(confidence: int):
    """By masks, ranges and exact values alike: bit n is set from the n-th level on."""
    levels = (25, 50, 60, 70, 80, 90, 95)
    assert level_code(confidence) == sum(2 << at for at, level in enumerate(levels) if confidence >= level)


@pytest.mark.parametrize("bit", CLASS_NAMES.values())
def test_a_rule_admits_by_floor_and_class(bit: int):
    assert Rule(80).admits(verdict("8.8.8.8", 80, bit))
    assert not Rule(81).admits(verdict("8.8.8.8", 80, bit))
    assert Rule(80, bit).admits(verdict("8.8.8.8", 80, 255))
    assert not Rule(80, bit).admits(verdict("8.8.8.8", 80, 255 ^ bit))
