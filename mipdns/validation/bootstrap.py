"""How far a number could have come out otherwise. In: histograms by AS. Out: intervals.

The one rule: networks are drawn, not addresses. Addresses of one AS resemble each other, and what we claim is about
networks never seen, so the interval must be as wide as networks differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.validation.metrics import PERCENTS, Counts, Histograms

DRAWS = 500
LEVEL = 0.95
_ROOM = 20_000_000
"""Numbers in one batch of draws: 160 MB."""

Metric = Callable[[Histograms], Counts]


class Clusters(NamedTuple):
    """Histograms of each network: cells (network, confidence) that are not empty, for shared and single units.

    network: 0 to networks - 1.
    """

    networks: int
    network: NDArray[np.int64]
    confidence: NDArray[np.int64]
    shared: Counts
    single: Counts


def clusters(network: NDArray[Any], confidence: NDArray[Any], shared: NDArray[np.bool_]) -> Clusters:
    """Units by network. network: any label of each unit's."""
    names, at = np.unique(network, return_inverse=True)
    cells, cell = np.unique(at.astype(np.int64) * PERCENTS + confidence, return_inverse=True)
    counts = [np.bincount(cell[kind], minlength=len(cells)).astype(np.float64) for kind in (shared, ~shared)]
    return Clusters(len(names), cells // PERCENTS, cells % PERCENTS, *counts)


def draws(units: Clusters, *, number: int = DRAWS, seed: int = 1) -> Iterator[Histograms]:
    """Histograms of worlds with as many networks, drawn with replacement, some draws at a time: (draws, 101)."""
    rng = np.random.default_rng(seed)
    batch = max(1, _ROOM // max(units.networks, len(units.network), 1))
    for begin in range(0, number, batch):
        size = min(batch, number - begin)
        times = rng.multinomial(units.networks, np.full(units.networks, 1.0 / units.networks), size=size)
        onto = times[:, units.network].astype(np.float64)
        yield Histograms(_summed(onto * units.shared, units.confidence), _summed(onto * units.single, units.confidence))


def _summed(cells: Counts, confidence: NDArray[np.int64]) -> Counts:
    """(draws, cells) added up by the cells' confidence."""
    order = np.argsort(confidence, kind="stable")
    present, starts = np.unique(confidence[order], return_index=True)
    found = np.zeros((len(cells), PERCENTS))
    found[:, present] = np.add.reduceat(cells[:, order], starts, axis=1)
    return found


def sampled(units: Clusters, metrics: Mapping[str, Metric], *, number: int = DRAWS, seed: int = 1) -> dict[str, Counts]:
    """Each metric in each draw, (draws, numbers the metric gives). The same seed draws the same networks, so that two
    sets of confidences of the same units can be compared draw by draw. With one network to draw all is NaN.
    """
    if units.networks < 2:
        empty = Histograms(np.zeros(PERCENTS), np.zeros(PERCENTS))
        return {name: np.full((number, np.size(metric(empty))), np.nan) for name, metric in metrics.items()}
    values: dict[str, list[Counts]] = {name: [] for name in metrics}
    for drawn in draws(units, number=number, seed=seed):
        for name, metric in metrics.items():
            values[name].append(np.asarray(metric(drawn)).reshape(len(drawn.shared), -1))
    return {name: np.concatenate(found) for name, found in values.items()}


def intervals(found: Counts) -> list[tuple[float, float]]:
    """The interval at `LEVEL` of each column of draws, by percentiles; NaN where fewer than half of them define it."""
    edge = 100.0 * (1.0 - LEVEL) / 2.0
    told = []
    for column in found.T:
        known = column[~np.isnan(column)]
        if 2 * len(known) < len(column) or not len(known):
            told.append((np.nan, np.nan))
        else:
            low, high = np.percentile(known, [edge, 100.0 - edge])
            told.append((float(low), float(high)))
    return told
