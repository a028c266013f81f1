"""The test points of every list (RFC 5782 §5): addresses in 127.0.0.0/16 that are listed whatever is loaded.

In: a list's rule and a range of addresses. Out: whether a test point of that list lies there. The one rule: it is
computed in closed form, equal to trying all 65,536 addresses.

127.0.0.1 is never listed and 127.0.0.2 always. 127.0.C.S is listed where the rule admits confidence S and class bits C;
in `bits` S is one of the seven codes instead, whatever C is. C = 0 stands for no class.
"""

from __future__ import annotations

from typing import Final

from mipdns.answer.lists import LEVEL_CODES, Rule
from mipdns.net import V4_FIRST

FIRST: Final = V4_FIRST | 127 << 24
LAST: Final = FIRST | 0xFFFF
ALWAYS: Final = FIRST | 2
NEVER: Final = FIRST | 1


def is_test_point(rule: Rule, address: int) -> bool:
    """Whether the address, inside 127.0.0.0/16, is listed."""
    return reaches_test_point(rule, address, address)


def reaches_test_point(rule: Rule, first: int, last: int) -> bool:
    """Whether any test point lies in the range: one address, or all addresses beneath one name."""
    if first <= ALWAYS <= last:
        return True
    if last < FIRST or first > LAST or first == last == NEVER:
        return False
    low, high = first & 0xFFFF, last & 0xFFFF
    return _reaches_class(rule, low >> 8, high >> 8) and _reaches_code(rule, low & 0xFF, high & 0xFF)


def _reaches_class(rule: Rule, low: int, high: int) -> bool:
    """Whether any third octet from `low` to `high` has the rule's class bit; they are an aligned power of two apart."""
    return rule.classes == 0 or bool((low | (high - low)) & rule.classes)


def _reaches_code(rule: Rule, low: int, high: int) -> bool:
    """Whether any last octet from `low` to `high` is a code of the list."""
    if rule.bits:
        return any(low <= code <= high for code in LEVEL_CODES)
    return max(low, rule.floor) <= min(high, 100)
