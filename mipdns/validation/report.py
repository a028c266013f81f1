"""One set of units with their truth, as a document of plain data. In: `Units` and a confidence each. Out: numbers with
their intervals, tables, curves.

The one rule: every number stands beside how many units and networks it rests on; what is not defined is null.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.columns import neighbourhoods
from mipdns.evidence import NETWORK_TYPES
from mipdns.net import UNIT_V4_LAST
from mipdns.validation import bootstrap, metrics
from mipdns.validation.metrics import SERVED_BINS, THRESHOLDS, Histograms
from mipdns.validation.units import REGIONS, Units
from mipdns.vocabulary import CLASS_NAMES, Class, names

WIDTH_BINS = 10
Members = NDArray[np.bool_]


class Plan(NamedTuple):
    """draws, seed: of the bootstrap. listed: the confidence from which users and classes are looked at."""

    draws: int = bootstrap.DRAWS
    seed: int = 1
    listed: int = 50


def describe(units: Units, confidence: NDArray[np.int64], plan: Plan) -> dict[str, Any]:
    """Everything about units and their confidences, each 1 to 100: there is a verdict on every one of them."""
    counts = metrics.histograms(confidence, units.shared)
    mass = metrics.equal_mass(counts, WIDTH_BINS)
    networks = networks_of(units)
    chosen = _chosen(mass) | {
        "precision": lambda drawn: np.stack([metrics.precision(drawn, at) for at in THRESHOLDS], -1),
        "recall": lambda drawn: np.stack([metrics.recall(drawn, at) for at in THRESHOLDS], -1),
        **{name: _true_shares(bins) for name, bins in _tables(mass).items()},
    }
    clusters = bootstrap.clusters(networks, confidence, units.shared)
    ranges = {
        name: bootstrap.intervals(values)
        for name, values in bootstrap.sampled(clusters, chosen, number=plan.draws, seed=plan.seed).items()
    }
    return {
        "units": len(confidence),
        "shared": int(units.shared.sum()),
        "seen_in_logs": int(units.seen.sum()),
        "networks": clusters.networks,
        "overall": {name: number(metric(counts), ranges[name][0]) for name, metric in _chosen(mass).items()},
        "thresholds": [
            {
                "at": at,
                "listed": int(counts.all[at:].sum()),
                "precision": number(metrics.precision(counts, at), ranges["precision"][place]),
                "recall": number(metrics.recall(counts, at), ranges["recall"][place]),
            }
            for place, at in enumerate(THRESHOLDS)
        ],
        "curve": [
            {"at": at, "precision": plain(metrics.precision(counts, at)), "recall": plain(metrics.recall(counts, at))}
            for at in range(1, 100)
        ],
        "reliability": {name: _table(counts, bins, ranges[name]) for name, bins in _tables(mass).items()},
        "histogram": _by_class(units, confidence),
        "groups": {
            name: [
                _group(units, confidence, networks, label, members, plan, chosen_by_truth=name == "class")
                for label, members in groups
            ]
            for name, groups in (
                ("class", _classes(units)),
                ("network type", _kinds(units.kind, NETWORK_TYPES)),
                ("region", _kinds(units.region, REGIONS)),
                ("family", _families(units)),
            )
        },
    }


def networks_of(units: Units) -> NDArray[np.int64]:
    """What is drawn together: the AS; where none is known, the /24 or /48."""
    places = neighbourhoods(units.key)
    _, place = np.unique(places, return_inverse=True)
    return np.where(units.asn > 0, units.asn, -1 - place)


def _chosen(mass: NDArray[np.int64]) -> dict[str, bootstrap.Metric]:
    width = metrics.equal_width(WIDTH_BINS)
    return {
        "roc_auc": metrics.roc_auc,
        "pr_auc": metrics.average_precision,
        "brier": metrics.brier,
        "ece": lambda counts: metrics.calibration_error(counts, width),
        "ece_equal_mass": lambda counts: metrics.calibration_error(counts, mass),
        "worst_served_bin": metrics.worst_served_bin,
    }


def _tables(mass: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {"served": metrics.served_bins(), "equal_width": metrics.equal_width(WIDTH_BINS), "equal_mass": mass}


def _true_shares(bins: NDArray[np.int64]) -> Callable[[Histograms], metrics.Counts]:
    return lambda counts: metrics.reliability(counts, bins).true


def _table(counts: Histograms, bins: NDArray[np.int64], ranges: list[tuple[float, float]]) -> list[dict[str, Any]]:
    units, told, true = metrics.reliability(counts, bins)
    rows = []
    for place in range(len(units)):
        percents = np.flatnonzero(bins == place)
        low = SERVED_BINS[place][0] if np.array_equal(bins, metrics.served_bins()) else max(int(percents[0]), 1)
        rows.append(
            {
                "from": low,
                "to": int(percents[-1]),
                "units": int(units[place]),
                "told": plain(told[place]),
                "true": number(true[place], ranges[place]),
            }
        )
    return rows


def _by_class(units: Units, confidence: NDArray[np.int64]) -> dict[str, list[int]]:
    """Units by confidence, of each class that truth tells, of shared ones without a class, and of single users.

    A unit of several classes counts for the first of them only, so that the parts add up.
    """
    lowest = units.classes & -units.classes
    parts = {name: units.shared & (lowest == bit) for name, bit in CLASS_NAMES.items()}
    parts |= {"class not told": units.shared & (units.classes == 0), "not shared": ~units.shared}
    return {
        name: np.bincount(confidence[members], minlength=metrics.PERCENTS).tolist()
        for name, members in parts.items()
        if members.any()
    }


def _classes(units: Units) -> Iterator[tuple[str, Members]]:
    """Each class against everything that is not shared: how well it is told apart, and how much of it is found.

    How well it is calibrated cannot be asked of units that were chosen by the truth, nor how precise it is.
    """
    for name, bit in CLASS_NAMES.items():
        members = units.shared & (units.classes & int(bit) > 0)
        if members.any():
            yield name, members | ~units.shared


def _kinds(kind: NDArray[np.int8], known: tuple[str, ...]) -> Iterator[tuple[str, Members]]:
    for place, name in enumerate(known):
        if (kind == place).any():
            yield name, kind == place
    if (kind >= 0).any() and (kind < 0).any():
        yield "not known", kind < 0


def _families(units: Units) -> Iterator[tuple[str, Members]]:
    v4 = units.key <= np.uint64(UNIT_V4_LAST)
    yield from ((name, members) for name, members in (("IPv4", v4), ("IPv6", ~v4)) if members.any())


def _group(
    units: Units,
    confidence: NDArray[np.int64],
    networks: NDArray[np.int64],
    name: str,
    members: Members,
    plan: Plan,
    *,
    chosen_by_truth: bool = False,
) -> dict[str, Any]:
    counts = metrics.histograms(confidence[members], units.shared[members])
    clusters = bootstrap.clusters(networks[members], confidence[members], units.shared[members])
    chosen = _chosen(metrics.equal_mass(counts, WIDTH_BINS))
    if chosen_by_truth:
        chosen = {"roc_auc": chosen["roc_auc"]}
    draws = bootstrap.sampled(clusters, chosen, number=plan.draws, seed=plan.seed)
    return {
        "name": name,
        "units": int(members.sum()),
        "shared": int(counts.shared.sum()),
        "networks": clusters.networks,
        **{key: number(metric(counts), bootstrap.intervals(draws[key])[0]) for key, metric in chosen.items()},
        "thresholds": [
            {
                "at": at,
                "precision": None if chosen_by_truth else plain(metrics.precision(counts, at)),
                "recall": plain(metrics.recall(counts, at)),
            }
            for at in THRESHOLDS
        ],
    }


def users(units: Units, plan: Plan) -> dict[str, Any] | None:
    """How often the served range of users holds the true number, of shared units listed with a range; None without
    such truth. octaves: the median width of the ranges, in doublings.
    """
    told = units.shared & ~np.isnan(units.users) & (units.confidence >= plan.listed) & (units.users_low > 0)
    if not told.any():
        return None
    some = units.take(told)
    holds = (some.users_low <= some.users) & (some.users <= some.users_high)
    ones = np.ones(len(holds), dtype=np.int64)
    clusters = bootstrap.clusters(networks_of(some), ones, holds)
    share = {"share": lambda counts: metrics.precision(counts, 1)}
    draws = bootstrap.sampled(clusters, share, number=plan.draws, seed=plan.seed)
    return {
        "units": len(holds),
        "covered": number(np.mean(holds), bootstrap.intervals(draws["share"])[0]),
        "below": plain(np.mean(some.users < some.users_low)),
        "above": plain(np.mean(some.users > some.users_high)),
        "octaves": plain(np.median(np.log2(some.users_high / some.users_low))),
    }


def classes(units: Units, plan: Plan) -> dict[str, Any] | None:
    """Served classes by true classes, of shared units that are listed; None without such truth.

    agree: share of them whose served classes and true classes have one in common.
    """
    told = units.shared & (units.classes > 0) & (units.confidence >= plan.listed)
    if not told.any():
        return None
    pairs = Counter(zip(units.classes[told].tolist(), units.told[told].tolist(), strict=True))
    agree = sum(number for (true, served), number in pairs.items() if true & served)
    return {
        "units": int(told.sum()),
        "agree": agree / int(told.sum()),
        "confusion": [
            {"true": _class_text(true), "told": _class_text(served), "units": number}
            for (true, served), number in sorted(pairs.items(), key=lambda pair: -pair[1])
        ],
    }


def _class_text(bits: int) -> str:
    return "+".join(names(Class(bits))) or "none"


def number(value: Any, range_: tuple[float, float]) -> dict[str, float | None]:  # noqa: ANN401 a numpy scalar
    """A number and its interval, as plain data."""
    return {"value": plain(value), "low": plain(range_[0]), "high": plain(range_[1])}


def plain(value: Any) -> float | None:  # noqa: ANN401 likewise
    """A number to five decimals; None where it is not defined."""
    return None if math.isnan(value) else round(float(value), 5)
