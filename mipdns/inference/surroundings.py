"""What stands around each unit: its neighbours, and the network type that traffic shows of its /24 or /48 and its AS.

In: counted units with their AS, and activity by hour. Out: columns and types. The one rule: a unit is never its own
neighbour, and a neighbour of another AS is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import net
from mipdns.evidence import LogEvidence, Profile
from mipdns.inference.scorecard import TrafficTypes
from mipdns.inference.traffic import requests_of_groups, types_of_groups


class Around(NamedTuple):
    """types: the network type that the traffic around each unit shows (index into NETWORK_TYPES, -1 unknown).

    asns: each AS seen, sorted, without 0. asn_types, asn_requests, asn_units: what its traffic shows, from how much.
    """

    types: NDArray[np.int8]
    asns: NDArray[np.int64]
    asn_types: NDArray[np.int8]
    asn_requests: NDArray[np.float64]
    asn_units: NDArray[np.int64]


def neighbourhoods(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`net.neighbourhood_key` of many units."""
    v4 = keys <= np.uint64(net.UNIT_V4_LAST)
    whole = np.uint64((1 << 64) - 1)
    return np.where(v4, keys & (whole ^ np.uint64(0xFF)), keys & (whole ^ np.uint64(0xFFFF)))


def neighbours(
    keys: NDArray[np.uint64], asn: NDArray[np.int64], crowded: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """`CONTEXT_COLUMNS`: how many other units of the same /24 or /48 and AS were seen, and what share is crowded."""
    near = neighbourhoods(keys)
    order = np.lexsort((asn, near))
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = (near[order][1:] != near[order][:-1]) | (asn[order][1:] != asn[order][:-1])
    group = np.empty(len(keys), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    others = np.bincount(group)[group] - 1.0
    crowds = np.bincount(group, weights=crowded)[group] - crowded
    alone = others == 0
    return {
        "neighbours_seen": np.where(alone, np.nan, others).astype(np.float32),
        "neighbours_crowded": np.where(alone, np.nan, crowds / np.maximum(others, 1.0)).astype(np.float32),
    }


def around(
    logs: LogEvidence, profile: Profile, keys: NDArray[np.uint64], asn: NDArray[np.int64], limits: TrafficTypes
) -> Around:
    """The network types around units. A neighbourhood too quiet or odd to tell takes its AS's type.

    keys, asn: the units that are judged, sorted by key. A neighbourhood belongs to the AS of its first unit.
    """
    near = neighbourhoods(keys)
    homes, first, home_of_unit, home_units = np.unique(near, return_index=True, return_inverse=True, return_counts=True)
    asns, asn_units = np.unique(asn[asn > 0], return_counts=True)
    home_of_row = _index(homes, profile.neighbourhood)
    asn_of_home = _index(asns, asn[first])
    asn_of_row = np.append(asn_of_home, -1)[home_of_row]
    home_types = types_of_groups(logs, profile, home_of_row, home_units, limits)
    asn_types = types_of_groups(logs, profile, asn_of_row, asn_units, limits)
    types = home_types[home_of_unit]
    of_asn = np.append(asn_types, np.int8(-1))[_index(asns, asn)]
    requests = requests_of_groups(profile, asn_of_row, len(asns))
    return Around(np.where(types >= 0, types, of_asn).astype(np.int8), asns, asn_types, requests, asn_units)


def _index(known: NDArray[np.generic], wanted: NDArray[np.generic]) -> NDArray[np.int64]:
    """Where each wanted value stands among sorted known ones, -1 where it does not."""
    at = np.searchsorted(known, wanted)
    found = at < len(known)
    found[found] = known[at[found]] == wanted[found]
    return np.where(found, at, -1)
