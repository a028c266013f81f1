"""A regeneration as a record, and the serial that comes next. Data and arithmetic only."""

from __future__ import annotations

import datetime
from typing import NamedTuple

SERIAL_MAX = (1 << 32) - 1

LISTED_CONFIDENCE = 50
"""From which confidence on a build counts an address as listed: the floor of the zone as shipped."""

_SERIAL_STEP_MAX = (1 << 31) - 1


class Build(NamedTuple):
    """One regeneration of the tables. Its row survives the next.

    serial: the SOA serial. started, finished: ISO 8601 with offset, UTC. as_of: the day judged from.
    model: name and version of the scorecard. prior: share of multi-user units among those that logs saw
    and no list, traceroute or partner speaks of, as found or told, 0 to 1.
    counts: what the load met and dropped, by name. scores: measures against the labels at hand, None without labels.
    stages: (name, seconds) in order. verdicts: rows. listed_v4, listed_v6: addresses and /64s at 50 or more.
    """

    serial: int
    started: str
    finished: str
    as_of: datetime.date
    window_days: int
    model: str
    prior: float
    counts: dict[str, int]
    scores: dict[str, object] | None
    stages: list[tuple[str, float]]
    verdicts: int
    listed_v4: int
    listed_v6: int


def next_serial(last: int | None, now: int) -> int:
    """The serial after `last` (None: there is none) at unix time `now`: max(last + 1, now), from 1 to 2**32 - 1.

    It never goes back in the sense of RFC 1982 §3.2, whatever the clock does: no step exceeds 2**31 - 1, and what
    passes 2**32 - 1 (unix time does in 2106) starts again at 1.
    """
    now %= SERIAL_MAX + 1
    if last is None:
        return max(now, 1)
    serial = min(max(last + 1, now), last + _SERIAL_STEP_MAX)
    return serial if serial <= SERIAL_MAX else 1
