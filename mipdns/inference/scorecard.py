"""The scorecard: how much each thing seen moves the log-odds, with the reason and the source of each number.

In: JSON text. Out: a `Scorecard`, or a ConfigError that names the key at fault. The one rule: every weight is a whole
number of thousandths of log-odds ("points"), so that sums are exact, do not depend on their order, and come out the
same for a million units at once and for one that is explained. docs/model.md is the reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from mipdns.errors import ConfigError
from mipdns.evidence import NETWORK_TYPES
from mipdns.inference.features import AROUND, FEATURES, WAYS
from mipdns.vocabulary import CLASS_NAMES, SIGNAL_NAMES, Class, Signal

SCORECARD_VERSION = 1
POINTS = 1000
"""Points in one unit of log-odds (natural logarithm)."""
LARGEST = 20.0
"""No weight is larger, either way, in log-odds."""

MEASURED = (
    Signal.PORTS,
    Signal.AGENTS,
    Signal.TLS,
    Signal.SHAPE,
    Signal.ADDRESSES,
    Signal.FORWARDED,
    Signal.NEIGHBOURS,
)
"""The signals that terms may belong to: counted from traffic, so that one of them alone never lists."""

OWN = tuple(signal for signal in MEASURED if signal is not Signal.NEIGHBOURS)
"""Those of a unit's own traffic, whatever stands around it."""

CORROBORATING = (Signal.PORTS, Signal.AGENTS, Signal.TLS, Signal.FORWARDED, Signal.NEIGHBOURS)
"""Those that corroborate each other. A machine that never rests or hops addresses has a shape and addresses, too."""

OF_ONE_HOST = tuple(signal for signal in CORROBORATING if signal is not Signal.NEIGHBOURS)
"""Those of them that one host can make up by itself."""

DEVICES = (Signal.PORTS, Signal.AGENTS, Signal.TLS)
"""Those that count devices: that an address is in use as people use one (`Rules.rhythm`) bears them out."""

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Above0 = Annotated[float, msgspec.Meta(gt=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=99)]
Bounds = tuple[float | None, float | None]
UsersRange = tuple[Count, Count]


def to_points(log_odds: float) -> int:
    """Log-odds as whole points."""
    return round(log_odds * POINTS)


def probability_points(probability: float) -> int:
    """The log-odds of a probability strictly between 0 and 1, as whole points."""
    return to_points(math.log(probability / (1.0 - probability)))


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every part of the file is frozen, and an unknown key is an error."""


class FeatureTerm(_Struct, frozen=True):
    """A step function of one feature: below `edges[0]` it is `weights[0]`, from `edges[i]` on `weights[i + 1]`.

    when: further features with the half-open bounds (low ≤ value < high) inside which the term speaks at all. A missing
    value, of the feature or of a bound one, gives 0: what could not be seen says nothing.
    """

    feature: str
    signal: str
    edges: tuple[float, ...]
    weights: tuple[float, ...]
    monotone: Literal["rising", "falling", "free"]
    reason: str
    source: tuple[str, ...]
    when: dict[str, Bounds] = {}

    @property
    def bit(self) -> Signal:
        """The signal that this term belongs to."""
        return SIGNAL_NAMES[self.signal]

    @property
    def points(self) -> tuple[int, ...]:
        """The weights in points."""
        return tuple(map(to_points, self.weights))


class TypeTerm(_Struct, frozen=True):
    """A weight for each network type; an unknown type gives 0."""

    residential: float
    mobile: float
    business: float
    education: float
    hosting: float
    transit: float
    reason: str
    source: tuple[str, ...]

    @property
    def points(self) -> tuple[int, ...]:
        """The weights in points, in the order of `NETWORK_TYPES`."""
        return tuple(to_points(getattr(self, name)) for name in NETWORK_TYPES)


class NetworkTerms(_Struct, frozen=True):
    """What the AS declares (signal `network`) and what its traffic shows (signal `traffic`)."""

    declared: TypeTerm
    traffic: TypeTerm


class Extent(_Struct, frozen=True):
    """How much of the Internet can be of a kind at most: IPv4 addresses, and IPv6 /32s begun."""

    v4: Count
    v6_32s: Count


class AssertionTerm(_Struct, frozen=True):
    """What an assertion of one origin weighs. alone: it may list by itself. datacentre: context, see `rules`.

    half_life_days: after so many days without repetition it weighs half. extent: a source that names more is doubted.
    """

    weight: float
    half_life_days: Count
    reason: str
    source: tuple[str, ...]
    alone: bool = False
    datacentre: bool = False
    extent: Extent | None = None

    @property
    def points(self) -> int:
        """The weight in points."""
        return to_points(self.weight)


class Rules(_Struct, frozen=True):
    """What is not a sum. docs/model.md says why.

    uncorroborated_ceiling: the probability that one kind of evidence reaches alone. corroboration_starts: log-odds
    from which a further kind corroborates; corroboration_slope: how far each unit of it lifts the ceiling. rhythm:
    the day of people as such a further kind; what these terms add corroborates and is in no sum. room: how far above
    the ceiling a unit of which little is seen may stand by what it did not show itself, in no sum either. doubt:
    log-odds that traffic may take away from what an assertion says. further_share: weight of a further assertion of the
    same signal. fresh_days: age from which what was said or seen starts to weigh less; traffic_half_life_days: after
    so many more days without being seen, traffic weighs half. partner_bound: log-odds that all else may hold against a
    partner. class_floor: the confidence from which a class and users are estimated. listed: the confidence that
    counts as listed in scores and pools.
    """

    uncorroborated_ceiling: Annotated[float, msgspec.Meta(gt=0.0, lt=0.495)]
    corroboration_starts: Annotated[float, msgspec.Meta(ge=0.0)]
    corroboration_slope: Annotated[float, msgspec.Meta(ge=0.0)]
    rhythm: tuple[FeatureTerm, ...]
    room: FeatureTerm
    doubt: Annotated[float, msgspec.Meta(ge=0.0)]
    further_share: Share
    fresh_days: Annotated[int, msgspec.Meta(ge=0)]
    traffic_half_life_days: Count
    partner_bound: Annotated[float, msgspec.Meta(ge=0.0)]
    class_floor: Percent
    listed: Percent


FEWEST = 1.0
"""Log-odds below the scorecard's prior, from which on few are shared: with the shipped one about a tenth."""


class PriorShare(_Struct, frozen=True):
    """How much of another prior's difference from the scorecard's counts, in log-odds: `fewer` of what lies below it
    down to `FEWEST`, `fewest` of what lies beyond, `more` of what lies above.
    """

    fewest: Share
    fewer: Share
    more: Share

    def of(self, other: int) -> int:
        """What counts of a difference, both in points."""
        few = -to_points(FEWEST)
        beyond, below, above = min(other - few, 0), min(max(other, few), 0), max(other, 0)
        parts = zip((beyond, below, above), (self.fewest, self.fewer, self.more), strict=True)
        return sum(points * to_points(share) // POINTS for points, share in parts)


class Calibration(_Struct, frozen=True):
    """What traffic and the network around it truly come to: a rising line through knots, level beyond the outermost.

    summed: log-odds as the terms add up, without the prior. true: log-odds that units of that sum were found to have.
    prior_share: how much of another prior's difference counts; the rest they show by themselves. usual: the share of
    shared units among those so seen, with the scorecard's prior. caught, mistaken: the shares of shared and of other
    units of which traffic speaks as for many (`population.ABOVE`); both 0 where that tells nothing.
    """

    summed: tuple[float, ...]
    true: tuple[float, ...]
    prior_share: PriorShare
    usual: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]
    caught: Share
    mistaken: Share
    reason: str

    @property
    def knots(self) -> tuple[tuple[int, int], ...]:
        """Both in points."""
        return tuple(zip(map(to_points, self.summed), map(to_points, self.true), strict=True))


class Pool(_Struct, frozen=True):
    """When unmeasured IPv4 addresses between crowded ones of a /24 are covered, and at what confidence."""

    classes: tuple[str, ...]
    requests: Count
    units: Annotated[int, msgspec.Meta(ge=2)]
    share: Annotated[float, msgspec.Meta(gt=0.5, le=1.0)]
    step_down: Percent
    highest: Percent
    reason: str

    @property
    def bits(self) -> tuple[Class, ...]:
        """The classes that form pools."""
        return tuple(CLASS_NAMES[name] for name in self.classes)


class TrafficTypes(_Struct, frozen=True):
    """What a network's day and week must look like to be called a type, and how much of it must have been seen."""

    unit_hours: Count
    requests: Count
    units: Count
    complete_days: Count
    hosting_crawler_share: Share
    hosting_night_share: Share
    mobile_share: Share
    office_weekend_ratio: Share
    business_hours: Annotated[int, msgspec.Meta(ge=1, le=24)]
    home_night_share: Share
    home_weekend_ratio: Share
    home_mobile_share: Share


class Users(_Struct, frozen=True):
    """How counts bound the people behind an address in a day, and what a class alone suggests."""

    agents_low: Above0
    agents_high: Above0
    forwarded_low: Above0
    forwarded_high: Above0
    tls_low: Above0
    ports_high: Above0
    highest: Count
    classes: dict[str, UsersRange]
    reason: str
    source: tuple[str, ...]


class Scorecard(_Struct, frozen=True):
    """The whole file. prior: the share of multi-user units among those seen in logs, to which the weights belong.

    trained: on what, with what, and how good it came out; for people, nothing reads it.
    """

    version: int
    name: str
    prior: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]
    literature: dict[str, str]
    terms: tuple[FeatureTerm, ...]
    network: NetworkTerms
    assertions: dict[str, AssertionTerm]
    rules: Rules
    calibration: dict[str, Calibration]
    pool: Pool
    traffic_types: TrafficTypes
    users: Users
    trained: dict[str, object] = {}


def shipped_scorecard() -> Scorecard:
    """The scorecard that comes with mipdns."""
    file = resources.files("mipdns.inference").joinpath("scorecard.json")
    return parse_scorecard(file.read_text("utf-8"), "scorecard.json")


def parse_scorecard(text: str | bytes, name: str) -> Scorecard:
    """Decode and check a scorecard; `name` stands in messages. Raises ConfigError."""
    try:
        card = msgspec.json.decode(text, type=Scorecard)
    except msgspec.MsgspecError as fault:
        raise ConfigError(f"{name}: {fault}") from None
    for problem in faults(card):
        raise ConfigError(f"{name}: {problem}")
    return card


def faults(card: Scorecard) -> Iterator[str]:
    """What types alone cannot say of a scorecard, the first fault first."""
    if card.version != SCORECARD_VERSION:
        yield f"version: this mipdns reads version {SCORECARD_VERSION}, not {card.version}"
    for at, term in enumerate(card.terms):
        yield from (f"terms[{at}] ({term.feature}): {fault}" for fault in _term_faults(term))
    yield from (f"{where}: {fault}" for where, term in _in_no_sum(card.rules) for fault in _beside_faults(term))
    for origin, weighed in card.assertions.items():
        yield from (f"assertions, {origin!r}: {fault}" for fault in _assertion_faults(origin, weighed))
    for where, types in (("declared", card.network.declared), ("traffic", card.network.traffic)):
        if types.hosting > 0:
            yield f"network.{where}: a data centre is evidence against, so 'hosting' is not above 0"
        if not all(_whole_points(getattr(types, kind)) for kind in NETWORK_TYPES):
            yield f"network.{where}: a weight has more than three decimals, or is beyond ±20"
    if tuple(card.calibration) != WAYS:
        yield f"calibration: there is one for each of {'; '.join(WAYS)}, in this order"
    for where, line in card.calibration.items():
        yield from (f"calibration, {where!r}: {fault}" for fault in _calibration_faults(line))
    if card.pool.highest < card.pool.step_down:
        yield "pool: 'highest' is below 'step_down'"
    for where, classes in (("pool", set(card.pool.classes)), ("users", set(card.users.classes))):
        yield from (f"{where}.classes: unknown class {name!r}" for name in sorted(classes - set(CLASS_NAMES)))
    for name, (low, high) in card.users.classes.items():
        if low > high:
            yield f"users.classes, {name!r}: {low} is above {high}"
    yield from _source_faults(card)


def _term_faults(term: FeatureTerm) -> Iterator[str]:
    yield from (f"unknown feature {name!r}" for name in (term.feature, *term.when) if name not in FEATURES)
    if SIGNAL_NAMES.get(term.signal) not in MEASURED:
        measured = ", ".join(sorted(name for name, bit in SIGNAL_NAMES.items() if bit in MEASURED))
        yield f"unknown signal {term.signal!r}; a term belongs to one of {measured}"
    elif (term.feature in AROUND) != (term.bit is Signal.NEIGHBOURS):
        yield "features of the neighbourhood, and no others, belong to signal 'neighbours'"
    elif term.bit is not Signal.NEIGHBOURS and set(term.when) & AROUND:
        yield "only signal 'neighbours' may look at the neighbourhood"
    yield from _step_faults(term)
    for name, (low, high) in term.when.items():
        if low is None and high is None:
            yield f"when, {name!r}: neither bound is given"
        if low is not None and high is not None and low >= high:
            yield f"when, {name!r}: no value lies in [{low}, {high})"


def _in_no_sum(rules: Rules) -> Iterator[tuple[str, FeatureTerm]]:
    """Where terms stand that lift the ceiling of rule 3, and these."""
    yield from ((f"rules.rhythm[{at}]", term) for at, term in enumerate(rules.rhythm))
    yield "rules.room", rules.room


def _beside_faults(term: FeatureTerm) -> Iterator[str]:
    yield from _term_faults(term)
    if term.signal != "shape":
        yield "its signal is 'shape'"
    if min(term.weights, default=0.0) < 0:
        yield "a weight is below 0, but what lifts a ceiling never lowers it"


def _step_faults(term: FeatureTerm) -> Iterator[str]:
    if not term.edges or len(term.weights) != len(term.edges) + 1:
        yield f"{len(term.edges)} edges need {len(term.edges) + 1} weights, not {len(term.weights)}"
    if any(low >= high for low, high in pairwise(term.edges)):
        yield "edges do not rise"
    if not all(map(_whole_points, term.weights)):
        yield "a weight has more than three decimals, or is beyond ±20"
    if term.monotone != "free" and list(term.weights) != sorted(term.weights, reverse=term.monotone == "falling"):
        yield f"weights are not {term.monotone}"


def _calibration_faults(line: Calibration) -> Iterator[str]:
    if len(line.summed) != len(line.true) or len(line.summed) < 2:
        yield f"{len(line.summed)} values of 'summed' and {len(line.true)} of 'true'; two or more of each"
    if any(low >= high for low, high in pairwise(line.summed)) or any(low > high for low, high in pairwise(line.true)):
        yield "'summed' does not rise, or 'true' falls"
    if not all(map(_whole_points, (*line.summed, *line.true))):
        yield "a value has more than three decimals, or is beyond ±20"


def _assertion_faults(origin: str, weighed: AssertionTerm) -> Iterator[str]:
    signal = origin.partition(".")[0]
    if signal not in ("list", "trace", "names", "partner"):
        yield "an origin starts with list., trace., names. or partner."
    if weighed.alone and (weighed.weight <= 0 or signal == "names"):
        yield "only a list, a trace or a partner that speaks for sharing may do so alone"
    if weighed.datacentre and weighed.weight > 0:
        yield "a data centre is evidence against, so its weight is not above 0"
    if not _whole_points(weighed.weight):
        yield "weight has more than three decimals, or is beyond ±20"


def _source_faults(card: Scorecard) -> Iterator[str]:
    parts = [
        *((f"terms[{at}] ({term.feature})", term.reason, term.source) for at, term in enumerate(card.terms)),
        *((where, term.reason, term.source) for where, term in _in_no_sum(card.rules)),
        *((f"assertions, {origin!r}", term.reason, term.source) for origin, term in card.assertions.items()),
        ("network.declared", card.network.declared.reason, card.network.declared.source),
        ("network.traffic", card.network.traffic.reason, card.network.traffic.source),
        ("users", card.users.reason, card.users.source),
    ]
    for where, reason, sources in parts:
        if not reason.strip() or not sources:
            yield f"{where}: 'reason' and 'source' must say why the number is what it is"
        for unknown in sorted(set(sources) - set(card.literature)):
            yield f"{where}: source {unknown!r} does not stand in 'literature'"


def _whole_points(weight: float) -> bool:
    """Whole points, and not so many that nothing else would count."""
    return abs(weight) <= LARGEST and abs(weight * POINTS - round(weight * POINTS)) < 1e-6
