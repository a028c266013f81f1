"""How far a build lies from the one before, and what it covers. In: a snapshot of a build. Out: plain data.

The one rule: what moved is told in the population that logs saw, and in addresses that crossed the floor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    """The highest confidence in each IPv4 /16 that has a verdict, as [/16, percent]; and verdicts of either family."""
    highest = np.zeros(1 << 16, dtype=np.int64)
    rows = {"ipv4": 0, "ipv6": 0}
    for table in bulk.verdicts():
        v4 = (table.first[:, 0] == 0) & (table.first[:, 1] >= np.uint64(_V4_HIGH))
        first = ((table.first[v4, 1] >> np.uint64(16)) & np.uint64(0xFFFF)).astype(np.int64)
        last = ((table.last[v4, 1] >> np.uint64(16)) & np.uint64(0xFFFF)).astype(np.int64)
        spans = last - first + 1
        at = np.repeat(first, spans) + np.arange(int(spans.sum())) - np.repeat(np.cumsum(spans) - spans, spans)
        np.maximum.at(highest, at, np.repeat(table.confidence[v4], spans))
        rows["ipv4"] += int(v4.sum())
        rows["ipv6"] += int((~v4).sum())
    present = np.flatnonzero(highest)
    return {"verdicts": rows, "cells": np.column_stack([present, highest[present]]).tolist()}
