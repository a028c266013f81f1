"""Why a confidence is what it is, for one address, in plain Python. In: what was seen and said of it. Out: the terms.

The one rule: the terms are those of the verdict, so that their sum is the served log-odds, to the last digit.
"""

from __future__ import annotations

import datetime
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mipdns.evidence import Assertion, NetworkType
from mipdns.inference import features
from mipdns.inference.scorecard import MEASURED, OWN, POINTS, FeatureTerm, Scorecard, probability_points
from mipdns.inference.trust import UNTESTED, Trust
from mipdns.inference.voices import Line, Voice, hear, voice, widened
from mipdns.inference.weigh import calibrated, confidence, weigh
from mipdns.vocabulary import Signal

RULES: dict[str, str] = {
    "prior": "the share of shared addresses among those that logs see and nobody names, as the weights suppose it",
    "calibration": "what such a sum was found to be worth: terms that tell the same add up to too much",
    "rule.prior": "in this load another share is shared, as told or as found; a part of that traffic shows by itself",
    "rule.age": "the unit was not seen for some time, and its address may have been given to others",
    "rule.uncorroborated": "one kind of evidence alone is not enough: nothing else speaks for it as clearly",
    "rule.doubt": "traffic takes only so much away from what is published or traced",
    "rule.partner": "a partner's word outweighs what else was found",
}


class Term(NamedTuple):
    """One share of a confidence. signal: None for the prior and for rules. value: the feature's, None for the others.

    origin: the feature, the assertion's origin, `network.<type>`, `traffic.<type>`, `prior` or `rule.<name>`.
    log_odds: how far it moves the answer; positive towards shared.
    """

    signal: Signal | None
    origin: str
    value: float | None
    log_odds: float
    reason: str


class Explanation(NamedTuple):
    """All terms, the prior first. log_odds: their sum. confidence: the percent that is served for it."""

    terms: tuple[Term, ...]
    log_odds: float
    confidence: int


def explain(
    address: int,
    *,
    observation: Mapping[str, float | None] | None,
    assertions: Iterable[Assertion],
    scorecard: Scorecard,
    as_of: datetime.date,
    prior: float | None = None,
    asn: int | None = None,
    trust: Trust = UNTESTED,
    declared: NetworkType | None = None,
    traffic: NetworkType | None = None,
    last_day: datetime.date | None = None,
) -> Explanation:
    """The terms of an address's verdict.

    observation: the columns of its unit, None where no log saw it. assertions: all that may speak of its unit; expired
    ones and those that do not cover the address are passed over. as_of, prior: as in the load. asn: the address's, None
    where no route covers it. trust: what the load learnt of its sources. declared: what the AS declares. traffic: the
    network type around, from the observation. last_day: when its unit was last seen, None for the day judged. Raises
    ConfigError as `judge` does.
    """
    prior = scorecard.prior if prior is None else prior
    heard = hear(_voices(address, assertions, scorecard, as_of, asn, trust), scorecard)
    terms: list[Term] = []
    measured: dict[Signal, int] = {} if observation is None else dict.fromkeys(MEASURED, 0)
    for term in scorecard.terms if observation is not None else ():
        value, points = term_points(term, observation or {})
        measured[term.bit] = measured.get(term.bit, 0) + points
        if points:
            terms.append(Term(term.bit, term.feature, value, points / POINTS, term.reason))
    way = features.way(observation or {})
    if observation is None:
        declared = traffic = None
    age_days = (as_of - last_day).days if last_day else 0
    rhythm = sum(term_points(term, observation or {})[1] for term in scorecard.rules.rhythm)
    _, room = term_points(scorecard.rules.room, observation or {})
    start, *lines = weigh(
        measured,
        heard,
        scorecard,
        prior=prior,
        declared=declared,
        traffic=traffic,
        way=way,
        rhythm=rhythm,
        room=room,
        age_days=age_days,
    )
    told = [_told(line, scorecard) for line in (start, *lines) if line.points or line is start]
    total = sum(measured.values()) + start.points + sum(line.points for line in lines)
    return Explanation((told[0], *terms, *told[1:]), total / POINTS, confidence(total))


def traffic_log_odds(columns: Mapping[str, float | None], scorecard: Scorecard) -> float:
    """What a unit's own traffic is found to be worth, in log-odds, before any other rule: terms that look at its
    neighbours are left out, and the sum is calibrated for what logs tell of it.
    """
    terms = (term for term in scorecard.terms if term.bit in OWN)
    summed = sum(term_points(term, columns)[1] for term in terms)
    return calibrated(summed, scorecard.calibration[features.WAYS[features.way(columns)]]) / POINTS


def explain_pooled(served: int, scorecard: Scorecard) -> Explanation:
    """The one term of an address that only the pool rule covers, at the confidence served: what it says of itself."""
    log_odds = probability_points(served / 100.0) / POINTS
    term = Term(Signal.NEIGHBOURS, "rule.pool", None, log_odds, scorecard.pool.reason)
    return Explanation((term,), log_odds, served)


def says_anything(
    address: int,
    *,
    assertions: Iterable[Assertion],
    scorecard: Scorecard,
    as_of: datetime.date,
    asn: int | None = None,
    trust: Trust = UNTESTED,
) -> bool:
    """Whether any of the assertions is heard at an address; the arguments are those of `explain`."""
    return any(one.audible for one in _voices(address, assertions, scorecard, as_of, asn, trust))


def _voices(
    address: int,
    assertions: Iterable[Assertion],
    scorecard: Scorecard,
    as_of: datetime.date,
    asn: int | None,
    trust: Trust,
) -> set[Voice]:
    speaking = (one for one in assertions if _speaks_of(one, address, as_of))
    return {voice(one, scorecard, as_of, asn or 0, trust) for one in speaking}


def _speaks_of(assertion: Assertion, address: int, as_of: datetime.date) -> bool:
    first, last = widened(assertion)
    return first <= address <= last and assertion.expires >= as_of


def term_points(term: FeatureTerm, columns: Mapping[str, float | None]) -> tuple[float, int]:
    """The feature's value (NaN where missing) and the points of one term for one unit."""
    value = features.value(term.feature, columns)
    if math.isnan(value):
        return value, 0
    for name, (low, high) in term.when.items():
        bound = features.value(name, columns)
        if math.isnan(bound) or (low is not None and bound < low) or (high is not None and bound >= high):
            return value, 0
    return value, term.points[bisect_right(term.edges, value)]


def _told(line: Line, card: Scorecard) -> Term:
    if line.signal is None:
        reason = RULES[line.origin]
    elif line.signal is Signal.NETWORK:
        reason = card.network.declared.reason
    elif line.signal is Signal.TRAFFIC:
        reason = card.network.traffic.reason
    else:
        reason = card.assertions[line.origin].reason
    return Term(line.signal, line.origin, None, line.points / POINTS, reason)
