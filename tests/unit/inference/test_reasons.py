"""What `explain` tells, and that it needs no numpy."""

from __future__ import annotations

import math
import subprocess
import sys

import msgspec
import pytest

from mipdns import net
from mipdns.inference import explain
from mipdns.inference.exposure import REFERENCE
from mipdns.inference.features import DERIVED, WAYS, way
from mipdns.inference.reasons import traffic_log_odds
from mipdns.inference.scorecard import POINTS, Calibration, PriorShare
from mipdns.inference.weigh import calibrated
from mipdns.vocabulary import Signal
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion

ADDRESS = net.parse_address("51.15.7.9")


def told(observation, *origins, **rest):
    said = [assertion("51.15.7.9", origin) for origin in origins]
    observation = observation and observation | REFERENCE  # as a load of few units adds it
    return explain(ADDRESS, observation=observation, assertions=said, scorecard=CARD, as_of=AS_OF, **rest)


def origins(explanation):
    return [term.origin for term in explanation.terms]


def test_the_prior_comes_first_and_every_term_has_its_reason():
    explanation = told(people.CGNAT, "trace.cgnat", declared="business", traffic="mobile", prior=0.2)
    assert explanation.terms[0].origin == "prior"
    assert explanation.terms[0].log_odds == round(math.log(CARD.prior / (1 - CARD.prior)), 3)
    assert {"tls_day_max", "agents_day_max", "network.business", "traffic.mobile", "trace.cgnat"} <= set(
        origins(explanation)
    )
    assert all(term.reason for term in explanation.terms)
    agents = next(term for term in explanation.terms if term.origin == "agents_day_max")
    assert (agents.signal, agents.value) == (Signal.AGENTS, 70.0)


def test_one_loud_kind_shows_the_rule_that_holds_it_down():
    explanation = told(people.SCANNER_WITHOUT_AGENT, prior=0.8)
    assert explanation.confidence == 48
    assert explanation.terms[-1].origin == "rule.uncorroborated"
    assert explanation.terms[-1].log_odds < 0


def test_doubt_and_partners_show_their_rules():
    assert "rule.doubt" in origins(told(people.SCANNER, "list.tor"))
    denied = told(people.CGNAT, "partner.deny", declared="mobile")
    assert origins(denied)[-1] == "partner.deny"
    assert "rule.partner" in origins(told(people.MOBILE, "partner.deny", "list.mobile", declared="mobile"))


def test_a_data_centre_is_told_once_and_not_beside_an_egress_list():
    centre = {"network.hosting", "traffic.hosting", "list.hosting"}
    alone = told(people.QUIET, "list.hosting", declared="hosting", traffic="hosting")
    listed = told(people.QUIET, "list.hosting", "list.vpn", declared="hosting", traffic="hosting")
    assert centre & set(origins(alone)) == {"list.hosting"}
    assert centre & set(origins(listed)) == set()


def test_what_expired_or_speaks_of_others_is_passed_over():
    old = assertion("51.15.7.9", "list.tor", age_days=50, life_days=30)
    beside = assertion("51.15.7.10", "list.tor")
    explanation = explain(ADDRESS, observation=None, assertions=[old, beside], scorecard=CARD, as_of=AS_OF)
    assert origins(explanation) == ["prior"]


def test_of_missing_columns_only_their_absence_speaks():
    features = {term.origin for term in told({"ports_hour_max": None, "agents_day_max": math.nan}).terms if term.signal}
    assert features <= {"exposure", *(name for name, derived in DERIVED.items() if derived.operator == "told")}


def test_without_any_evidence_the_prior_is_served():
    assert told(None).confidence == round(100 * CARD.prior)


def test_the_calibration_is_a_line_of_its_own():
    terms = {term.origin: term for term in told(people.CGNAT).terms}
    summed = sum(round(term.log_odds * POINTS) for term in terms.values() if term.signal)
    assert (
        round(terms["calibration"].log_odds * POINTS)
        == calibrated(summed, CARD.calibration[WAYS[way(people.CGNAT | REFERENCE)]]) - summed
    )


@pytest.mark.parametrize(
    "unit", [people.CGNAT, people.SCANNER, people.QUIET, people.SCANNER_WITHOUT_AGENT, people.CRAWLER]
)
def test_traffic_weighs_what_it_does_in_a_verdict(unit):
    terms = told(unit).terms
    says = sum(term.log_odds for term in terms if term.signal or term.origin == "calibration")
    assert traffic_log_odds(unit | REFERENCE, CARD) == pytest.approx(says, abs=1e-9)


def test_traffic_is_calibrated_for_the_way_it_was_seen():
    full = PriorShare(1.0, 1.0, 1.0)
    lines = {way: Calibration((-9.0, 9.0), (at, at), full, 0.5, 0.0, 0.0, "level") for at, way in enumerate(WAYS)}
    card = msgspec.structs.replace(CARD, calibration=lines)
    told: tuple[dict[str, float], ...] = (
        {"agents_day_max": 3.0, "tls_day_max": 2.0, "ports_hour_max": 22.0},
        {"agents_day_max": 3.0, "tls_day_max": 2.0},
        {"agents_day_max": 3.0, "ports_hour_max": 22.0},
        {"agents_day_max": 3.0},
        {"ports_hour_max": 22.0},
        {"ports_hour_max": 22.0, "agents_lesser": 1.2},
    )
    seen = [
        {"requests_day_max": requests, "requests_lesser": 4.0, "seen_once": once, "hours_day_max": hours}
        for once, requests, hours in (
            *((once, 60.0, hours) for once in (0.7, 0.5) for hours in (1.0, 2.0, 3.0)),
            *((0.2, requests, 3.0) for requests in (4.0, 16.0, 80.0)),
        )
    ]
    ways = [traffic_log_odds(more | often, card) for more in told for often in seen]
    assert ways == list(range(len(WAYS)))


def test_what_has_faded_gives_no_term():
    old = assertion("51.15.7.9", "list.tor", age_days=90, life_days=200)
    explanation = explain(ADDRESS, observation=None, assertions=[old], scorecard=CARD, as_of=AS_OF)
    assert origins(explanation) == ["prior"]


def test_reasons_for_one_address_need_no_numpy():
    program = (
        "import sys, mipdns.inference as i; i.shipped_scorecard(); i.explain; "
        "assert 'numpy' not in sys.modules; i.judge; assert 'numpy' in sys.modules"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
