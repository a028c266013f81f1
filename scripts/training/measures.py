"""How right a scorecard is on the units of a world. In: a sample, a scorecard. Out: numbers, and a line of a table.

The one rule: what is measured is what would be served, a whole percent after all rules; units are ranked (`auc`) by the
sum that it is rounded from, as trees are by theirs, so that the gap between them is none of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from mipdns.inference import character, crowd
from mipdns.inference.population import ALL_SHARED
from mipdns.inference.scorecard import POINTS, Scorecard, probability_points
from mipdns.inference.training.sample import Sample, around, facts
from mipdns.validation.metrics import SERVED_BINS, calibration_error, equal_width, histograms

UNITS_MIN = 200
OFF = 0.10
SURELY = 1.96
"""Standard deviations of a mean that leave out one in twenty."""
FORMS = {
    "units": "7.0f", "shared": "7.2f", "found": "6.2f", "auc": "6.3f", "trees": "6.3f", "ece": "6.3f", "worst": "+6.2f",
    "free": "+6.2f", "bins": "5.0f", "off": "4.0f", "chance": "7.2f", "surely": "7.0f",
    "trees_off": "10.0f", "prec90": "7.3f", "rec90": "7.2f", "users": "6.2f", "class": "6.2f",
}  # fmt: skip
"""Each column of the table, and how its numbers look."""
COLUMNS = f"{'world':16}" + "".join(f"{name:>{int(form.strip('+').split('.')[0])}}" for name, form in FORMS.items())


def measure(sample: Sample, card: Scorecard, prior: float) -> dict[str, float]:
    """The measures of known units. found: the share of shared units of which nobody speaks, as the load takes it.

    worst: the largest error of a served bin of 200 units or more, signed; free: the same without the units that only
    the ceiling of one kind of evidence keeps where they are. bins: served bins of so many units; off: of those the ones
    that are off by more than 0.10; chance: how many would be if each were right, by the draw of networks alone; surely:
    those that are off by so much more that another draw of networks would hardly bring them back; trees_off: as many as
    `off` by the trees (`of_trees`). middle: the errors of
    the two bins between 26 and 80, NaN where they hold fewer, for `spread`.

    users: how often the range holds the truth, of units that are listed and shared; class: how often a class of theirs
    is named.
    """
    columns = around(sample, card)
    seen = facts(sample, card, columns)
    total = crowd.weigh(seen, crowd.Heards(sample.heard), card, prior)
    kind = character.of_units(columns, seen, total.confidence, sample.heard, card)
    known = sample.known
    shared, served = sample.shared[known], total.confidence[known]
    free = (total.unlimited == total.points)[known]
    by_bin, deviations = _errors(served, shared), _deviations(served, shared, sample.asn[known])
    errors, drawn = by_bin[~np.isnan(by_bin)], deviations[~np.isnan(by_bin)]
    errors_free = _errors(served[free], shared[free])
    listed = served >= card.rules.listed
    sure = served >= 90
    low, high, users = kind.users_low[known], kind.users_high[known], sample.users[known]
    asked = listed & shared & (users > 0)
    named = (kind.classes[known] & sample.classes[known]) > 0
    found = {
        "units": len(served),
        "shared": float(shared.mean()),
        "found": prior,
        "auc": float(roc_auc_score(shared, total.points[known])),
        "ece": float(calibration_error(histograms(served, shared), equal_width())),
        "worst": float(max(errors, key=abs, default=0.0)),
        "free": float(max(errors_free[~np.isnan(errors_free)], key=abs, default=0.0)),
        "bins": len(errors),
        "off": bins_off(served, shared),
        "chance": float(np.sum(2.0 * norm.sf(OFF / np.maximum(drawn, 1e-9)))),
        "surely": int(np.sum(np.abs(errors) > OFF + SURELY * drawn)),
        "prec90": float(shared[sure].mean()) if sure.any() else 1.0,
        "rec90": float((shared & sure).sum() / shared.sum()),
        "users": float(np.mean((low <= users) & (users <= high), where=asked)),
        "class": float(np.mean(named, where=listed & shared)),
    }
    middle = zip(SERVED_BINS, by_bin.tolist(), strict=True)
    found |= {f"middle {low}": one for (low, _), one in middle if 26 <= low <= 51}
    return {name: round(value, 4) for name, value in found.items()}


def bins_off(served: NDArray[np.int16], shared: NDArray[np.bool_]) -> int:
    """How many served bins of 200 units or more are off by more than 0.10."""
    return int(np.sum(np.abs(_errors(served, shared)) > OFF))


def of_trees(chance: NDArray[np.float64], sample: Sample, share: float) -> dict[str, float]:
    """How well boosted trees rank the units of a world, and how many bins would be off if what they say were served,
    shifted to the share of shared units as the scorecard is. chance: learnt with `ALL_SHARED`. share: among all.
    """
    known, shift = sample.known, (probability_points(share) - probability_points(ALL_SHARED)) / POINTS
    served = np.rint(100.0 * expit(logit(chance[known].clip(1e-6, 1.0 - 1e-6)) + shift)).clip(1, 99).astype(np.int16)
    return {
        "trees": round(float(roc_auc_score(sample.shared[known], chance[known])), 4),
        "trees_off": bins_off(served, sample.shared[known]),
    }


def _errors(served: NDArray[np.int16], shared: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each served bin the true share less the mean confidence; NaN where it holds too few units."""
    bins = [(served >= low) & (served <= high) for low, high in SERVED_BINS]
    return np.array([np.mean(shared[b] - served[b] / 100.0) if b.sum() >= UNITS_MIN else np.nan for b in bins])


def _deviations(served: NDArray[np.int16], shared: NDArray[np.bool_], asn: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far another draw of networks would move the error of each served bin: units of one AS are alike (of a mean of
    clusters: Liang, Zeger, Biometrika 73, 1986).
    """
    found = []
    for low, high in SERVED_BINS:
        here = (served >= low) & (served <= high)
        error = shared[here] - served[here] / 100.0
        _, network = np.unique(asn[here], return_inverse=True)
        by_network = np.bincount(network, error - error.mean()) if here.any() else np.zeros(1)
        found.append(float(np.sqrt(np.sum(by_network**2)) / max(int(here.sum()), 1)))
    return np.array(found)


def spread(found: dict[str, dict[str, float]]) -> Iterator[str]:
    """For each kind of world how the errors between 26 and 80 lie: their mean tells what is wrong in all, their
    standard deviation how much one world differs from another. found: measures by the world's name.
    """
    kinds: dict[str, list[float]] = {}
    for name, seen in found.items():
        errors = [seen[column] for column in seen if column.startswith("middle") and not np.isnan(seen[column])]
        kinds.setdefault(name.rsplit("-", 1)[0], []).extend(errors)
    for kind, errors in kinds.items():
        if errors:
            yield f"{kind:16}{len(errors):4} middle bins, mean {np.mean(errors):+.3f}, deviation {np.std(errors):.3f}"


def row(name: str, seen: dict[str, float]) -> str:
    """One line below `COLUMNS`."""
    return f"{name:16}" + "".join(format(seen.get(column, float("nan")), form) for column, form in FORMS.items())
