"""How right a scorecard is on the units of a world. In: a sample, a scorecard. Out: numbers, and a line of a table.

The one rule: what is measured is what would be served, a whole percent after all rules.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mipdns.inference import character, crowd
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.training.sample import Sample, around, facts
from mipdns.validation.metrics import SERVED_BINS

UNITS_MIN = 200
COLUMNS = "world              units shared    auc  trees    ece  worst   free  prec90   rec90  users   class"


def measure(sample: Sample, card: Scorecard, prior: float) -> dict[str, float]:
    """The measures of known units. worst: the largest error of a served bin of 200 units or more, signed; free: the
    same without the units that only the ceiling of one kind of evidence keeps where they are.

    users: how often the range holds the truth, of units that are listed and shared; class: how often a class of theirs
    is named.
    """
    columns = around(sample, card)
    seen = facts(sample, card, columns)
    total = crowd.weigh(seen, crowd.Heards(sample.heard), card, prior)
    kind = character.of_units(columns, seen, total.confidence, sample.heard, card)
    known = sample.known
    shared, served = sample.shared[known], total.confidence[known]
    told = served / 100.0
    tenth = np.minimum(served // 10, 9)
    in_tenth = [tenth == number for number in range(10)]
    error = sum(abs(float(np.sum(shared[here] - told[here]))) for here in in_tenth) / len(served)
    free = (total.unlimited == total.points)[known]
    listed = served >= card.rules.listed
    sure = served >= 90
    low, high, users = kind.users_low[known], kind.users_high[known], sample.users[known]
    asked = listed & shared & (users > 0)
    named = (kind.classes[known] & sample.classes[known]) > 0
    found = {
        "units": len(served),
        "shared": float(shared.mean()),
        "auc": float(roc_auc_score(shared, total.points[known])),
        "ece": error,
        "worst": _worst(served, shared),
        "free": _worst(served[free], shared[free]),
        "prec90": float(shared[sure].mean()) if sure.any() else 1.0,
        "rec90": float((shared & sure).sum() / shared.sum()),
        "users": float(np.mean((low <= users) & (users <= high), where=asked)),
        "class": float(np.mean(named, where=listed & shared)),
    }
    return {name: round(value, 4) for name, value in found.items()}


def _worst(served: NDArray[np.int16], shared: NDArray[np.bool_]) -> float:
    bins = [(served >= low) & (served <= high) for low, high in SERVED_BINS]
    errors = (float(np.mean(shared[b] - served[b] / 100.0)) for b in bins if b.sum() >= UNITS_MIN)
    return max(errors, key=abs, default=0.0)


def row(name: str, seen: dict[str, float]) -> str:
    """One line below `COLUMNS`."""
    trees = f"{seen['trees']:6.3f}" if "trees" in seen else "     -"
    return (
        f"{name:16} {seen['units']:7.0f} {seen['shared']:6.2f} {seen['auc']:6.3f} {trees} {seen['ece']:6.3f} "
        f"{seen['worst']:+6.2f} {seen['free']:+6.2f} {seen['prec90']:7.3f} {seen['rec90']:7.2f} "
        f"{seen['users']:6.2f} {seen['class']:7.2f}"
    )
