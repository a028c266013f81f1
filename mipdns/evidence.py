"""The records that pass from sources to inference: columns, units, meaning. Data only.

Three shapes cross this line:

- `UnitTable`: what was counted in logs, one row a unit (an IPv4 address or an IPv6 /64), as numpy columns.
- `Profile`: when a neighbourhood (/24, /48) is active, hour by hour; sums, so that an AS is the sum of its parts.
- `Assertion`, `Route`, `Network`, `Label`: what somebody says of a range or an AS, as plain records.

A count that could not be made is NaN (missing), never 0.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from mipdns.vocabulary import Class, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

UNIT_COLUMNS: dict[str, str] = {
    "days": "UTC days of the window in which the unit was seen",
    "requests_day_max": "requests or connections on the busiest day",
    "requests_hour_max": "requests or connections in the busiest hour",
    "ports_hour_max": "distinct source ports in one UTC hour, maximum; IPv6: of one full address",
    "ports_hour_median": "the same, median over the unit's active hours",
    "blocks_hour_max": "distinct blocks of 256 source ports touched in one hour, maximum",
    "agents_hour_max": "distinct user agents in one hour, maximum",
    "agents_day_max": "distinct user agents on one day, maximum",
    "agents_day_median": "the same, median over the unit's days",
    "families_day_max": "distinct agent families (browser and system, no version) on one day, maximum",
    "agent_top_share": "share of the most frequent agent among requests that carry one, on the busiest day, 0 to 1",
    "tls_day_max": "distinct TLS fingerprints (JA4, else JA3) on one day, maximum",
    "forwarded_day_max": "distinct forwarded client addresses on one day, maximum",
    "forwarded_share": "share of requests that carry a forwarding header, 0 to 1",
    "addresses_day_max": "distinct full addresses in the unit on one day, maximum; 1 for IPv4",
    "crawler_share": "share of requests whose agent names a crawler, library or tool, 0 to 1",
    "mobile_share": "share of requests whose agent is a phone or tablet, 0 to 1",
    "bot_score_median": "Cloudflare bot score, median (1 surely automated, 99 surely human)",
    "hours_day_max": "UTC hours with traffic on one day, maximum; only of days seen in full",
    "night_share": "share of requests in the 8 quietest consecutive UTC hours; only of days seen in full",
    "agent_requests_day_max": "requests that carry a user agent, on the day with most of them",
    "agent_hours_day_max": "UTC hours with such requests on one day, maximum; only of days seen in full",
}
"""Columns of a `UnitTable` beside its key, in order. All float32; NaN where the logs could not tell."""


class UnitTable(NamedTuple):
    """Counted units, sorted by key, one row each.

    key: uint64, `net.unit_key`. last_day: int32, days since 1970-01-01 of the newest day the unit was seen on.
    columns: `UNIT_COLUMNS` by name, float32, each as long as `key`.
    """

    key: NDArray[np.uint64]
    last_day: NDArray[np.int32]
    columns: Mapping[str, NDArray[np.float32]]


CONTEXT_COLUMNS: dict[str, str] = {
    "neighbours_seen": "other units of the same /24 or /48 seen in the window",
    "neighbours_crowded": "how likely theirs is a crowd's traffic, their mean, 0 to 1 (the unit itself left out)",
    "requests_lesser": "requests of the load's lesser half of units in an hour in which they are active: about a visit",
    "requests_typical": "requests on the busiest day that a quarter of the units exceed, where a third are shared",
    "network_agents": "user agents of the other units of its AS beside those of all: means of logarithms, 1 as usual",
    "network_ports": "the same of source ports in an hour",
    "days_logged": "days on which the unit was seen that was seen on most days; the same for all units of a load",
    "hours_lesser": "hours of a day in which the lesser half of the load's units, by those, is active; their mean",
    "agents_lesser": "user agents in a day of the lesser half of the load's units, by those; their mean",
    "ports_lesser": "source ports in an hour of the lesser half of the load's units, by those; their mean",
    "nearest_crowded": "as `neighbours_crowded`, of the four neighbours nearest in address, where there are more",
    "seen_once": "share of the load's units that were active in one hour of a day at most; the same for all of them",
    "agents_share": "share of the load's units whose user agents are told; less than 1 where some only connect",
}
"""What inference adds to a unit from around it. All float32; NaN where nothing is around it."""


class ObservationTable(NamedTuple):
    """What the scorecard saw of each unit, sorted by key: enough to explain a verdict later.

    key, last_day: as in `UnitTable`. asn: int64, 0 where no route covers the unit. traffic: int8, the network type
    that the traffic around the unit shows, an index into `NETWORK_TYPES`, -1 unknown.
    columns: `UNIT_COLUMNS` and `CONTEXT_COLUMNS` by name, float32.
    """

    key: NDArray[np.uint64]
    last_day: NDArray[np.int32]
    asn: NDArray[np.int64]
    traffic: NDArray[np.int8]
    columns: Mapping[str, NDArray[np.float32]]

    def take(self, at: slice | NDArray[np.int64] | NDArray[np.bool_]) -> ObservationTable:
        """Some of the units."""
        key, last_day, asn, traffic, columns = self
        taken = {name: column[at] for name, column in columns.items()}
        return ObservationTable(key[at], last_day[at], asn[at], traffic[at], taken)


class Profile(NamedTuple):
    """Activity of neighbourhoods by hour; rows add. One row a (neighbourhood, weekend, hour).

    neighbourhood: uint64, `net.neighbourhood_key`. weekend: bool, Saturday or Sunday UTC. hour: 0 to 23 UTC.
    requests, crawler_requests, mobile_requests, agent_requests (those that carry an agent): counts.
    unit_hours: (unit, hour) pairs active. Only days seen in full are summed.
    """

    neighbourhood: NDArray[np.uint64]
    weekend: NDArray[np.bool_]
    hour: NDArray[np.int8]
    requests: NDArray[np.float64]
    crawler_requests: NDArray[np.float64]
    mobile_requests: NDArray[np.float64]
    agent_requests: NDArray[np.float64]
    unit_hours: NDArray[np.float64]


class Chunk(NamedTuple):
    """Neighbourhoods that are counted and judged together: their units, and their activity by hour.

    Rows of the profile are sorted by neighbourhood.
    """

    units: UnitTable
    profile: Profile


class LogEvidence(NamedTuple):
    """What all log sources of a load gave together, in chunks, so that memory need never hold all of it.

    chunks: gives all there is from the start each time it is called, in ascending order of keys; no neighbourhood is
    divided between two chunks. It may be called as long as the load runs, and does not count anew. None: no unit.
    as_of: the day judged from; the window ends with it.
    """

    chunks: Callable[[], Iterable[Chunk]]
    as_of: datetime.date
    first_day: datetime.date
    complete_days: int
    """Days of the window in which every hour of the day lies between the first and the last log line."""
    complete_weekend_days: int
    """How many of them are Saturdays or Sundays (UTC)."""
    lines_outside: int
    """Lines that could be read and lie before or after the window: old logs, clocks that are wrong."""
    agents_capped: int = 0
    """Units and days with so many user agents that no more were counted."""
    outside: tuple[tuple[str, int], ...] = ()
    """Sources of whose lines half or more lie outside the window, and the percentage of each that does."""


Stance = Literal["shared", "single", "hosting"]
"""What an assertion says: used by many, used by one, or (context, only where nothing else speaks) a data centre."""


class Assertion(NamedTuple):
    """Something that a list, a traceroute, a reverse name or a partner said of a range.

    first, last: 128-bit addresses. origin: the scorecard's key for its weight, such as `list.tor`, `list.hosting`,
    `trace.cgnat`, `names.static`, `partner.confirm`, `partner.deny`. signal: how it is told in `src=`.
    classes: `Class` bits it implies, 0 for none. observed: when it was true. expires: last day it counts.
    exact: an IPv6 range narrower than /64 that stays so; other ranges widen to whole units.
    source: the configured source's name (or `feedback`). detail: what was read, for people: `hop 100.64.0.1`.
    """

    first: int
    last: int
    origin: str
    signal: Signal
    stance: Stance
    classes: Class
    observed: datetime.date
    expires: datetime.date
    exact: bool
    source: str
    detail: str


class Route(NamedTuple):
    """A range and the AS that originates it. Ranges of one table are disjoint and sorted."""

    first: int
    last: int
    asn: int


NetworkType = Literal["residential", "mobile", "business", "education", "hosting", "transit"]
NETWORK_TYPES: tuple[NetworkType, ...] = get_args(NetworkType)


class Network(NamedTuple):
    """What an AS declares of itself. `declared` is None where it says nothing: absent is not a type.

    info_type, scope, traffic: PeeringDB's own words, "" where empty. updated: ISO time of the row, "" unknown.
    """

    asn: int
    name: str
    info_type: str
    declared: NetworkType | None
    scope: str
    traffic: str
    updated: str
    source: str


class JudgedNetwork(NamedTuple):
    """An AS with the type its traffic shows beside the one it declares; disagreement is kept.

    network: None where nothing is declared and no name is known. inferred: None where too little was seen.
    requests, units: what the inference rests on.
    """

    asn: int
    network: Network | None
    inferred: NetworkType | None
    requests: float
    units: int


Kept = Literal["all", "listed", "none"]
"""Of which units what was seen is kept: all, those that are listed, or none."""

OBSERVATIONS_LEFT_OUT = "observations_left_out"
"""The count of a build that says of how many units it was not kept; absent where of all it was."""


class VerdictTable(NamedTuple):
    """Rows of `vocabulary.Verdict` as columns.

    first, last: (n, 2) uint64, the upper and the lower half of the 128-bit address. The others int64: confidence,
    classes and sources as in the row; users_low, users_high: -1 unknown; asn: 0 none; observed: days since 1970-01-01.
    """

    first: NDArray[np.uint64]
    last: NDArray[np.uint64]
    confidence: NDArray[np.int64]
    classes: NDArray[np.int64]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]
    sources: NDArray[np.int64]
    asn: NDArray[np.int64]
    observed: NDArray[np.int64]


class Part(NamedTuple):
    """What a load concluded of one stretch of addresses. Parts come in ascending order; either table may be empty.

    verdicts: sorted, disjoint, as few rows as there can be, also across parts: what the next one might still extend
    stands in the next one.
    """

    verdicts: VerdictTable
    observations: ObservationTable


class Conclusion(NamedTuple):
    """What a load knows when all its parts have passed.

    networks: by AS number; every AS that a part names is there. counts: of rows, units and what was dropped.
    scores: agreement with partners, None without labels. beliefs: what was learnt of the sources. histogram: measured
    units by confidence, 0 to 100 percent. prior: the share of shared units among those seen that no list, traceroute or
    partner speaks of, as found or told.
    """

    networks: list[JudgedNetwork]
    counts: dict[str, int]
    scores: dict[str, Any] | None
    prior: float
    beliefs: Sequence[Belief] = ()
    histogram: tuple[int, ...] = ()


FEEDBACK = "feedback"
"""The source of labels that come from people, through `mipdns feedback`; no configured source may have this name."""


class Label(NamedTuple):
    """Ground truth: somebody confirms or denies that a range is multi-user. Survives loads.

    classes: `Class` bits, 0 where not told. observed: the day it was true. who: person, partner or product.
    source: the configured source's name, or `FEEDBACK`.
    """

    first: int
    last: int
    confirmed: bool
    classes: Class
    observed: datetime.date
    who: str
    source: str


class Belief(NamedTuple):
    """What a load learnt of a source: a row either of its record or of its extent.

    Record (origin ""): how often labels bore out what it says, and how often not, in an AS (0: everywhere); labels of
    one /24 or /48 count once. Extent: the share of what it names under an origin that can be true, where below 1.
    """

    source: str
    asn: int
    origin: str
    right: int
    wrong: int
    plausible: float


class BadLine(NamedTuple):
    """A line that could not be read: the file, its 1-based line number and why."""

    file: str
    line: int
    reason: str


class FileRead(NamedTuple):
    """A file that a source took in. digest: SHA-256, hex, of the bytes as stored. rows: lines or records that counted.

    rejected: bad lines; examples: the first of them. dropped: rows in special-purpose space, read well and left out.
    dated: the day the contents speak of. licence: the configured note.
    """

    source: str
    kind: str
    format: str
    file: str
    digest: str
    bytes: int
    rows: int
    rejected: int
    dropped: int
    examples: tuple[BadLine, ...]
    dated: datetime.date
    licence: str
