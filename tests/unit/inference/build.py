"""Evidence for tests, in few words."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mipdns import net
from mipdns.evidence import (
    UNIT_COLUMNS,
    Assertion,
    Belief,
    Chunk,
    JudgedNetwork,
    LogEvidence,
    ObservationTable,
    Profile,
    Route,
    UnitTable,
)
from mipdns.inference import Judgement, judge, shipped_scorecard
from mipdns.vocabulary import Class, Signal, Verdict
from tests.tables import verdicts

AS_OF = datetime.date(2026, 9, 22)
CARD = shipped_scorecard()

SIGNALS = {"list": Signal.LIST, "trace": Signal.TRACE, "names": Signal.NAMES, "partner": Signal.PARTNER}
CLASSES = {"cgnat": Class.CGNAT, "nat": Class.CGNAT, "confirm": Class(0), "hosting": Class(0)}

Units = Mapping[str, Mapping[str, float]]


def assertion(text: str, origin: str, *, exact: bool = True, age_days: int = 2, life_days: int = 90) -> Assertion:
    """What `origin` says of a range."""
    first, last = net.parse_range(text)
    kind, _, word = origin.partition(".")
    weight = CARD.assertions[origin].weight
    stance = "hosting" if word == "hosting" else ("shared" if weight > 0 else "single")
    bit = CLASSES.get(word, Class.__members__.get(word.upper(), Class(0)))
    observed = AS_OF - datetime.timedelta(age_days)
    expires = observed + datetime.timedelta(life_days)
    return Assertion(first, last, origin, SIGNALS[kind], stance, bit, observed, expires, exact, "test", origin)  # type: ignore[arg-type]  # the three stances


def route(text: str, asn: int) -> Route:
    """A range and its AS."""
    return Route(*net.parse_range(text), asn)


def no_profile() -> Profile:
    """Nothing seen by the hour."""
    empty = np.empty(0)
    return Profile(empty.astype(np.uint64), empty.astype(bool), empty.astype(np.int8), *[empty] * 5)


def logs(
    units: Units, *, profile: Profile | None = None, complete_days: int = 6, complete_weekend_days: int = 2
) -> LogEvidence:
    """Counted units by address; a column that is not given is missing."""
    keys = {net.unit_key(net.parse_address(text)): columns for text, columns in units.items()}
    order = sorted(keys)
    columns = {
        name: np.array([keys[key].get(name, np.nan) for key in order], dtype=np.float32) for name in UNIT_COLUMNS
    }
    last_day = np.full(len(order), (AS_OF - datetime.date(1970, 1, 1)).days - 1, dtype=np.int32)
    table = UnitTable(np.array(order, dtype=np.uint64), last_day, columns)
    first_day = AS_OF - datetime.timedelta(6)
    chunk = Chunk(table, profile or no_profile())
    return LogEvidence(lambda: [chunk], AS_OF, first_day, complete_days, complete_weekend_days, lines_outside=0)


class Judged(NamedTuple):
    """All parts of a judgement in one."""

    verdicts: list[Verdict]
    observations: ObservationTable
    networks: list[JudgedNetwork]
    counts: dict[str, int]
    scores: dict[str, Any] | None
    prior: float
    beliefs: Sequence[Belief]
    histogram: tuple[int, ...]
    assertions: list[Assertion]


def complete(judgement: Judgement) -> Judged:
    """The judgement, run to its end."""
    parts = list(judgement.parts)
    seen = [part.observations for part in parts]
    key, last_day, asn, traffic = (np.concatenate(columns) for columns in list(zip(*seen, strict=True))[:4])
    columns = {name: np.concatenate([table.columns[name] for table in seen]) for name in seen[0].columns}
    rows = [row for part in parts for row in verdicts(part.verdicts)]
    return Judged(
        rows, ObservationTable(key, last_day, asn, traffic, columns), *judgement.conclude(), judgement.assertions
    )


def judged(
    units: Units | None = None,
    said: Sequence[Assertion] = (),
    routes: Sequence[Route] = (),
    **rest: object,
) -> Judged:
    """`judge` on the day of these tests, with the shipped scorecard unless another is given."""
    seen = logs(units) if units is not None else None
    networks = rest.pop("networks", [])
    rest = {"as_of": AS_OF, "scorecard": CARD, **rest}
    return complete(judge(seen, routes, networks, said, **rest))  # type: ignore[arg-type]  # keywords pass through


def at(judgement: Judged, text: str) -> Verdict | None:
    """The verdict that holds an address."""
    address = net.parse_address(text)
    found = [verdict for verdict in judgement.verdicts if verdict.first <= address <= verdict.last]
    assert len(found) <= 1
    return found[0] if found else None


def confidence(judgement: Judged, text: str) -> int:
    """The confidence served for an address, 0 for none."""
    verdict = at(judgement, text)
    return verdict.confidence if verdict else 0
