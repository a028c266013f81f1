"""What a zone says of a name, by looking at every verdict in turn: slow, obvious, and independent of `mipdns.answer`.

In: verdicts, the zone's floor, the labels before the origin. Out: NXDOMAIN, NODATA or the A and TXT of a listing.
The one rule: names are taken apart from the outside in, as a tree is walked, and every prefix is compared with every
range; no index.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from mipdns.vocabulary import Class, Signal, Verdict, names

V4 = 0xFFFF << 32
LEVELS = ((25, 2), (50, 6), (60, 14), (70, 30), (80, 62), (90, 126), (95, 254))
"""In `bits.`: confidence from which on the fourth octet takes the value."""

CLASS_LISTS = {(member.name or "").lower(): member for member in Class}


class List(NamedTuple):
    """Which verdicts a list holds. classes: 0 for any. bits: whether the fourth octet tells levels."""

    floor: int
    classes: int = 0
    bits: bool = False


class Listing(NamedTuple):
    """The data of a listed name."""

    a: str
    txt: str


class Absent(NamedTuple):
    """A name without data. exists: NODATA, else NXDOMAIN."""

    exists: bool


NODATA = Absent(True)
NXDOMAIN = Absent(False)


def every_list(floor: int) -> dict[str, List]:
    """Every list of a zone, by the labels that stand before the origin."""
    levels = {("t100" if level == 100 else f"t{level:02}"): level for level in range(1, 101)}
    lists = {"": List(floor), "all": List(1), "bits": List(25, bits=True)}
    lists |= {name: List(level) for name, level in levels.items()}
    lists |= {name: List(floor, bit) for name, bit in CLASS_LISTS.items()}
    lists |= {f"{name}.{of}": List(level, bit) for name, level in levels.items() for of, bit in CLASS_LISTS.items()}
    return lists


class Oracle:
    """Answers for one build in one zone."""

    def __init__(self, verdicts: Sequence[Verdict], floor: int) -> None:
        self._verdicts = verdicts
        self._lists = every_list(floor)

    def say(self, prefix: str) -> Listing | Absent:
        """What the zone holds at the labels `prefix` before its origin (lower case, no trailing dot)."""
        labels = prefix.split(".") if prefix else []
        within, address_labels = self._take_list(labels)
        if within is None:
            return NXDOMAIN
        if not address_labels:
            return NODATA
        exists = False
        for first, last in _readings(list(reversed(address_labels))):
            if first == last and (listing := self._listing(within, first)):
                return listing
            exists = exists or self._holds(within, first, last)
        return Absent(exists)

    def _take_list(self, labels: list[str]) -> tuple[str | None, list[str]]:
        """The list a name is in, by its longest name, and the labels before it. None: below no list."""
        for size in (2, 1):
            name = ".".join(labels[-size:])
            if len(labels) >= size and name in self._lists:
                return name, labels[:-size]
        return "", labels

    def _listing(self, within: str, address: int) -> Listing | None:
        which = self._lists[within]
        if address - V4 in _test_points(which):
            return Listing(_dotted(address - V4), "v=mip1; test")
        for row in self._verdicts:
            if row.first <= address <= row.last and _admits(which, row):
                fourth = row.confidence
                if which.bits:
                    fourth = max(value for level, value in LEVELS if row.confidence >= level)
                return Listing(f"127.0.{row.classes}.{fourth}", _txt(row, address))
        return None

    def _holds(self, within: str, first: int, last: int) -> bool:
        which = self._lists[within]
        if any(row.first <= last and first <= row.last and _admits(which, row) for row in self._verdicts):
            return True
        near = first <= V4 | 127 << 24 | 0xFFFF and last >= V4 | 127 << 24
        return near and any(first <= V4 | point <= last for point in _test_points(which))


def _admits(which: List, row: Verdict) -> bool:
    return row.confidence >= which.floor and (not which.classes or bool(row.classes & which.classes))


@functools.cache
def _test_points(which: List) -> frozenset[int]:
    """RFC 5782 §5: 127.0.0.2 in every list, 127.0.C.S where the list admits what it would mean, never 127.0.0.1."""
    points = {127 << 24 | 2}
    fourths = [(value, level) for level, value in LEVELS] if which.bits else [(s, s) for s in range(1, 101)]
    for classes in range(256):
        for fourth, confidence in fourths:
            admitted = confidence >= which.floor and (not which.classes or bool(classes & which.classes))
            if admitted and (classes, fourth) != (0, 1):
                points.add(127 << 24 | classes << 8 | fourth)
    return frozenset(points)


def _readings(outside_in: list[str]) -> Iterator[tuple[int, int]]:
    """The addresses beneath a name: as octets, as nibbles, or both."""
    if len(outside_in) <= 4 and all(_is_octet(label) for label in outside_in):
        first = 0
        for label in outside_in:
            first = first << 8 | int(label)
        width = 32 - 8 * len(outside_in)
        yield V4 | first << width, V4 | first << width | (1 << width) - 1
    if len(outside_in) <= 32 and all(len(label) == 1 and label in "0123456789abcdef" for label in outside_in):
        width = 128 - 4 * len(outside_in)
        first = int("".join(outside_in), 16) << width
        yield first, first | (1 << width) - 1


def _is_octet(label: str) -> bool:
    return label in {str(octet) for octet in range(256)}


def _txt(row: Verdict, address: int) -> str:
    parts = ["v=mip1", f"conf={row.confidence}", f"class={','.join(names(Class(row.classes)))}"]
    if row.users_low is not None:
        parts.append(f"users={row.users_low}-{row.users_high}")
    parts.append(f"net={_widest(row, address)}")
    if row.asn is not None:
        parts.append(f"asn={row.asn}")
    parts.append(f"src={','.join(names(Signal(row.sources)))}")
    parts.append(f"seen={row.observed}")
    return "; ".join(parts)


def _widest(row: Verdict, address: int) -> str:
    """The widest CIDR that holds the address and lies inside the row, trying each length in turn."""
    v4 = V4 <= address < V4 + (1 << 32)
    for length in range(33 if v4 else 129):
        number = address - V4 if v4 else address
        network = ip_network((number, length) if not v4 else (number.to_bytes(4, "big"), length), strict=False)
        base = V4 if v4 else 0
        if row.first <= base + int(network[0]) and base + int(network[-1]) <= row.last:
            return str(network)
    raise AssertionError("the address is not in the row")


def _dotted(number: int) -> str:
    return ".".join(str(octet) for octet in number.to_bytes(4, "big"))
