"""Whether traffic bears a source out: held against units as busy, outside data centres, whatever the stretches.

The population is written by hand: 24 networks, each of 10 units that look like a carrier's crowd and 30 that look like
homes, and some that came once.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from mipdns import net
from mipdns.evidence import CONTEXT_COLUMNS, NETWORK_TYPES, UNIT_COLUMNS, Network
from mipdns.inference import crowd, features
from mipdns.inference.bearing import NETWORKS_MIN, STRATA, UNITS_MIN, VISITS, Bearing
from mipdns.inference.features import TOLD
from mipdns.inference.scorecard import MEASURED
from mipdns.inference.trust import UNTESTED, Trust
from mipdns.inference.voices import NOTHING
from tests.unit.inference import people
from tests.unit.inference.build import CARD, assertion, judged, route

NETWORKS, CROWDS, HOMES, ONCE = 24, 10, 30, 40
RESIDENTIAL = NETWORK_TYPES.index("residential")
ROUTES = [route(f"51.{net_}.0.0/16", 64500 + net_) for net_ in range(NETWORKS)]


def units_of(networks=NETWORKS):
    """Address to columns. Homes differ in how busy they are, as crowds do."""
    found = {}
    for network in range(networks):
        for at in range(CROWDS):
            found[f"51.{network}.0.{at}"] = people.CGNAT | {"requests_day_max": float(60 + 150 * at)}
        for at in range(HOMES):
            kind = (people.COUPLE, people.HOUSEHOLD, people.BIG_FAMILY)[at % 3]
            found[f"51.{network}.1.{at}"] = kind | {"requests_day_max": float(16 + 20 * at)}
        for at in range(ONCE):
            found[f"51.{network}.2.{at}"] = people.QUIET | {"requests_day_max": float(2 + at % 3)}
    return found


UNITS = units_of()
CROWD = [address for address in UNITS if address.split(".")[2] == "0"]
HOME = [address for address in UNITS if address.split(".")[2] == "1"]
BUSY = CROWD + HOME


def declaring(kind, networks=range(NETWORKS)):
    return [Network(64500 + one, "", "", kind, "", "", "", "") for one in networks]


def named(addresses, origin="list.tor", source="list"):
    return [assertion(address, origin)._replace(source=source) for address in addresses]


def unsupported(said, units=UNITS, routes=ROUTES, networks=None, **rest):
    """Source to units compared, of those that are told of."""
    networks = declaring("residential") if networks is None else networks
    counts = judged(units, said, routes, networks=networks, **rest).counts
    return {name.removeprefix("unsupported_"): count for name, count in counts.items() if "unsupported_" in name}


def drawn(addresses, share, seed=1):
    dice = random.Random(seed)
    return [address for address in addresses if dice.random() < share]


@pytest.mark.parametrize("seed", range(5))
def test_a_list_that_names_at_random_is_told_and_one_that_names_crowds_is_not(seed):
    chance = drawn(BUSY, 0.5, seed)
    told = unsupported([*named(chance, source="chance"), *named(drawn(CROWD, 0.6, seed), "list.cgnat", "right")])
    assert list(told) == ["chance"]
    assert UNITS_MIN < told["chance"] <= len(chance)


def test_a_list_of_homes_is_told():
    assert list(unsupported(named(HOME[::3]))) == ["list"]


@pytest.mark.parametrize("wrong", [0, 40])
def test_a_right_list_may_be_wrong_in_some_lines(wrong):
    assert unsupported(named([*CROWD[::2], *HOME[: wrong * 3 : 3]])) == {}


def test_crowds_that_visit_rarely_are_held_against_homes_that_do():
    """Of quiet crowds traffic says less than of busy homes; that is not held against who names them."""
    quiet = people.day(6.0, 6.0, 4.0, 4.0, hours_day_max=4.0)
    units = {address: quiet if address in CROWD else columns for address, columns in UNITS.items()}
    units |= {
        f"51.{at}.2.{one}": people.COUPLE | {"requests_day_max": 6.0} for at in range(NETWORKS) for one in range(9)
    }
    assert unsupported(named(CROWD[::2]), units) == {}


@pytest.mark.parametrize("kind", ["hosting", None])
def test_nobody_is_judged_by_units_in_data_centres_or_nobody_knows_where(kind):
    assert unsupported(named(HOME[::3]), networks=declaring(kind)) == {}


def test_a_list_of_data_centres_tells_where_they_are():
    told = unsupported([*named(HOME[::3]), *named(["51.0.0.0/8"], "list.hosting", "clouds")])
    assert told == {}


def test_who_names_data_centres_for_the_most_part_is_not_judged_by_the_rest():
    """Exits of Tor at homes look like homes, and say nothing of those that stand among servers."""
    centres = range(0, NETWORKS, 2)
    networks = [*declaring("hosting", centres), *declaring("residential", range(1, NETWORKS, 2))]
    there = [address for address in HOME if int(address.split(".")[1]) in centres]
    elsewhere = [address for address in HOME if address not in there]
    few = drawn(elsewhere, UNITS_MIN * 1.4 / len(elsewhere))
    assert list(unsupported(named(few), networks=networks)) == ["list"]
    assert unsupported(named([*few, *there[: len(few) * 4]]), networks=networks) == {}


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (HOME[: UNITS_MIN - 1], "too few units"),
        ([one for one in HOME if int(one.split(".")[1]) < NETWORKS_MIN - 1], "too few networks"),
    ],
)
def test_few_are_not_judged(names, why):
    assert unsupported(named(names)) == {}, why


@pytest.mark.parametrize("origin", ["partner.confirm", "names.nat", "list.hosting", "trace.direct"])
def test_only_who_may_list_alone_is_judged(origin):
    assert unsupported(named(HOME[::3], origin)) == {}


def test_who_is_doubted_already_is_not_told_of_twice():
    world = [*named(HOME[::3]), *named([f"{first}.0.0.0/8" for first in range(60, 90)])]
    assert unsupported(world) == {}


def test_nothing_is_judged_otherwise_for_it(monkeypatch):
    by_chance, networks = named(drawn(BUSY, 0.5)), declaring("residential")
    told = judged(UNITS, by_chance, ROUTES, networks=networks)
    monkeypatch.setattr(Bearing, "add", lambda *_: None)
    untold = judged(UNITS, by_chance, ROUTES, networks=networks)
    assert told.counts.keys() - untold.counts.keys() == {"unsupported_list"}
    assert told.verdicts == untold.verdicts
    assert (told.beliefs, told.histogram, told.prior) == (untold.beliefs, untold.histogram, untold.prior)


@pytest.mark.parametrize("units_max", [1, 7, 100])
def test_in_how_many_stretches_the_units_come_changes_nothing(units_max):
    world = [*named(drawn(BUSY, 0.5), source="chance"), *named(CROWD[::2], source="right")]
    assert unsupported(world, units_max=units_max) == unsupported(world)


def facts_of(units):
    """Columns and facts of units given by address, by key."""
    order = sorted(units, key=lambda address: net.unit_key(net.parse_address(address)))
    usual = {"requests_lesser": 5.0, "requests_typical": 45.0, "agents_lesser": 1.2}
    columns = {
        name: np.array([usual.get(name, units[one].get(name, np.nan)) for one in order], dtype=np.float32)
        for name in (*UNIT_COLUMNS, *CONTEXT_COLUMNS)
    }
    size = len(order)
    facts = crowd.Facts(
        crowd.measure(columns, CARD, MEASURED),
        np.full(size, RESIDENTIAL, dtype=np.int8),
        np.full(size, -1, dtype=np.int8),
        np.zeros(size, dtype=np.int64),
        features.way_of(columns),
    )
    key = np.array([net.unit_key(net.parse_address(one)) for one in order], dtype=np.uint64)
    asn = np.array([64500 + int(one.split(".")[1]) for one in order], dtype=np.int64)
    return order, key, asn, facts, columns


def less(columns, dice):
    """The columns as logs that tell everything, no fingerprints, no ports, or connections alone have them."""
    agents = ("tls", "agent", "families", "crawler", "mobile")
    untold = dice.choices([(), ("tls",), ("ports", "blocks"), agents], [5, 2, 2, 2])[0]
    return {name: value for name, value in columns.items() if not name.startswith(untold)}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_summed_by_network_is_what_units_one_by_one_come_to(seed):
    dice = random.Random(seed)
    units = {address: less(columns, dice) for address, columns in UNITS.items() if dice.random() < 0.9}
    names = {*drawn(HOME, 0.3, seed), *drawn(CROWD, 0.1 + 0.2 * seed, seed)} & units.keys()
    order, key, asn, facts, columns = facts_of(units)
    bearing = Bearing(named(sorted(names)), CARD, UNTESTED)
    middle = len(order) // 3
    for part in (np.arange(middle), np.arange(middle, len(order))):
        taken = {name: column[part] for name, column in columns.items()}
        bearing.add(key[part], asn[part], facts.take(part), taken, CARD.prior)
    found = bearing.tried()["list"]

    says = crowd.weigh(facts, crowd.Heards([NOTHING]), CARD, CARD.prior).unlimited
    percents = crowd.confidences(says).tolist()
    rows = []  # stratum, AS, percent, whether named
    for at, address in enumerate(order):
        visits = features.value("visits", {name: float(column[at]) for name, column in columns.items()})
        told = features.told({name: float(column[at]) for name, column in columns.items()})
        if visits >= VISITS[0]:
            band = max(number for number, low in enumerate(VISITS) if visits >= low)
            rows.append((band * len(TOLD) + told, int(asn[at]), percents[at], address in names))
    difference = right = 0.0
    apart: dict[int, float] = {}
    compared = [row for row in rows if row[3] and sum(one[0] == row[0] and not one[3] for one in rows) >= 10]
    for stratum in range(STRATA):
        mine = [row for row in compared if row[0] == stratum]
        others = [row for row in rows if row[0] == stratum and not row[3]]
        if not mine:
            continue
        weight = len(mine) / len(compared)
        mean, mean_else = (sum(row[2] for row in some) / len(some) for some in (mine, others))
        squares, plain = (sum(row[2] ** power for row in mine + others) for power in (2, 1))
        difference += weight * (mean - mean_else)
        right += weight * (squares / plain - mean_else)
        for some, centre, sign in ((mine, mean, 1), (others, mean_else, -1)):
            for _, number, percent, _ in some:
                apart[number] = apart.get(number, 0.0) + sign * weight * (percent - centre) / len(some)
    networks = len({row[1] for row in compared})
    error = math.sqrt(sum(one**2 for one in apart.values()) * networks / (networks - 1))
    seen = {TOLD[stratum % len(TOLD)] for stratum, *_ in compared}
    assert seen == {"fingerprints", "fingerprints without ports", "agents", "connections beside requests"}
    assert (found.units, found.networks) == (len(compared), networks)
    assert (found.difference, found.error, found.right) == pytest.approx((difference, error, right))


def test_without_a_source_that_may_list_alone_there_is_nothing_to_try():
    _, key, asn, facts, columns = facts_of(UNITS)
    bearing = Bearing([], CARD, Trust({}, {}))
    bearing.add(key, asn, facts, columns, CARD.prior)
    assert bearing.tried() == {}


ONE_KIND = people.FORGED_AGENTS | {
    "agent_top_share": 0.08,
    "ports_hour_max": 1.0,
    "hours_day_max": 1.0,
    "night_share": 0.0,
}
"""Agents as people's are, and nothing else that speaks for many."""


def test_units_whose_agents_a_program_makes_up_are_counted():
    units = {"51.15.7.9": people.FORGED_AGENTS | {"agent_top_share": 0.02}, "51.15.9.9": people.CGNAT}
    assert judged(units).counts["units_disguised"] == 1
    assert judged({"51.15.9.9": people.CGNAT}).counts["units_disguised"] == 0


def test_units_that_one_kind_of_evidence_alone_would_list_are_counted():
    units = {"51.15.7.9": ONE_KIND, "51.15.9.9": people.CGNAT, "51.15.11.9": people.QUIET}
    judgement = judged(units, [], [route("51.15.0.0/16", 64500)])
    assert (judgement.counts["listed"], judgement.counts["units_uncorroborated"]) == (1, 1)
    named_too = judged(units, [assertion("51.15.7.9", "list.vpn")], [route("51.15.0.0/16", 64500)])
    assert (named_too.counts["listed"], named_too.counts["units_uncorroborated"]) == (2, 0)
    denied = judged(units, [assertion("51.15.7.9", "partner.deny")], [route("51.15.0.0/16", 64500)])
    assert (denied.counts["listed"], denied.counts["units_uncorroborated"]) == (1, 0)


def test_a_unit_in_several_parts_is_counted_once():
    routes = [route("2a02:26f7::-2a02:26f7::27", 64500), route("2a02:26f7::28-2a02:26f7::ffff", 64501)]
    judgement = judged({"2a02:26f7::": ONE_KIND}, [], routes)
    assert judgement.counts["units_uncorroborated"] == 1
