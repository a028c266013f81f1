"""What stands around each unit: its neighbours, and the network type that traffic shows of its /24 or /48 and its AS.

In: counted units with their AS, and activity by hour, in chunks of whole neighbourhoods. Out: columns and types. The
one rule: a unit is never its own neighbour, and a neighbour of another AS is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mipdns.columns import neighbourhoods
from mipdns.evidence import LogEvidence, Profile
from mipdns.inference.scorecard import TrafficTypes
from mipdns.inference.traffic import HOURS, Activity, activity_of_groups, types, types_of_groups


class Networks:
    """What units and traffic of each AS add up to, chunk by chunk, and the network types that this shows in the end.

    asns: each AS seen, sorted, without 0. units, activity: a row an AS.
    """

    def __init__(self) -> None:
        self.asns = np.empty(0, dtype=np.int64)
        self.units = np.empty(0, dtype=np.int64)
        self.activity = Activity(np.empty((0, 2, HOURS)), *[np.empty(0)] * 4)
        self.types = np.empty(0, dtype=np.int8)

    def add(self, profile: Profile, keys: NDArray[np.uint64], asn: NDArray[np.int64]) -> None:
        """A chunk's activity and its units that are judged. A neighbourhood belongs to the AS of its first unit."""
        homes, first = np.unique(neighbourhoods(keys), return_index=True)
        seen, units = np.unique(asn[asn > 0], return_counts=True)
        asn_of_row = np.append(index(seen, asn[first]), -1)[index(homes, profile.neighbourhood)]
        asns = np.union1d(self.asns, seen)
        before, now = index(asns, self.asns), index(asns, seen)
        grown = np.zeros(len(asns), dtype=np.int64)
        grown[before] = self.units
        grown[now] += units
        sums = []
        for old, new in zip(self.activity, activity_of_groups(profile, asn_of_row, len(seen)), strict=True):
            both = np.zeros((len(asns), *old.shape[1:]))
            both[before] = old
            both[now] += new
            sums.append(both)
        self.asns, self.units, self.activity = asns, grown, Activity._make(sums)

    def finish(self, logs: LogEvidence, limits: TrafficTypes) -> None:
        """Every chunk was added."""
        self.types = types(logs, self.activity, self.units, limits)

    def types_of(self, asn: NDArray[np.int64]) -> NDArray[np.int8]:
        """The type of each AS asked for, -1 unknown."""
        return np.append(self.types, np.int8(-1))[index(self.asns, asn)]


NEAREST = 4
"""So many neighbours stand next to a unit: half of the smallest pools that operators are known to run."""


def neighbours(
    keys: NDArray[np.uint64], asn: NDArray[np.int64], crowded: NDArray[np.float64]
) -> dict[str, NDArray[np.float32]]:
    """How many other units of the same /24 or /48 and AS were seen, what share is crowded, and what share of the
    `NEAREST` in address of them; that is NaN where there are no more than those.

    crowded: in whole hundredths.
    """
    group, _ = groups(keys, asn)
    order = np.lexsort((keys, group))
    others = np.bincount(group)[group] - 1.0
    crowds = np.bincount(group, weights=crowded)[group] - crowded
    alone = others == 0
    nearest = np.empty(len(keys))
    nearest[order] = _nearest(keys[order], group[order], crowded[order])
    return {
        "neighbours_seen": np.where(alone, np.nan, others).astype(np.float32),
        "neighbours_crowded": np.where(alone, np.nan, crowds / np.maximum(others, 1.0)).astype(np.float32),
        "nearest_crowded": nearest.astype(np.float32),
    }


def groups(keys: NDArray[np.uint64], asn: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The number of each unit's group, a /24 or /48 and an AS, and how many there are."""
    near = neighbourhoods(keys)
    order = np.lexsort((asn, near))
    new = np.ones(len(near), dtype=np.bool_)
    new[1:] = (near[order][1:] != near[order][:-1]) | (asn[order][1:] != asn[order][:-1])
    group = np.empty(len(near), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return group, int(new.sum())


def _nearest(keys: NDArray[np.uint64], group: NDArray[np.int64], crowded: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the nearest others of each unit's group. keys: sorted within their groups; group: sorted.

    The nearest and the unit itself follow one another, so of the runs that hold it the narrowest is theirs.
    """
    size = len(keys)
    found = np.full(size, np.nan)
    first = np.searchsorted(group, group, side="left")
    last = np.searchsorted(group, group, side="right") - 1
    have = np.flatnonzero(last - first > NEAREST)
    sums = np.concatenate([[0], np.cumsum(np.rint(100.0 * crowded).astype(np.int64))])
    radius = np.full(len(have), np.iinfo(np.uint64).max, dtype=np.uint64)
    start = have.copy()
    for before in range(NEAREST + 1):
        begin = have - before
        end = begin + NEAREST
        inside = np.flatnonzero((begin >= first[have]) & (end <= last[have]))
        reach = np.maximum(keys[have[inside]] - keys[begin[inside]], keys[end[inside]] - keys[have[inside]])
        closer = reach < radius[inside]
        radius[inside[closer]] = reach[closer]
        start[inside[closer]] = begin[inside[closer]]
    own = np.rint(100.0 * crowded[have])
    found[have] = (sums[start + NEAREST + 1] - sums[start] - own) / (100.0 * NEAREST)
    return found


def traffic_types(
    logs: LogEvidence,
    profile: Profile,
    keys: NDArray[np.uint64],
    asn: NDArray[np.int64],
    networks: Networks,
    limits: TrafficTypes,
) -> NDArray[np.int8]:
    """The network type that the traffic around each unit shows: index into NETWORK_TYPES, -1 unknown.

    keys, asn: the units of a chunk that are judged, sorted by key. A neighbourhood too quiet or odd to tell takes its
    AS's type.
    """
    homes, home_of_unit, home_units = np.unique(neighbourhoods(keys), return_inverse=True, return_counts=True)
    home_of_row = index(homes, profile.neighbourhood)
    shown = types_of_groups(logs, profile, home_of_row, home_units, limits)[home_of_unit]
    return np.where(shown >= 0, shown, networks.types_of(asn)).astype(np.int8)


def index(known: NDArray[np.generic], wanted: NDArray[np.generic]) -> NDArray[np.int64]:
    """Where each wanted value stands among sorted known ones, -1 where it does not."""
    at = np.searchsorted(known, wanted)
    found = at < len(known)
    found[found] = known[at[found]] == wanted[found]
    return np.where(found, at, -1)
