"""Public data that nobody here wrote, all the way: files → `mipdns load` → a real server → DNS answers."""

from __future__ import annotations

import gzip
import json
import resource
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mipdns import net
from mipdns.lookup import Answer, lookup
from tests.conftest import REPOSITORY
from tests.e2e import servers
from tests.e2e.commands import mipdns

pytestmark = [pytest.mark.real, pytest.mark.slow]

MEMORY_MAX_BYTES = 2 << 30
BEHIND_CARRIER_NAT = ("103.160.46.15", "170.203.209.230", "170.203.211.21", "38.145.109.126")
SERVER_ITSELF = "64.225.56.201"


class World(NamedTuple):
    """A loaded, served world. lists: the covered prefixes of every egress list that names multi-user addresses."""

    config: Path
    server: tuple[str, int]
    data: Path


@pytest.fixture(scope="module")
def world(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """tests/e2e/real.toml, loaded in a process of its own, and a server on it."""
    folder = tmp_path_factory.mktemp("real")
    text = (REPOSITORY / "tests" / "e2e" / "real.toml").read_text()
    text = text.replace("../../../shared/data", str(real_data)).replace("../../zones", str(REPOSITORY / "zones"))
    text = text.replace("[serve]", '[serve]\nlisten = ["127.0.0.1:0"]')
    config = folder / "mipdns.toml"
    config.write_text(text)
    done = mipdns(config, "load", "--json")
    assert done.returncode == 0, done.stderr
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak_bytes < MEMORY_MAX_BYTES
    with servers.start(config) as server:
        yield World(config, server.addresses[0], real_data)


def ask(world: World, address: str, sub_list: str = "") -> Answer:
    return lookup(net.parse_address(address), world.server, "mip.internal", sub_list)


@pytest.mark.parametrize(
    ("address", "class_name"),
    [
        ("172.226.198.170", "relay"),
        ("2a02:26f7:b00a:4000::1", "relay"),
        ("2.56.10.36", "tor"),
        ("2.26.157.9", "vpn"),
        ("172.70.114.135", "proxy"),
        ("2400:cb00::1", "proxy"),
        ("165.225.0.1", "proxy"),
        ("213.159.136.100", "mobile"),
    ],
)
def test_published_shared_addresses_are_listed_at_80_with_their_class(
    world: World, address: str, class_name: str
) -> None:
    answer = ask(world, address)
    assert answer.a is not None
    assert int(answer.txt["conf"]) >= 80
    assert class_name in answer.txt["class"].split(",")
    assert ask(world, address, f"t80.{class_name}").a == answer.a


@pytest.mark.parametrize("address", BEHIND_CARRIER_NAT)
def test_a_probe_behind_carrier_nat_is_listed_as_such(world: World, address: str) -> None:
    answer = ask(world, address)
    assert answer.a is not None
    assert "cgnat" in answer.txt["class"].split(",")
    assert "trace" in answer.txt["src"].split(",")


def test_a_public_host_that_crosses_carrier_space_is_not_listed(world: World) -> None:
    assert ask(world, "45.76.216.72").a is None


def test_our_own_server_is_not_a_client(world: World) -> None:
    assert ask(world, SERVER_ITSELF, "all").a is None or "ports" not in ask(world, SERVER_ITSELF, "all").txt["src"]


def test_the_loudest_single_scanners_are_not_listed(world: World) -> None:
    loud = loudest_unlisted(world.data, 25)
    assert loud[0][1] > 1000
    assert {address: ask(world, address).a for address, _ in loud} == dict.fromkeys((address for address, _ in loud))


def test_explain_gives_the_reasons(world: World) -> None:
    for address, word in (("103.160.46.15", "trace"), ("2.56.10.36", "tor"), ("172.70.114.135", "proxy")):
        done = mipdns(world.config, "explain", address)
        assert done.returncode == 0, done.stderr
        assert word in done.stdout.lower()
        document = json.loads(mipdns(world.config, "explain", "--json", address).stdout)
        answer = ask(world, address)
        assert document["confidence"] == int(answer.txt["conf"])
        assert sum(term["log_odds"] for term in document["terms"]) == pytest.approx(document["log_odds"], abs=0.01)


def test_its_labels_are_too_much_of_one_network_to_learn_from(world: World, tmp_path: Path) -> None:
    """docs/validation.md gives these numbers."""
    done = mipdns(
        world.config, "train", str(world.config.parent / "real" / "mip.db"), "--out", str(tmp_path / "x.json")
    )
    assert done.returncode == 1
    assert "labels know 5728 shared (0 by partner, 0 by trace, 5728 by list, 0 by names) and 515 other" in done.stderr
    assert "AS13335 holds 97 % of the shared ones" in done.stderr
    page = (REPOSITORY / "docs" / "validation.md").read_text("utf-8")
    assert "| list | 5,728 | 515 |" in page
    assert "97 % of the shared ones" in page


@pytest.fixture(scope="module")
def by_traffic(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without any list of shared addresses: what traffic alone makes of them."""
    folder = tmp_path_factory.mktemp("traffic")
    head, *tables = world.config.read_text().split("[[source]]")
    kept = [table for table in tables if 'kind = "egress"' not in table or 'class = "hosting"' in table]
    config = folder / "mipdns.toml"
    config.write_text("[[source]]".join([head, *kept]))
    done = mipdns(config, "load")
    assert done.returncode == 0, done.stderr
    return config


def others(data: Path, *, kind: str) -> Iterator[str]:
    """Ranges or addresses that are nobody's proxies: data centres, or the loudest single scanners."""
    if kind == "scanners":
        yield from (address for address, _ in loudest_unlisted(data, 100))
        return
    providers = ("amazon", "digitalocean", "facebook", "google", "linode", "microsoft", "openai", "oracle", "vultr")
    files = [path for name in providers for path in (data / "egress" / "providers").glob(f"{name}*.txt")]
    for path in [*files, data / "egress" / "output_datacenter_ipv4.txt"]:
        yield from (line for line in path.read_text().split("\n") if line.strip() and not line.startswith("#"))


@pytest.mark.parametrize(("kind", "least"), [("data centres", 0.9), ("scanners", 0.9)])
def test_traffic_alone_ranks_edges_of_a_shared_proxy_above(
    by_traffic: Path, world: World, kind: str, least: float, tmp_path: Path
) -> None:
    """docs/validation.md gives these numbers, with their intervals."""
    edges = [
        line
        for path in (world.data / "egress" / "providers").glob("cloudflare_ipv*_merged.txt")
        for line in path.read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    rows = [*(f"{one},confirm" for one in edges), *(f"{one},deny" for one in others(world.data, kind=kind))]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["prefix,verdict", *rows]) + "\n")
    done = mipdns(by_traffic, "validate", "--truth", str(truth), "--json", "-")
    assert done.returncode == 0, done.stderr
    (part,) = json.loads(done.stdout)["sets"]
    found = part["overall"]["roc_auc"]
    assert found["value"] > least
    page = (REPOSITORY / "docs" / "validation.md").read_text("utf-8")
    told = f"{part['shared']:,} edge addresses · {part['units'] - part['shared']} · {found['value']:.2f}"
    assert told in page


def loudest_unlisted(data: Path, count: int) -> list[tuple[str, int]]:
    """The originators with the most distinct source ports that no list of shared egress names, loudest first.

    Counted from the connection log as it lies there, independently of the loader.
    """
    shared = net.merge_ranges(_shared_ranges(data))
    firsts = [first for first, _ in shared]
    ports: dict[str, set[str]] = defaultdict(set)
    with gzip.open(data / "logs" / "zeek-webserver-conn.log.gz", "rt") as log:
        for line in log:
            if not line.startswith("#"):
                columns = line.split("\t")
                ports[columns[3]].add(columns[4])
    ports.pop(SERVER_ITSELF)
    ranked = sorted(ports.items(), key=lambda item: -len(item[1]))
    found = [
        (address, len(seen)) for address, seen in ranked if not _covered(net.parse_address(address), shared, firsts)
    ]
    return found[:count]


def _shared_ranges(data: Path) -> Iterator[net.Range]:
    egress = data / "egress"
    lists = [
        egress / "apple-proxy_ipv4_merged.txt",
        egress / "output_vpn_ipv4.txt",
        egress / "x4b_tor_exit_ipv4_20260822.txt",
        *(egress / "providers").glob("cloudflare_*.txt"),
        egress / "providers" / "protonvpn_ipv4_merged.txt",
    ]
    for path in lists:
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                yield net.parse_range(line)
    document: dict[str, Any] = json.loads((data / "lists" / "zscaler.json").read_text())
    yield from map(net.parse_range, document["list"])


def _covered(address: int, ranges: list[net.Range], firsts: list[int]) -> bool:

    at = bisect_right(firsts, address) - 1
    return at >= 0 and address <= ranges[at][1]
