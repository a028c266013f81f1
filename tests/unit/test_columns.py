"""Columns say what `mipdns.net` says of each of their members."""

from __future__ import annotations

import datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mipdns import columns, net

V6 = st.integers(0x2000 << 112, (0x4000 << 112) - 1)
ADDRESSES = st.lists(st.one_of(st.integers(net.V4_FIRST, net.V4_LAST), V6))
DAYS = st.lists(st.dates(datetime.date(1970, 1, 1), datetime.date(9999, 12, 31)))


@given(ADDRESSES)
def test_addresses(addresses):
    halves = columns.halves(addresses)
    assert columns.blobs(halves) == [net.to_blob(address) for address in addresses]
    assert columns.from_blobs(columns.blobs(halves)).tolist() == halves.tolist()
    keys = columns.unit_keys(halves)
    assert keys.tolist() == [net.unit_key(address) for address in addresses]
    assert columns.neighbourhoods(keys).tolist() == [net.neighbourhood_key(key) for key in keys.tolist()]
    first, last = columns.unit_bounds(keys, keys)
    assert [(*map(net.from_blob, pair),) for pair in zip(columns.blobs(first), columns.blobs(last), strict=True)] == [
        net.unit(address) for address in addresses
    ]
    assert columns.distinct(keys).tolist() == sorted(set(keys.tolist()))


@given(DAYS)
def test_days(days):
    numbers = np.array([(day - datetime.date(1970, 1, 1)).days for day in days], dtype=np.int64)
    texts = columns.days_as_text(numbers)
    assert texts == [day.isoformat() for day in days]
    assert columns.days_of_text(np.array(texts, dtype="S10")).tolist() == numbers.tolist()
