"""Which evidence moved an address's confidence, by how much.

In: a database and an address. Out: the served verdict, and the terms whose sum it is, for people or programs.

The one rule: what is told is what is served. The terms are computed anew from what the load kept, and if they do not
come to the served confidence (a merged range, another version of the scorecard), the explanation says so.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mipdns import inference, net, store, whatif
from mipdns.answer.lists import BITS_FLOOR
from mipdns.errors import UnknownEvidence
from mipdns.evidence import FEEDBACK, OBSERVATIONS_LEFT_OUT, Assertion
from mipdns.inference import Term
from mipdns.store import Build, Observation
from mipdns.store.build import LISTED_CONFIDENCE
from mipdns.vocabulary import Class, Signal, Verdict, names
from mipdns.whatif import Grounds


class Explained(NamedTuple):
    """All that is known of one address. verdict: None where nothing ever spoke of it; the rest is then empty.

    since: the day since which every build lists it, None where this one does not. left_out: evidence that was asked to
    be left out; without: what the rest comes to.
    """

    address: int
    build: Build
    verdict: Verdict | None
    network: str
    observation: Observation | None
    assertions: tuple[Assertion, ...]
    explanation: inference.Explanation | None
    since: datetime.date | None
    left_out: tuple[str, ...] = ()
    without: inference.Explanation | None = None


def explain(
    database: Path, address: int, left_out: Sequence[str] = (), *, card: inference.Scorecard | None = None
) -> Explained:
    """Explain one address. left_out: as for `whatif.silence`. card: the weights of the load; by default those shipped.

    Raises StoreError, UnknownEvidence.
    """
    left_out = tuple(dict.fromkeys(left_out))
    with store.snapshot(database) as kept:
        build = store.latest_build(kept)
        verdict = store.find_verdict(kept, address)
        if verdict is None:
            return Explained(address, build, None, "", None, (), None, None)
        observation = store.observation_at(kept, address)
        asn = observation.asn if observation else verdict.asn
        judged = store.network_of(kept, asn) if asn is not None else None
        assertions = tuple(store.assertions_at(kept, address))
        grounds = Grounds(
            observation.features if observation else None,
            assertions,
            judged.network.declared if judged and judged.network else None,
            observation.traffic if observation else None,
            observation.last_day if observation else None,
            card or inference.shipped_scorecard(),
        )
        trust = inference.Trust.of(store.beliefs(kept))
        heard = inference.says_anything(
            address,
            assertions=assertions,
            scorecard=grounds.card,
            as_of=build.as_of,
            asn=verdict.asn,
            trust=trust,
        )
        measured = verdict.sources & ~(Signal.NEIGHBOURS | _SAID) or not (verdict.sources or heard)
        unkept = observation is None and measured and bool(build.counts.get(OBSERVATIONS_LEFT_OUT))
        pooled = observation is None and not heard and not unkept
        if unkept:
            explanation = _unkept(verdict, grounds.card)
        elif pooled:
            explanation = inference.explain_pooled(verdict.confidence, grounds.card)
        else:
            explanation = _reasons(address, grounds, build, verdict.asn, trust)
        without = None
        if left_out:
            kinds = [(source.source, source.kind) for source in store.sources(kept)]
            rest = whatif.without(grounds, whatif.silence(left_out, kinds))
            if unkept or pooled:
                why = "what was measured of it was not kept ([load] observations)" if unkept else "only its pool speaks"
                raise UnknownEvidence(f"{net.format_address(address)}: {why}, so nothing can be left out")
            without = _reasons(address, rest, build, verdict.asn, trust)
        since = store.listed_since(kept, address)
        name = judged.network.name if judged and judged.network else ""
        network = f"AS{asn} {name}".strip() if asn is not None else _no_network(kept)
        return Explained(
            address, build, verdict, network, observation, assertions, explanation, since, tuple(left_out), without
        )


def _no_network(kept: store.Snapshot) -> str:
    """Why no AS is known of an address: nobody announces it only where somebody says who announces what."""
    routed = any(file.kind == "routes" for file in store.sources(kept))
    return "no AS announces it" if routed else "AS unknown: no routes are loaded"


def _unkept(verdict: Verdict, card: inference.Scorecard) -> inference.Explanation:
    """The one term of an address of which nothing measured was kept."""
    explanation = inference.explain_pooled(verdict.confidence, card)
    (term,) = explanation.terms
    spoke = ", ".join(names(Signal(verdict.sources))) or "nothing clearly"
    reason = f"what was measured was not kept ([load] observations); what spoke: {spoke}"
    return explanation._replace(terms=(term._replace(signal=None, origin="rule.unkept", reason=reason),))


_SAID = Signal.TRACE | Signal.NAMES | Signal.LIST | Signal.PARTNER


def _reasons(
    address: int, grounds: Grounds, build: Build, asn: int | None, trust: inference.Trust
) -> inference.Explanation:
    return inference.explain(
        address,
        observation=grounds.features,
        assertions=grounds.assertions,
        scorecard=grounds.card,
        as_of=build.as_of,
        prior=build.prior,
        asn=asn,
        trust=trust,
        declared=grounds.declared,
        traffic=grounds.traffic,
        last_day=grounds.last_day,
    )


def as_text(explained: Explained, floor: int = LISTED_CONFIDENCE) -> str:
    """The explanation for people: the verdict, each term with its reason, what was said, and the sum.

    floor: the confidence from which a zone lists; by default that of the zone as shipped.
    """
    return "\n".join(_lines(explained, floor))


def _lines(explained: Explained, floor: int) -> list[str]:
    address = net.format_address(explained.address)
    when = f"build {explained.build.serial}, judged as of {explained.build.as_of}"
    if explained.verdict is None or explained.explanation is None:
        why = (
            "it lies in special-purpose space"
            if net.is_special(explained.address)
            else "no source that is believed speaks of it"
        )
        return [f"{address} has no verdict: {why}, or [load] exclude leaves it out ({when})"]
    verdict, explanation = explained.verdict, explained.explanation
    lines = [
        f"{address} is served at {verdict.confidence} % as {', '.join(names(Class(verdict.classes)))} ({when})",
        f"  {net.format_range(verdict.first, verdict.last)}, {explained.network}, {_users(verdict)}"
        + (f", listed since {explained.since}" if explained.since else ""),
        *_below(verdict.confidence, floor),
        "",
        "  log-odds  confidence",
    ]
    so_far = 0.0
    for term in explanation.terms:
        so_far += term.log_odds
        lines.append(
            f"  {term.log_odds:+8.2f}  {100 / (1 + math.exp(-so_far)):9.0f} %  {_term(term, explained.assertions)}"
        )
    lines.append(f"  {explanation.log_odds:+8.2f}  {explanation.confidence:9d} %  in all")
    if explanation.confidence != verdict.confidence:
        lines.append(
            f"  The load served {verdict.confidence} %: its model was {explained.build.model}, and the terms here come "
            "from another scorecard: that of this version, or of [load] scorecard."
        )
    if explained.without:
        without = explained.without
        lines.append(f"  {without.log_odds:+8.2f}  {without.confidence:9d} %  without {', '.join(explained.left_out)}")
        moved = ", ".join(f"{name} {was:+.2f} to {now:+.2f}" for name, was, now in _moved(explanation, without))
        lines.append(f"{'':25}{moved or 'nothing that speaks of it'}")
    shares = signal_shares(explanation.terms)
    if shares:
        told = ", ".join(f"{name} {share:+.0%}" for name, share in shares)
        lines += ["", f"  Share of each signal in all that was moved: {told}"]
    return lines


def _moved(whole: inference.Explanation, rest: inference.Explanation) -> list[tuple[str, float, float]]:
    """What each origin adds to the log-odds with all evidence and with the rest of it, where that differs."""
    sums: list[dict[str, float]] = [{}, {}]
    for explanation, summed in zip((whole, rest), sums, strict=True):
        for term in explanation.terms:
            summed[term.origin] = summed.get(term.origin, 0.0) + term.log_odds
    was, now = sums
    found = [(origin, was.get(origin, 0.0), now.get(origin, 0.0)) for origin in {**was, **now}]
    return [row for row in found if abs(row[1] - row[2]) >= 0.005]


def _below(confidence: int, floor: int) -> list[str]:
    """Which lists have what the zone's own list leaves out (docs/answers.md)."""
    if confidence >= floor:
        return []
    bits = ", bits." if confidence >= BITS_FLOOR else ""
    lower = "t01." if confidence == 1 else f"t01. to t{confidence:02}."
    return [f"  Below the zone's floor of {floor}, so listed in all.{bits} and {lower} only"]


def _users(verdict: Verdict) -> str:
    if verdict.users_low is None or verdict.users_high is None:
        return "users unknown"
    return f"{verdict.users_low} to {verdict.users_high} users a day"


def _term(term: Term, assertions: Sequence[Assertion]) -> str:
    value = "" if term.value is None else f" = {term.value:.4g}"
    said = [one for one in assertions if one.origin == term.origin]
    where = "; ".join(f"{one.source} of {one.observed}: {one.detail}" for one in said[:3])
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    return f"{term.origin}{value}: {_reason(term, assertions)}{f' [{where}{more}]' if where else ''}"


def _reason(term: Term, assertions: Sequence[Assertion]) -> str:
    """A term's reason. The scorecard knows partners alone; who speaks through `mipdns feedback` is a person."""
    origins = ("partner.confirm", "partner.deny") if term.origin == "rule.partner" else (term.origin,)
    by_people = {one.source == FEEDBACK for one in assertions if one.signal is Signal.PARTNER and one.origin in origins}
    if True not in by_people:
        return term.reason
    return term.reason.replace("a partner", "a partner or a person" if False in by_people else "a person", 1)


def signal_shares(terms: Sequence[Term]) -> list[tuple[str, float]]:
    """Each signal's share of all that moved the confidence away from the prior, -1 to 1, the strongest first.

    Negative: it spoke against sharing. The sizes add up to 1; rules, which belong to no signal, are left out.
    """
    moved: dict[str, float] = {}
    for term in terms:
        if term.signal is not None:
            name = names(Signal(term.signal))[0]
            moved[name] = moved.get(name, 0.0) + term.log_odds
    total = sum(map(abs, moved.values()))
    shares = [(name, log_odds / total) for name, log_odds in moved.items() if log_odds]
    return sorted(shares, key=lambda share: -abs(share[1]))


def as_document(explained: Explained) -> dict[str, object]:
    """The explanation for programs; null where there is no verdict."""
    verdict, explanation, observation = explained.verdict, explained.explanation, explained.observation
    document: dict[str, object] = {
        "address": net.format_address(explained.address),
        "serial": explained.build.serial,
        "as_of": str(explained.build.as_of),
        "confidence": verdict.confidence if verdict else None,
    }
    if verdict is None or explanation is None:
        return document
    return document | {
        "range": net.format_range(verdict.first, verdict.last),
        "class": names(Class(verdict.classes)),
        "users": [verdict.users_low, verdict.users_high],
        "network": explained.network,
        "listed_since": str(explained.since) if explained.since else None,
        "log_odds": explanation.log_odds,
        "terms": _terms(explanation, explained.assertions),
        "signals": dict(signal_shares(explanation.terms)),
        "assertions": [
            {
                "range": net.format_range(one.first, one.last),
                "origin": one.origin,
                "source": one.source,
                "observed": str(one.observed),
                "expires": str(one.expires),
                "detail": one.detail,
            }
            for one in explained.assertions
        ],
        "measured": dict(observation.features) if observation else None,
        "without": {
            "left_out": list(explained.left_out),
            "confidence": explained.without.confidence,
            "log_odds": explained.without.log_odds,
            "terms": _terms(explained.without, explained.assertions),
        }
        if explained.without
        else None,
    }


def _terms(explanation: inference.Explanation, assertions: Sequence[Assertion]) -> list[dict[str, object]]:
    return [
        {
            "signal": names(Signal(term.signal))[0] if term.signal else None,
            "origin": term.origin,
            "value": term.value,
            "log_odds": term.log_odds,
            "reason": _reason(term, assertions),
        }
        for term in explanation.terms
    ]
