"""Since when each address has been listed: against a slow and plain form, and over loads of a real database."""

from __future__ import annotations

import datetime
import itertools
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from mipdns import net, store
from mipdns.store import schema, standing
from mipdns.store.standing import Before, Runs, Standing
from mipdns.store.version import APPLICATION_ID
from tests.unit.store.made import AS_OF, contents, label, verdict

TODAY = (AS_OF - datetime.date(1970, 1, 1)).days
V6_FIRST = 0x2001 << 48
KEYS = st.one_of(st.integers(1, 30), st.integers(V6_FIRST, V6_FIRST + 30))


def runs(rows):
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    first, last, since = columns
    return Runs(np.array(first, dtype=np.uint64), np.array(last, dtype=np.uint64), np.array(since, dtype=np.int64))


@st.composite
def ranges(draw, *, shared):
    """Ranges of units in order, the IPv6 ones of which may share a /64 with the one before, if `shared`."""
    ends = sorted(draw(st.lists(KEYS, max_size=16, unique=not shared)))
    found: list[tuple[int, int]] = []
    for first, last in zip(ends[0::2], ends[1::2], strict=False):
        overlaps = bool(found) and first <= found[-1][1]
        if (first < V6_FIRST) == (last < V6_FIRST) and not (overlaps and first < V6_FIRST):
            found.append((first, last))
    return found


def in_batches(rows, size):
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def days_of(rows):
    found: dict[int, int] = {}
    for first, last, *since in rows:
        for key in range(first, last + 1):
            found.setdefault(key, since[0] if since else TODAY)
    return found


@settings(deadline=None)
@given(ranges(shared=True), ranges(shared=True), st.data(), st.integers(1, 5), st.integers(1, 5))
def test_it_is_what_sets_of_units_say(old, new, data, old_batch, new_batch):
    days = st.sampled_from([TODAY - 9, TODAY - 1, TODAY, TODAY + 3])
    held = [(first, last, data.draw(days)) for first, last in old]
    before = Before(0, 0, map(runs, in_batches(held, old_batch)))
    compared = Standing(before, AS_OF)
    found = []
    for batch in in_batches(new, new_batch):
        columns = runs([(*row, 0) for row in batch])
        found += list(zip(*map(np.ndarray.tolist, compared.add(columns.first, columns.last)), strict=True))
    found += list(zip(*map(np.ndarray.tolist, compared.finish()), strict=True))
    stood, stands = days_of(held), days_of(new)
    expected = {key: min(stood.get(key, TODAY), TODAY) for key in stands}
    assert days_of(found) == expected
    for (_, last, since), (first, _, other) in itertools.pairwise(found):
        assert last + 1 < first or since != other
    for at, mine in enumerate((lambda key: key < V6_FIRST, lambda key: key >= V6_FIRST)):
        assert compared.lost[at] == sum(mine(key) for key in stood.keys() - stands.keys())
        assert compared.gained[at] == sum(mine(key) for key in stands.keys() - stood.keys())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mip.db"


def load(path, day, *rows):
    store.regenerate(path, contents([verdict(*row) for row in rows], as_of=AS_OF + datetime.timedelta(day)))


def told(path):
    with closing(sqlite3.connect(path)) as connection:
        return [
            (net.format_range(net.from_blob(first), net.from_blob(last)), since[-2:])
            for first, last, since in connection.execute("SELECT first, last, since FROM standing ORDER BY first")
        ]


def test_what_stays_listed_keeps_its_day_however_it_is_cut_and_a_break_starts_anew(path):
    load(path, 0, ("51.15.7.0/24", 80), ("2a02:26f7::5", 60))
    assert told(path) == [("51.15.7.0/24", "22"), ("2a02:26f7::/64", "22")]
    load(path, 1, ("51.15.7.0/25", 55), ("51.15.7.128/25", 99), ("51.15.8.0/24", 50), ("2a02:26f7::9", 60))
    assert told(path) == [("51.15.7.0/24", "22"), ("51.15.8.0/24", "23"), ("2a02:26f7::/64", "22")]
    load(path, 2, ("51.15.7.0/25", 49), ("51.15.7.128/25", 99), ("51.15.8.0/23", 50))
    assert told(path) == [("51.15.7.128/25", "22"), ("51.15.8.0/24", "23"), ("51.15.9.0/24", "24")]
    load(path, 3, ("51.15.7.0/24", 50))
    assert told(path) == [("51.15.7.0/25", "25"), ("51.15.7.128/25", "22")]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT first, listed_since FROM verdicts").fetchall() == [
            ("51.15.7.0", "2026-09-25")
        ]


def test_a_load_judged_as_of_an_older_day_takes_that_day(path):
    load(path, 5, ("51.15.7.0/24", 80))
    load(path, 0, ("51.15.7.0/24", 80))
    assert told(path) == [("51.15.7.0/24", "22")]


def test_each_address_is_told_its_own_day(path):
    load(path, 0, ("51.15.7.0/25", 80))
    load(path, 1, ("51.15.7.0/24", 80), ("51.15.9.0", 20))
    days = [store.listed_since(path, net.parse_address(f"51.15.{end}")) for end in ("7.127", "7.128", "8.0", "9.0")]
    assert days == [AS_OF, AS_OF + datetime.timedelta(1), None, None]


def test_a_refused_load_changes_nothing(path):
    load(path, 0, ("51.15.0.0/16", 80))
    with pytest.raises(Exception, match="loses 65536"):
        store.regenerate(path, contents([]), change_max=0.5)
    assert told(path) == [("51.15.0.0/16", "22")]


@pytest.mark.parametrize("feedback_first", [False, True])
def test_an_older_database_stands_since_its_last_build(path, feedback_first):
    """Schema 2 has no such table: what it lists stands since the day it was judged as of."""
    rows = [("51.15.7.0/24", 80), ("51.15.9.0", 49), ("2a02:26f7::5", 60), ("2a02:26f7::7", 60)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.migrations.apply(Database(connection), stop_before="0003_standing")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
        build = (1, 1_790_000_000, "", "", AS_OF.isoformat(), 7, "old", 0.3, 4, 256, 1, "{}", None, "[]")
        connection.execute(f"INSERT INTO build VALUES ({', '.join('?' * len(build))})", build)
        for text, confidence in rows:
            first, last = map(net.to_blob, net.parse_range(text))
            values = (first, last, confidence, 1, None, None, 0, None, "2026-09-21")
            connection.execute("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    with store.snapshot(path) as kept:
        assert store.latest_build(kept).model == "old"
        assert [row.confidence for row in store.verdict_rows(path)] == [confidence for _, confidence in rows]
        assert (store.listed_since(kept, net.parse_address("51.15.7.0")), store.beliefs(kept)) == (None, [])
    if feedback_first:
        store.add_label(path, label("51.15.7.0/24"))
        assert told(path) == [("51.15.7.0/24", "22"), ("2a02:26f7::/64", "22")]
    load(path, 4, ("51.15.7.0/24", 80), ("51.15.9.0", 50), ("2a02:26f7::7", 60))
    assert told(path) == [("51.15.7.0/24", "22"), ("51.15.9.0", "26"), ("2a02:26f7::/64", "22")]


def test_batches_of_a_real_build_meet_where_they_should(path, monkeypatch):
    monkeypatch.setattr(standing, "_BATCH_ROWS", 3)
    singles = [(f"51.15.7.{at}", 80) for at in range(0, 200, 2)]
    load(path, 0, *singles)
    load(path, 1, *singles, ("51.15.9.0", 80))
    assert [day for _, day in told(path)] == ["22"] * 100 + ["23"]
