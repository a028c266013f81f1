"""What would be served without some evidence. In: names of signals, sources or kinds. Out: what is left to judge.

The one rule: a name that nothing here goes by is an error that lists those that do, because a typing mistake would
otherwise look like evidence that did not matter.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from mipdns.errors import UnknownEvidence
from mipdns.evidence import FEEDBACK, Assertion, NetworkType
from mipdns.inference import Scorecard
from mipdns.inference.features import AROUND
from mipdns.vocabulary import SIGNAL_NAMES, Signal

COUNTED: Mapping[Signal, frozenset[str]] = {
    Signal.PORTS: frozenset({"ports_hour_max", "ports_hour_median", "blocks_hour_max", "ports_lesser"}),
    Signal.AGENTS: frozenset(
        {
            *("agents_hour_max", "agents_day_max", "agents_day_median", "families_day_max", "agent_top_share"),
            *("crawler_share", "mobile_share", "bot_score_median", "agents_lesser"),
        }
    ),
    Signal.TLS: frozenset({"tls_day_max"}),
    Signal.FORWARDED: frozenset({"forwarded_day_max", "forwarded_share"}),
    Signal.ADDRESSES: frozenset({"addresses_day_max"}),
    Signal.NEIGHBOURS: AROUND,
}
"""What a log that does not tell of a signal could not have counted. How much came, and when, every log tells: without
the shape only its terms are left out."""


class Grounds(NamedTuple):
    """What an address is judged from. features: columns of its unit, None where no log saw it; last_day: when."""

    features: Mapping[str, float] | None
    assertions: tuple[Assertion, ...]
    declared: NetworkType | None
    traffic: NetworkType | None
    last_day: datetime.date | None
    card: Scorecard


def without(grounds: Grounds, left_out: Collection[str], kinds: Iterable[tuple[str, str]]) -> Grounds:
    """The grounds less what is left out: signals (`ports`, `trace`), sources by name, all sources of a kind (`atlas`).

    kinds: name and kind of each source of the build. Raises UnknownEvidence.
    """
    named = dict(kinds)
    silent = set(left_out)
    refuse_unknown(left_out, named)
    logs = {name for name, kind in named.items() if kind == "logs"}
    unseen = "logs" in silent or (logs and logs <= silent)
    if logs & silent and not unseen:
        raise UnknownEvidence(
            f"{', '.join(sorted(logs & silent))}: the log sources are counted together; leave out logs, or a signal"
        )
    kept = tuple(
        one for one in grounds.assertions if not {one.source, named.get(one.source), _name(one.signal)} & silent
    )
    untold = {name for signal, counted in COUNTED.items() if _name(signal) in silent for name in counted}
    features = {name: value for name, value in (grounds.features or {}).items() if name not in untold}
    return Grounds(
        None if unseen or grounds.features is None else features,
        kept,
        None if {"network", "peeringdb"} & silent else grounds.declared,
        None if "traffic" in silent or unseen else grounds.traffic,
        grounds.last_day,
        _without_terms(grounds.card, silent),
    )


def _without_terms(card: Scorecard, silent: Collection[str]) -> Scorecard:
    """The card without the terms of some signals; the rhythm of people is of the shape."""
    terms = tuple(term for term in card.terms if term.signal not in silent)
    rhythm = tuple(term for term in card.rules.rhythm if term.signal not in silent)
    return msgspec.structs.replace(card, terms=terms, rules=msgspec.structs.replace(card.rules, rhythm=rhythm))


def refuse_unknown(left_out: Collection[str], named: Mapping[str, str]) -> None:
    """Raise UnknownEvidence for a name that no signal, source or kind has, and for routes: which network an address is
    in was settled when it was judged, so that leaving them out now would look as if they did not matter.
    """
    known = {*SIGNAL_NAMES, FEEDBACK, *(name for pair in named.items() if pair[1] != "routes" for name in pair)}
    for name in left_out:
        if name not in known and "routes" in (name, named.get(name)):
            raise UnknownEvidence(
                f"{name}: routes say which network an address is in, and that cannot be left out afterwards; leave out "
                "network, traffic or neighbours, or load without them"
            )
        if name not in known:
            raise UnknownEvidence(f"nothing here goes by {name!r}; there are {', '.join(sorted(known))}")


def _name(signal: Signal) -> str:
    return (signal.name or "").lower()
