"""From evidence to verdicts, stage by stage. In: everything the sources of a load said. Out: a `Judgement`.

The one rule: every unit with evidence gets a verdict, even at 1, and nothing else does but what an assertion or the
pool rule covers; special-purpose and excluded space gets none.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import (
    CONTEXT_COLUMNS,
    NETWORK_TYPES,
    UNIT_COLUMNS,
    Assertion,
    Belief,
    Chunk,
    JudgedNetwork,
    Label,
    LogEvidence,
    Network,
    ObservationTable,
    Profile,
    Route,
    UnitTable,
)
from mipdns.inference import agreement, character, crowd, pool, space, surroundings
from mipdns.inference.crowd import Heards
from mipdns.inference.pieces import Rows, asserted_rows, measured_rows
from mipdns.inference.rollup import EPOCH, Judged, join, roll_up
from mipdns.inference.scorecard import MEASURED, Scorecard
from mipdns.inference.space import Ground, Origins
from mipdns.inference.surroundings import Around
from mipdns.inference.voices import hear
from mipdns.net import Range
from mipdns.progress import Progress, silent
from mipdns.vocabulary import CLASS_NAMES, Signal, Verdict


class Judgement(NamedTuple):
    """All that a load concluded.

    verdicts: sorted, disjoint. observations: what the scorecard saw of each unit. networks: by AS number; every AS that
    a verdict or an observation names is there. assertions: those that count, as they were given. counts: of rows, units
    and what was dropped. scores: agreement with partners, None without labels.
    beliefs: what was learnt of the sources.
    """

    verdicts: list[Verdict]
    observations: ObservationTable
    networks: list[JudgedNetwork]
    assertions: list[Assertion]
    counts: dict[str, int]
    scores: agreement.Scores | None
    beliefs: list[Belief]


def judge(
    logs: LogEvidence | None,
    routes: Sequence[Route],
    networks: Iterable[Network],
    assertions: Iterable[Assertion],
    *,
    scorecard: Scorecard,
    as_of: datetime.date,
    labels: Iterable[Label] = (),
    exclude: Iterable[Range] = (),
    prior: float | None = None,
    progress: Progress = silent,
) -> Judgement:
    """Judge everything that evidence speaks of.

    routes: disjoint and sorted. labels: what people said, against which sources are held (see `trust`). exclude:
    128-bit ranges never listed. prior: share of multi-user units among those seen in logs, strictly between 0 and 1;
    None for the scorecard's. as_of: assertions that expired before it are left out, and later ones are fresh. Raises
    ConfigError where the scorecard has no weight for an assertion's origin.
    """
    prior = scorecard.prior if prior is None else prior
    origins = Origins(routes)
    holes = {"special": net.SPECIAL, "excluded": net.merge_ranges(exclude)}
    hole_ranges = net.merge_ranges(range_ for ranges in holes.values() for range_ in ranges)
    progress("judge", 0.0)
    ground = space.survey(assertions, origins, holes, scorecard, as_of, labels)
    progress("judge", 0.4)
    chunk = _whole(logs.chunks() if logs else [])
    units, dropped = _outside(chunk.units, holes)
    asn = origins.of_units(units.key)
    named = {network.asn: network for network in networks}
    declared = _declared(asn, named)
    around = surroundings.around(logs or _no_logs(as_of), chunk.profile, units.key, asn, scorecard.traffic_types)
    columns = dict(units.columns)
    measured = crowd.measure(columns, scorecard, [signal for signal in MEASURED if signal is not Signal.NEIGHBOURS])
    columns |= surroundings.neighbours(units.key, asn, crowd.looks_crowded(measured, scorecard))
    measured |= crowd.measure(columns, scorecard, [Signal.NEIGHBOURS])
    progress("judge", 0.6)

    rows = measured_rows(units.key, asn, ground, origins, hole_ranges)
    facts = crowd.Facts(measured, declared, around.types, np.zeros(len(asn), dtype=np.int64)).take(rows.unit)
    facts = facts._replace(sets=rows.heard)
    row_columns = {name: column[rows.unit] for name, column in columns.items()}
    judged = _judge_measured(rows, facts, row_columns, units.last_day[rows.unit], ground, scorecard, prior)
    progress("judge", 0.8)
    centre = (facts.declared == crowd.HOSTING) | (facts.traffic == crowd.HOSTING)
    seen = pool.Measurements.of(judged, units.key[rows.unit], row_columns["requests_day_max"], centre, scorecard)
    covered = pool.covered(seen, ground, origins, hole_ranges, scorecard)
    unseen = _judge_asserted(asserted_rows(units.key, ground), ground, scorecard, prior)
    verdicts = roll_up(join([judged, covered, unseen]))
    progress("judge", 1.0)
    return Judgement(
        verdicts,
        ObservationTable(units.key, units.last_day, asn, around.types, columns),
        _networks(verdicts, around, named),
        ground.kept,
        {"units": len(asn), "pooled": len(covered.asn), **_counts(verdicts, scorecard), **ground.dropped, **dropped},
        _agreement(facts, ground, scorecard, prior),
        ground.trust.beliefs(),
    )


def _judge_measured(
    rows: Rows,
    facts: crowd.Facts,
    columns: Mapping[str, NDArray[np.float32]],
    last_day: NDArray[np.int32],
    ground: Ground,
    card: Scorecard,
    prior: float,
) -> Judged:
    """Rows that logs saw, each with the columns of its unit."""
    total = crowd.weigh(facts, Heards(ground.heard), card, prior)
    kind = character.of_units(columns, facts, total.confidence, ground.heard, card)
    return Judged(
        rows.first,
        rows.last,
        total.confidence.astype(np.int64),
        kind.classes.astype(np.int64),
        kind.users_low,
        kind.users_high,
        total.signals.astype(np.int64),
        rows.asn,
        np.maximum(last_day.astype(np.int64), _heard_on(ground)[rows.heard]),
    )


def _judge_asserted(rows: Rows, ground: Ground, card: Scorecard, prior: float) -> Judged:
    """Rows that no log saw: judged once for each set of voices."""
    size = len(ground.heard)
    unknown = np.full(size, -1, dtype=np.int8)
    silence = {signal: np.zeros(size, dtype=np.int64) for signal in MEASURED}
    total = crowd.weigh(crowd.Facts(silence, unknown, unknown, np.arange(size)), Heards(ground.heard), card, prior)
    kind = character.of_sets(ground.heard, total.confidence, card)
    return Judged(
        rows.first,
        rows.last,
        total.confidence.astype(np.int64)[rows.heard],
        kind.classes.astype(np.int64)[rows.heard],
        kind.users_low[rows.heard],
        kind.users_high[rows.heard],
        total.signals.astype(np.int64)[rows.heard],
        rows.asn,
        _heard_on(ground)[rows.heard],
    )


def _heard_on(ground: Ground) -> NDArray[np.int64]:
    """The newest day of each set of voices, in days since 1970-01-01."""
    return np.array([one.observed.toordinal() - EPOCH for one in ground.heard], dtype=np.int64)


def _outside(units: UnitTable, holes: Mapping[str, list[Range]]) -> tuple[UnitTable, dict[str, int]]:
    """The units that do not lie wholly in a hole, and how many do, as `units_` and the hole's name."""
    dropped: dict[str, int] = {}
    for name, ranges in holes.items():
        keys = [bounds for first, last in ranges for bounds in space.key_ranges(first, last)]
        lows, highs = np.array(keys, dtype=np.uint64).reshape(-1, 2).T
        outside = space.find(lows, highs, units.key) < 0
        dropped[f"units_{name}"] = int(np.sum(~outside))
        if not outside.all():
            columns = {column: values[outside] for column, values in units.columns.items()}
            units = UnitTable(units.key[outside], units.last_day[outside], columns)
    return units, dropped


def _agreement(facts: crowd.Facts, ground: Ground, card: Scorecard, prior: float) -> agreement.Scores | None:
    """Scores of the rows that a partner spoke of, inferred without the partner."""
    partner = np.array([one.partner for one in ground.heard], dtype=np.int64)[facts.sets]
    labelled = np.flatnonzero(partner)
    unlabelled = [hear((one for one in said if one.signal is not Signal.PARTNER), card) for said in ground.voices]
    total = crowd.weigh(facts.take(labelled), Heards(unlabelled), card, prior)
    return agreement.score(partner[labelled] > 0, total.confidence, card.rules.listed)


def _declared(asn: NDArray[np.int64], named: Mapping[int, Network]) -> NDArray[np.int8]:
    """The declared network type of each unit's AS, as index into NETWORK_TYPES, -1 unknown."""
    asns, at = np.unique(asn, return_inverse=True)
    kinds = [network.declared if (network := named.get(one)) else None for one in asns.tolist()]
    return np.array([NETWORK_TYPES.index(kind) if kind else -1 for kind in kinds], dtype=np.int8)[at]


def _networks(verdicts: list[Verdict], around: Around, named: Mapping[int, Network]) -> list[JudgedNetwork]:
    inferred = {
        asn: (NETWORK_TYPES[kind] if kind >= 0 else None, requests, units)
        for asn, kind, requests, units in zip(
            around.asns.tolist(),
            around.asn_types.tolist(),
            around.asn_requests.tolist(),
            around.asn_units.tolist(),
            strict=True,
        )
    }
    served = {verdict.asn for verdict in verdicts if verdict.asn is not None}
    return [
        JudgedNetwork(asn, named.get(asn), *inferred.get(asn, (None, 0.0, 0)))
        for asn in sorted(served | named.keys() | inferred.keys())
    ]


def _counts(verdicts: list[Verdict], card: Scorecard) -> dict[str, int]:
    """Rows, and rows from the listing confidence on, also by class."""
    listed = Counter(verdict.classes for verdict in verdicts if verdict.confidence >= card.rules.listed)
    by_class = {
        f"listed_{name}": sum(rows for bits, rows in listed.items() if bits & bit) for name, bit in CLASS_NAMES.items()
    }
    return {"verdicts": len(verdicts), "listed": listed.total(), **by_class}


def _no_units() -> UnitTable:
    empty = {name: np.empty(0, dtype=np.float32) for name in UNIT_COLUMNS}
    return UnitTable(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int32), empty)


def _no_profile() -> Profile:
    nothing = np.empty(0)
    return Profile(nothing.astype(np.uint64), nothing.astype(np.bool_), nothing.astype(np.int8), *[nothing] * 5)


def _no_logs(as_of: datetime.date) -> LogEvidence:
    return LogEvidence(lambda: [], as_of, as_of, complete_days=0, complete_weekend_days=0, lines_outside=0)


def _whole(chunks: Iterable[Chunk]) -> Chunk:
    """All chunks as one."""
    parts = [Chunk(_no_units(), _no_profile()), *chunks]
    units = UnitTable(
        np.concatenate([part.units.key for part in parts]),
        np.concatenate([part.units.last_day for part in parts]),
        {name: np.concatenate([part.units.columns[name] for part in parts]) for name in UNIT_COLUMNS},
    )
    rows = zip(*(part.profile for part in parts), strict=True)
    return Chunk(units, Profile._make(np.concatenate(columns) for columns in rows))


assert tuple(CONTEXT_COLUMNS) == ("neighbours_seen", "neighbours_crowded")  # noqa: S101  (what `neighbours` returns)
