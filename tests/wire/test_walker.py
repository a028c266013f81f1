"""Whoever walks the tree label by label finds every listing and nothing else: each partial name, each kind of list.

The oracle knows no names: it lays out every listed address of a list as intervals, test points one by one, and says
that a name exists if the addresses beneath it, as octets or as nibbles, meet an interval.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import pytest

from mipdns.net import V4_FIRST, V4_LAST, Range, merge_ranges
from mipdns.vocabulary import Class
from tests.small import VERDICTS
from tests.wire.packets import packet
from tests.wire.world import ORIGIN, ask

FLOOR = 50
CODES = {2: 25, 6: 50, 14: 60, 30: 70, 62: 80, 126: 90, 254: 95}
CLASS_BITS = {(each.name or "").lower(): int(each) for each in Class}
LISTS: dict[str, tuple[int, int]] = {
    "": (FLOOR, 0),
    "all": (1, 0),
    "bits": (25, 0),
    **{f"t{floor:02}": (floor, 0) for floor in (1, 2, 26, 50, 88, 99, 100)},
    **{name: (FLOOR, bit) for name, bit in CLASS_BITS.items()},
    **{f"t{floor:02}.{name}": (floor, bit) for floor in (1, 60, 98, 100) for name, bit in CLASS_BITS.items()},
}
ZONE_WIRE = b"".join(bytes((len(label),)) + label.encode() for label in ORIGIN.split(".")) + b"\0"


def listed(name: str) -> list[Range]:
    """Every listed address of a list, as intervals."""
    floor, bit = LISTS[name]
    rows = [(row.first, row.last) for row in VERDICTS if row.confidence >= floor and (not bit or row.classes & bit)]
    points = {2}
    for code, confidence in CODES.items() if name == "bits" else [(each, each) for each in range(1, 101)]:
        if confidence >= floor:
            points |= {c << 8 | code for c in range(256) if not bit or c & bit}
    return merge_ranges(rows + [(V4_FIRST | 127 << 24 | point,) * 2 for point in points - {1}])


def meets(intervals: list[Range], firsts: list[int], span: Range) -> bool:
    at = bisect_right(firsts, span[1]) - 1
    return at >= 0 and intervals[at][1] >= span[0]


def outside_in(address: int) -> Iterator[tuple[str, ...]]:
    """The address's names, labels from the root's side."""
    yield tuple(f"{address:032x}")
    if V4_FIRST <= address <= V4_LAST:
        yield tuple(str(octet) for octet in (address & 0xFFFFFFFF).to_bytes(4, "big"))


def walked(addresses: Iterable[int]) -> set[tuple[str, ...]]:
    """Every partial name of the addresses, and beside each step the one before and the one behind."""
    names = set()
    for address in addresses:
        for labels in outside_in(address):
            for size in range(1, len(labels) + 1):
                *before, last = labels[:size]
                for step in (-1, 0, 1):
                    beside = f"{int(last, 16) + step & 0xF:x}" if len(labels) == 32 else str(int(last) + step & 0xFF)
                    names.add((*before, beside))
    return names


def readings(labels: tuple[str, ...]) -> Iterator[Range]:
    if len(labels) <= 4 and all(label.isdecimal() for label in labels):
        free = 8 * (4 - len(labels))
        first = V4_FIRST | int.from_bytes(bytes(int(label) for label in labels), "big") << free
        yield first, first + (1 << free) - 1
    if len(labels) <= 32 and all(len(label) == 1 for label in labels):
        free = 4 * (32 - len(labels))
        first = int("".join(labels), 16) << free
        yield first, first + (1 << free) - 1


EDGES = {edge + step for row in VERDICTS for edge in (row.first, row.last) for step in (-1, 0, 1)}
POINTS = {V4_FIRST | 127 << 24 | c << 8 | s for c in (0, 1, 5, 80, 254) for s in (0, 2, 26, 49, 61, 99, 100, 253, 255)}
NAMES = sorted(walked(EDGES | POINTS))


@pytest.mark.parametrize("name", LISTS, ids=lambda name: name or "the zone's own")
def test_each_partial_name_exists_exactly_where_something_is_listed(name: str):
    intervals = listed(name)
    firsts = [first for first, _ in intervals]
    list_wire = b"".join(bytes((len(label),)) + label.encode() for label in name.split(".") if label)
    wrong = []
    for labels in NAMES:
        spans = list(readings(labels))
        hit = any(first == last and meets(intervals, firsts, (first, last)) for first, last in spans)
        exists = any(meets(intervals, firsts, span) for span in spans)
        prefix = b"".join(bytes((len(label),)) + label.encode() for label in reversed(labels))
        answer = ask(packet(prefix + list_wire + ZONE_WIRE + b"\0\1\0\1"))
        rcode, answers, authorities = answer[3] & 0xF, answer[7], answer[9]
        if (rcode, answers, authorities) != (0 if exists else 3, int(hit), int(not hit)):
            wrong.append((labels, hit, exists, rcode, answers))
    assert not wrong
