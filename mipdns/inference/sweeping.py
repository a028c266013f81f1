"""Ranges laid over each other. In: ranges with the ids of who claims them. Out: disjoint ranges with sets of ids.

The one rule: the cost is in the number of claims, however wide they are or deep they nest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence


def sweep(claims: Sequence[tuple[int, int, int]], sets: dict[tuple[int, ...], int]) -> Iterator[tuple[int, int, int]]:
    """Ranges with the ids that cover them: (first, last, number of the set of ids), sorted and disjoint.

    sets: numbers of the sets met so far; new ones are added.
    """
    events = sorted(
        [(first, 1, said) for first, _, said in claims] + [(last + 1, -1, said) for _, last, said in claims]
    )
    active: Counter[int] = Counter()
    current, start = 0, 0
    at = 0
    while at < len(events):
        position = events[at][0]
        while at < len(events) and events[at][0] == position:
            _, change, said = events[at]
            active[said] += change
            if not active[said]:
                del active[said]
            at += 1
        following = sets.setdefault(tuple(sorted(active)), len(sets))
        if following != current:
            if current:
                yield start, position - 1, current
            current, start = following, position
