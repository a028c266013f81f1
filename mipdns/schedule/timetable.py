"""When the next load is due. In: when the last one began, and the rhythm. Out: a moment. Arithmetic only.

The one rule: what was missed is made up for once, however much was missed. A rhythm has no memory but the last load.
"""

from __future__ import annotations


def next_due(last: float | None, every_s: int, at_s: int | None = None) -> float:
    """The unix time at which the load after the one that began at `last` is due; 0.0, long ago, if there was none.

    Without `at_s` that is `every_s` later. With it (seconds after midnight, UTC) loads keep to a grid: the moments that
    lie a multiple of `every_s` away from that time of day; the next one after `last` counts.
    """
    if last is None:
        return 0.0
    if at_s is None:
        return last + every_s
    return (last - at_s) // every_s * every_s + every_s + at_s


def believable(last: float | None, now: float) -> float | None:
    """`last`, or None where it lies in the future: whoever set the clock back must not wait until then."""
    return None if last is None or last > now else last
