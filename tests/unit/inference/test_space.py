"""Cutting the address space, against brute force address by address."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.inference.space import Origins, broken_units, find, key_ranges
from mipdns.inference.sweeping import sweep
from tests.unit.inference.worlds import ranges, route_tables

CLAIMS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 3)), max_size=12)


@given(CLAIMS)
def test_sweep_finds_at_each_address_all_that_claim_it(drawn):
    claims = [(first, first + length, said) for first, length, said in drawn]
    sets: dict[tuple[int, ...], int] = {(): 0}
    found = list(sweep(claims, sets))
    members = {number: ids for ids, number in sets.items()}
    for before, after in pairwise(found):
        assert before[1] < after[0]
        assert before[1] + 1 < after[0] or before[2] != after[2]
    for address in range(45):
        expected = tuple(sorted({said for first, last, said in claims if first <= address <= last}))
        assert [members[number] for first, last, number in found if first <= address <= last] == (
            [expected] if expected else []
        )


@given(route_tables(), ranges())
def test_split_names_the_as_of_every_address(routes, wanted):
    pieces = list(Origins(routes).split(*wanted))
    assert pieces[0][0] == wanted[0] and pieces[-1][1] == wanted[1]
    assert all(before[1] + 1 == after[0] for before, after in pairwise(pieces))
    for first, last, asn in pieces:
        for address in (first, last):
            assert asn == next((one.asn for one in routes if one.first <= address <= one.last), 0)


@given(route_tables(), st.lists(ranges(), max_size=5))
def test_a_unit_belongs_to_the_as_of_its_first_address(routes, wanted):
    keys = sorted({net.unit_key(first) for first, _ in wanted})
    found = Origins(routes).of_units(np.array(keys, dtype=np.uint64)).tolist()
    for key, asn in zip(keys, found, strict=True):
        address = net.unit_range(key)[0]
        assert asn == next((one.asn for one in routes if one.first <= address <= one.last), 0)


@given(ranges())
def test_key_ranges_hold_the_units_that_lie_wholly_inside(wanted):
    first, last = wanted
    keys = {key for low, high in key_ranges(first, last) for key in range(low, high + 1)}
    near = {net.unit_key(address) for address in (first, last, (first + last) // 2)}
    near |= {net.unit_key(min(first + step, last)) for step in range(64)}
    for key in near:
        low, high = net.unit_range(key)
        assert (key in keys) == (first <= low and high <= last)
        assert (key in broken_units([wanted])) == (not (first <= low and high <= last))


def test_everything_is_two_ranges_of_keys():
    assert list(key_ranges(0, net.ADDRESS_MAX)) == [(0, 0xFFFFFFFF), (0x100000000, (1 << 64) - 1)]


def test_find_without_ranges_finds_nothing():
    empty = np.empty(0, dtype=np.uint64)
    assert find(empty, empty, np.array([5], dtype=np.uint64)).tolist() == [-1]
