"""Files that a command is told to write. In: options and their files. Out: nothing, or a ConfigError before any work.

The one rule: what a load reads or keeps is not lost to a slip of the hand.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

from mipdns.config import Config
from mipdns.errors import ConfigError

SQLITE = b"SQLite format 3\0"
"""How every SQLite file begins."""
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; what was written last may stand there alone."""


def kept_by(config: Config) -> list[Path]:
    """What a load reads and keeps: database and what SQLite keeps beside it, index, scorecard, zones, secrets and each
    source's files.
    """
    database = [config.store.database + end for end in ("", *BESIDE)]
    named = (*database, config.store.index, config.load.scorecard, config.serve.cookie_secrets)
    zones = Path(config.serve.zones)
    read = [Path(text) for source in config.sources for text in source.paths]
    matched = [Path(match) for path in read if not path.exists() for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute pattern
    return [*(Path(text) for text in named if text), *zones.glob("*.toml"), *read, *matched]


def check(outs: Mapping[str, Path], kept: Iterable[Path]) -> None:
    """Raise ConfigError where a file cannot be written, where it would take the place of one of `kept`, of a database
    or of another of `outs`. outs: by the option or argument that names them.
    """
    kept = list(kept)
    for option, out in outs.items():
        _demand_writable(option, out)
        for path in kept:
            if _same(out, path):
                raise ConfigError(f"{option} {out}: {path} would be lost; name another file")
        if _is_database(out):
            raise ConfigError(f"{option} {out}: a database is there, and would be lost; name another file")
    for (earlier, one), (option, out) in combinations(outs.items(), 2):
        if _same(out, one) and (out.is_file() or not out.exists()):  # two may go to one pipe
            raise ConfigError(f"{option} {out}: {earlier} is written there; name another file")


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other) or (one.exists() and other.exists() and one.samefile(other))


def _is_database(path: Path) -> bool:
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _demand_writable(option: str, out: Path) -> None:
    """Before minutes of work whose outcome would be lost."""
    if out.is_dir():
        raise ConfigError(f"{option} {out}: is a folder; name a file")
    if not out.exists() and not os.access(out.parent, os.W_OK):
        raise ConfigError(f"{option} {out}: {out.parent} is no folder that can be written")
    if out.exists() and not os.access(out, os.W_OK):
        raise ConfigError(f"{option} {out}: it cannot be written")
