"""The network type that a day's and a week's shape shows, in any time zone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.evidence import NETWORK_TYPES, Network, Profile
from mipdns.inference import judge
from mipdns.inference.traffic import busy_hours, night_share
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, complete, logs, route

EVENING = [1, 0.5, 0.4, 0.3, 0.3, 0.4, 1, 2, 3, 3, 3, 4, 4, 4, 4, 5, 6, 7, 9, 10, 10, 9, 6, 3]
OFFICE = [0.1] * 7 + [1, 6, 9, 10, 10, 8, 9, 10, 9, 6, 2] + [0.2] * 6
CAMPUS = [1, 0.5, 0.2, 0.1, 0.1, 0.2, 0.5, 2, 6, 8, 9, 9, 8, 9, 9, 8, 7, 6, 5, 5, 5, 4, 3, 2]
FLAT = [5] * 24

SHAPES = [
    ("home", EVENING, 1.1, 0.02, 0.4, "residential"),
    ("mobile", EVENING, 1.0, 0.01, 0.95, "mobile"),
    ("office", OFFICE, 0.1, 0.03, 0.2, "business"),
    ("university", CAMPUS, 0.4, 0.03, 0.3, "education"),
    ("data centre", FLAT, 1.0, 0.3, 0.1, "hosting"),
    ("crawlers by day", EVENING, 1.0, 0.8, 0.1, "hosting"),
    ("scanners that hide, by day", EVENING, 1.0, 0.2, 0.0, None),
]


def profile(hours, weekend, crawlers, phones, *, zone=0, scale=100.0, home="51.15.7.0"):
    """Five weekdays and two weekend days of a /24."""
    rows = [(False, hour, 5 * scale * value) for hour, value in enumerate(hours)]
    rows += [(True, hour, 2 * scale * weekend * value) for hour, value in enumerate(hours)]
    requests = np.array([row[2] for row in rows])
    return Profile(
        np.full(len(rows), net.unit_key(net.parse_address(home)), dtype=np.uint64),
        np.array([row[0] for row in rows]),
        np.array([(row[1] - zone) % 24 for row in rows], dtype=np.int8),
        requests,
        requests * crawlers,
        requests * phones,
        requests,
        np.full(len(rows), 20.0),
    )


def inferred(seen, *, units=6, complete_days=7, complete_weekend_days=2):
    counted = {f"51.15.7.{last}": people.HOUSEHOLD for last in range(1, units + 1)}
    declared = [Network(64500, "Example", "Content", "hosting", "", "", "", "")]
    evidence = logs(counted, profile=seen, complete_days=complete_days, complete_weekend_days=complete_weekend_days)
    judgement = complete(judge(evidence, [route("51.15.0.0/16", 64500)], declared, [], scorecard=CARD, as_of=AS_OF))
    (network,) = judgement.networks
    assert network.network == declared[0]
    types = {NETWORK_TYPES[kind] if kind >= 0 else None for kind in judgement.observations.traffic.tolist()}
    assert types == {network.inferred}
    assert network.units == units
    assert network.requests == pytest.approx(float(seen.requests.sum()))
    return network.inferred


@pytest.mark.parametrize("zone", [-8, 0, 5, 9])
@pytest.mark.parametrize(
    ("hours", "weekend", "crawlers", "phones", "kind"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES]
)
def test_a_shape_shows_its_type_in_every_time_zone(hours, weekend, crawlers, phones, kind, zone):
    assert inferred(profile(hours, weekend, crawlers, phones, zone=zone)) == kind


@pytest.mark.parametrize("few", [{"units": 3}, {"complete_days": 1}], ids=["too few units", "too few days"])
def test_too_little_shows_nothing(few):
    assert inferred(profile(EVENING, 1.0, 0.0, 0.3), **few) is None


def test_too_few_requests_show_nothing():
    assert inferred(profile(EVENING, 1.0, 0.0, 0.3, scale=1.0)) is None


@given(st.lists(st.integers(0, 1000), min_size=24, max_size=24), st.integers(0, 23))
def test_measures_do_not_depend_on_the_time_zone(hours, shift):
    one = np.array([hours], dtype=np.float64)
    other = np.roll(one, shift, axis=1)
    assert busy_hours(one) == busy_hours(other)
    if sum(hours):
        assert night_share(one)[0] == pytest.approx(night_share(other)[0])
        assert 0 <= night_share(one)[0] <= 1 / 3 + 1e-9


def test_days_that_nobody_saw_are_not_quiet_ones():
    weekdays_only = profile(EVENING, 0.0, 0.02, 0.4)
    assert inferred(weekdays_only, complete_days=5, complete_weekend_days=0) == "residential"
    weekend_only = profile([0] * 24, 0.0, 0.02, 0.4)._replace(requests=profile(EVENING, 1.0, 0.02, 0.4).requests)
    weekend_only = weekend_only._replace(weekend=np.ones(48, dtype=bool))
    assert inferred(weekend_only, complete_days=2, complete_weekend_days=2) is None
