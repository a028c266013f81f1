"""How far a build lies from the one before, and what it covers. In: a snapshot of a build. Out: plain data.

The one rule: what moved is told in the population that logs saw, and in addresses that crossed the floor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mipdns.store.build import LISTED_CONFIDENCE
from mipdns.store.bulk import Bulk
from mipdns.validation import metrics

BINS = 20
SOME, MUCH = 0.1, 0.25
"""Stability indexes from which a change is usually called some, and much (Siddiqi 2006)."""

_V4_HIGH = 0xFFFF << 32


def drift(bulk: Bulk) -> dict[str, Any] | None:
    """The newest build against the one before it; None where there is none that left a histogram.

    stability: the population stability index of confidences of measured units. lost, gained: units that crossed the
    floor of 50 percent, [IPv4, IPv6 /64s].
    """
    known = [build for build in bulk.past_builds(2) if build.scores.get("histogram")]
    if len(known) < 2:
        return None
    after, before = known
    old, new = (np.array(build.scores["histogram"], dtype=np.float64) for build in (before, after))
    stability = metrics.stability(old, new, metrics.equal_width(BINS))
    return {
        "before": {"serial": before.serial, "finished": before.finished, "model": before.model},
        "after": {"serial": after.serial, "finished": after.finished, "model": after.model},
        "stability": stability,
        "reading": "little" if stability < SOME else "some" if stability < MUCH else "much",
        "floor": LISTED_CONFIDENCE,
        "lost": after.scores["lost"],
        "gained": after.scores["gained"],
        "histograms": {"before": old.astype(int).tolist(), "after": new.astype(int).tolist()},
    }


def space(bulk: Bulk) -> dict[str, Any]:
    """The highest confidence in each IPv4 /16 that has a verdict, as [/16, percent]; and verdicts of either family.

    near: the same of the /24s of the /8 that has most verdicts, as its number and [/24 within it, percent]; None where
    there is no IPv4 verdict.
    """
    rows = {"ipv4": 0, "ipv6": 0}
    of_eights = np.zeros(1 << 8, dtype=np.int64)
    highest = np.zeros(1 << 16, dtype=np.int64)
    for first, last, confidence, v6 in _v4_verdicts(bulk):
        rows["ipv4"] += len(first)
        rows["ipv6"] += v6
        of_eights += np.bincount(first >> 24, minlength=1 << 8)
        _raise(highest, first >> 16, last >> 16, confidence)
    block = int(np.argmax(of_eights))
    near = np.zeros(1 << 16, dtype=np.int64)
    for first, last, confidence, _ in _v4_verdicts(bulk):
        low, high = block << 24, (block << 24) + (1 << 24) - 1
        inside = (last >= low) & (first <= high)
        begin, end = ((np.clip(side[inside], low, high) - low) >> 8 for side in (first, last))
        _raise(near, begin, end, confidence[inside])
    return {
        "verdicts": rows,
        "cells": _cells(highest),
        "near": {"block": block, "cells": _cells(near)} if rows["ipv4"] else None,
    }


def _v4_verdicts(bulk: Bulk) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]]:
    """First and last IPv4 address and confidence of verdicts, batch by batch, and how many others a batch has."""
    for table in bulk.verdicts():
        v4 = (table.first[:, 0] == 0) & (table.first[:, 1] >= np.uint64(_V4_HIGH))
        first, last = ((side[v4, 1] & np.uint64(0xFFFF_FFFF)).astype(np.int64) for side in (table.first, table.last))
        yield first, last, table.confidence[v4].astype(np.int64), int((~v4).sum())


def _raise(
    highest: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], confidence: NDArray[np.int64]
) -> None:
    """Raise the cells from each first to its last to a confidence."""
    spans = last - first + 1
    at = np.repeat(first, spans) + np.arange(int(spans.sum())) - np.repeat(np.cumsum(spans) - spans, spans)
    np.maximum.at(highest, at, np.repeat(confidence, spans))


def _cells(highest: NDArray[np.int64]) -> list[list[int]]:
    present = np.flatnonzero(highest)
    cells: list[list[int]] = np.column_stack([present, highest[present]]).tolist()
    return cells
