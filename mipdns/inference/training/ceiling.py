"""What is lost by adding up: boosted trees on the same features, with every interaction they care to find.

In: units to learn from and others to be measured on. Out: how well the trees rank those. The one rule: the trees see
what the scorecard sees, and nothing of them is served.

Boosted trees: Friedman 2001; the published detection of carrier NAT (Giotsas and Fayed 2025) uses XGBoost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from mipdns.inference import features
from mipdns.inference.features import DERIVED
from mipdns.inference.scorecard import POINTS, Scorecard
from mipdns.inference.training.learning import FOLDS, fit, folds, said_aside, traffic_points, weights
from mipdns.inference.training.sample import Sample, around, silent

SEED = 5
HELD_MIN = 50
"""Fewer units of a kind cannot be ranked, nor learnt from to rank others."""
LEAF = 60
"""Units that a leaf of a tree has at least: a column of which fewer are told splits nothing."""


def ranking(sample: Sample, card: Scorecard, *, context: bool = True) -> tuple[float, float] | None:
    """How well traffic ranks units of worlds (of ASes, where there are few) that nothing was learnt from: the ROC-AUC
    of a scorecard learnt from the others, and of trees grown on them. None where too few are held out, or too few are
    left to learn from: without routes all units are of one AS.
    """
    weight = weights(sample, card.prior, silent(sample))
    fold = folds(sample)
    for number in range(FOLDS):
        held, kept = np.flatnonzero((fold == number) & (weight > 0)), np.flatnonzero(fold != number)
        learnt_from = kept[weight[kept] > 0]
        if min(np.bincount(sample.shared[at], minlength=2).min() for at in (held, learnt_from)) >= HELD_MIN:
            break
    else:
        return None
    learnt = fit(sample.take(kept), weight[kept], card, context)
    trees = boosted_trees(sample.take(kept), weight[kept], learnt)
    asked = np.flatnonzero(fold == number)  # with those around them that are not known
    some, of_some = sample.take(asked), np.searchsorted(asked, held)
    summed = traffic_points(some, learnt)[of_some] / POINTS + said_aside(some)[of_some]
    by_trees = trees.predict_proba(matrix(some, learnt)[of_some])[:, 1]
    shared, heavy = sample.shared[held], weight[held]
    return (
        float(roc_auc_score(shared, summed, sample_weight=heavy)),
        float(roc_auc_score(shared, by_trees, sample_weight=heavy)),
    )


def boosted_trees(sample: Sample, weight: NDArray[np.float64], card: Scorecard) -> Pipeline:
    """Trees grown on the known units of a sample. They see what a leaf's worth of those units is told of: logs without
    ports leave columns empty, which scikit-learn cannot bin.
    """
    used = np.flatnonzero(sample.known & (weight > 0))
    seen = matrix(sample, card)[used]
    told = np.flatnonzero(np.isfinite(seen).sum(axis=0) >= LEAF)
    trees = HistGradientBoostingClassifier(
        max_iter=250, learning_rate=0.1, max_leaf_nodes=24, min_samples_leaf=LEAF, random_state=SEED
    )
    chosen = Pipeline([("told", make_column_transformer(("passthrough", told))), ("trees", trees)])
    return chosen.fit(seen, sample.shared[used], trees__sample_weight=weight[used])


def matrix(sample: Sample, card: Scorecard) -> NDArray[np.float64]:
    """All that the scorecard looks at, one row a unit: features, network types and what was heard."""
    columns = around(sample, card)
    heard = sample.heard
    said = [
        np.array([one.speaks for one in heard]),
        np.array([one.aside for one in heard]),
        np.array([one.names for one in heard]),
        np.array([one.partner for one in heard]),
        np.array([one.datacentre.points if one.datacentre else 0 for one in heard]),
    ]
    counted = [features.values(name, columns) for name in (*columns, *DERIVED)]
    return np.column_stack([*counted, sample.declared, sample.traffic, *(values[sample.sets] for values in said)])
