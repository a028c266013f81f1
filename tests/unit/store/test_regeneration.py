"""A load in one transaction: what it counts, what it replaces, what stops it, and what it leaves when stopped."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from mipdns import store
from mipdns.errors import StoreBusy, StoreError
from mipdns.store import connection as connection_of
from mipdns.vocabulary import Class
from tests.unit.store.made import contents, everything, verdict

TABLES = ("verdict", "observation", "assertion", "network", "source")


def rows_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


@pytest.fixture
def path(tmp_path):
    store.regenerate(tmp_path / "mip.db", everything())
    return tmp_path / "mip.db"


def test_the_next_build_replaces_everything_but_builds_and_labels(path):
    before = store.latest_build(path)
    after = store.regenerate(path, contents([verdict("51.15.9.0/24", asn=None)]))
    assert rows_of(path) == {"verdict": 1, "observation": 0, "assertion": 0, "network": 0, "source": 0}
    assert len(store.labels(path)) == 2
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT serial FROM build ORDER BY id").fetchall() == [
            (before.serial,),
            (after.serial,),
        ]


def test_what_regenerate_returns_is_what_is_read_back(path):
    build = store.regenerate(path, everything())
    assert store.latest_build(path) == build


@pytest.mark.parametrize(
    ("verdicts", "v4", "v6"),
    [
        ([], 0, 0),
        ([("51.15.7.0/24", 50), ("51.15.8.0", 49), ("51.15.9.0-51.15.9.2", 100)], 259, 0),
        ([("2a01:4f8::/48", 50)], 0, 65536),
        ([("2a01:4f8::1", 90), ("2a01:4f8::2", 90), ("2a01:4f8:0:1::1", 90)], 0, 2),
        ([("2a01:4f8::1", 90), ("2a01:4f8::2-2a01:4f8:0:1::1", 90), ("2a01:4f8:0:1::2", 10)], 0, 2),
        ([("51.15.7.0", 99), ("2a01::/16", 99)], 1, 2**48),
    ],
)
def test_listed_addresses_are_counted(tmp_path, verdicts, v4, v6):
    rows = [verdict(text, confidence) for text, confidence in verdicts]
    build = store.regenerate(tmp_path / "mip.db", contents(rows))
    assert (build.verdicts, build.listed_v4, build.listed_v6) == (len(rows), v4, v6)


def test_the_clock_set_back_does_not_set_the_serial_back(tmp_path):
    clock = iter([1_795_000_000.9, 1_795_000_000.9, 1_500_000_000.0, 1_795_000_777.0])
    serials = []
    while at := next(clock, None):
        serials.append(store.regenerate(tmp_path / "mip.db", contents(), now=lambda: at).serial)
    assert serials == [1_795_000_000, 1_795_000_001, 1_795_000_002, 1_795_000_777]


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        ([verdict("51.15.7.0/24"), verdict("51.15.7.255")], r"51\.15\.7\.255 overlaps"),
        ([verdict("51.15.8.0/24"), verdict("51.15.7.0/24")], r"51\.15\.7\.0/24 overlaps .* or is out of order"),
        ([verdict("51.15.7.0/24", confidence=0)], r"confidence=0.* breaks a rule .*confidence BETWEEN 1 AND 100"),
        ([verdict("51.15.7.0/24", classes=Class(0))], r"breaks a rule of its table.*class BETWEEN"),
        ([verdict("51.15.7.0/24", asn=2**40)], r"CHECK constraint failed: asn BETWEEN"),
    ],
)
def test_a_wrong_row_is_named_and_the_old_build_stays(path, verdicts, says):
    before, counts = store.latest_build(path), rows_of(path)
    with pytest.raises(StoreError, match=says):
        store.regenerate(path, contents(verdicts))
    assert (store.latest_build(path), rows_of(path)) == (before, counts)


def test_an_exception_of_the_caller_passes_and_the_old_build_stays(path):
    def broken():
        yield verdict("51.15.9.0/24")
        raise KeyError("a bug upstream")

    before, counts = store.latest_build(path), rows_of(path)
    with pytest.raises(KeyError, match="upstream"):
        store.regenerate(path, contents(broken()))
    assert (store.latest_build(path), rows_of(path)) == (before, counts)


def test_one_load_at_a_time(path):
    inside, go_on = threading.Event(), threading.Event()

    def slow():
        inside.set()
        go_on.wait(30)
        yield verdict("51.15.9.0/24")

    first = threading.Thread(target=store.regenerate, args=(path, contents(slow())))
    first.start()
    try:
        assert inside.wait(30)
        with pytest.raises(StoreBusy, match="another load is writing"):
            store.regenerate(path, contents(), busy_s=0.05)
        assert store.latest_build(path).verdicts == 2
    finally:
        go_on.set()
        first.join(30)
    assert store.latest_build(path).verdicts == 1
    assert store.regenerate(path, contents()).verdicts == 0


FULL_DISK = """
import resource, sys
from pathlib import Path
from mipdns import net, store
from mipdns.errors import StoreError
from tests.unit.store.made import contents, verdict
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
one = verdict("51.0.0.0")
rows = (one._replace(first=one.first + i, last=one.first + i) for i in range(10**6))
try:
    store.regenerate(Path(sys.argv[1]), contents(rows))
except StoreError as fault:
    print(fault)
"""


def test_a_disk_that_is_full_leaves_the_old_build(path):
    """A limit on the size of files stands for a full disk: writing fails in the middle."""
    before = store.latest_build(path)
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert "nothing was changed" in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert store.latest_build(path) == before
    assert store.regenerate(path, contents([verdict("51.15.9.0/24")])).verdicts == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def many(count, shift):
    one = verdict("51.0.0.0")
    return (one._replace(first=one.first + 2 * i + shift, last=one.first + 2 * i + shift) for i in range(count))


def test_the_file_does_not_grow_from_load_to_load_and_the_log_goes(tmp_path):
    path = tmp_path / "mip.db"
    sizes = []
    for shift in range(6):
        store.regenerate(path, contents(many(20_000, shift)))
        sizes.append(path.stat().st_size)
        assert [file.name for file in tmp_path.iterdir()] == ["mip.db"]
    assert max(sizes) <= 1.05 * sizes[0]


def test_the_file_gets_small_again_after_a_build_that_is_much_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(connection_of, "_FREE_PAGES_MIN", 16)
    path = tmp_path / "mip.db"
    sizes = []
    for count in (20_000, 20_000, 12_000, 20_000, 1000, 1000):
        store.regenerate(path, contents(many(count, 0)))
        sizes.append(path.stat().st_size)
    assert sizes[0] == sizes[1] == sizes[2] == sizes[3]
    assert max(sizes[4:]) < sizes[0] / 4
    assert store.latest_build(path).verdicts == 1000
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_reader_in_the_middle_keeps_its_build_and_the_log_goes_with_the_next_load(tmp_path):
    path = tmp_path / "mip.db"
    store.regenerate(path, contents(many(5000, 0)))
    with store.read_build(path) as (build, rows):
        next(rows)
        store.regenerate(path, contents(many(5000, 1)), busy_s=0.1)
        store.regenerate(path, contents(many(4000, 0)), busy_s=0.1)
        assert (build.verdicts, sum(1 for _ in rows)) == (5000, 4999)
    store.regenerate(path, contents(many(3000, 0)))
    log = tmp_path / "mip.db-wal"
    assert not log.exists() or log.stat().st_size == 0
