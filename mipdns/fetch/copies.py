"""A copy on the disk and what is known of it. In: a file just received. Out: the copy, replaced in one step.

The one rule: beside, flushed, then renamed. Whoever reads the copy finds the old one or the new one, after a crash too.
"""

from __future__ import annotations

import datetime
import email.utils
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from mipdns.errors import FetchError

_LEFT_OVER_S = 86400.0


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch leaves for the next, beside the copy as `.NAME.fetch.json`. Times are UTC; "" and None: not told.

    fetched: when the far end last gave or confirmed the copy; changed: when its bytes last changed. unpacked_bytes is
    what the guard against shrinking compares. failed_since, failures and fault tell of the tries since `fetched`.
    """

    url: str = ""
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    bytes: int = 0
    unpacked_bytes: int = 0
    fetched: datetime.datetime | None = None
    changed: datetime.datetime | None = None
    failed_since: datetime.datetime | None = None
    failures: int = 0
    fault: str = ""
    not_before: datetime.datetime | None = None


class Copy(NamedTuple):
    """Where a source's address is kept."""

    source: str
    url: str
    path: Path


def state_path(path: Path) -> Path:
    """Where the state of a copy lies; a dot file, so that no glob for lists takes it for one."""
    return path.with_name(f".{path.name}.fetch.json")


def read_state(path: Path) -> State:
    """What is known of a copy; nothing, where there is no state or none that can be read."""
    try:
        return msgspec.json.decode(state_path(path).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()


def write_state(path: Path, state: State) -> None:
    """Replace the state of a copy. Raises FetchError."""
    try:
        with beside(path) as (temporary, file):
            file.write(msgspec.json.format(msgspec.json.encode(state), indent=1))
            file.flush()
            temporary.replace(state_path(path))
    except OSError as fault:
        raise FetchError(f"{state_path(path)}: cannot be written: {fault.strerror}") from None


def digest(path: Path) -> str:
    """SHA-256 of a file, hex; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@contextmanager
def beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """An open file in a copy's folder, removed at the end if it was not renamed; what a crash left long ago goes too.

    Its name starts with a dot and ends as the copy's does, since the suffix tells the packing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f".part-*-{path.name}"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _LEFT_OVER_S:
                old.unlink()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=f"-{path.name}")
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - it is open already
            yield temporary, file
    finally:
        temporary.unlink(missing_ok=True)


def replace(temporary: Path, path: Path) -> None:
    """Put a closed or flushed file in a copy's place, durably, readable as the umask says."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def stamp(path: Path, last_modified: str) -> None:
    """Set a copy's time to what the far end says of it, else to now: what it still offers, it still says.

    Sources without a date inside are dated by it.
    """
    now = time.time()
    try:
        told = email.utils.parsedate_to_datetime(last_modified).timestamp()
    except (ValueError, OverflowError):
        told = now
    with suppress(OSError):  # a copy owned by another user; its older time is the cautious one
        os.utime(path, (now, min(told, now)))
