"""Boosted trees beside the scorecard: what loads that tell little leave of them."""

from __future__ import annotations

import numpy as np
import pytest

from mipdns.evidence import CONTEXT_COLUMNS
from mipdns.inference.exposure import REFERENCE
from mipdns.inference.training.ceiling import HELD_MIN, LEAF, boosted_trees, matrix, ranking
from mipdns.inference.training.sample import Sample
from mipdns.inference.voices import NOTHING
from mipdns.vocabulary import Class
from tests.unit.inference import people
from tests.unit.inference.build import CARD, logs

UNITS = 12 * HELD_MIN


def sample(asns: int) -> Sample:
    """Crowds and households in turn, spread over so many ASes; logs of requests without ports or fingerprints."""
    at = np.arange(UNITS)
    units = {f"51.15.{one // 250}.{one % 250}": (people.CGNAT, people.QUIET)[one % 2] for one in range(UNITS)}
    table = next(iter(logs(units).chunks())).units
    untold = {name: np.nan for name in table.columns if name.startswith(("ports", "tls"))}
    assert untold
    plain = dict.fromkeys(CONTEXT_COLUMNS, np.nan) | REFERENCE | untold
    columns = dict(table.columns) | {name: np.full(UNITS, value, np.float32) for name, value in plain.items()}
    return Sample(
        world=np.zeros(UNITS, np.int64), key=table.key, age_days=np.ones(UNITS, np.int64),
        asn=np.int64(64500) + at // 2 % asns, declared=np.full(UNITS, -1, np.int8),
        traffic=np.full(UNITS, -1, np.int8), columns=columns, sets=np.zeros(UNITS, np.int64), heard=[NOTHING],
        known=np.ones(UNITS, dtype=np.bool_), trust=np.ones(UNITS), shared=at % 2 == 0,
        users=np.zeros(UNITS, np.int64), classes=np.full(UNITS, int(Class.CGNAT), np.int16),
    )  # fmt: skip


@pytest.mark.parametrize("told", [0, 1, LEAF - 1, LEAF])
def test_trees_grow_where_a_column_is_told_of_nobody_or_of_few(told: int) -> None:
    few = sample(10)
    few.columns["ports_hour_max"][:told] = 400
    trees = boosted_trees(few, np.ones(UNITS), CARD)
    asked = matrix(few._replace(columns=few.columns | {"ports_hour_max": np.full(UNITS, 9.0, np.float32)}), CARD)
    found = trees.predict_proba(asked)[:, 1]
    assert (found[few.shared] > 0.9).all()
    assert (found[~few.shared] < 0.1).all()


def test_an_access_log_without_ports_is_ranked() -> None:
    assert ranking(sample(10), CARD) == pytest.approx((1.0, 1.0))


def test_without_routes_nobody_is_left_to_learn_from_and_nothing_is_ranked() -> None:
    assert ranking(sample(1), CARD) is None
