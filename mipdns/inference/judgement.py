"""From evidence to verdicts, stretch by stretch. In: everything the sources of a load said. Out: a `Judgement`.

The one rule: every unit with evidence gets a verdict, even at 1, and nothing else does but what an assertion or the
pool rule covers; special-purpose and excluded space gets none.

Logs pass twice. First their traffic is summed by AS, because what an AS looks like speaks of each of its units, and the
requests of all units are counted, because how much is seen at all speaks of every one; of some neighbourhoods it is
asked how many of all units are shared. Then units are judged, a stretch of them at a time. What is kept for all the
address space is what people and registries said of it; memory does not grow with the units. Whether they came in one
chunk or in many changes nothing.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import (
    NETWORK_TYPES,
    OBSERVATIONS_LEFT_OUT,
    Assertion,
    Conclusion,
    JudgedNetwork,
    Kept,
    Label,
    LogEvidence,
    Network,
    ObservationTable,
    Part,
    Route,
    UnitTable,
    VerdictTable,
)
from mipdns.inference import character, crowd, features, pool, space, surroundings
from mipdns.inference.ageing import traffic_kept_of
from mipdns.inference.agreement import Agreement
from mipdns.inference.bearing import Bearing
from mipdns.inference.crowd import Heards
from mipdns.inference.exposure import Exposure
from mipdns.inference.operators import Operators
from mipdns.inference.pieces import Overlay, Rows
from mipdns.inference.population import ALL_SHARED, LOOKED_AT, Population, counted, shows_many
from mipdns.inference.rollup import EPOCH, RollUp, join
from mipdns.inference.scorecard import OWN, Scorecard
from mipdns.inference.space import Ground, Origins
from mipdns.inference.stretches import UNITS_MAX, Drawn, Stretch, stretches, take_units
from mipdns.inference.surroundings import Networks
from mipdns.inference.voices import hear, without_people
from mipdns.net import Range
from mipdns.progress import Progress, silent
from mipdns.vocabulary import CLASS_NAMES, Signal

NAMES = 10
"""Where so many user agents speak against many users, a program makes them up."""
ASKED_MAX = 50_000
"""Units of which it is asked how many are shared: all of a small load, and enough of a large one."""


class Judgement(NamedTuple):
    """All that a load concludes, on its way.

    parts: the verdicts and what the scorecard saw of each unit, once, in ascending order. conclude: the rest, when the
    parts have passed; raises RuntimeError before. assertions: those that count, as they were given.
    """

    parts: Iterator[Part]
    conclude: Callable[[], Conclusion]
    assertions: list[Assertion]


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
    observations: Kept = "all",
    progress: Progress = silent,
    units_max: int = UNITS_MAX,
) -> Judgement:
    """Judge everything that evidence speaks of.

    routes: disjoint and sorted. labels: what people said, against which sources are held (see `trust`). exclude:
    128-bit ranges never listed. prior: share of multi-user units among all that logs saw, strictly between 0 and 1;
    None to find it there. as_of: assertions that expired before it are left out, and later ones are fresh.
    observations: of which units the parts tell what the scorecard saw. units_max: judged at once. Raises ConfigError
    where the scorecard has no weight for an assertion's origin.
    """
    logs = logs or LogEvidence(lambda: [], as_of, as_of, complete_days=0, complete_weekend_days=0, lines_outside=0)
    origins = Origins(routes)
    holes = {"special": net.SPECIAL, "excluded": net.merge_ranges(exclude)}
    ground = space.survey(assertions, origins, holes, scorecard, as_of, labels)
    named = {network.asn: network for network in networks}
    judging = _Judging(logs, ground, origins, holes, named, scorecard, prior, as_of, observations, units_max)
    return Judgement(judging.parts(progress), judging.conclude, ground.kept)


class _Seen(NamedTuple):
    """Units of a stretch. columns: with those of what stands around. way: of `features.way_of`. facts: of each unit,
    nobody heard. rows: their pieces, with who is heard over each.
    """

    units: UnitTable
    asn: NDArray[np.int64]
    columns: dict[str, NDArray[np.float32]]
    way: NDArray[np.int8]
    facts: crowd.Facts
    rows: Rows


class _Judging:
    """Both passes over the units, and what adds up on the way."""

    def __init__(
        self,
        logs: LogEvidence,
        ground: Ground,
        origins: Origins,
        holes: Mapping[str, list[Range]],
        named: Mapping[int, Network],
        card: Scorecard,
        prior: float | None,
        as_of: datetime.date,
        observations: Kept,
        units_max: int,
    ) -> None:
        self.logs = logs
        self.ground = ground
        self.origins = origins
        self.named = named
        self.card = card
        self.told_prior = prior
        self.prior = card.prior
        self.as_of = as_of.toordinal() - EPOCH
        self.observations = observations
        self.units_max = units_max
        self.holes = net.merge_ranges(range_ for ranges in holes.values() for range_ in ranges)
        self.hole_keys = {name: space.keys_within(ranges) for name, ranges in holes.items()}
        self.declared = _Declared(named)
        self.overlay = Overlay(ground, origins, self.holes)
        self.networks = Networks()
        self.exposure = Exposure()
        self.usual = self.exposure.usual(ALL_SHARED)
        self.operators = Operators()
        self.heards = Heards(ground.heard)
        self.heard_on = np.array([one.observed.toordinal() - EPOCH for one in ground.heard], dtype=np.int64)
        self.partner = np.array([one.partner for one in ground.heard], dtype=np.int64)
        self.unlabelled = Heards([hear(without_people(said), card) for said in ground.voices])
        self.voices_alone = self._judge_sets()
        self.agreement = Agreement(card.rules.listed)
        self.bearing = Bearing(ground.kept, card, ground.trust)
        self.served: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.done = False

    def parts(self, progress: Progress) -> Iterator[Part]:
        """First pass, what it tells of all units, second pass."""
        progress("judge", 0.0)
        drawn = Drawn(ASKED_MAX)
        for stretch in stretches(self.logs.chunks(), units_max=self.units_max):
            units, dropped = self._outside(stretch.units)
            self.networks.add(stretch.profile, units.key, self.origins.of_units(units.key))
            few = take_units(units, counted(units.key))
            self.exposure.add(few.columns)
            self.operators.add(self.origins.of_units(few.key), few.columns)
            drawn.add(stretch._replace(units=take_units(stretch.units, counted(stretch.units.key))))
            self.counts.update({"units": len(units.key), **dropped})
        self.networks.finish(self.logs, self.card.traffic_types)
        self._ask(drawn.stretches)
        progress("judge", 0.1)
        rows = RollUp()
        passed = 0
        for stretch in stretches(self.logs.chunks(), units_max=self.units_max):
            pieces, observations = self._judge(stretch)
            yield Part(self._counted(rows.add(pieces)), observations)
            passed += len(stretch.units.key)
            progress("judge", 0.1 + 0.9 * passed / max(self.counts["units"], 1))
        yield Part(self._counted(rows.finish()), observations.take(slice(0)))
        progress("judge", 1.0)
        self.done = True

    def conclude(self) -> Conclusion:
        """What all parts added up to."""
        if not self.done:
            raise RuntimeError("concluded before all parts had passed")
        by_class = {name: self.counts.pop(f"listed_{name}", 0) for name in CLASS_NAMES}
        counts = {name: self.counts[name] for name in ("units", "pooled", "verdicts", "listed")}
        counts |= {f"listed_{name}": rows for name, rows in by_class.items()}
        if left_out := self.counts[OBSERVATIONS_LEFT_OUT]:
            counts[OBSERVATIONS_LEFT_OUT] = left_out
        dropped = {
            f"units_{name}": self.counts[f"units_{name}"]
            for name in (*self.hole_keys, "uncorroborated", "disguised", "lifted")
        }
        unsupported = {
            f"unsupported_{name}": one.units for name, one in self.bearing.tried().items() if one.unsupported
        }
        return Conclusion(
            self._networks(),
            counts | self.ground.dropped | dropped | unsupported,
            self.agreement.scores(),
            self.prior,
            self.ground.trust.beliefs(),
            self.agreement.histogram(),
        )

    def _ask(self, asked: Iterable[Stretch]) -> None:
        """How many of all units are shared, and what is usual among so many."""
        self.usual = self.exposure.usual(self.told_prior or ALL_SHARED)
        population = Population(self.card, self.exposure.once)
        for stretch in asked:
            seen = self._see(stretch)
            unit, piece = np.unique(seen.rows.unit, return_index=True)  # of a unit in pieces the first
            facts = seen.facts.take(unit)._replace(sets=seen.rows.heard[piece], left=None)  # as when each was seen
            total = crowd.weigh(facts, self.heards, self.card, self.card.prior)
            spoken = self.heards.alone[facts.sets] | (self.partner[facts.sets] != 0)
            many = shows_many(total.unlimited, seen.way[unit], {name: seen.columns[name][unit] for name in LOOKED_AT})
            population.add(many[~spoken], seen.way[unit][~spoken], total.confidence[spoken])
        shares = population.shares(self.told_prior)
        self.prior, self.usual = shares.unspoken, self.exposure.usual(shares.all)

    def _see(self, stretch: Stretch) -> _Seen:
        """What is known of the units of a stretch that are judged."""
        card = self.card
        units, _ = self._outside(stretch.units)
        asn = self.origins.of_units(units.key)
        traffic = surroundings.traffic_types(
            self.logs, stretch.profile, units.key, asn, self.networks, card.traffic_types
        )
        columns = dict(units.columns)
        columns |= self.usual.columns(columns["agents_day_max"])
        columns |= self.operators.columns(asn, columns, counted(units.key))
        measured = crowd.measure(columns, card, OWN)
        columns |= surroundings.neighbours(units.key, asn, crowd.looks_crowded(measured, card))
        measured |= crowd.measure(columns, card, [Signal.NEIGHBOURS])
        rows = self.overlay.measured(units.key, asn)
        age_days = self.as_of - units.last_day.astype(np.int64)
        way, nobody = features.way_of(columns), np.zeros(len(asn), dtype=np.int64)
        facts = crowd.Facts(
            measured,
            self.declared.of(asn),
            traffic,
            nobody,
            way,
            crowd.rhythm(columns, card.rules),
            traffic_kept_of(age_days, card.rules),
            crowd.room(columns, card.rules),
        )
        return _Seen(units, asn, columns, way, facts, rows)

    def _judge(self, stretch: Stretch) -> tuple[VerdictTable, ObservationTable]:
        """All pieces of a stretch, in any order, and what was seen of its units."""
        card = self.card
        units, asn, columns, _, seen, rows = self._see(stretch)
        self.bearing.add(units.key, asn, seen, columns, self.prior)
        names = columns["agents_day_max"] >= NAMES
        self.counts["units_disguised"] += int(np.sum(names & (seen.measured[Signal.AGENTS] < 0)))
        facts = seen.take(rows.unit)._replace(sets=rows.heard)
        row_columns = {name: column[rows.unit] for name, column in columns.items()}
        judged = self._judge_measured(rows, facts, row_columns, units.last_day[rows.unit])
        centre = (facts.declared == crowd.HOSTING) | (facts.traffic == crowd.HOSTING)
        crowds = pool.Measurements.of(judged, units.key[rows.unit], row_columns["requests_day_max"], centre, card)
        covered = pool.covered(crowds, self.ground, self.origins, space.keys_within(self.holes), card)
        self.counts["pooled"] += len(covered.asn)
        unseen = self._judge_asserted(self.overlay.asserted(units.key, stretch.first, stretch.last))
        observations = ObservationTable(units.key, units.last_day, asn, seen.traffic, columns)
        return join([judged, covered, unseen]), self._kept(observations, rows.unit, judged.confidence)

    def _kept(self, seen: ObservationTable, unit: NDArray[np.int64], confidence: NDArray[np.int64]) -> ObservationTable:
        """What is kept of what was seen. unit, confidence: of each judged row."""
        if self.observations == "all":
            return seen
        keep = np.zeros(len(seen.key), dtype=np.bool_)
        if self.observations == "listed":
            keep[unit[confidence >= self.card.rules.listed]] = True
        self.counts[OBSERVATIONS_LEFT_OUT] += int(np.sum(~keep))
        return seen.take(keep)

    def _judge_measured(
        self,
        rows: Rows,
        facts: crowd.Facts,
        columns: Mapping[str, NDArray[np.float32]],
        last_day: NDArray[np.int32],
    ) -> VerdictTable:
        """Rows that logs saw, each with the columns of its unit."""
        total = crowd.weigh(facts, self.heards, self.card, self.prior)
        kind = character.of_units(columns, facts, total.confidence, self.ground.heard, self.card)
        _, first = np.unique(rows.unit, return_index=True)  # of a unit in pieces the lowest
        labelled = first[self.partner[facts.sets[first]] != 0]
        self.agreement.measure(total.confidence[first])
        listed = self.card.rules.listed
        limited = (total.confidence < listed) & (crowd.confidences(total.unlimited) >= listed)
        self.counts["units_uncorroborated"] += len(np.unique(rows.unit[limited]))
        self.counts["units_lifted"] += len(np.unique(rows.unit[total.lifted & (total.confidence >= listed)]))
        silent_partner = crowd.weigh(facts.take(labelled), self.unlabelled, self.card, self.prior)
        self.agreement.add(self.partner[facts.sets[labelled]] > 0, silent_partner.confidence)
        return VerdictTable(
            rows.first,
            rows.last,
            total.confidence.astype(np.int64),
            kind.classes.astype(np.int64),
            kind.users_low,
            kind.users_high,
            total.signals.astype(np.int64),
            rows.asn,
            np.maximum(last_day.astype(np.int64), self.heard_on[rows.heard]),
        )

    def _judge_sets(self) -> VerdictTable:
        """What each set of voices comes to where no log saw anything; its ranges stand for nothing."""
        size = len(self.ground.heard)
        unknown = np.full(size, -1, dtype=np.int8)
        facts = crowd.Facts({}, unknown, unknown, np.arange(size))
        total = crowd.weigh(facts, self.heards, self.card, self.prior)
        kind = character.of_sets(self.ground.heard, total.confidence, self.card)
        nowhere = np.zeros((size, 2), dtype=np.uint64)
        return VerdictTable(
            nowhere,
            nowhere,
            total.confidence.astype(np.int64),
            kind.classes.astype(np.int64),
            kind.users_low,
            kind.users_high,
            total.signals.astype(np.int64),
            np.zeros(size, dtype=np.int64),
            self.heard_on,
        )

    def _judge_asserted(self, rows: Rows) -> VerdictTable:
        """Rows that no log saw: each set of voices was judged once."""
        judged = VerdictTable._make(column[rows.heard] for column in self.voices_alone)
        return judged._replace(first=rows.first, last=rows.last, asn=rows.asn)

    def _outside(self, units: UnitTable) -> tuple[UnitTable, dict[str, int]]:
        """The units that do not lie wholly in a hole, and how many do, as `units_` and the hole's name."""
        dropped: dict[str, int] = {}
        for name, (lows, highs) in self.hole_keys.items():
            outside = space.find(lows, highs, units.key) < 0
            dropped[f"units_{name}"] = int(np.sum(~outside))
            if not outside.all():
                units = take_units(units, outside)
        return units, dropped

    def _counted(self, rows: VerdictTable) -> VerdictTable:
        """Rows on their way out: how many, how many from the listing confidence on, also by class."""
        self.served.update(np.unique(rows.asn).tolist())
        listed = rows.classes[rows.confidence >= self.card.rules.listed]
        self.counts.update({"verdicts": len(rows.asn), "listed": len(listed)})
        self.counts.update({f"listed_{name}": int(np.sum(listed & bit > 0)) for name, bit in CLASS_NAMES.items()})
        return rows

    def _networks(self) -> list[JudgedNetwork]:
        seen = self.networks
        inferred = {
            asn: (NETWORK_TYPES[kind] if kind >= 0 else None, requests, units)
            for asn, kind, requests, units in zip(
                seen.asns.tolist(),
                seen.types.tolist(),
                seen.activity.requests.tolist(),
                seen.units.tolist(),
                strict=True,
            )
        }
        return [
            JudgedNetwork(asn, self.named.get(asn), *inferred.get(asn, (None, 0.0, 0)))
            for asn in sorted((self.served - {0}) | self.named.keys() | inferred.keys())
        ]


class _Declared:
    """The network type that each AS declares."""

    def __init__(self, named: Mapping[int, Network]) -> None:
        kinds = {asn: network.declared for asn, network in sorted(named.items()) if network.declared}
        self._asns = np.array(list(kinds), dtype=np.int64)
        self._kinds = np.array([*map(NETWORK_TYPES.index, kinds.values()), -1], dtype=np.int8)

    def of(self, asn: NDArray[np.int64]) -> NDArray[np.int8]:
        """Index into NETWORK_TYPES, -1 unknown."""
        return self._kinds[surroundings.index(self._asns, asn)]
