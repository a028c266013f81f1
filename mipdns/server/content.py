"""What is served, read from disk. In: the configuration. Out: a `Content`, or the error that says why not.

The one rule: a `Content` is replaced whole, so that one answer never mixes two builds or two sets of zones.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mipdns import __version__
from mipdns.answer import Identity, Zones
from mipdns.config import Config, Serve
from mipdns.errors import SnapshotForbidden, StoreError
from mipdns.index import compile as compiling
from mipdns.index.mapped import MappedSnapshot, open_index
from mipdns.server.secrets import random_secrets, read_secrets
from mipdns.zonefile import read_zones


class Content(NamedTuple):
    """Everything an answer is made from beside the query."""

    snapshot: MappedSnapshot
    zones: Zones
    secrets: tuple[bytes, ...]


def read_content(config: Config) -> Content:
    """Everything, at start. Zones come first: they are read in no time, and wrong more often."""
    zones = load_zones(config)
    secrets = load_secrets(config) or random_secrets()
    return Content(load_build(config), zones, secrets)


def load_zones(config: Config) -> Zones:
    """The folder of zone files, and who we say we are. Raises ZoneError."""
    return read_zones(Path(config.serve.zones), identity(config.serve))


def load_secrets(config: Config) -> tuple[bytes, ...]:
    """The configured cookie secrets, none if no file is configured. Raises ConfigError."""
    return read_secrets(Path(config.serve.cookie_secrets)) if config.serve.cookie_secrets else ()


def load_build(config: Config, compile_: Callable[[Path, Path], object] = compiling.compile_index) -> MappedSnapshot:
    """The index of the newest build, brought up to date by `compile_` first. Raises StoreError or SnapshotError.

    Where the index may not be written, it is compiled into a folder of this process. An index without a database is
    served as it is: it may have been compiled elsewhere.
    """
    database, index = Path(config.store.database), Path(config.store.index)
    if _exists(database) or not index.exists():
        try:
            compile_(database, index)
        except SnapshotForbidden:
            index = Path(_own_folder().name) / index.name
            compile_(database, index)
    return open_index(index)


@lru_cache
def _own_folder() -> TemporaryDirectory[str]:
    """Where the index goes if this user may not write it beside the database: a folder that ends with the process."""
    return TemporaryDirectory(prefix="mipdns-")


def newest_build(config: Config) -> bytes:
    """What tells the build that a loading would give now from others, as in the header of its index.

    Takes about a millisecond. Raises StoreError or SnapshotError.
    """
    database, index = Path(config.store.database), Path(config.store.index)
    if _exists(database) or not index.exists():
        return compiling.newest_build(database)
    return open_index(index).header.build


def _exists(database: Path) -> bool:
    try:
        return database.exists()
    except OSError as fault:
        raise StoreError(f"{database}: cannot be reached: {fault.strerror}") from None


def identity(serve: Serve) -> Identity:
    """Who the server says it is: defaults filled in, `-` left as it is."""
    return Identity(serve.nsid or socket.gethostname(), serve.version or f"mipdns {__version__}", serve.tcp_idle_s)
