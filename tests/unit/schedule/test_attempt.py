"""One load at a time, and a record of the last that survives whatever ended it."""

from __future__ import annotations

import datetime
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mipdns.errors import SourceMissing, StoreBusy, StoreError
from mipdns.schedule.attempt import FAULT_CHARACTERS, RECORD_BYTES, claimed, last_attempt, record_path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "mip.db"


def fail(database: Path, fault: BaseException) -> None:
    with pytest.raises(type(fault)), claimed(database):
        raise fault


@contextmanager
def another_load(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the claim until it is killed."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom mipdns.schedule.attempt import claimed\n"
        "with claimed(Path(sys.argv[1])):\n    print('holds', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "holds\n"
            yield process
        finally:
            process.kill()


def test_without_a_load_there_is_nothing_to_tell(database):
    assert last_attempt(database) is None


def test_a_load_that_ends_well_leaves_its_serial_and_its_times(database):
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with claimed(database) as claim:
        claim.serial = 1_795_390_766
    told = last_attempt(database)
    assert told is not None
    attempt, outcome = told
    assert outcome == "done"
    assert (attempt.pid, attempt.serial, attempt.fault, attempt.failures) == (os.getpid(), 1_795_390_766, "", 0)
    assert before <= datetime.datetime.fromisoformat(attempt.began) <= datetime.datetime.fromisoformat(attempt.ended)
    assert attempt.seconds is not None
    assert 0 <= attempt.seconds < 60


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (SourceMissing("source 'tor': tor.txt: no such file"), "source 'tor': tor.txt: no such file"),
        (KeyboardInterrupt(), "it was interrupted"),
        (SystemExit(1), "it was interrupted"),
        (ZeroDivisionError("oh"), "internal error, please report it: ZeroDivisionError('oh')"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_load_that_fails_leaves_why_and_the_exception_goes_on(database, fault, says):
    fail(database, fault)
    told = last_attempt(database)
    assert told is not None
    assert (told[1], told[0].fault, told[0].failures) == ("failed", says, 1)


def test_failures_in_a_row_are_counted_until_one_ends_well(database):
    def failures() -> int:
        told = last_attempt(database)
        assert told is not None
        return told[0].failures

    for expected in (1, 2, 3):
        fail(database, StoreError("no"))
        assert failures() == expected
    with another_load(database) as process:
        assert failures() == 3
    assert process.wait() == -signal.SIGKILL
    fail(database, StoreError("no"))
    assert failures() == 5
    with claimed(database):
        pass
    assert failures() == 0


def test_a_load_that_runs_keeps_why_the_one_before_failed_until_it_ends(database):
    def fault() -> str:
        told = last_attempt(database)
        assert told is not None
        return told[0].fault

    fail(database, StoreError("no"))
    with claimed(database):
        assert fault() == "no"
    assert fault() == ""
    fail(database, StoreError("no"))
    with another_load(database):
        assert fault() == "no"
    with claimed(database):
        assert fault() == ""  # it was killed, and left no reason


def test_a_second_load_is_told_who_runs_and_since_when_and_leaves_the_record_alone(database):
    with another_load(database) as process:
        told = last_attempt(database)
        assert told is not None
        assert (told[0].pid, told[1], told[0].seconds) == (process.pid, "running", None)
        says = rf"mip\.db: another load is running \(process {process.pid}, since 20"
        with pytest.raises(StoreBusy, match=says), claimed(database):
            pytest.fail("two loads at once")
        assert last_attempt(database) == told


def test_a_killed_load_lets_go_and_is_told_as_killed(database):
    with another_load(database):
        pass
    told = last_attempt(database)
    assert told is not None
    assert (told[1], told[0].ended) == ("killed", "")
    with claimed(database):
        pass


def test_who_waits_gets_its_turn(database):
    with another_load(database) as process:
        threading.Timer(0.5, process.kill).start()
        began = time.monotonic()
        with claimed(database, wait_s=30.0):
            assert time.monotonic() - began >= 0.3


def test_readers_do_not_keep_a_load_from_starting(database):
    with claimed(database):
        pass
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            last_attempt(database)
            time.sleep(0.001)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            with claimed(database):
                pass
    finally:
        stop.set()
        for reader in readers:
            reader.join()


@pytest.mark.parametrize("text", ["x" * 100_000, "\0" * 5000, "\N{SNOWMAN}" * 5000], ids=["long", "escaped", "wide"])
def test_the_record_never_changes_its_size_whatever_there_is_to_tell(database, text):
    fail(database, StoreError(text))
    assert record_path(database).stat().st_size == RECORD_BYTES
    told = last_attempt(database)
    assert told is not None
    assert told[1] == "failed"
    assert 0 < len(told[0].fault) <= FAULT_CHARACTERS


def test_what_is_no_record_is_no_obstacle(database):
    record_path(database).write_bytes(b"\xff nonsense")
    assert last_attempt(database) is None
    with claimed(database) as claim:
        claim.serial = 7
    told = last_attempt(database)
    assert told is not None
    assert told[0].serial == 7


def test_where_no_record_can_be_written_nothing_is_loaded(tmp_path, database):
    says = r"mip\.db\.load: cannot be written, so nothing was loaded: "
    with pytest.raises(StoreError, match=says + "No such file"), claimed(tmp_path / "nowhere" / "mip.db"):
        pytest.fail("loaded without a lock")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreError, match=says + "File too large"), claimed(database):
            pytest.fail("loaded without a record")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
