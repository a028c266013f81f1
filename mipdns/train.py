"""Learning a scorecard from loads whose truth is known: `mipdns train`.

In: databases that `mipdns load` wrote, and for each the truth, from a file or from the labels in it. Out: the text of a
scorecard. The one rule: a unit is known only where the truth names it or a range that holds it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from mipdns import net
from mipdns.errors import ConfigError
from mipdns.evidence import NETWORK_TYPES, ObservationTable, Route
from mipdns.inference import space
from mipdns.inference.pieces import Overlay
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.training.learning import learn
from mipdns.inference.training.people import learn_people
from mipdns.inference.training.sample import Sample, join
from mipdns.store import labels
from mipdns.store.observed import observed
from mipdns.validation.truth import Word, of_labels, read_truth

UNITS_MIN = 500
"""Fewer units of a kind teach nothing that holds elsewhere."""
EPOCH = datetime.date(1970, 1, 1).toordinal()


def train(databases: Sequence[Path], truths: Sequence[Path], card: Scorecard) -> Scorecard:
    """A scorecard learnt from loads. truths: a file for each database, or none: then what people said is true.

    People who tell the truth are not heard as evidence of it. Raises StoreError, SourceError, or ConfigError where
    there is too little to learn from.
    """
    if truths and len(truths) != len(databases):
        raise ConfigError(f"{len(databases)} databases and {len(truths)} truths: one --truth for each, or none")
    samples = [
        read_sample(path, read_truth(truths[at]) if truths else of_labels(labels(path)), card, with_people=bool(truths))
        for at, path in enumerate(databases)
    ]
    sample = join(samples)
    kinds = [int(np.sum(sample.known & (sample.shared == kind))) for kind in (True, False)]
    if min(kinds) < UNITS_MIN:
        raise ConfigError(
            f"the truth knows {kinds[0]} shared and {kinds[1]} other units of the logs: {UNITS_MIN} of each are needed"
        )
    return learn_people(sample, learn(sample, card))


def read_sample(database: Path, truth: Sequence[Word], card: Scorecard, *, with_people: bool = True) -> Sample:
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
    whole.users[have] = [0 if math.isnan(one.users) else int(one.users) for one in told]
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


def _index(truth: Sequence[Word], units: ObservationTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which row of the truth tells of each unit, -1 for none; of several the narrowest, of equal ones the last."""
    found = np.full(len(units.key), -1, dtype=np.int64)
    widest_first = sorted(range(len(truth)), key=lambda at: (truth[at].first - truth[at].last, at))
    for at in widest_first:
        for low, high in space.key_ranges(truth[at].first, truth[at].last, first_only=True):
            start = np.searchsorted(units.key, np.uint64(low), side="left")
            found[start : np.searchsorted(units.key, np.uint64(high), side="right")] = at
    return found
