"""What would be served without some evidence. In: names of signals, sources or kinds. Out: the `Silence` that they ask
for, and what is left to judge of one address; `validation.rejudge` judges many.

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
from mipdns.inference.scorecard import MEASURED
from mipdns.vocabulary import SIGNAL_NAMES, Signal

COUNTED: Mapping[Signal, frozenset[str]] = {
    Signal.PORTS: frozenset({"ports_hour_max", "ports_hour_median", "blocks_hour_max", "ports_lesser"}),
    Signal.AGENTS: frozenset(
        {
            *("agents_hour_max", "agents_day_max", "agents_day_median", "families_day_max", "agent_top_share"),
            *("crawler_share", "mobile_share", "bot_score_median", "agents_lesser", "agents_share"),
        }
    ),
    Signal.TLS: frozenset({"tls_day_max"}),
    Signal.FORWARDED: frozenset({"forwarded_day_max", "forwarded_share"}),
    Signal.ADDRESSES: frozenset({"addresses_day_max"}),
    Signal.NEIGHBOURS: AROUND,
}
"""What a log that does not tell of a signal could not have counted. How much came, and when, every log tells: without
the shape only its terms are left out."""

OF_LOGS = frozenset([*MEASURED, Signal.TRAFFIC])
"""All that logs tell of a unit."""

SAID_BY: Mapping[str, Signal] = {
    "atlas": Signal.TRACE,
    "ptr": Signal.NAMES,
    "egress": Signal.LIST,
    "truth": Signal.PARTNER,
}
"""The kinds of source that say something of ranges, and the signal that their words are."""


class Grounds(NamedTuple):
    """What an address is judged from. features: columns of its unit, None where no log saw it; last_day: when."""

    features: Mapping[str, float] | None
    assertions: tuple[Assertion, ...]
    declared: NetworkType | None
    traffic: NetworkType | None
    last_day: datetime.date | None
    card: Scorecard


class Silence(NamedTuple):
    """What is not heard: signals, and sources by name."""

    signals: frozenset[Signal] = frozenset()
    sources: frozenset[str] = frozenset()

    @property
    def of_logs(self) -> bool:
        """Whether nothing is left of what logs saw."""
        return self.signals >= OF_LOGS

    @property
    def untold(self) -> frozenset[str]:
        """The columns that go with the signals."""
        return frozenset(name for signal in self.signals for name in COUNTED.get(signal, ()))

    def spares(self, said: Assertion) -> bool:
        """Whether an assertion is still heard."""
        return said.signal not in self.signals and said.source not in self.sources


NOBODY = Silence()


def silence(left_out: Collection[str], kinds: Iterable[tuple[str, str]]) -> Silence:
    """The silence that names ask for: signals (`ports`, `trace`), sources by name, all sources of a kind (`atlas`), of
    which there may be none.

    kinds: name and kind of each source of the build. Log sources are counted together, so all of them are silenced
    (`logs`, or each by its name) or none. Raises UnknownEvidence.
    """
    named = dict(kinds)
    logs = {name for name, kind in named.items() if kind == "logs"}
    refuse_unknown(left_out, named)
    if "logs" not in left_out and (some := logs & set(left_out)) and some != logs:
        raise UnknownEvidence(
            f"{', '.join(sorted(some))}: the log sources are counted together; leave out logs, or a signal"
        )
    found = NOBODY
    for name in left_out:
        signals = {SIGNAL_NAMES[name]} if name in SIGNAL_NAMES else set()
        signals |= OF_LOGS if name == "logs" or name in logs else set()
        signals |= {Signal.NETWORK} if "peeringdb" in (name, named.get(name)) else set()
        sources = {source for source, kind in named.items() if name in (source, kind)} | ({name} & {FEEDBACK})
        found = Silence(found.signals | signals, found.sources | sources)
    return found


def without(grounds: Grounds, silent: Silence) -> Grounds:
    """The grounds less what is not heard."""
    features, untold = grounds.features, silent.untold
    if features is not None:
        features = None if silent.of_logs else {name: told for name, told in features.items() if name not in untold}
    return Grounds(
        features,
        tuple(filter(silent.spares, grounds.assertions)),
        None if Signal.NETWORK in silent.signals else grounds.declared,
        None if Signal.TRAFFIC in silent.signals else grounds.traffic,
        grounds.last_day,
        _without_terms(grounds.card, silent.signals),
    )


def _without_terms(card: Scorecard, silent: Collection[Signal]) -> Scorecard:
    """The card without the terms of some signals; the rhythm of people is of the shape."""
    terms = tuple(term for term in card.terms if term.bit not in silent)
    rhythm = tuple(term for term in card.rules.rhythm if term.bit not in silent)
    return msgspec.structs.replace(card, terms=terms, rules=msgspec.structs.replace(card.rules, rhythm=rhythm))


def refuse_unknown(left_out: Collection[str], named: Mapping[str, str]) -> None:
    """Raise UnknownEvidence for a name that no signal, source or kind has, and for routes where there are any: which
    network an address is in was settled when it was judged, so that leaving them out now would look as if they did not
    matter.
    """
    known = {*SIGNAL_NAMES, FEEDBACK, "logs", "peeringdb", *SAID_BY}
    known |= {name for name, kind in named.items() if kind != "routes"}
    routed = "routes" in named.values()
    for name in left_out:
        if name == "routes" and not routed:
            continue
        if name not in known and "routes" in (name, named.get(name)):
            raise UnknownEvidence(
                f"{name}: routes say which network an address is in, and that cannot be left out afterwards; leave out "
                "network, traffic or neighbours, or load without them"
            )
        if name not in known:
            raise UnknownEvidence(f"nothing here goes by {name!r}; there are {', '.join(sorted(known))}")
