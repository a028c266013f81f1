"""Which log files count. In: what is on disk, and what the manifest remembers. Out: the files whose hits are evidence.

The one rule: a content counts once. It counts while its file is there, under whatever name and packing, and after that
as long as its days are in the window, because logs rotate away; but not once the same log has grown, or was corrected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import msgspec

from mipdns import config
from mipdns.sources.logs.files import Content, LogFile
from mipdns.sources.logs.manifest import Kept
from mipdns.sources.logs.texts import reader_version

Hours = Sequence[tuple[int, int]]

OUTLIERS = 0.01
"""The share of a file's lines, at either end of its time, that say nothing of when it begins and ends."""


def how(source: config.Logs) -> str:
    """A digest of how a source reads a file: one content that two sources read alike counts once."""
    return _digest([reader_version(), source.format, source.port, sorted(source.ours), sorted(source.columns.items())])


def reading(source: config.Logs) -> str:
    """A digest of a source's configuration, as far as hits depend on it, and of the version that reads it.

    The paths belong to it: who points a source elsewhere does not mean that the files before have rotated away.
    """
    return _digest([how(source), source.name, source.sensor, list(source.paths)])


def _digest(told: object) -> str:
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]


class OnDisk(NamedTuple):
    """A file that a source names. file: looked over, where it has to be read. twin: where its content counts instead.

    A twin is the same content, read in the same way, under another name or by an earlier source.
    """

    source: config.Logs
    reading: str
    how: str
    path: Path
    content: Content
    file: LogFile | None
    twin: Path | None


class Counting(NamedTuple):
    """Files whose hits are evidence. here: by (reading, content), of the files on disk. gone: of those that are not."""

    here: Mapping[tuple[str, str], Kept]
    gone: Sequence[Kept]

    @property
    def files(self) -> list[Kept]:
        """All of them."""
        return [*self.here.values(), *self.gone]


def counting(
    files: Collection[Kept],
    on_disk: Collection[OnDisk],
    readings: Collection[str],
    grown: Mapping[int, Collection[int]],
    hours_of: Callable[[int], Hours],
) -> Counting:
    """What counts, of the files that were read. readings: those of the configuration as it is.

    grown: of each file, the earlier ones whose whole content it begins with.
    """
    named = {(found.reading, found.content.content) for found in on_disk if found.twin is None}
    contents = {(found.how, found.content.content) for found in on_disk}
    here = {(kept.reading, kept.content): kept for kept in files if (kept.reading, kept.content) in named}
    outgrown = {number for kept in here.values() for number in grown.get(kept.id, ())}
    by_path: dict[tuple[str, str], list[Kept]] = {}
    for kept in here.values():
        by_path.setdefault((kept.reading, kept.path), []).append(kept)
    gone = [
        kept
        for kept in files
        if kept.accepted
        and kept.reading in readings
        and (kept.how, kept.content) not in contents
        and kept.id not in outgrown
        and not any(
            corrects(hours_of(newer.id), hours_of(kept.id)) for newer in by_path.get((kept.reading, kept.path), ())
        )
    ]
    return Counting(here, gone)


def corrects(newer: Hours, older: Hours) -> bool:
    """Whether a file stands in for the one that had its name before, rather than going on where that one ended.

    It goes on if it begins in the hour in which the older one ended, or later; lines of a wrong clock left out.
    """
    if not newer or not older:
        return True
    return _quantile(newer, OUTLIERS) < _quantile(older, 1 - OUTLIERS)


def _quantile(hours: Hours, share: float) -> int:
    """The first hour up to which that share of the lines lies."""
    sums = list(accumulate(lines for _, lines in hours))
    return next(hour for (hour, _), upto in zip(hours, sums, strict=True) if upto >= share * sums[-1])
