"""The closed form of test points equals trying all 65,536 addresses, in every list that differs from another."""

from __future__ import annotations

import pytest

from mipdns.answer.lists import Rule
from mipdns.answer.testpoints import FIRST, LAST, is_test_point, reaches_test_point

CONFIDENCE_OF_CODE = {2: 25, 6: 50, 14: 60, 30: 70, 62: 80, 126: 90, 254: 95}
RULES = [Rule(25, bits=True)] + [Rule(floor, bit) for floor in (1, 2, 3, 50, 99, 100) for bit in (0, 1, 8, 16, 128)]


def brute(rule: Rule) -> list[bool]:
    """Whether each address of 127.0.0.0/16 is listed, straight from the words of the contract."""

    def listed(c: int, s: int) -> bool:
        if c == 0 and s in (1, 2):
            return s == 2
        confidence = CONFIDENCE_OF_CODE.get(s, 0) if rule.bits else s if s <= 100 else 0
        return confidence >= rule.floor and (rule.classes == 0 or c & rule.classes != 0)

    return [listed(low >> 8, low & 0xFF) for low in range(65536)]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_closed_form_equals_brute_force(rule: Rule):
    points = brute(rule)
    assert [is_test_point(rule, FIRST + low) for low in range(65536)] == points
    for bits in (4, 8, 12, 16):
        size = 1 << bits
        for low in range(0, 65536, size):
            assert reaches_test_point(rule, FIRST + low, FIRST + low + size - 1) == any(points[low : low + size]), low


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_wider_prefixes_reach_and_others_do_not(rule: Rule):
    for bits in range(16, 129, 4):
        first = FIRST & ~((1 << bits) - 1)
        assert reaches_test_point(rule, first, first + (1 << bits) - 1)
    assert not reaches_test_point(rule, FIRST - 256, FIRST - 1)
    assert not reaches_test_point(rule, LAST + 1, LAST + 256)
