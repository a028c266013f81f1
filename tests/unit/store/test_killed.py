"""`kill -9` in the middle of a load, and readers all the while: the old build or the new one, never half."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mipdns import store
from tests.unit.store.made import contents, verdict

ROWS = 200_000
TRIES = 10

LOAD = """
import sys
from pathlib import Path
from mipdns import store
from tests.unit.store.test_killed import build_of
print("ready", flush=True)
print(store.regenerate(Path(sys.argv[1]), build_of(int(sys.argv[2]))).serial, flush=True)
"""


def build_of(confidence):
    """A build whose every row has the same confidence, so that a mixture of two would show."""
    one = verdict("51.0.0.0", confidence)
    return contents(one._replace(first=one.first + 2 * i, last=one.first + 2 * i) for i in range(ROWS + confidence))


def start_load(path: Path, confidence: int) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[3]
    loader = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(path), str(confidence)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert loader.stdout is not None
    assert loader.stdout.readline() == "ready\n"
    return loader


def whole(path: Path) -> tuple[int, int]:
    """(serial, confidence) of the build that a reader sees, having checked that it is one build and all of it."""
    with store.read_build(path) as (build, rows):
        counted: dict[int, int] = {}
        for row in rows:
            counted[row.confidence] = counted.get(row.confidence, 0) + 1
    ((confidence, count),) = counted.items()
    assert count == build.verdicts == ROWS + confidence
    return build.serial, confidence


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A database with one build of confidence 1, and the seconds that a load takes here."""
    path = tmp_path_factory.mktemp("killed") / "mip.db"
    store.regenerate(path, build_of(1))
    start = time.monotonic()
    loader = start_load(path, 2)
    loader.communicate(timeout=120)
    assert loader.returncode == 0
    return path, time.monotonic() - start


def test_a_killed_load_leaves_a_whole_build(loaded):
    path, load_s = loaded
    chance = random.Random(20261122)
    expected = whole(path)
    outcomes = set()
    for attempt in range(TRIES):
        confidence = 3 + attempt
        loader = start_load(path, confidence)
        time.sleep(chance.uniform(0, load_s))
        os.kill(loader.pid, signal.SIGKILL)
        loader.communicate(timeout=60)
        seen = whole(path)
        finished = seen[1] == confidence
        outcomes.add(finished)
        if finished:
            assert seen[0] > expected[0]
        else:
            assert seen == expected
        expected = seen
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert False in outcomes
    assert store.regenerate(path, build_of(50)).serial > expected[0]
    assert whole(path)[1] == 50


def test_readers_see_the_old_build_or_the_new_one(loaded):
    path, _ = loaded
    before = whole(path)
    loader = start_load(path, 60)
    try:
        seen = [before]
        while loader.poll() is None and len(seen) < 1000:
            seen.append(whole(path))
        assert loader.wait(timeout=60) == 0
    finally:
        loader.kill()
        loader.communicate(timeout=60)
    after = whole(path)
    assert after[1] == 60
    assert set(seen) <= {before, after}
    assert seen == sorted(seen)
    assert len(seen) > 2
