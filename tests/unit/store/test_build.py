"""Serials: max(last + 1, unix time), never backwards by RFC 1982."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.store.build import SERIAL_MAX, next_serial

NOW = 1_795_000_000


@pytest.mark.parametrize(
    ("last", "now", "serial"),
    [
        (None, NOW, NOW),
        (None, 0, 1),
        (NOW - 3600, NOW, NOW),
        (NOW, NOW, NOW + 1),
        (NOW + 5, NOW, NOW + 6),
        (4_000_000_000, NOW, 4_000_000_001),
        (SERIAL_MAX - 1, NOW, SERIAL_MAX),
        (SERIAL_MAX, NOW, 1),
        (1, 2 * NOW, 1 + 2**31 - 1),
        (None, 2**32, 1),
        (5, 2**32 + 9, 9),
        (SERIAL_MAX - 7, 2**32 + 9, SERIAL_MAX - 6),
    ],
)
def test_serial(last, now, serial):
    assert next_serial(last, now) == serial


@given(st.integers(1, SERIAL_MAX), st.integers(0, 2**34))
def test_a_serial_is_always_ahead_of_the_last_in_serial_arithmetic(last, now):
    serial = next_serial(last, now)
    assert 1 <= serial <= SERIAL_MAX
    assert 0 < (serial - last) % 2**32 < 2**31


def test_many_loads_under_a_clock_that_is_set_back():
    serial = None
    for now in (NOW, NOW + 1, NOW + 1, NOW - 10**8, 0, NOW + 2):
        before, serial = serial, next_serial(serial, now)
        assert before is None or serial > before
