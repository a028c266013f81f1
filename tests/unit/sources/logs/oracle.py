"""The features, counted in plain Python from their definitions: what the SQL is compared with.

No sums of distinct counts, no partitions, no day evidence: sets of what was seen.
"""

from __future__ import annotations

import datetime
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from mipdns import net
from mipdns.evidence import UNIT_COLUMNS

NAN = math.nan
NONE = ""


class Hit(NamedTuple):
    """A request that counts. agent, tls, forwarded: None where not logged, "" where there is none.

    forwarded: else an address, or `unnamed`. kind: family, crawler, mobile of the agent.
    """

    sensor: str
    source: str
    client: str
    seconds: int
    port: int | None = None
    agent: str | None = None
    tls: str | None = None
    forwarded: str | None = None
    score: int | None = None

    @property
    def address(self) -> int:
        return net.parse_address(self.client)

    @property
    def hour(self) -> int:
        return self.seconds // 3600

    @property
    def day(self) -> int:
        return self.seconds // 86400


Kind = Callable[[str], tuple[str, bool, bool]]


def combined(hits: Iterable[Hit], test: Callable[[Hit], bool]) -> int:
    """How many hits pass, where the sources of a sensor saw the same."""
    counted: Counter[tuple[str, str]] = Counter((hit.sensor, hit.source) for hit in hits if test(hit))
    largest: dict[str, int] = defaultdict(int)
    for (sensor, _), count in counted.items():
        largest[sensor] = max(largest[sensor], count)
    return sum(largest.values())


def by(hits: Iterable[Hit], key: Callable[[Hit], int]) -> dict[int, list[Hit]]:
    groups: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        groups[key(hit)].append(hit)
    return groups


def distinct(hits: Sequence[Hit], name: str) -> float:
    """Distinct values of a column that may be none; NaN where no hit tells."""
    told = [getattr(hit, name) for hit in hits if getattr(hit, name) is not None]
    return len({value for value in told if value not in (NONE, "unnamed")}) if told else NAN


def largest(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return max(known) if known else NAN


def middle(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else NAN


def ports_of_one_address(hits: Sequence[Hit], divisor: int) -> float:
    seen: dict[int, set[int]] = defaultdict(set)
    for hit in hits:
        if hit.port is not None:
            seen[hit.address].add(hit.port // divisor)
    return max(map(len, seen.values())) if seen else NAN


def top_share(days: Iterable[list[Hit]]) -> float:
    """Of the day with most agent-carrying requests; of equal days, the larger share."""
    found = []
    for hits in days:
        agents = {hit.agent for hit in hits if hit.agent}
        carrying = combined(hits, lambda hit: bool(hit.agent))
        if agents:
            top = max(combined([hit for hit in hits if hit.agent == agent], lambda _: True) for agent in agents)
            found.append((carrying, top / carrying))
    return max(found)[1] if found else NAN


def share(days: Sequence[list[Hit]], part: Callable[[Hit], bool], whole: Callable[[Hit], bool]) -> float:
    total = sum(combined(hits, whole) for hits in days)
    return sum(combined(hits, part) for hits in days) / total if total else NAN


def unit_features(hits: Sequence[Hit], full: Collection[tuple[str, int]], kind: Kind) -> dict[str, float]:
    """Every column of `UNIT_COLUMNS` for the hits of one unit. full: (sensor, day) seen in full."""
    days, hours = list(by(hits, lambda hit: hit.day).values()), list(by(hits, lambda hit: hit.hour).values())
    whole = [hit for hit in hits if (hit.sensor, hit.day) in full]
    pooled = [0] * 24
    for hour, group in by(whole, lambda hit: hit.hour).items():
        pooled[hour % 24] += combined(group, lambda _: True)
    quiet = min(sum(pooled[(start + step) % 24] for step in range(8)) for start in range(24))
    active = [len({hit.hour for hit in group}) for group in by(whole, lambda hit: hit.day).values()]
    asking = [len({hit.hour for hit in group if hit.agent}) for group in by(whole, lambda hit: hit.day).values()]
    told = any(hit.agent is not None for hit in hits)
    scores = [hit.score for hit in hits if hit.score is not None]
    found = {
        "days": len(days),
        "requests_day_max": max(combined(group, lambda _: True) for group in days),
        "requests_hour_max": max(combined(group, lambda _: True) for group in hours),
        "ports_hour_max": largest(ports_of_one_address(group, 1) for group in hours),
        "ports_hour_median": middle(ports_of_one_address(group, 1) for group in hours),
        "blocks_hour_max": largest(ports_of_one_address(group, 256) for group in hours),
        "agents_hour_max": largest(distinct(group, "agent") for group in hours),
        "agents_day_max": largest(distinct(group, "agent") for group in days),
        "agents_day_median": middle(distinct(group, "agent") for group in days),
        "families_day_max": largest(
            len({kind(hit.agent)[0] for hit in group if hit.agent}) if not math.isnan(distinct(group, "agent")) else NAN
            for group in days
        ),
        "agent_top_share": top_share(days),
        "tls_day_max": largest(distinct(group, "tls") for group in days),
        "forwarded_day_max": largest(distinct(group, "forwarded") for group in days),
        "forwarded_share": share(
            days, lambda hit: hit.forwarded not in (None, NONE), lambda hit: hit.forwarded is not None
        ),
        "addresses_day_max": max(len({hit.address for hit in group}) for group in days),
        "crawler_share": share(
            days, lambda hit: bool(hit.agent) and kind(hit.agent or "")[1], lambda hit: bool(hit.agent)
        ),
        "mobile_share": share(
            days, lambda hit: bool(hit.agent) and kind(hit.agent or "")[2], lambda hit: bool(hit.agent)
        ),
        "bot_score_median": statistics.median(scores) if scores else NAN,
        "hours_day_max": max(active) if active else NAN,
        "night_share": quiet / sum(pooled) if whole else NAN,
        "agent_requests_day_max": max(combined(group, lambda hit: bool(hit.agent)) for group in days) if told else NAN,
        "agent_hours_day_max": max(asking) if told and asking else NAN,
    }
    assert list(found) == list(UNIT_COLUMNS)
    return found


def all_features(hits: Iterable[Hit], full: Collection[tuple[str, int]], kind: Kind) -> dict[str, dict[str, float]]:
    """The features of every unit, by the unit's first address."""
    units = by(hits, lambda hit: net.unit_key(hit.address))
    return {
        net.format_address(net.unit_range(key)[0]): unit_features(group, full, kind) for key, group in units.items()
    }


Profile = dict[tuple[str, bool, int], tuple[int, int, int, int, int]]


def profile(hits: Iterable[Hit], full: Collection[tuple[str, int]], kind: Kind) -> Profile:
    """(neighbourhood, weekend, hour) to (requests, crawlers, mobiles, with an agent, unit hours)."""
    sums: dict[tuple[str, bool, int], list[int]] = defaultdict(lambda: [0] * 5)
    whole = [hit for hit in hits if (hit.sensor, hit.day) in full]
    for key, of_unit in by(whole, lambda hit: net.unit_key(hit.address)).items():
        around = net.format_address(net.unit_range(net.neighbourhood_key(key))[0])
        for hour, group in by(of_unit, lambda hit: hit.hour).items():
            day = datetime.date(1970, 1, 1) + datetime.timedelta(days=hour // 24)
            row = sums[around, day.weekday() >= 5, hour % 24]
            row[0] += combined(group, lambda _: True)
            row[1] += combined(group, lambda hit: bool(hit.agent) and kind(hit.agent or "")[1])
            row[2] += combined(group, lambda hit: bool(hit.agent) and kind(hit.agent or "")[2])
            row[3] += combined(group, lambda hit: bool(hit.agent))
            row[4] += 1
    return {place: (row[0], row[1], row[2], row[3], row[4]) for place, row in sums.items()}
