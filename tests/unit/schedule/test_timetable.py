"""When the next load is due: a table, and laws that hold for every rhythm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mipdns.schedule.timetable import believable, next_due

HOUR, DAY = 3600, 86400


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("last", "every_s", "at_s", "due"),
    [
        ("2026-11-22 10:00", HOUR, None, "2026-11-22 11:00"),
        ("2026-11-22 10:07:30", 900, None, "2026-11-22 10:22:30"),
        ("2026-11-22 10:00", DAY, 3 * HOUR + 1800, "2026-11-23 03:30"),
        ("2026-11-22 03:29:59", DAY, 3 * HOUR + 1800, "2026-11-22 03:30"),
        ("2026-11-22 03:30", DAY, 3 * HOUR + 1800, "2026-11-23 03:30"),
        ("2026-11-22 10:07", HOUR, 1800, "2026-11-22 10:30"),
        ("2026-11-22 10:31", HOUR, 3 * HOUR + 1800, "2026-11-22 11:30"),
        ("2026-11-22 00:00", 6 * HOUR, 2 * HOUR, "2026-11-22 02:00"),
        ("2026-11-22 21:00", 6 * HOUR, 2 * HOUR, "2026-11-23 02:00"),
    ],
)
def test_due(last, every_s, at_s, due):
    assert next_due(at(last), every_s, at_s) == at(due)


def test_the_first_is_due_at_once():
    assert next_due(None, DAY, None) == next_due(None, DAY, 7) == 0.0


@given(some.floats(1e9, 4e9), some.integers(1, 366 * DAY), some.none() | some.integers(0, DAY - 1))
def test_the_next_comes_later_and_no_later_than_one_interval(last, every_s, at_s):
    assert last < next_due(last, every_s, at_s) <= last + every_s


@given(some.floats(1e9, 4e9), some.sampled_from([60, 900, HOUR, 6 * HOUR, DAY]), some.integers(0, 1439))
def test_a_grid_passes_through_its_time_of_day(last, every_s, minutes):
    assert (next_due(last, every_s, minutes * 60) - minutes * 60) % every_s == 0


@given(some.floats(1e9, 4e9), some.floats(0, 1e7))
def test_a_load_in_the_future_never_happened(last, ahead):
    assert believable(last, last + ahead) == last
    assert believable(None, last) is None
    assert believable(last + ahead + 1.0, last) is None
