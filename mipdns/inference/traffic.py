"""The network type that traffic shows: residential, mobile, business, education or hosting, from its day and week.

In: activity by neighbourhood and hour, and which group (neighbourhood or AS) each belongs to. Out: a type a group, -1
where too little was seen or the shape fits none. The one rule: measures do not depend on the time zone, which nobody
tells: shares of the quietest and widths of the busiest consecutive hours of a UTC day that is a circle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import NETWORK_TYPES, LogEvidence, Profile
from mipdns.inference.scorecard import TrafficTypes

HOURS = 24
NIGHT_HOURS = 8
BUSY_SHARE = 0.8
MOBILE, BUSINESS, EDUCATION, HOSTING, RESIDENTIAL = map(
    NETWORK_TYPES.index, ("mobile", "business", "education", "hosting", "residential")
)

Numbers = NDArray[np.float64]


class Activity(NamedTuple):
    """Sums of activity, one row a group; rows add. week: (n, 2, 24) requests on weekdays and weekends by UTC hour."""

    week: Numbers
    crawler_requests: Numbers
    mobile_requests: Numbers
    agent_requests: Numbers
    unit_hours: Numbers

    @property
    def requests(self) -> Numbers:
        """Requests of each group."""
        total: Numbers = self.week.sum(axis=(1, 2))
        return total


def activity_of_groups(profile: Profile, groups: NDArray[np.int64], size: int) -> Activity:
    """The activity of each group. groups: the group of each profile row, -1 for none."""
    cell = np.where(groups >= 0, (groups * 2 + profile.weekend) * HOURS + profile.hour, -1)
    return Activity(
        _sums(profile.requests, cell, size * 2 * HOURS).reshape(size, 2, HOURS),
        _sums(profile.crawler_requests, groups, size),
        _sums(profile.mobile_requests, groups, size),
        _sums(profile.agent_requests, groups, size),
        _sums(profile.unit_hours, groups, size),
    )


def types_of_groups(
    logs: LogEvidence, profile: Profile, groups: NDArray[np.int64], units: NDArray[np.int64], limits: TrafficTypes
) -> NDArray[np.int8]:
    """The type of each group. groups: the group of each profile row, -1 for none. units: how many each group has."""
    size = len(units)
    # Most neighbourhoods are too quiet to tell, and a week of hours for each of them would be a lot of memory.
    loud = np.flatnonzero((_sums(profile.requests, groups, size) >= limits.requests) & (units >= limits.units))
    narrow = np.full(size + 1, -1, dtype=np.int64)
    narrow[loud] = np.arange(len(loud))
    found = np.full(size, -1, dtype=np.int8)
    found[loud] = types(logs, activity_of_groups(profile, narrow[groups], len(loud)), units[loud], limits)
    return found


def types(logs: LogEvidence, activity: Activity, units: NDArray[np.int64], limits: TrafficTypes) -> NDArray[np.int8]:
    """The type that each group's activity shows; units: how many each group has."""
    weekend_days = logs.complete_weekend_days
    weekdays = logs.complete_days - weekend_days
    enough = (activity.requests >= limits.requests) & (units >= limits.units)
    enough &= (activity.unit_hours >= limits.unit_hours) & (logs.complete_days >= limits.complete_days)
    weekday, weekend = activity.week[:, 0], activity.week[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        crawlers = activity.crawler_requests / activity.agent_requests
        phones = activity.mobile_requests / activity.agent_requests
        night = night_share(weekday + weekend)
        ratio = (weekend.sum(axis=1) / weekend_days) / (weekday.sum(axis=1) / weekdays)
    both = bool(weekdays and weekend_days)
    width = busy_hours(weekday)
    if both:
        office, home = ratio <= limits.office_weekend_ratio, ratio >= limits.home_weekend_ratio
    else:
        office, home = (width <= limits.business_hours) & (weekdays > 0), np.full(len(units), weekdays > 0)
    people = np.isnan(phones) | (phones >= limits.home_mobile_share)
    shown = np.select(
        [
            (crawlers >= limits.hosting_crawler_share) | (night >= limits.hosting_night_share),
            phones >= limits.mobile_share,
            office & (width <= limits.business_hours),
            office,
            home & people & (night <= limits.home_night_share),
        ],
        [HOSTING, MOBILE, BUSINESS, EDUCATION, RESIDENTIAL],
        default=-1,
    )
    return np.where(enough, shown, -1).astype(np.int8)


def night_share(hours: Numbers) -> Numbers:
    """Share of the 8 quietest consecutive hours, 0 to 1/3, of rows of 24 hours; NaN for an empty row."""
    share: Numbers = _windows(hours, NIGHT_HOURS).min(axis=1) / hours.sum(axis=1)
    return share


def busy_hours(hours: Numbers) -> NDArray[np.int64]:
    """The fewest consecutive hours that hold 80 % of a row of 24; 24 for an empty row."""
    total = hours.sum(axis=1)
    width = np.full(len(hours), HOURS, dtype=np.int64)
    for wide in range(HOURS - 1, 0, -1):
        width[(total > 0) & (_windows(hours, wide).max(axis=1) >= BUSY_SHARE * total)] = wide
    return width


def _windows(hours: Numbers, wide: int) -> Numbers:
    """Sums of every `wide` consecutive hours round the clock, one column for each start."""
    ring = np.concatenate([np.zeros((len(hours), 1)), np.cumsum(np.tile(hours, 2), axis=1)], axis=1)
    sums: Numbers = ring[:, wide : wide + HOURS] - ring[:, :HOURS]
    return sums


def _sums(values: Numbers, groups: NDArray[np.int64], size: int) -> Numbers:
    member = groups >= 0
    sums: Numbers = np.bincount(groups[member], weights=values[member], minlength=size).astype(np.float64)
    return sums
