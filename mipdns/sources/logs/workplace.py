"""The folder that logs are counted in. In: `[load] work`. Out: a `Workplace`, held by one load alone.

Below `work` stands one folder, `evidence`:

    manifest.db          what was read and counted, in SQLite: see `manifest`
    hits/N.parquet       hits of some files, sorted by day and unit
    days/DAY-KEY-N/      the evidence of one share of a day
    scratch/             what is being made; nothing in it outlives its load

The one rule: what the manifest names is whole. It is written in `scratch`, synced, renamed into place, and then named;
whatever is not named is swept away.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mipdns.errors import SourceError


class Workplace:
    """The paths of one work folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.folder = work / "evidence"
        self.manifest = self.folder / "manifest.db"
        self.hits = self.folder / "hits"
        self.days = self.folder / "days"
        self.scratch = self.folder / "scratch"

    def segment(self, number: int) -> Path:
        """The file of hits with that number."""
        return self.hits / f"{number}.parquet"

    def publish(self, made: Path, place: Path) -> None:
        """Put what was made in `scratch` where it belongs, for good: after this it survives a crash."""
        for path in sorted(made.rglob("*")) if made.is_dir() else []:
            _sync(path)
        _sync(made)
        made.rename(place)
        _sync(place.parent)

    def sweep(self, segments: Collection[str], shares: Collection[str]) -> None:
        """Remove what is not among these names of files of hits and of folders of day evidence."""
        for folder, kept in ((self.hits, segments), (self.days, shares)):
            for path in folder.iterdir():
                if path.name not in kept:
                    remove(path)

    def clear(self) -> None:
        """Forget everything."""
        self.manifest.unlink(missing_ok=True)
        for journal in self.folder.glob("manifest.db-*"):
            journal.unlink()
        self.sweep((), ())


@contextmanager
def opened(work: Path) -> Iterator[Workplace]:
    """Hold the folder as long as the context lasts; a crash lets go of it. Raises SourceError if another load does."""
    place = Workplace(work)
    place.folder.mkdir(parents=True, exist_ok=True)
    with _locked(place):
        for left in work.glob("logs-*"):  # what killed loads of version 0.1 left
            remove(left)
        remove(place.scratch)
        for folder in (place.hits, place.days, place.scratch):
            folder.mkdir(exist_ok=True)
        try:
            yield place
        finally:
            remove(place.scratch)


@contextmanager
def _locked(place: Workplace) -> Iterator[None]:
    descriptor = os.open(place.folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(
                f"logs: [load] work folder {place.work}: another load is counting in it; "
                "wait for it to end, or give each configuration a work folder of its own"
            ) from None
        yield
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
