"""Classes and users ranges."""

from __future__ import annotations

import pytest

from mipdns.vocabulary import Class
from tests.unit.inference import people
from tests.unit.inference.build import assertion, at, judged

ADDRESS = "51.15.7.9"


def served(seen, *origins):
    verdict = at(judged({ADDRESS: seen} if seen else None, [assertion(ADDRESS, origin) for origin in origins]), ADDRESS)
    assert verdict is not None
    return verdict


USERS = [
    ("a household is one user", people.HOUSEHOLD, [], (1, 1)),
    (
        "unsure: one, or several",
        people.EDGE
        | {"agents_day_max": 7.0, "families_day_max": 4.0, "forwarded_day_max": 6.0, "forwarded_share": 0.3},
        [],
        None,
    ),
    ("carrier NAT by its counts and class", people.CGNAT, [], (16, 1024)),
    ("by its class alone", None, ["list.cgnat"], (16, 1024)),
    ("two classes", None, ["list.vpn", "list.tor"], (8, 2048)),
    ("by a word in its name alone: one, or several", None, ["names.nat"], (1, 1024)),
    ("a data centre that nobody saw", None, ["list.hosting"], (None, None)),
    ("shared, of no known class", None, ["partner.confirm"], (None, None)),
]


@pytest.mark.parametrize(("seen", "said", "users"), [row[1:] for row in USERS], ids=[row[0] for row in USERS])
def test_users(seen, said, users):
    verdict = served(seen, *said)
    if users is not None:
        assert (verdict.users_low, verdict.users_high) == users
    else:
        assert 25 <= verdict.confidence < 50
        assert verdict.users_low == 1 and verdict.users_high > 1


def test_bounds_are_powers_of_two_and_no_more_than_the_ports_of_an_address():
    verdict = served(people.CGNAT | {"agents_day_max": 1e6}, "list.cgnat")
    assert verdict.users_high == 65536
    assert verdict.users_low is not None
    assert verdict.users_low & (verdict.users_low - 1) == 0


@pytest.mark.parametrize(
    ("seen", "said", "classes"),
    [
        (people.CGNAT, ["names.mobile"], Class.MOBILE),
        (people.CGNAT, ["list.vpn", "names.mobile"], Class.VPN),
        (people.CGNAT, ["list.vpn", "list.cgnat"], Class.VPN | Class.CGNAT),
        (people.HOUSEHOLD, ["names.access"], Class.OTHER),
        (people.MOBILE, [], Class.MOBILE),
        (people.CGNAT | {"forwarded_day_max": 20.0}, [], Class.PROXY),
    ],
)
def test_what_is_said_of_a_class_goes_before_what_is_guessed(seen, said, classes):
    assert served(seen, *said).classes == classes
