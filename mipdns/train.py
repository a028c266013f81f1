"""Learning a scorecard from loads whose truth is known: `mipdns train`.

In: databases that `mipdns load` wrote, and for each the truth, from a file or from the labels in it. Out: the text of a
scorecard. The one rule: a unit is known only where the truth names it or a range that holds it.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mipdns import net
from mipdns.errors import ConfigError
from mipdns.evidence import NETWORK_TYPES, ObservationTable, Route
from mipdns.inference import space
from mipdns.inference.pieces import Overlay
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.training.sample import Sample
from mipdns.store import labels
from mipdns.store.observed import observed
from mipdns.vocabulary import CLASS_NAMES

PEOPLE_MAX = 1 << 40
EPOCH = datetime.date(1970, 1, 1).toordinal()


class Known(NamedTuple):
    """The truth of a range. users: people a day, 0 where not told. classes: `Class` bits."""

    first: int
    last: int
    shared: bool
    users: int
    classes: int


def truth_of_file(path: Path) -> list[Known]:
    """Rows of `prefix,verdict,class`, and `users` where known. Raises ConfigError naming file, line and what is wrong."""
    known: list[Known] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"prefix", "verdict"} <= set(rows.fieldnames or ()):
                raise ConfigError(f"{path}: the first line must name columns 'prefix' and 'verdict'")
            for row in rows:
                try:
                    known.append(_known(row))
                except (ValueError, KeyError) as fault:
                    raise ConfigError(f"{path}:{rows.line_num}: {fault}") from None
    except OSError as fault:
        raise ConfigError(f"{path}: {fault.strerror}; name a file of truth") from None
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{path}: is not UTF-8 text: {fault.reason}") from None
    return known


def _known(row: dict[str, str]) -> Known:
    first, last = net.parse_range(row["prefix"])
    if row["verdict"] not in ("confirm", "deny"):
        raise ValueError(f"verdict {row['verdict']!r} is neither 'confirm' nor 'deny'")
    bits = 0
    for name in filter(None, (row.get("class") or "").split("+")):
        if name not in CLASS_NAMES:
            raise ValueError(f"unknown class {name!r}; there are {', '.join(CLASS_NAMES)}")
        bits |= int(CLASS_NAMES[name])
    return Known(first, last, row["verdict"] == "confirm", int(row.get("users") or 0), bits)


def truth_of_labels(database: Path) -> list[Known]:
    """What partners and people said, the newest word of each range."""
    newest = {(label.first, label.last): label for label in labels(database)}
    return [Known(one.first, one.last, one.confirmed, 0, int(one.classes)) for one in newest.values()]


def read_sample(database: Path, truth: Sequence[Known], card: Scorecard, *, with_people: bool = True) -> Sample:
    """The units of a load whose truth is known. with_people: whether partners and people are heard.

    The narrowest range that holds a unit's first address tells its truth. Raises StoreError, ConfigError.
    """
    seen = observed(database)
    units = seen.units
    origins = Origins(list(_routes(units)))
    people = labels(database) if with_people else []
    said = seen.assertions if with_people else [one for one in seen.assertions if not one.origin.startswith("partner.")]
    ground = space.survey(said, origins, {"special": net.SPECIAL}, card, seen.as_of, people)
    rows = Overlay(ground, Origins([]), net.SPECIAL).measured(units.key, units.asn)
    unit, at = np.unique(rows.unit, return_index=True)
    sets = np.zeros(len(units.key), dtype=np.int64)
    sets[unit] = rows.heard[at]
    kinds = {asn: NETWORK_TYPES.index(kind) for asn, kind in seen.declared.items()}
    known = _index(truth, units)
    have = np.flatnonzero(known >= 0)
    told = [truth[at] for at in known[have].tolist()]
    whole = Sample(
        world=np.zeros(len(units.key), dtype=np.int64),
        key=units.key,
        age_days=seen.as_of.toordinal() - EPOCH - units.last_day.astype(np.int64),
        asn=units.asn,
        declared=np.array([kinds.get(asn, -1) for asn in units.asn.tolist()], dtype=np.int8),
        traffic=units.traffic,
        columns=dict(units.columns),
        sets=sets,
        heard=list(ground.heard),
        known=np.isin(np.arange(len(units.key)), have),
        shared=np.zeros(len(units.key), dtype=np.bool_),
        users=np.zeros(len(units.key), dtype=np.int64),
        classes=np.zeros(len(units.key), dtype=np.int16),
        population=np.array([np.mean([one.shared for one in truth]) if truth else 0.0]),
    )
    whole.shared[have] = [one.shared for one in told]
    whole.users[have] = [min(one.users, PEOPLE_MAX) for one in told]
    whole.classes[have] = [one.classes for one in told]
    return whole


def _routes(units: ObservationTable) -> Iterable[Route]:
    """Routes that give each unit the AS it has: one for each run of units of one AS."""
    starts = np.flatnonzero(np.diff(units.asn, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(units.asn)]):
        if units.asn[start]:
            first, last = net.unit_range(int(units.key[start]))[0], net.unit_range(int(units.key[end - 1]))[1]
            if net.is_v4(first) == net.is_v4(last):
                yield Route(first, last, int(units.asn[start]))


def _index(truth: Sequence[Known], units: ObservationTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which row of the truth tells of each unit, -1 for none; of several the narrowest, of equal ones the last."""
    found = np.full(len(units.key), -1, dtype=np.int64)
    widest_first = sorted(range(len(truth)), key=lambda at: (truth[at].first - truth[at].last, at))
    for at in widest_first:
        for low, high in space.key_ranges(truth[at].first, truth[at].last, first_only=True):
            start = np.searchsorted(units.key, np.uint64(low), side="left")
            found[start : np.searchsorted(units.key, np.uint64(high), side="right")] = at
    return found
