"""Rolling judged pieces up into rows, against a slow and plain one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.columns import halves
from mipdns.evidence import VerdictTable
from mipdns.inference.rollup import roll_up
from mipdns.vocabulary import Verdict
from tests.tables import verdicts

EDGES = [net.V4_FIRST + 5, net.V4_LAST - 40, net.V4_LAST + 1, (0x2001 << 112) - 3, (0x2001 << 112) + (1 << 64) - 9]


def pieces(rows):
    columns = [[row[at] for row in rows] for at in range(9)]
    return VerdictTable(halves(columns[0]), halves(columns[1]), *(np.array(one, dtype=np.int64) for one in columns[2:]))


@st.composite
def disjoint(draw):
    """Disjoint pieces that often touch, across the ends of /64s and of IPv4, with few different payloads."""
    rows = []
    for start, stop in zip(EDGES, [*EDGES[1:], net.ADDRESS_MAX], strict=True):
        at = start
        for length, gap in draw(st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0, 0, 1])), max_size=6)):
            if at + length - 1 >= stop:
                break
            confidence, asn = draw(st.sampled_from([(50, 0), (50, 1), (60, 1)]))
            low, high = draw(st.sampled_from([(-1, -1), (8, 64)]))
            rows.append((at, at + length - 1, confidence, 1, low, high, 3, asn, draw(st.integers(20000, 20003))))
            at += length + gap
    return draw(st.permutations(rows))


def slow(rows):
    result: list[list[int]] = []
    for row in sorted(rows):
        last = result[-1] if result else None
        if last and last[1] + 1 == row[0] and last[2:8] == list(row[2:8]) and row[0] != net.V4_LAST + 1:
            last[1], last[8] = row[1], min(last[8], row[8])
        else:
            result.append(list(row))
    return result


@given(disjoint())
def test_rows_are_those_of_the_slow_form(rows):
    def bound(number):
        return None if number == -1 else number

    expected = []
    for first, last, confidence, classes, low, high, signals, asn, day in slow(rows):
        date = str(np.datetime64("1970-01-01") + np.timedelta64(day, "D"))
        expected.append(Verdict(first, last, confidence, classes, bound(low), bound(high), signals, asn or None, date))
    assert verdicts(roll_up(pieces(rows))) == expected


def test_overlapping_pieces_are_a_fault():
    rows = [
        (net.V4_FIRST + 5, net.V4_FIRST + 9, 50, 1, -1, -1, 3, 0, 0),
        (net.V4_FIRST + 9,) * 2 + (50, 1, -1, -1, 3, 0, 0),
    ]
    with pytest.raises(ValueError, match=r"two pieces hold 0\.0\.0\.9"):
        roll_up(pieces(rows))
