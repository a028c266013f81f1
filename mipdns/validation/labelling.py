"""Labels: what the sources of a load say is true, to learn from and to measure against.

In: the assertions and labels of a build. Out: disjoint `Word`s, each with its trust. The one rule: a signal that makes
labels is no evidence while they are in use; `silence_of` names what has to keep silent.

Ground truth is built as the literature builds it: traceroutes from inside (Richter et al., IMC 2016; Lutu et al., NAT
Revelio, PAM 2016), published lists and reverse names (Giotsas, Fayed 2025), and the words of those who know.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from mipdns.evidence import Assertion, Label
from mipdns.inference import trust
from mipdns.inference.ageing import kept
from mipdns.inference.scorecard import POINTS, Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.sweeping import sweep
from mipdns.inference.voices import widened
from mipdns.sources.ages import expires
from mipdns.validation.truth import Word
from mipdns.vocabulary import SIGNAL_NAMES, Signal
from mipdns.whatif import Silence


class Witness(NamedTuple):
    """What an origin says as a label. trust: 0 to 1; its words are taken to be right (1 + trust) / 2 of the time."""

    shared: bool
    trust: float
    reason: str
    source: str


WITNESSES: dict[str, Witness] = {
    "partner.confirm": Witness(True, 0.9, "somebody who runs the network or met the people behind it", "judgement"),
    "partner.deny": Witness(False, 0.9, "the same; of a whole prefix it need not hold for each address", "judgement"),
    "trace.cgnat": Witness(
        True, 0.85, "carrier space between a privately addressed probe and the first public hop", "rfc6598, richter2016"
    ),
    "trace.direct": Witness(
        False, 0.8, "the probe holds its public address, so nobody translates it; others may still come out of it",
        "lutu2016",
    ),
    "list.tor": Witness(True, 0.85, "a published exit; exits come and go by the week", "judgement"),
    "list.relay": Witness(True, 0.85, "the operator's own word for its egress", "rfc8805, judgement"),
    "list.proxy": Witness(True, 0.8, "the operator's own word for its edge, spares included", "judgement"),
    "list.cgnat": Witness(True, 0.8, "published as carrier NAT", "judgement"),
    "list.vpn": Witness(True, 0.7, "ranges collected by others, with plain servers among them", "cloudflare2025"),
    "list.mobile": Witness(True, 0.7, "a cellular range, its servers included", "richter2016"),
    "list.campus": Witness(True, 0.6, "a campus or a company; some of its hosts stand alone", "judgement"),
    "list.other": Witness(True, 0.5, "published as shared, nobody knows how", "judgement"),
    "list.hosting": Witness(
        False, 0.4, "data centres hold servers, and also the VPN and proxy exits that no list names", "cloudflare2025"
    ),
    "names.nat": Witness(True, 0.65, "the operator's own word for translation, perhaps of earlier", "cloudflare2025"),
    "names.access": Witness(
        False, 0.6, "one line; but one access operator in six translates, and names its pools as it names lines",
        "richter2016",
    ),
    "names.tor": Witness(True, 0.5, "named as an exit, perhaps long ago", "judgement"),
    "names.vpn": Witness(True, 0.5, "a VPN service, or a company's own way in", "judgement"),
    "names.mobile": Witness(True, 0.5, "a cellular network; most of them translate", "richter2016"),
    "names.proxy": Witness(True, 0.3, "a gateway or firewall, of an office or of one person", "judgement"),
    "names.static": Witness(False, 0.3, "one customer's address, and many such customers are offices", "judgement"),
    "names.campus": Witness(True, 0.2, "a campus names its gateways and its servers alike", "judgement"),
}  # fmt: skip
"""Every origin that makes labels. docs/validation.md shows this table."""

KINDS = ("partner", "trace", "list", "names")
"""What labels can be made of: the signals of those origins, the most trusted first."""


def silence_of(kinds: Collection[str]) -> Silence:
    """What may not be heard of units that these kinds labelled: the whole signal, of every address.

    Less would do for the address alone, but not for its /24 and its AS, of which a label tells as well.
    """
    return Silence(frozenset(SIGNAL_NAMES[kind] for kind in kinds))


def words(
    said: Iterable[Assertion], labels: Iterable[Label], kinds: Collection[str], card: Scorecard, as_of: datetime.date
) -> list[Word]:
    """What these kinds say, disjoint and sorted.

    Of several words on one address the most trusted origin speaks; of equal ones the narrower range, then the newer
    day; those that then still contradict each other cancel out, and nothing is known. A word's trust halves with the
    half-life of its origin, as evidence does, and people's words expire as in a load. A source that names more than
    there can be makes no label.
    """
    claims = [*_of_people(labels, as_of)] if "partner" in kinds else []
    heard = silence_of(kinds).signals - {Signal.PARTNER}  # whose words outlive loads as labels
    claims += _of_sources([one for one in said if one.signal in heard], card)
    claims = list(dict.fromkeys(claims))
    sets: dict[tuple[int, ...], int] = {(): 0}
    pieces = list(sweep([(one.first, one.last, at) for at, one in enumerate(claims)], sets))
    said_of = [_word(_prevailing([claims[at] for at in members]), card, as_of) for members in sets]
    return [word._replace(first=first, last=last) for first, last, at in pieces if (word := said_of[at]) is not None]


class _Claim(NamedTuple):
    """What counts of a word."""

    first: int
    last: int
    origin: str
    observed: datetime.date
    classes: int


def _of_people(labels: Iterable[Label], as_of: datetime.date) -> Iterator[_Claim]:
    for one in labels:
        origin = "partner.confirm" if one.confirmed else "partner.deny"
        if expires(origin, one.observed) >= as_of:
            yield _Claim(one.first, one.last, origin, one.observed, int(one.classes))


def _of_sources(said: Sequence[Assertion], card: Scorecard) -> Iterator[_Claim]:
    too_much = trust.learn((), said, card, Origins([]).split).doubted
    for one in said:
        if one.origin in WITNESSES and (one.source, one.origin) not in too_much:
            yield _Claim(*widened(one), one.origin, one.observed, int(one.classes))


def _prevailing(claims: Sequence[_Claim]) -> _Claim | None:
    """Whose word counts where all of these are heard; None where nobody's does."""
    if not claims:
        return None

    def rank(one: _Claim) -> tuple[float, int, int]:
        return -WITNESSES[one.origin].trust, one.last - one.first, -one.observed.toordinal()

    best = min(map(rank, claims))
    equals = sorted(one for one in claims if rank(one) == best)
    return equals[0] if len({WITNESSES[one.origin].shared for one in equals}) == 1 else None


def _word(claim: _Claim | None, card: Scorecard, as_of: datetime.date) -> Word | None:
    """The claim as a word, wherever it is heard; None where nobody's counts or it is too old to."""
    if claim is None:
        return None
    says = WITNESSES[claim.origin]
    age_days = (as_of - claim.observed).days - card.rules.fresh_days
    left = says.trust * kept(age_days, card.assertions[claim.origin].half_life_days) / POINTS
    return Word(0, 0, says.shared, claim.classes, math.nan, left, claim.origin) if left else None


def kind_of(origin: str) -> str:
    """Which of `KINDS` an origin is of; the word itself of what is none (`truth`)."""
    return origin.partition(".")[0]
