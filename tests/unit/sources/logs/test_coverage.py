"""Which day is judged from, and which days were seen in full."""

from __future__ import annotations

import datetime

import pytest

from mipdns.sources.logs.counting.coverage import (
    BUSY_DAY_LINES,
    SensorHour,
    day_number,
    full_days,
    newest_day,
    share_outside,
)

DAY = day_number(datetime.date(2026, 11, 20))
NOW = datetime.date(2026, 12, 1)


def day(offset: int) -> datetime.date:
    return datetime.date(2026, 11, 20) + datetime.timedelta(days=offset)


def hours(first: int, last: int, lines: int = 1, sensor: int = 0) -> list[SensorHour]:
    """Every hour from `first` to `last`, counted from midnight of DAY."""
    return [SensorHour(sensor, 24 * DAY + hour, lines) for hour in range(first, last + 1)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], NOW),
        ([(0, 1)], day(0)),
        ([(0, 99), (3, 1)], day(3)),
        ([(0, 100), (3, 1)], day(0)),  # a stray line from a wrong clock
        ([(-7, 500), (-6, 500)], day(-6)),
        ([(0, 10), (30, 990)], day(0)),  # later than now
        ([(-at, 10) for at in range(365)], day(0)),  # no day holds 1 % of a year
        ([(-at, 1000) for at in range(365)] + [(5, 9)], day(0)),
        ([(30, 5)], NOW),
    ],
)
def test_newest_day(lines: list[tuple[int, int]], expected: datetime.date) -> None:
    assert newest_day([SensorHour(0, 24 * (DAY + at), count) for at, count in lines], NOW) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], []),
        (hours(0, 23), [0]),
        (hours(1, 23), []),
        (hours(0, 22), []),
        (hours(-5, 30), [0]),
        (hours(0, 71), [0, 1, 2]),
        (hours(0, 0) + hours(23, 23), [0]),  # a quiet site may have empty hours
        (hours(0, 4, BUSY_DAY_LINES) + hours(6, 23), []),  # a busy one has a gap
        (hours(0, 4, BUSY_DAY_LINES) + hours(6, 47), [1]),
        (hours(-24, -1) + hours(24, 47), [-1, 1]),  # nothing at all that day
        (hours(-24 * 50, -24 * 50) + hours(10, 47), [1]),  # an old stray line says nothing of the morning
    ],
)
def test_full_days(seen: list[SensorHour], expected: list[int]) -> None:
    assert full_days(seen, DAY - 3, DAY + 3) == [(0, DAY + at) for at in expected]


def test_full_days_are_of_each_sensor() -> None:
    seen = hours(0, 47, sensor=1) + hours(12, 47, sensor=2)
    assert full_days(seen, DAY - 6, DAY + 1) == [(1, DAY), (1, DAY + 1), (2, DAY + 1)]


def test_full_days_are_of_the_window() -> None:
    assert full_days(hours(-48, 71), DAY, DAY) == [(0, DAY)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], 0),
        ([(0, 3), (-6, 7)], 0),
        ([(-7, 5)], 1),
        ([(1, 5)], 1),
        ([(-50, 1), (36, 1)], 1),
        ([(0, 1), (1, 3)], 0.75),
        ([(-at, 10) for at in range(60)], 0),  # kept for two months
        ([(-at, 10) for at in range(730)], 0),
        ([(-at, 10) for at in range(7, 60)] + [(0, 1)], 530 / 531),  # it ended, but for a stray line
    ],
)
def test_share_outside(lines: list[tuple[int, int]], expected: float) -> None:
    seen = [SensorHour(0, 24 * (DAY + at), count) for at, count in lines]
    assert share_outside(seen, DAY - 6, DAY) == expected
