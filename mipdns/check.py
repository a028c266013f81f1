"""Is everything in order? Configuration, zones, sources, database, index: each looked at, none stops the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mipdns import net, store
from mipdns.config import Config, Source
from mipdns.errors import MipdnsError, StoreError
from mipdns.index.compile import newest_build
from mipdns.index.mapped import open_index
from mipdns.server.content import identity
from mipdns.sources import reading
from mipdns.status import doubts, suspicions
from mipdns.weights import scorecard_of
from mipdns.zonefile import origin_text, read_zones


class Finding(NamedTuple):
    """One thing looked at, and what was found."""

    what: str
    good: bool
    says: str


def check(config: Config) -> list[Finding]:
    """Look at everything that `load` and `serve` rest on; the configuration itself was read before."""
    looks: list[tuple[str, Callable[[], str]]] = [
        ("zones", lambda: _zones(config)),
        *((f"source {source.name}", lambda source=source: _files(source)) for source in config.sources),
        ("database", lambda: _database(Path(config.store.database))),
        *([("scorecard", lambda: scorecard_of(config).name)] if config.load.scorecard else []),
        ("index", lambda: _index(Path(config.store.index), Path(config.store.database))),
    ]
    return [Finding("configuration", True, f"{len(config.sources)} sources"), *(_look(*each) for each in looks)]


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except MipdnsError as fault:
        return Finding(what, False, str(fault))


def _zones(config: Config) -> str:
    zones = read_zones(Path(config.serve.zones), identity(config.serve))
    return ", ".join(origin_text(origin) for origin in zones.by_origin)


def _files(source: Source) -> str:
    files = reading.expand(source)
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}, {size_mb:.1f} MB"


def _database(database: Path) -> str:
    """Walks every verdict as serving would: sorted, disjoint, none in special-purpose space."""
    previous = -1
    count = 0
    with store.read_build(database) as (build, rows):
        for row in rows:
            if row.first <= previous or row.last < row.first:
                told = net.format_address(row.first)
                raise StoreError(f"{database}: the verdict that starts at {told} overlaps another")
            if any(net.is_special(address) for address in (row.first, row.last)):
                raise StoreError(f"{database}: {net.format_range(row.first, row.last)} lies in special-purpose space")
            previous = row.last
            count += 1
    if count != build.verdicts:
        raise StoreError(f"{database}: holds {count} verdicts, but build {build.serial} wrote {build.verdicts}")
    if doubted := doubts(build):
        raise StoreError(f"{database}: {'; '.join(doubted)}")
    return "; ".join([f"build {build.serial} of {build.finished}, {count} verdicts in order", *suspicions(build)])


def _index(index: Path, database: Path) -> str:
    """Reads it whole: its checksum, and whether it is of the database's build."""
    if not index.exists():
        return f"{index}: none yet, `mipdns serve` compiles it"
    snapshot = open_index(index)
    snapshot.verify()
    size_mb = index.stat().st_size / 1e6
    current = not database.exists() or snapshot.header.build == newest_build(database)
    age = "" if current else ", not the database's newest"
    return f"build {snapshot.serial}{age}, {len(snapshot)} ranges in {size_mb:.1f} MB, its checksum is right"
