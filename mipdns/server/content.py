"""What is served, read from disk. In: the configuration. Out: a `Content`, or the error that says why not.

The one rule: a `Content` is replaced whole, so that one answer never mixes two builds or two sets of zones.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mipdns import __version__
from mipdns.answer import Identity, Zones
from mipdns.config import Config, Serve
from mipdns.errors import StoreError, StoreMissing
from mipdns.index.load import newest_serial, read_snapshot
from mipdns.index.snapshot import Snapshot
from mipdns.server.secrets import random_secrets, read_secrets
from mipdns.zonefile import read_zones


class BuildMark(NamedTuple):
    """Which build of which file: a new one of either is a reason to read again."""

    device: int
    inode: int
    serial: int


class Content(NamedTuple):
    """Everything an answer is made from beside the query. build: what the snapshot was read from."""

    snapshot: Snapshot
    zones: Zones
    secrets: tuple[bytes, ...]
    build: BuildMark


def read_content(config: Config) -> Content:
    """Everything, at start. Zones come first: they are read in no time, and wrong more often."""
    zones = load_zones(config)
    secrets = load_secrets(config) or random_secrets()
    snapshot, build = load_build(config)
    return Content(snapshot, zones, secrets, build)


def load_zones(config: Config) -> Zones:
    """The folder of zone files, and who we say we are. Raises ZoneError."""
    return read_zones(Path(config.serve.zones), identity(config.serve))


def load_secrets(config: Config) -> tuple[bytes, ...]:
    """The configured cookie secrets, none if no file is configured. Raises ConfigError."""
    return read_secrets(Path(config.serve.cookie_secrets)) if config.serve.cookie_secrets else ()


def load_build(config: Config, read: Callable[[Path], Snapshot] = read_snapshot) -> tuple[Snapshot, BuildMark]:
    """The newest build, read by `read`. Raises StoreError or SnapshotError."""
    database = Path(config.store.database)
    # The file is looked at before it is read: if it is replaced in between, the mark is old and the next look differs.
    device, inode = _file(database)
    snapshot = read(database)
    return snapshot, BuildMark(device, inode, snapshot.serial)


def newest_build(config: Config) -> BuildMark:
    """Which build a reading would give now, for a fraction of a millisecond. Raises StoreError."""
    database = Path(config.store.database)
    return BuildMark(*_file(database), newest_serial(database))


def _file(database: Path) -> tuple[int, int]:
    try:
        status = database.stat()
    except FileNotFoundError:
        raise StoreMissing(f"{database}: no such database; run `mipdns load`") from None
    except OSError as fault:
        raise StoreError(f"{database}: cannot be reached: {fault.strerror}") from None
    return status.st_dev, status.st_ino


def identity(serve: Serve) -> Identity:
    """Who the server says it is: defaults filled in, `-` left as it is."""
    return Identity(serve.nsid or socket.gethostname(), serve.version or f"mipdns {__version__}", serve.tcp_idle_s)
