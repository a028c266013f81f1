"""The scores of a build against scikit-learn and brute force, from units that come in any number of parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from mipdns.inference.agreement import Agreement
from mipdns.validation.metrics import SERVED_BINS, THRESHOLDS

UNITS = st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=200)
ROUNDED = 0.0000501


def scored(some, parts=1):
    agreement = Agreement(listed=50)
    for at in range(parts):
        rows = some[at::parts]
        agreement.add(
            np.array([shared for _, shared in rows], dtype=np.bool_),
            np.array([told for told, _ in rows], dtype=np.int16),
        )
    return agreement.scores()


def share(rows):
    """How many of them are true, None of nothing."""
    return pytest.approx(sum(rows) / len(rows), abs=ROUNDED) if rows else None


@given(UNITS)
def test_areas_and_brier_are_scikit_learns(some):
    scores = scored(some)
    told, shared = np.array(some, dtype=np.int64).T
    assert scores["brier"] == pytest.approx(np.mean((told / 100 - shared) ** 2), abs=ROUNDED)
    if len(set(shared.tolist())) < 2:
        assert not {"auc", "pr_auc"} & scores.keys()
        return
    assert scores["auc"] == pytest.approx(oracle.roc_auc_score(shared, told), abs=ROUNDED)
    assert scores["pr_auc"] == pytest.approx(oracle.average_precision_score(shared, told), abs=ROUNDED)


@given(UNITS)
def test_precision_and_recall_by_counting(some):
    rows = scored(some)["thresholds"]
    assert [row["at"] for row in rows] == list(THRESHOLDS) == [50, 80, 90, 95]
    for row in rows:
        assert row["listed"] == sum(told >= row["at"] for told, _ in some)
        assert row["precision"] == share([shared for told, shared in some if told >= row["at"]])
        assert row["recall"] == share([told >= row["at"] for told, shared in some if shared])


@given(UNITS)
def test_reliability_by_counting(some):
    rows = scored(some)["reliability"]["served"]
    assert [(row["from"], row["to"]) for row in rows] == list(SERVED_BINS)
    for row in rows:
        members = [(told, shared) for told, shared in some if row["from"] <= told <= row["to"]]
        assert row["units"] == len(members)
        assert row["told"] == share([told / 100 for told, _ in members])
        assert row["true"] == share([shared for _, shared in members])


@given(UNITS, st.integers(1, 7))
def test_parts_in_any_order_score_as_the_whole_and_are_plain_data(some, parts):
    scores = scored(some, parts)
    assert scores == scored(some[::-1])
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_without_labels_there_is_no_score():
    assert Agreement(listed=50).scores() is None
