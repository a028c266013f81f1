"""Which days were seen, and which of them in full. In: how many lines each sensor wrote in each hour. Out: days.

The one rule: the shape of a day is judged only from days whose every hour the sensor could have seen.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

EPOCH = datetime.date(1970, 1, 1)

DAY_SHARE_MIN = 0.01
"""The newest day with this share of all lines is the day judged from; a stray line from a wrong clock is not."""

OUTSIDE_SHARE = 0.5
"""A source with this share of its lines outside the window is told of: a clock, or the window, is wrong."""

BUSY_DAY_LINES = 1000
"""A sensor with so many lines a day does not fall silent for an hour: an empty hour is a gap in its log."""


class SensorHour(NamedTuple):
    """Lines that could be read of one sensor in one hour (hours since 1970, UTC), whether they count or not."""

    sensor: int
    hour: int
    lines: int


def day_number(day: datetime.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def newest_day(hours: Iterable[SensorHour], now: datetime.date) -> datetime.date:
    """The newest day, not after `now`, that holds at least 1 % of all lines; `now` where there is no line.

    In logs so long that no day holds 1 %, the measure is the fullest day instead of the sum.
    """
    lines: Counter[int] = Counter()
    for hour in hours:
        lines[hour.hour // 24] += hour.lines
    known = {day: count for day, count in lines.items() if day <= day_number(now)}
    if not known:
        return now
    least = DAY_SHARE_MIN * lines.total()
    if max(known.values()) < least:
        least = DAY_SHARE_MIN * max(known.values())
    return EPOCH + datetime.timedelta(days=max(day for day, count in known.items() if count >= least))


def share_outside(hours: Sequence[SensorHour], first_day: int, last_day: int) -> float:
    """Share of a source's lines that lie outside the window, 0 to 1, but for its past: what lies before the window
    does not count where the source's newest day lies in it, as in logs that are kept for weeks.
    """
    inside = before = after = 0
    for seen in hours:
        day = seen.hour // 24
        if day > last_day:
            after += seen.lines
        elif day < first_day:
            before += seen.lines
        else:
            inside += seen.lines
    if inside and day_number(newest_day(hours, EPOCH + datetime.timedelta(days=last_day))) >= first_day:
        outside = after
    else:
        outside = before + after
    return outside / max(inside + before + after, 1)


def full_days(hours: Iterable[SensorHour], first_day: int, last_day: int) -> list[tuple[int, int]]:
    """(sensor, day) where the sensor saw the whole day, of the days from `first_day` to `last_day` (since 1970).

    Whole means: every hour of the day lies between the sensor's first and last line, hours inclusive, and where the
    sensor is busy no hour is empty. Lines outside the days asked for say that the log went on; but only those within a
    day of them, because a single line from a wrong clock says nothing.
    """
    by_sensor: dict[int, dict[int, int]] = {}
    for sensor, hour, lines in hours:
        if first_day - 1 <= hour // 24 <= last_day + 1:
            by_sensor.setdefault(sensor, {})[hour] = lines
    found = []
    for sensor, lines_of in sorted(by_sensor.items()):
        begin, end = min(lines_of), max(lines_of)
        for day in range(first_day, last_day + 1):
            of_day = range(24 * day, 24 * day + 24)
            counts = [lines_of.get(hour, 0) for hour in of_day]
            busy = sum(counts) >= BUSY_DAY_LINES
            if any(counts) and begin <= of_day[0] and of_day[-1] <= end and not (busy and 0 in counts):
                found.append((sensor, day))
    return found
