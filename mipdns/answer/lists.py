"""The lists of a zone: what their labels are, and which verdicts each admits.

In: which kinds of sub-list a zone has, or the labels of a query name. Out: a `Rule`. The one rule: every list is a
floor on the confidence and at most one class, so that one question to the snapshot decides any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, get_args

from mipdns.vocabulary import CLASS_NAMES, Verdict

SubLists = Literal["all", "thresholds", "bits", "classes"]
SUB_LISTS: Final[tuple[SubLists, ...]] = get_args(SubLists)

CONFIDENCE_MAX: Final = 100
LEVELS: Final = ((95, 254), (90, 126), (80, 62), (70, 30), (60, 14), (50, 6), (25, 2))
"""The levels of `bits`: from this confidence on, this code, which holds the bits of all levels below."""
LEVEL_CODES: Final = tuple(code for _, code in LEVELS)
BITS_FLOOR: Final = LEVELS[-1][0]


class Rule(NamedTuple):
    """A list: listed is what has confidence ≥ floor and, if `classes` is not 0, that one class. bits: A carries T."""

    floor: int
    classes: int = 0
    bits: bool = False

    def admits(self, verdict: Verdict) -> bool:
        """Whether the verdict is listed here."""
        return verdict.confidence >= self.floor and (not self.classes or bool(verdict.classes & self.classes))


ListLabels = tuple[bytes, ...]
"""A list's own labels, left to right: `(b"t80", b"cgnat")`; the zone's own list has none."""

THRESHOLDS: Final = {f"t{floor:02}".encode(): floor for floor in range(1, CONFIDENCE_MAX + 1)}
_CLASSES: Final = {name.encode(): int(bit) for name, bit in CLASS_NAMES.items()}
RESERVED: Final = frozenset([b"all", b"bits", *THRESHOLDS, *_CLASSES])
"""Labels that stand for lists directly under an origin; no name server may stand there."""


def make_lists(floor: int, kinds: Iterable[SubLists]) -> dict[ListLabels, Rule]:
    """All lists of a zone whose own floor is given. `t80.cgnat` exists where both thresholds and classes do."""
    kinds = frozenset(kinds)
    lists: dict[ListLabels, Rule] = {(): Rule(floor)}
    if "all" in kinds:
        lists[b"all",] = Rule(1)
    if "bits" in kinds:
        lists[b"bits",] = Rule(BITS_FLOOR, bits=True)
    if "thresholds" in kinds:
        lists |= {(label,): Rule(at) for label, at in THRESHOLDS.items()}
    if "classes" in kinds:
        lists |= {(label,): Rule(floor, bit) for label, bit in _CLASSES.items()}
    if "classes" in kinds and "thresholds" in kinds:
        lists |= {(t, c): Rule(at, bit) for t, at in THRESHOLDS.items() for c, bit in _CLASSES.items()}
    return lists


def find_list(lists: Mapping[ListLabels, Rule], labels: tuple[bytes, ...]) -> tuple[Rule, tuple[bytes, ...]]:
    """The list that a name under the origin belongs to, and the labels before it. A label that names no list stays."""
    for size in (2, 1):
        rule = lists.get(labels[-size:]) if len(labels) >= size else None
        if rule:
            return rule, labels[:-size]
    return lists[()], labels


def level_code(confidence: int) -> int:
    """`T`: the levels that a confidence passes, one bit each; 0 below 25."""
    for level, code in LEVELS:
        if confidence >= level:
            return code
    return 0
