"""The shipped scorecard, and that a wrong one is refused with the key at fault."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from mipdns.errors import ConfigError
from mipdns.inference import parse_scorecard, shipped_scorecard
from mipdns.inference.scorecard import CORROBORATING, MEASURED
from mipdns.inference.training.design import CANDIDATES, NEIGHBOURS
from mipdns.sources.ages import LIFE_DAYS
from mipdns.vocabulary import Class

TERM = {
    "feature": "ports_hour_max",
    "signal": "ports",
    "edges": [32, 64, 128, 256, 512, 1024],
    "weights": [0, 0.3, 0.4, 1.1, 1.5, 1.8, 2.0],
    "monotone": "rising",
    "reason": "many people make many connections",
    "source": ["rfc6269"],
}


def shipped():
    """The shipped scorecard with a term at its head whose steps are known."""
    card = json.loads(resources.files("mipdns.inference").joinpath("scorecard.json").read_text("utf-8"))
    return card | {"terms": [dict(TERM), *card["terms"]]}


def changed(path, value):
    """The shipped scorecard with one place changed."""
    card = shipped()
    *way, last = path
    place = card
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(card)


FAULTS = [
    (["version"], 2, "version: this mipdns reads version 1, not 2"),
    (["prior"], 1.0, r"Expected `float` < 1.0 - at `\$.prior`"),
    (["priors"], 1.0, "unknown field `priors`"),
    (["terms", 0, "feature"], "port_hour_max", r"terms\[0\] .*unknown feature 'port_hour_max'"),
    (
        ["terms", 0, "signal"],
        "port",
        r"terms\[0\] .*unknown signal 'port'; a term belongs to one of addresses, agents,",
    ),
    (["terms", 0, "signal"], "network", "unknown signal 'network'"),
    (["terms", 0, "signal"], "neighbours", "features of the neighbourhood, and no others"),
    (["terms", 0, "edges"], [32, 64], "2 edges need 3 weights, not 7"),
    (["terms", 0, "edges"], [32, 64, 64, 256, 512, 1024], "edges do not rise"),
    (["terms", 0, "weights"], [0, 0.3, 0.7, 1.1, 1.0, 1.8, 2.0], "weights are not rising"),
    (["terms", 0, "weights"], [0, 0.3, 0.7, 1.1, 1.2, 1.8, 2.00001], "more than three decimals"),
    (["terms", 0, "when"], {"nothing": [1, 2]}, "unknown feature 'nothing'"),
    (["terms", 0, "when"], {"days": [2, 2]}, r"when, 'days': no value lies in \[2.0, 2.0\)"),
    (["terms", 0, "when"], {"days": [None, None]}, "neither bound is given"),
    (["terms", 0, "when"], {"neighbours_seen": [1, None]}, "only signal 'neighbours'"),
    (["terms", 0, "source"], ["nobody1999"], "source 'nobody1999' does not stand in 'literature'"),
    (["terms", 0, "source"], [], "'reason' and 'source' must say why"),
    (["terms", 0, "reason"], " ", "'reason' and 'source' must say why"),
    (["assertions", "list.tor", "weight"], -1, "may do so alone"),
    (["assertions", "names.nat", "alone"], True, "may do so alone"),
    (["assertions", "list.hosting", "weight"], 0.5, "'list.hosting': a data centre is evidence against"),
    (
        ["assertions", "rumour.tor"],
        {"weight": 1, "half_life_days": 7, "reason": "r", "source": ["judgement"]},
        "starts with list., trace.",
    ),
    (["assertions", "list.tor", "half_life_days"], 0, "Expected `int` >= 1"),
    (["network", "declared", "hosting"], 0.1, "network.declared: a data centre is evidence against"),
    (["network", "declared", "mobile"], 1e308, "network.declared: a weight has .* beyond ±20"),
    (["assertions", "list.tor", "weight"], 21, "'list.tor': weight has .* beyond ±20"),
    (["network", "traffic", "mobile"], 0.12345, "network.traffic: a weight has more than three decimals"),
    (
        ["calibration", "agents, more", "true"],
        [0],
        "calibration, 'agents, more': .* values of 'summed' and 1 of 'true'",
    ),
    (["calibration", "agents, more", "summed"], [0, 0], "calibration, 'agents, more': "),
    (["calibration"], {}, "calibration: there is one for each of fingerprints, once in thinnest logs; fingerprints, "),
    (["rules", "rhythm", 0, "signal"], "ports", r"rules.rhythm\[0\]: its signal is 'shape'"),
    (["rules", "rhythm", 0, "weights"], [-1, 0, 0, 0, 1], r"rules.rhythm\[0\]: a weight is below 0"),
    (["rules", "rhythm", 1, "feature"], "mood", r"rules.rhythm\[1\]: unknown feature 'mood'"),
    (["rules", "room", "weights"], [0, 0, 0, -1], r"rules.room: a weight is below 0"),
    (["rules", "room", "signal"], "agents", r"rules.room: its signal is 'shape'"),
    (["rules", "uncorroborated_ceiling"], 0.6, "Expected `float` < 0.495"),
    (["pool", "classes"], ["vpns"], "pool.classes: unknown class 'vpns'"),
    (["pool", "highest"], 10, "'highest' is below 'step_down'"),
    (["users", "classes", "vpn"], [9, 3], "users.classes, 'vpn': 9 is above 3"),
]


@pytest.mark.parametrize(("path", "value", "message"), FAULTS, ids=[f"{row[0]} {row[2][:30]}" for row in FAULTS])
def test_a_fault_is_named(path, value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_scorecard(changed(path, value), "mine.json")
    assert str(caught.value).startswith("mine.json: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', b"\xff"])
def test_what_is_no_scorecard_is_refused(text):
    with pytest.raises(ConfigError, match=r"mine\.json"):
        parse_scorecard(text, "mine.json")


def test_the_shipped_one_weighs_every_origin_that_sources_give():
    assert set(shipped_scorecard().assertions) == set(LIFE_DAYS)


def test_the_shipped_one_speaks_of_every_kind_that_corroborates():
    assert set(CORROBORATING) <= {term.bit for term in shipped_scorecard().terms} <= set(MEASURED)


def test_every_source_is_cited():
    card = shipped_scorecard()
    cited = {name for term in card.terms for name in term.source}
    cited |= {name for term in card.assertions.values() for name in term.source}
    cited |= {name for one in (*CANDIDATES, *NEIGHBOURS) for name in one.source}  # some say nothing in the end
    cited |= {name for term in (*card.rules.rhythm, card.rules.room) for name in term.source}
    cited |= {*card.network.declared.source, *card.network.traffic.source, *card.users.source}
    assert cited == set(card.literature)


def test_pools_and_users_name_classes():
    card = shipped_scorecard()
    assert Class.CGNAT in card.pool.bits
    assert Class.OTHER not in card.pool.bits
