"""One row a situation of the field: what was seen and said, and what must be served."""

from __future__ import annotations

import pytest

from mipdns.evidence import Network
from mipdns.vocabulary import Class
from tests.unit.inference import people
from tests.unit.inference.build import CARD, assertion, at, confidence, judged, route

ADDRESS, SIX = "51.15.7.9", "2a02:26f7:1234:5678::7"


def network(declared):
    return [Network(64500, "Example", "", declared, "", "", "", "test")]


SCENARIOS = [
    # what, seen, said, declared, lowest, highest confidence, class
    ("household", people.HOUSEHOLD, [], "residential", 1, 25, Class.OTHER),
    ("family of eight devices", people.BIG_FAMILY, [], "residential", 1, 45, None),
    ("one request says next to nothing", people.QUIET, [], None, 1, 33, None),
    ("scanner, 2,847 ports, one agent", people.SCANNER, [], None, 1, 10, Class.OTHER),
    ("scanner of which only ports are known", people.SCANNER_WITHOUT_AGENT, [], None, 1, 49, None),
    ("the same in a burst of an hour", people.BURST_WITHOUT_AGENT, [], None, 1, 49, None),
    ("an agent for each request over few connections", people.FORGED_AGENTS, [], None, 1, 49, None),
    ("torrent user", people.TORRENT, [], "residential", 1, 20, Class.OTHER),
    ("crawler", people.CRAWLER, [], "hosting", 1, 5, Class.OTHER),
    ("crawler that rotates its agents", people.ROTATING_CRAWLER, [], "hosting", 1, 30, None),
    ("the same in a home network", people.ROTATING_CRAWLER, [], "residential", 1, 49, None),
    ("the same where no TLS is logged", people.ROTATING_CRAWLER_WITHOUT_TLS, [], "hosting", 1, 49, None),
    ("one host that forges 500 forwarded clients", people.FORGED_CLIENTS, [], None, 1, 49, None),
    ("carrier NAT", people.CGNAT, [], "residential", 80, 99, Class.CGNAT),
    ("carrier NAT, network unknown", people.CGNAT, [], None, 80, 99, Class.CGNAT),
    ("carrier NAT in a flow log", people.CGNAT_WITHOUT_AGENT, [], "residential", 50, 91, None),
    ("mobile gateway", people.MOBILE, [], "residential", 90, 99, Class.MOBILE),
    ("campus, which sleeps at night", people.CAMPUS, [], "education", 60, 99, Class.CAMPUS),
    ("VPN exit in a data centre, on no list", people.VPN_EXIT, [], "hosting", 60, 99, Class.VPN),
    ("the same, data-centre list", people.VPN_EXIT, ["list.hosting"], "hosting", 60, 99, Class.VPN),
    ("VPN exit on a list", people.VPN_EXIT, ["list.vpn"], "hosting", 90, 99, Class.VPN),
    ("quiet address of a VPN range", people.QUIET, ["list.vpn"], "hosting", 70, 90, Class.VPN),
    ("VPN range, not seen", None, ["list.vpn"], None, 85, 95, Class.VPN),
    ("Tor exit, not seen", None, ["list.tor"], None, 95, 99, Class.TOR),
    (
        "Tor exit in a data centre, one agent",
        people.SCANNER,
        ["list.tor", "list.hosting"],
        "hosting",
        80,
        99,
        Class.TOR,
    ),
    ("relay", None, ["list.relay"], "hosting", 95, 99, Class.RELAY),
    ("relay and VPN lists agree", None, ["list.relay", "list.vpn"], None, 97, 99, Class.RELAY | Class.VPN),
    ("edge of a content network", people.EDGE, ["list.proxy"], "hosting", 90, 99, Class.PROXY),
    ("edge, on no list", people.EDGE, [], None, 50, 99, Class.PROXY),
    ("quiet edge address", people.QUIET, ["list.proxy"], "hosting", 80, 99, Class.PROXY),
    ("carrier NAT in a traceroute", None, ["trace.cgnat"], None, 88, 96, Class.CGNAT),
    ("a host with its own address in a data centre", people.QUIET, ["trace.direct", "list.hosting"], None, 1, 10, None),
    ("cellular operator's range", None, ["list.mobile"], None, 80, 90, Class.MOBILE),
    ("campus range", None, ["list.campus"], None, 78, 85, Class.CAMPUS),
    ("a word in a reverse name", None, ["names.nat"], None, 25, 49, Class.CGNAT),
    ("household with a dynamic name", people.HOUSEHOLD, ["names.access"], "residential", 1, 20, Class.OTHER),
    ("data centre, nothing else", None, ["list.hosting"], None, 1, 20, Class.OTHER),
    ("quiet address of a data centre", people.QUIET, ["list.hosting"], "hosting", 1, 10, Class.OTHER),
    ("partner confirms", None, ["partner.confirm"], None, 95, 99, Class.OTHER),
    ("partner confirms a quiet address", people.QUIET, ["partner.confirm"], "hosting", 90, 99, None),
    ("partner denies", None, ["partner.deny"], None, 1, 3, Class.OTHER),
    ("partner denies a loud crowd", people.CGNAT, ["partner.deny"], "residential", 1, 10, Class.OTHER),
    ("partner denies what a list says", None, ["partner.deny", "list.vpn"], None, 1, 10, Class.VPN),
]


@pytest.mark.parametrize(
    ("seen", "said", "declared", "low", "high", "classes"),
    [row[1:] for row in SCENARIOS],
    ids=[row[0] for row in SCENARIOS],
)
@pytest.mark.parametrize("address", [ADDRESS, SIX], ids=["IPv4", "IPv6"])
def test_what_is_served(address, seen, said, declared, low, high, classes):
    routes = [route("51.15.0.0/16", 64500), route("2a02:26f7::/32", 64500)]
    judgement = judged(
        {address: seen} if seen else None,
        [assertion(address, origin, exact=False) for origin in said],
        routes,
        networks=network(declared) if declared else [],
    )
    verdict = at(judgement, address)
    assert verdict is not None
    assert low <= verdict.confidence <= high
    if classes is not None:
        assert verdict.classes == classes
    assert verdict.asn == 64500


def test_a_relay_address_stays_exact_inside_its_measured_64():
    six = "2a02:26f7:1234:5678::7"
    judgement = judged({six: people.QUIET}, [assertion(six, "list.relay", exact=True)])
    inside, beside = at(judgement, six), at(judgement, "2a02:26f7:1234:5678::8")
    assert inside is not None and beside is not None
    assert inside.first == inside.last
    assert inside.confidence >= 90 and inside.classes == Class.RELAY
    assert beside.confidence <= 100 * CARD.prior
    assert at(judgement, "2a02:26f7:1234:5678::") is not None


def test_what_is_not_exact_widens_to_its_64():
    judgement = judged(None, [assertion("2a02:26f7:1234:5678::7", "trace.cgnat", exact=False)])
    assert [(row.first & (1 << 64) - 1, row.last & (1 << 64) - 1) for row in judgement.verdicts] == [(0, (1 << 64) - 1)]


def test_the_partner_of_the_narrower_range_wins_and_of_one_range_the_newer():
    old_confirm = assertion("51.15.7.0/24", "partner.confirm", age_days=9)
    new_deny = assertion("51.15.7.0/24", "partner.deny", age_days=1)
    narrow_deny = assertion("51.15.7.9", "partner.deny", age_days=9)
    newer = judged(None, [old_confirm, new_deny])
    narrower = judged(None, [assertion("51.15.7.0/24", "partner.confirm", age_days=1), narrow_deny])
    assert confidence(newer, "51.15.7.9") <= 3
    assert confidence(narrower, "51.15.7.9") <= 3
    assert confidence(narrower, "51.15.7.8") >= 95


def test_partners_that_contradict_each_other_cancel_out():
    both = judged(None, [assertion("51.15.7.9", "partner.confirm"), assertion("51.15.7.9", "partner.deny")])
    assert confidence(both, "51.15.7.9") == round(100 * CARD.prior)


def _brief(requests, agents, hours=1, **rest):
    """A unit of a log that sees next to nothing of anybody."""
    return people.day(
        requests, agents, agents, 1, days=float(hours), hours_day_max=float(hours), night_share=0.0, **rest
    )


ONCE, TWICE, SOMEBODY_ELSE = _brief(1, 1), _brief(4, 1, hours=2), _brief(4, 3, hours=2)
THIN = {f"51.{at // 40}.{at % 40}.7": ONCE if at < 1600 else TWICE for at in range(2100)} | {
    f"53.{network}.7.{last}": SOMEBODY_ELSE if last % 3 else ONCE for network in range(1, 12) for last in range(1, 100)
}
"""Homes, and eleven pools of which each address shows somebody else when it comes again."""


@pytest.mark.parametrize(
    ("address", "seen", "listed"),
    [
        ("53.5.7.50", ONCE, True),
        ("53.5.7.50", _brief(25, 1), False),
        ("54.5.7.50", ONCE, False),
        ("54.5.7.50", _brief(8, 8), False),
        ("54.5.7.50", _brief(11, 1, forwarded_day_max=11.0, forwarded_share=1.0), False),
    ],
    ids=["once between crowds", "often as one between crowds", "once elsewhere", "made up agents", "made up clients"],
)
def test_of_whom_little_is_seen_the_neighbours_speak(address, seen, listed):
    assert (confidence(judged({**THIN, address: seen}), address) >= 50) == listed


def test_who_is_listed_by_no_more_than_the_neighbours_is_counted():
    found = judged(THIN)
    brief = [address for address, seen in THIN.items() if seen is ONCE and confidence(found, address) >= 50]
    assert found.counts["units_lifted"] == len(brief) > 100
