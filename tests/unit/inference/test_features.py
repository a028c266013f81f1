"""Features in both their forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.inference import crowd, features, reasons
from mipdns.inference.scorecard import FeatureTerm


@given(st.floats(0, 1e9, width=32) | st.just(math.nan))
def test_both_forms_read_a_column_as_the_same_number(value):
    column = np.array([value], dtype=np.float32)
    (found,) = features.values("mobile_share", {"mobile_share": column})
    assert found == pytest.approx(
        features.value("mobile_share", {"mobile_share": float(column[0])}), abs=0, nan_ok=True
    )


@pytest.mark.parametrize("edge", [0.02, 0.35, 0.45, 0.6, 0.7, 0.9])
def test_who_is_at_an_edge_is_in_the_step_that_begins_there(edge):
    """Nine tenths as a float32 are less than as a float64."""
    term = FeatureTerm(
        feature="mobile_share",
        signal="agents",
        edges=(edge,),
        weights=(0.0, 1.0),
        monotone="rising",
        reason="",
        source=(),
    )
    told = {"mobile_share": np.float32(edge)}
    assert crowd.term_points(term, {name: np.array([value]) for name, value in told.items()}).tolist() == [1000]
    assert reasons.term_points(term, {name: float(value) for name, value in told.items()})[1] == 1000


@pytest.mark.parametrize(
    ("agent_requests", "requests"), [(math.nan, 9.0), (0.0, 9.0), (4.0, 4.0), (12.0, 12.0)], ids=str
)
def test_requests_are_those_with_an_agent_and_all_lines_of_who_names_none(agent_requests, requests):
    columns = {"agent_requests_day_max": agent_requests, "requests_day_max": 9.0, "requests_lesser": 2.0}
    many = {name: np.array([value], dtype=np.float32) for name, value in columns.items()}
    for name, expected in (("requests", requests), ("visits", requests / 2)):
        assert features.value(name, columns) == features.values(name, many)[0] == expected
