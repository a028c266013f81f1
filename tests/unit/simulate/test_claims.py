"""How the sources of a made world fail: laws of what lists, names and partners say against what is true."""

from __future__ import annotations

import csv
import gzip
import io
import ipaddress
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mipdns.simulate import Summary, WorldPlan, changed, simulate
from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.population import World, make_world

from .conftest import AS_OF

PLAN = changed(WorldPlan(units=8000), errors={"moved": 0.05, "duplicated": 0.03, "names_stale": 0.0, "list_stale": 0.1})
DAYS = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    plan = changed(PLAN, people={"line_visits": 0.2, "person_visits": 0.01})  # logs do not matter here
    return simulate(tmp_path_factory.mktemp("claims"), seed=2, plan=plan, days=DAYS, as_of=AS_OF, form="parquet")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(PLAN, 2, DAYS)


def listed(path: Path, world: World) -> np.ndarray:
    """Whether each unit of the world is in a list of prefixes."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = np.zeros(len(world.units.key), dtype=np.bool_)
    for line in content.decode().splitlines():
        if not line.startswith("#"):
            network = ipaddress.ip_network(line)
            shift = 0 if network.version == 4 else 64
            first, last = int(network.network_address) >> shift, int(network.broadcast_address) >> shift
            found |= (world.units.key >= first) & (world.units.key <= last)
    return found


def of_kind(world: World, *names: str) -> np.ndarray:
    return np.isin(world.units.kind, [KIND_NUMBER[name] for name in names])


def truth(made: Summary) -> dict[str, str]:
    with made.truth.open() as file:
        return {row["prefix"]: row["kind"] for row in csv.DictReader(file)}


def test_lists_know_large_operators_better_than_small(made: Summary, world: World):
    known = listed(made.folder / "lists" / "vpn.txt.gz", world)
    rank = np.array([network.rank for network in world.networks])[world.units.network]
    vpn = of_kind(world, "vpn", "vpn6") & (world.units.since == 0)
    assert known[vpn & (rank > 0.8)].mean() > known[vpn & (rank < 0.5)].mean() + 0.15
    assert 0.2 < known[vpn].mean() < 0.9


def test_lists_are_late_and_stale(made: Summary, world: World):
    known = listed(made.folder / "lists" / "vpn.txt.gz", world)
    vpn = of_kind(world, "vpn")
    assert known[vpn & (world.units.since == 0)].mean() > known[vpn & (world.units.since > 0)].mean()
    gone = vpn & (world.units.until < DAYS)
    assert known[gone].any(), "what was a VPN until some day is still listed"
    true_of = truth(made)
    tor = (made.folder / "lists" / "tor-exits.txt").read_text().splitlines()
    kinds = Counter(true_of.get(line) for line in tor if not line.startswith("#"))
    assert kinds["tor"] > 0.7 * sum(kinds.values())
    assert kinds[None] and kinds["household"] + kinds["server"] + kinds["scanner"]


def test_some_rows_are_there_twice(made: Summary):
    for path in ("lists/relay-egress.csv", "lists/vpn.txt.gz", "ptr/names.csv.gz"):
        content = (made.folder / path).read_bytes()
        lines = (gzip.decompress(content) if path.endswith(".gz") else content).decode().splitlines()
        prefixes = [line.split(",")[0] for line in lines]
        assert 0 < len(prefixes) - len(set(prefixes)) < 0.1 * len(prefixes)


def words(made: Summary) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((made.folder / "partner" / "words.csv").read_text())))


def test_a_partner_speaks_of_less_than_a_twentieth_and_is_sometimes_wrong(made: Summary):
    true_of, rows, errors = truth(made), words(made), PLAN.errors
    assert len(rows) == pytest.approx(errors.partner_space * len(true_of), rel=0.1)
    shared = {kind.name: kind.multi_user for kind in KINDS}
    wrong = [(row["verdict"] == "confirm") != shared[true_of[row["prefix"]]] for row in rows]
    assert np.mean(wrong) == pytest.approx(errors.partner_wrong, abs=0.02)
    assert len({row["who"] for row in rows}) < 40, "an ISP speaks of all its addresses, most ISPs of none"


@pytest.mark.parametrize(("space", "spoken_of"), [(0.0001, 2), (0.04, 12)])
def test_a_partner_speaks_of_two_units_at_least(tmp_path: Path, space: float, spoken_of: int):
    plan = changed(WorldPlan(units=300), errors={"partner_space": space})
    made = simulate(tmp_path, seed=2, plan=plan, days=1, as_of=AS_OF, form="parquet")
    assert len(words(made)) == spoken_of


def test_of_no_units_no_partner_speaks_and_the_rest_is_the_same(tmp_path: Path):
    """As in a world without him: a source that says nothing stops a load."""
    plan = WorldPlan(units=300, without=("atlas",))
    silent = changed(plan, errors={"partner_space": 0.0})
    without = msgspec.structs.replace(plan, without=("atlas", "partner"))
    one, other = (
        simulate(tmp_path / name, seed=2, plan=plan, days=1, as_of=AS_OF, form="parquet")
        for name, plan in (("silent", silent), ("without", without))
    )
    assert one.config.read_text() == other.config.read_text()
    assert contents(one) == contents(other)
    assert not (one.folder / "partner").exists()


def contents(made: Summary) -> dict[Path, bytes]:
    return {file.path.relative_to(made.folder): file.path.read_bytes() for file in made.files}


def test_names_are_missing_by_network_and_often_say_nothing(made: Summary, world: World):
    text = gzip.decompress((made.folder / "ptr" / "names.csv.gz").read_bytes()).decode()
    named = {row["address"]: row["name"] for row in csv.DictReader(io.StringIO(text))}
    keys = {int(ipaddress.IPv4Address(address)) for address in named}
    four = world.units.key < 1 << 32
    has = np.array([key in keys for key in world.units.key.tolist()])
    usual = four & of_kind(world, "household", "cgnat", "server", "office")
    share = np.array([has[usual & (world.units.network == at)].mean() for at in np.unique(world.units.network[usual])])
    assert (share == 0).mean() > 0.1 and (share > 0.7).mean() > 0.3
    of_carriers = [named[kind] for kind, what in truth(made).items() if what == "cgnat" and kind in named]
    telling = [name for name in of_carriers if any(word in name for word in ("cgn", "nat", "lsn"))]
    assert 0.1 < len(telling) / len(of_carriers) < 0.95


def test_truth_is_of_the_last_day(made: Summary, world: World):
    true_of = truth(made)
    units = world.units
    for row in np.flatnonzero((units.since > 0) & (units.key < 1 << 32)).tolist():
        address = str(ipaddress.IPv4Address(int(units.key[row])))
        assert true_of[address] == KINDS[int(units.kind[row])].name
