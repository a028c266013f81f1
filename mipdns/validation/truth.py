"""What is true. In: a CSV, or labels (`labelling`). Out: `Truth`, disjoint ranges of units.

The one rule: of words that overlap the narrowest speaks; of two for the same range the later in order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.sources.reading import fields, lines, named_range
from mipdns.sources.routes import RawRoute, flatten
from mipdns.vocabulary import CLASS_NAMES, Class

BAD_LINES_MAX = 0.01
NEEDED = ("prefix", "verdict")
KNOWN = (*NEEDED, "class", "users")


class Word(NamedTuple):
    """One statement: a range, whether it is shared, as what (`Class` bits, 0 not told), by how many (NaN not told).

    trust: 0 to 1, what it weighs in training. origin: who says so.
    """

    first: int
    last: int
    shared: bool
    classes: int
    users: float
    trust: float = 1.0
    origin: str = "truth"


class Truth(NamedTuple):
    """Statements about units, disjoint and sorted. first, last: unit keys, inclusive. address: (n, 2) halves of the
    first address, which is what is looked up of a single unit. wide: of more than one unit; those that logs saw count.
    """

    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    address: NDArray[np.uint64]
    shared: NDArray[np.bool_]
    classes: NDArray[np.int64]
    users: NDArray[np.float64]
    wide: NDArray[np.bool_]


class Reading(NamedTuple):
    """What a file says, and what of it could not be read: a line and its fault each. contradicted: how many ranges it
    both confirms and denies.
    """

    words: list[Word]
    bad: list[str]
    contradicted: int


def read_truth(path: Path) -> list[Word]:
    """The statements of a file, as `read_statements` has them."""
    return read_statements(path).words


def read_statements(path: Path) -> Reading:
    """The statements of a CSV. The header names the columns, in any order: `prefix` and `verdict` (confirm or deny) are
    needed, `class` (several joined by `+`) and `users` are taken where they are, others are passed over. So partners'
    files (`kind = "truth"`) and the simulator's `truth.csv` both are truth.

    Raises SourceMissing, SourceUnreadable (a column is missing, or there twice), or TooManyBadLines beyond 1 % of lines
    that cannot be read.
    """
    words: list[Word] = []
    bad: list[str] = []
    places: dict[str, int] = {}
    for number, line in lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        if not places:
            try:
                places = _header(path, number, _columns(line))
            except ValueError as fault:
                raise SourceUnreadable(f"{path}: line {number}: {fault}") from None
            continue
        try:
            words.append(_word(_columns(line), places))
        except ValueError as fault:
            bad.append(f"line {number}: {fault}")
    if len(bad) > BAD_LINES_MAX * (len(words) + len(bad)):
        raise TooManyBadLines(f"{path}: {len(bad)} of {len(words) + len(bad)} lines cannot be read: {bad[0]}")
    if not words:
        raise SourceUnreadable(f"{path}: holds no statement")
    verdicts = {(word.first, word.last, word.shared) for word in words}
    return Reading(words, bad, len(verdicts) - len({(first, last) for first, last, _ in verdicts}))


def _columns(line: str) -> list[str]:
    return [column.strip() for column in fields(line)]


def _header(path: Path, line: int, columns: list[str]) -> dict[str, int]:
    names = [column.lower() for column in columns]
    for name in KNOWN:
        if names.count(name) > 1:
            raise SourceUnreadable(f"{path}: line {line}: the header has column {name!r} {names.count(name)} times")
    for name in NEEDED:
        if name not in names:
            told = ",".join(columns)[:80]
            raise SourceUnreadable(f"{path}: the header has no column {name!r}: it is {told!r}; {', '.join(KNOWN)}")
    return {name: names.index(name) for name in KNOWN if name in names} | {"": len(names)}


def _word(columns: list[str], places: dict[str, int]) -> Word:
    if len(columns) != places[""]:
        raise ValueError(f"has {len(columns)} columns, not {places['']}")
    verdict = columns[places["verdict"]].lower()
    if verdict not in ("confirm", "deny"):
        raise ValueError(f"verdict {verdict[:40]!r} is neither confirm nor deny")
    classes = Class(0)
    for name in filter(None, (columns[places["class"]] if "class" in places else "").lower().split("+")):
        if name not in CLASS_NAMES:
            raise ValueError(f"class {name[:40]!r} is none of {', '.join(CLASS_NAMES)}")
        classes |= CLASS_NAMES[name]
    users = _users(columns[places["users"]] if "users" in places else "")
    return Word(*named_range(columns[places["prefix"]]), verdict == "confirm", int(classes), users)


def _users(text: str) -> float:
    """People; NaN where the column is empty."""
    if not text:
        return math.nan
    try:
        users = float(text)
    except ValueError:
        users = math.nan
    if not 1.0 <= users < math.inf:
        raise ValueError(f"users {text[:40]!r} is not a number of people, 1 or more; leave it empty where unknown")
    return users


def arrange(words: Iterable[Word]) -> Truth:
    """Statements as disjoint ranges of units; what lies in special-purpose space, never judged, is left out."""
    said = list(words)
    raw = [
        RawRoute(first, last, number, "")
        for number, word in enumerate(said, 1)
        for first, last in net.subtract(word.first, word.last, net.SPECIAL)
    ]
    parts = flatten(raw)
    keys = [(net.unit_key(part.first), net.unit_key(part.last)) for part in parts]
    of = [said[part.asn - 1] for part in parts]
    first, last = np.array(keys, dtype=np.uint64).reshape(-1, 2).T
    halves = np.array([(part.first >> 64, part.first & ((1 << 64) - 1)) for part in parts], dtype=np.uint64)
    return Truth(
        first,
        last,
        halves.reshape(-1, 2),
        np.array([word.shared for word in of], dtype=np.bool_),
        np.array([word.classes for word in of], dtype=np.int64),
        np.array([word.users for word in of], dtype=np.float64),
        first != last,
    )
