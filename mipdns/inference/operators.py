"""How much the units of an AS show, beside what all units show. In: units with their AS, in chunks. Out: columns.

The one rule: a unit does not speak of itself, and an AS of which little was seen is taken to be as all are.

Translation is a decision of operators: of two access networks with as many visits, one shows a family behind each
address and the other a street. Logarithms of counts, so that one loud address does not make its AS loud.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mipdns.inference.surroundings import index

COUNTS = {"network_agents": "agents_day_max", "network_ports": "ports_hour_max"}
"""The counts whose means are told, by the column that tells them."""
USUAL_UNITS = 5
"""So many units as all are stand beside those seen of an AS."""


class Operators:
    """Units and the sum of their logarithms by AS, for each of `COUNTS`."""

    def __init__(self) -> None:
        self._asns = np.empty(0, dtype=np.int64)
        self._sums = {name: np.empty((0, 2)) for name in COUNTS}

    def add(self, asn: NDArray[np.int64], columns: Mapping[str, NDArray[np.float32]]) -> None:
        """A chunk of units. asn: 0 where unknown."""
        seen, at = np.unique(asn, return_inverse=True)
        asns = np.union1d(self._asns, seen)
        before, now = index(asns, self._asns), index(asns, seen)
        for name, column in COUNTS.items():
            told, size = _told(columns[column])
            grown = np.zeros((len(asns), 2))
            grown[before] = self._sums[name]
            grown[now] += np.stack([np.bincount(at, told, len(seen)), np.bincount(at, size, len(seen))], axis=1)
            self._sums[name] = grown
        self._asns = asns

    def columns(
        self, asn: NDArray[np.int64], columns: Mapping[str, NDArray[np.float32]], added: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float32]]:
        """For units of which some were added: the mean of the others of their AS by the mean of all, 1 as usual.

        NaN where no AS is known, where the count is not told, or where all of the load count 1.
        """
        found = {}
        at = index(self._asns, asn)
        for name, column in COUNTS.items():
            told, size = _told(columns[column])
            units, total = self._sums[name].sum(axis=0)
            usual = total / units if total else np.nan
            of_as = np.append(self._sums[name], [[0.0, 0.0]], axis=0)[at]  # none was added of an AS that is not there
            others, shown = of_as.T - (told * added, size * added)
            mean = (shown + USUAL_UNITS * usual) / (others + USUAL_UNITS) / usual
            found[name] = np.where((told > 0) & (asn > 0), mean, np.nan).astype(np.float32)
        return found


def _told(counts: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each unit whether the count is told, and its logarithm, in whole thousandths so that no order matters."""
    told = ~np.isnan(counts)
    size = np.rint(1000.0 * np.log2(np.maximum(np.where(told, counts, 1.0), 1.0))) / 1000.0
    return told.astype(np.float64), size
