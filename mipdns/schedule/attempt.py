"""One load at a time, and what became of the last. In: the database's path. Out: the right to load, held until the
`with` block ends, and a record of the attempt that outlives it.

The one rule: the lock says whether a load runs, and only the record says how it ended. A record without an end under a
free lock is that of a load that was killed, so even `kill -9` leaves its trace.

Both are one file beside the database. It is always of one size and overwritten in place: on a disk that has filled up
meanwhile there is still room for the line that says so.
"""

from __future__ import annotations

import datetime
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec

from mipdns.errors import MipdnsError, StoreBusy, StoreError

RECORD_BYTES = 4096
FAULT_CHARACTERS = 2000
"""A longer message is cut, so that the record fits whatever JSON makes of it."""

_CLAIM_S = 0.3
"""A reader of the record holds the lock for a moment; whoever wants to load tries at least so long."""

_POLL_S = 0.05

Outcome = Literal["running", "done", "failed", "killed"]


class Attempt(msgspec.Struct, frozen=True):
    """A load as the record beside the database tells it.

    began, ended: ISO times, UTC; ended is "" until then. fault: the line that was printed, "" if all went well; as long
    as the load runs, that of the one before, which is trouble until a load ends well.
    serial: of the build that was written, 0 if none was. failures: loads in a row that came to nothing, up to this one.
    """

    pid: int
    began: str
    ended: str = ""
    fault: str = ""
    serial: int = 0
    failures: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took, None if it has not ended or was killed."""
        if not self.ended:
            return None
        took = datetime.datetime.fromisoformat(self.ended) - datetime.datetime.fromisoformat(self.began)
        return took.total_seconds()


class Claim:
    """The right to load; whoever has it notes the serial of the build that it wrote."""

    def __init__(self) -> None:
        self.serial = 0


def record_path(database: Path) -> Path:
    """The lock and record of the loads of this database."""
    return database.with_name(database.name + ".load")


@contextmanager
def claimed(database: Path, wait_s: float = 0.0) -> Iterator[Claim]:
    """Be the one load of this database for as long as the block lasts, and leave a record of how that ended.

    Raises StoreBusy, naming who loads and since when, if another load does not end within `wait_s`; StoreError if the
    record cannot be written, which is what a full disk or a forbidden folder comes to.
    """
    path = record_path(database)
    with closing(os.fdopen(_open(path), "r+b", buffering=0)) as file:
        descriptor = file.fileno()
        if not _wait_for_lock(descriptor, max(wait_s, _CLAIM_S)):
            raise StoreBusy(_busy(database, _read(descriptor)))
        before = _read(descriptor)
        failures, fault_before = 0, ""
        if before:
            killed = _outcome(before) == "killed"
            failures, fault_before = before.failures + killed, "" if killed else before.fault
        attempt = Attempt(pid=os.getpid(), began=_now(), fault=fault_before, failures=failures)
        try:
            _write(descriptor, attempt)
        except OSError as fault:
            raise StoreError(f"{path}: cannot be written, so nothing was loaded: {fault.strerror}") from None
        claim = Claim()
        fault_line = ""
        try:
            yield claim
        except BaseException as fault:
            fault_line = _in_one_line(fault)
            raise
        finally:
            ended = msgspec.structs.replace(
                attempt,
                ended=_now(),
                fault=fault_line[:FAULT_CHARACTERS],
                serial=claim.serial,
                failures=failures + 1 if fault_line else 0,
            )
            # Where even this fails, the record has no end and says that the load did not live to its own.
            with suppress(OSError):
                _write(descriptor, ended)


def last_attempt(database: Path) -> tuple[Attempt, Outcome] | None:
    """The load that runs, or else the last that was tried, and how it stands; None if there never was one."""
    try:
        descriptor = os.open(record_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        running = not _lock(descriptor, fcntl.LOCK_SH)
        attempt = _read(descriptor)
    finally:
        os.close(descriptor)
    if attempt is None:
        return None
    return attempt, "running" if running else _outcome(attempt)


def _outcome(attempt: Attempt) -> Outcome:
    """How an attempt ended whose lock is free."""
    if not attempt.ended:
        return "killed"
    return "failed" if attempt.fault else "done"


def _busy(database: Path, holder: Attempt | None) -> str:
    who = f" (process {holder.pid}, since {holder.began})" if holder else ""
    return f"{database}: another load is running{who}; try again when it is done, or use `mipdns load --wait SECONDS`"


def _in_one_line(fault: BaseException) -> str:
    if isinstance(fault, MipdnsError):
        return str(fault)
    if isinstance(fault, KeyboardInterrupt | SystemExit):
        return "it was interrupted"
    return f"internal error, please report it: {fault!r}"


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as fault:
        raise StoreError(f"{path}: cannot be written, so nothing was loaded: {fault.strerror}") from None


def _wait_for_lock(descriptor: int, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while not _lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_S)
    return True


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Attempt | None:
    """The record; None where there is none yet, or what is there is no record."""
    try:
        return msgspec.json.decode(os.pread(descriptor, RECORD_BYTES, 0), type=Attempt)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(descriptor: int, attempt: Attempt) -> None:
    document = msgspec.json.encode(attempt)
    if len(document) >= RECORD_BYTES:
        document = msgspec.json.encode(msgspec.structs.replace(attempt, fault=ascii(attempt.fault[:200])))
    os.pwrite(descriptor, document.ljust(RECORD_BYTES - 1) + b"\n", 0)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
