"""Learning a scorecard from loads whose truth is known: `mipdns train`.

In: databases that `mipdns load` wrote, and for each the truth, from a file or from the labels in it. Out: a scorecard.
The one rule: a unit is known only where the truth names it, a range that holds it or addresses inside it, and what made
it known is no evidence.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.columns import neighbourhoods
from mipdns.errors import ConfigError
from mipdns.evidence import NETWORK_TYPES, OBSERVATIONS_LEFT_OUT, Label, ObservationTable, Route
from mipdns.fetch.copies import beside, replace
from mipdns.inference import space
from mipdns.inference.pieces import Overlay
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.training.ceiling import ranking
from mipdns.inference.training.learning import learn, weights
from mipdns.inference.training.people import learn_people
from mipdns.inference.training.sample import Sample, join, silent
from mipdns.inference.training.text import card_text
from mipdns.inference.trust import Trust
from mipdns.progress import Progress
from mipdns.progress import silent as silently
from mipdns.store import labels, latest_build
from mipdns.store.observed import Observed, observed
from mipdns.validation import labelling
from mipdns.validation.rejudge import spared
from mipdns.validation.truth import Truth, Word, arrange, read_truth

UNITS_MIN = 500
"""Fewer units of a kind teach nothing that holds elsewhere."""
NETWORK_SHARE_MAX = 0.5
"""Labels of a kind that are mostly one network's teach what that network is like."""
Told = Counter[tuple[str, bool]]
"""Units by who tells of them and whether they are shared."""
Index = NDArray[np.int64]
EPOCH = datetime.date(1970, 1, 1).toordinal()


def write(text: str, out: Path) -> None:
    """A scorecard's text, in place of an earlier file once all of it is written. What is no file, or stands in a folder
    in which no other can be made, is written to as it is.

    Raises ConfigError where it cannot be, and leaves the file that was there.
    """
    place = out.resolve()  # of a link the file that it names
    if place.exists() and not (place.is_file() and os.access(place.parent, os.W_OK)):
        place.write_text(text, "utf-8")
        return
    try:
        with beside(place) as (made, file):
            file.write(text.encode())
            file.flush()
            replace(made, place)
    except OSError as fault:
        kept = "; what was there is kept" if out.exists() else ""
        raise ConfigError(f"--out {out}: cannot be written: {fault.strerror}{kept}") from None


def train(
    databases: Sequence[Path],
    truths: Sequence[Path],
    card: Scorecard,
    kinds: Collection[str] = labelling.KINDS,
    progress: Progress = silently,
) -> Scorecard:
    """A scorecard learnt from loads. truths: a file for each database, or none: then labels of `kinds` are true.

    Labels do not teach what network types weigh: who labels goes by them. `trained` tells how many units each kind
    (`truth`: files) labelled, shared and other ones, and how well networks that were held out are ranked, beside
    boosted trees. The name is that of the weights: others have another.

    Raises StoreError, SourceError, or ConfigError where there is too little to learn from.
    """
    if truths and len(truths) != len(databases):
        raise ConfigError(f"{len(databases)} databases and {len(truths)} truths: one --truth for each, or none")
    read = _told(databases, progress)
    if truths:
        sample = join([read_sample(path, read_truth(truth), card) for path, truth in zip(read, truths, strict=True)])
        told, kinds = Counter(("truth", shared) for shared in sample.shared[sample.known].tolist()), ("truth",)
    else:
        samples, counts = zip(*(label_sample(path, kinds, card) for path in read), strict=True)
        sample, told = join(samples), sum(counts, Counter())
    _demand_enough(sample, told, kinds)
    progress("learn weights (some minutes)", 0.0)
    learnt = learn(sample, card, context=bool(truths))
    progress("learn ranges of users", 0.0)
    learnt = learn_people(sample, learnt)
    digest = hashlib.sha256(card_text(msgspec.structs.replace(learnt, trained={})).encode()).hexdigest()
    units = {kind: {"shared": told[kind, True], "other": told[kind, False]} for kind in kinds}
    progress("compare with boosted trees", 0.0)
    ranked = ranking(sample, card, context=bool(truths))
    made = {
        "databases": len(databases),
        "units": units,
        "ranking": dict(zip(("scorecard", "trees"), (round(auc, 4) for auc in ranked), strict=True)) if ranked else {},
    }
    return msgspec.structs.replace(learnt, name=f"learnt-{digest[:8]}", trained=made)


def _told(databases: Sequence[Path], progress: Progress) -> Iterator[Path]:
    """The databases one by one, each told of before it is read."""
    for number, path in enumerate(databases):
        progress("read databases", number / len(databases))
        yield path


def _demand_enough(sample: Sample, told: Told, kinds: Collection[str]) -> None:
    """Raises ConfigError, which says who told of how many units, what is missing, and who might tell of more."""
    teaching = sample.known & silent(sample)
    numbers = [int(np.sum(teaching & (sample.shared == kind))) for kind in (True, False)]
    lacks = [f"{UNITS_MIN} of each are needed"] if min(numbers) < UNITS_MIN else []
    if not lacks and not weights(sample, 0.5, teaching).any():
        lacks = ["no load has units of both kinds"]
    if not set(kinds) <= set(labelling.KINDS):  # a file is taken as it is
        if lacks:
            known = f"{numbers[0]} shared and {numbers[1]} other units of the logs that no list or partner speaks of"
            raise ConfigError(f"the truth knows {known}: {lacks[0]}")
        return
    lacks += [lack for is_shared in (True, False) if (lack := _one_sided(sample, is_shared=is_shared))]
    if lacks:
        shared, other = (
            f"{number} {name} ({', '.join(f'{told[kind, is_shared]} by {kind}' for kind in kinds)})"
            for number, name, is_shared in zip(numbers, ("shared", "other"), (True, False), strict=True)
        )
        missing = [kind for kind in labelling.KINDS if kind not in kinds]
        more = f"--labels {','.join([*kinds, *missing])}, " if missing else ""
        raise ConfigError(
            f"labels know {shared} and {other} units of the logs: {'; '.join(lacks)}. What helps: {more}loads of more "
            "logs, or more who tell: partners and `mipdns feedback`, traceroutes (atlas), lists (egress), reverse "
            "names (ptr); or a file, with --truth"
        )


def _one_sided(sample: Sample, *, is_shared: bool) -> str:
    """Which AS holds too many of the labels of one side, in words; "" for none. Without an AS, a /24 or /48 is one."""
    of_side = sample.known & (sample.shared == is_shared)
    near = -1 - neighbourhoods(sample.key).astype(np.int64)
    asns, at = np.unique(np.where(sample.asn, sample.asn, near)[of_side], return_inverse=True)
    weight = np.bincount(at, weights=sample.trust[of_side], minlength=1)
    part = float(weight.max() / weight.sum()) if weight.any() else 0.0
    if part <= NETWORK_SHARE_MAX:
        return ""
    asn = int(asns[weight.argmax()])
    return (
        f"{f'AS{asn}' if asn > 0 else 'one neighbourhood of no known AS'} holds {100 * part:.0f} % of the "
        f"{'shared' if is_shared else 'other'} ones, and at most {100 * NETWORK_SHARE_MAX:.0f} % may be of one network"
    )


def read_sample(database: Path, truth: Sequence[Word], card: Scorecard) -> Sample:
    """The units of a load with a truth from elsewhere; everybody is heard as evidence, as far as the load believed him.

    The truth is read as `validate` reads it: of words that overlap the narrowest speaks, and what it says of a part of
    a /64 it says of the unit. A unit of which it then says both is not known: `validate` counts it twice, and learnt
    from twice it would teach nothing. Raises StoreError, ConfigError.
    """
    _demand_everything_measured(database)
    seen, said = observed(database), arrange(truth)
    told = zip(said.shared.tolist(), said.classes.tolist(), said.users.tolist(), strict=True)
    words = [Word(0, 0, *one) for one in told]
    return _sample(seen, words, _agreed(said, seen.units.key), card, Trust.of(seen.beliefs))


def label_sample(database: Path, kinds: Collection[str], card: Scorecard) -> tuple[Sample, Told]:
    """The units of a load as its own sources label them. Raises StoreError, ConfigError."""
    _demand_everything_measured(database)
    return labelled(observed(database), labels(database), kinds, card)


def _demand_everything_measured(database: Path) -> None:
    """Raises ConfigError where the load kept of some units only what it had measured."""
    if latest_build(database).counts.get(OBSERVATIONS_LEFT_OUT):
        raise ConfigError(
            f"{database}: holds what was measured of listed units only, which teaches nothing of the others; load with "
            '[load] observations = "all"'
        )


def labelled(seen: Observed, people: Sequence[Label], kinds: Collection[str], card: Scorecard) -> tuple[Sample, Told]:
    """`label_sample` of what was read.

    No signal that makes labels is heard, and never what people taught about sources. Known are units that can be learnt
    from (`sample.silent`).
    """
    words = labelling.words(seen.assertions, people, kinds, card, seen.as_of)
    at = _index(words, seen.units)
    quiet = seen._replace(assertions=spared(seen.assertions, labelling.silence_of(kinds)))
    untested = Trust.of(seen.beliefs)._replace(records={})
    sample = _sample(quiet, words, at, card, untested)
    known = sample.known & silent(sample)
    told = Counter((labelling.kind_of(words[row].origin), words[row].shared) for row in at[known].tolist())
    return sample._replace(known=known), told


def _sample(seen: Observed, truth: Sequence[Word], known: Index, card: Scorecard, trust: Trust) -> Sample:
    """known: which word tells of each unit, -1 for none. trust: how far sources are believed.

    It cannot be learnt anew: people may have spoken since the load, and of addresses whose AS only that knew.
    """
    units = seen.units
    origins = Origins(list(_routes(units)))
    ground = space.survey(seen.assertions, origins, {"special": net.SPECIAL}, card, seen.as_of, trust=trust)
    rows = Overlay(ground, Origins([]), net.SPECIAL).measured(units.key, units.asn)
    unit, at = np.unique(rows.unit, return_index=True)
    sets = np.zeros(len(units.key), dtype=np.int64)
    sets[unit] = rows.heard[at]
    kinds = {asn: NETWORK_TYPES.index(kind) for asn, kind in seen.declared.items()}
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
        known=known >= 0,
        trust=np.zeros(len(units.key)),
        shared=np.zeros(len(units.key), dtype=np.bool_),
        users=np.zeros(len(units.key), dtype=np.int64),
        classes=np.zeros(len(units.key), dtype=np.int16),
    )
    whole.trust[have] = [one.trust for one in told]
    whole.shared[have] = [one.shared for one in told]
    whole.users[have] = [0 if math.isnan(one.users) else int(one.users) for one in told]
    whole.classes[have] = [one.classes for one in told]
    return whole


def _agreed(truth: Truth, keys: NDArray[np.uint64]) -> Index:
    """Which statement tells of each unit, -1 where none does or several contradict each other."""
    begin = np.searchsorted(truth.last, keys, side="left")
    end = np.searchsorted(truth.first, keys, side="right")
    before = np.append(0, np.cumsum(truth.shared))
    said, shared = end - begin, before[end] - before[begin]
    found: Index = np.where((said > 0) & ((shared == 0) | (shared == said)), begin, -1)
    return found


def _routes(units: ObservationTable) -> Iterable[Route]:
    """Routes that give each unit the AS it has: one for each run of units of one AS and family."""
    is_v6 = units.key > np.uint64(net.UNIT_V4_LAST)
    starts = np.flatnonzero((np.diff(units.asn, prepend=-1) != 0) | np.diff(is_v6, prepend=False))
    for start, end in pairwise([*starts.tolist(), len(units.asn)]):
        if units.asn[start]:
            first, last = net.unit_range(int(units.key[start]))[0], net.unit_range(int(units.key[end - 1]))[1]
            yield Route(first, last, int(units.asn[start]))


def _index(words: Sequence[Word], units: ObservationTable) -> Index:
    """Which of disjoint words holds each unit's first address, -1 for none."""
    found = np.full(len(units.key), -1, dtype=np.int64)
    for at, one in enumerate(words):
        for low, high in space.key_ranges(one.first, one.last, first_only=True):
            start = np.searchsorted(units.key, np.uint64(low), side="left")
            found[start : np.searchsorted(units.key, np.uint64(high), side="right")] = at
    return found
