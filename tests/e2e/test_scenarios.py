"""What goes in and what comes out: small worlds written by hand, each with an answer that anyone can agree on.

`SCENARIOS` is a table: one row is one address, what sources say of it, and what must be served. All rows live in one
world and one load, each in a /16 of its own. Below it: time, order, merging, and the same visits in every format.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from mipdns import net
from mipdns.explain import as_document, explain
from tests.e2e.commands import mipdns, must

DAYS = [datetime(2024, 3, day, tzinfo=UTC) for day in (5, 6, 7)]
"""Tuesday to Thursday. The last is the day judged from."""

DATED = "2024-03-07"
BY_DAY = [2, 1, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 8, 8, 7, 7, 8, 9, 11, 12, 12, 11, 8, 4]
"""How many people are awake, by hour."""


class Visit(NamedTuple):
    """One request on a connection of its own. port 0, empty agent, tls, forwarded: not told."""

    at: datetime
    client: str
    port: int
    agent: str
    tls: str = ""
    forwarded: str = ""


# ---- who visits ----------------------------------------------------------------------------------------------------


def browser(number: int) -> str:
    """One of some hundred agents of people, by number."""
    system = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
              "Linux; Android 10; K", "Windows NT 6.1; Win64; x64")[number % 5]  # fmt: skip
    version = 100 + number
    if number // 5 % 2:
        return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"


def phone(number: int) -> str:
    return (
        f"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{90 + number}.0.0.0 Mobile"
        " Safari/537.36"
    )


def visits(client: str, requests: int, one: Callable[[random.Random], tuple[int, str, str, str]]) -> Iterator[Visit]:
    """So many visits on each day, spread as people are awake. one: port, agent, fingerprint, forwarded of a visit."""
    dice = random.Random(client)
    for day in DAYS:
        for hour in sorted(dice.choices(range(24), BY_DAY, k=requests)):
            yield Visit(day + timedelta(hours=hour, seconds=dice.randrange(3600)), client, *one(dice))


def uneven(dice: random.Random, size: int) -> int:
    """A number below `size`; the first is the commonest, as with everything that people choose."""
    return dice.choices(range(size), [1 / (place + 1) for place in range(size)])[0]


def crowd(
    client: str, *, agents: int = 60, tls: int = 14, ports: bool = True, name: Callable[[int], str] = browser
) -> Iterator[Visit]:
    """Many people: many agents, fingerprints and ports all day."""

    def one(dice: random.Random) -> tuple[int, str, str, str]:
        who = uneven(dice, agents)
        return dice.randrange(1024, 65536) if ports else 0, name(who), f"t{who % tls}" if tls else "", ""

    return visits(client, 800, one)


def household(client: str, *, devices: int = 8, requests: int = 100) -> Iterator[Visit]:
    """A family: each device its own agent, some of them the same TLS library."""

    def one(dice: random.Random) -> tuple[int, str, str, str]:
        who = uneven(dice, devices)
        return dice.randrange(32768, 61000), browser(who), f"t{who % 4}", ""

    return visits(client, requests, one)


def rotating(client: str, *, tls: str = "") -> Iterator[Visit]:
    """One program that draws each request's agent from a list of fifty browsers."""
    return visits(client, 700, lambda dice: (dice.randrange(32768, 61000), browser(dice.randrange(50)), tls, ""))


def scanner(client: str, agent: str, ports: int = 2800) -> Iterator[Visit]:
    """Thousands of connections within an hour by one program."""
    for number in range(ports):
        yield Visit(DAYS[1] + timedelta(hours=10, seconds=number % 3600), client, 10_000 + number, agent, "t")


def flows(client: str, an_hour: int = 700) -> Iterator[Visit]:
    """A connection log that tells ports and nothing else, as loud as can be, round the clock."""
    for day in DAYS:
        for hour in range(24):
            for number in range(an_hour):
                at = day + timedelta(hours=hour, seconds=number)
                yield Visit(at, client, 1024 + (number * 43 + hour) % 64_512, "")


def many_addresses(prefix: str) -> Iterator[Visit]:
    """A /64 of five hundred addresses with three ports each: fifteen hundred ports, but three of any address."""
    for number in range(1500):
        at = DAYS[1] + timedelta(hours=10, seconds=number)
        yield Visit(at, f"{prefix}{number // 3 + 1:x}", 2000 + 7 * number, browser(2), "t")


def forwards(client: str, clients: int, agents: int) -> Iterator[Visit]:
    """A host that writes X-Forwarded-For."""

    def one(dice: random.Random) -> tuple[int, str, str, str]:
        who = uneven(dice, clients)
        return dice.randrange(1024, 65536), browser(who % agents), "", f"62.1.{who}.7"

    return visits(client, 400, one)


def trace(address: str, source: str, *hops: str) -> str:
    result = [{"hop": at, "result": [{"from": hop, "rtt": 1.0}]} for at, hop in enumerate(hops, 1)]
    seen = {"type": "traceroute", "af": 4, "from": address, "src_addr": source, "timestamp": 1709800000}
    return json.dumps(seen | {"result": result})


# ---- the table -----------------------------------------------------------------------------------------------------


class Scenario(NamedTuple):
    """tells: the row in a sentence. address: asked for. low, high: what may be served; 0: no verdict at all.

    classes, sources: joined by `+`; all of `sources` must have spoken. said: lines by source file.
    """

    tells: str
    address: str
    low: int
    high: int
    classes: str = ""
    sources: str = ""
    log: Iterable[Visit] = ()
    flows: Iterable[Visit] = ()
    header: Iterable[Visit] = ()
    said: Mapping[str, str] = {}


def row(
    tells: str,
    address: str,
    served: tuple[int, int],
    classes: str = "",
    sources: str = "",
    *,
    log: Iterable[Visit] = (),
    flows: Iterable[Visit] = (),
    header: Iterable[Visit] = (),
    **said: str,
) -> Scenario:
    return Scenario(tells, address, *served, classes, sources, log, flows, header, said)


NOTHING, UNLISTED, LISTED, SURE = (0, 0), (1, 49), (50, 99), (80, 99)
LOW = (1, 20)

SCENARIOS = [
    # traffic alone
    row("a scanner with 2,800 ports and a tool's name is one user", "30.1.0.1", LOW,
        log=scanner("30.1.0.1", "Mozilla/5.0 zgrab/0.x")),
    row("a scanner with 2,800 ports and a browser's name is one user", "30.2.0.1", LOW,
        log=scanner("30.2.0.1", browser(3))),
    row("ports alone, however loud, do not list", "30.3.0.1", UNLISTED, flows=flows("30.3.0.1")),
    row("agents alone, however many, do not list", "30.4.0.1", UNLISTED,
        log=crowd("30.4.0.1", ports=False, tls=0)),
    row("ports, agents and fingerprints together are a crowd behind a carrier's NAT", "30.5.0.1", SURE, "cgnat",
        "agents+tls", log=crowd("30.5.0.1")),
    row("the same crowd with phones is a mobile gateway", "30.6.0.1", SURE, "mobile", "agents+tls",
        log=crowd("30.6.0.1", name=phone)),
    row("the same crowd in a network that calls itself a data centre is a VPN", "30.7.0.1", LISTED, "vpn", "network",
        log=crowd("30.7.0.1"), peeringdb="30.7", routes="30.7.0.0,30.7.255.255,307,Example Hosting"),
    row("the same crowd in a school's network is a campus", "30.8.0.1", SURE, "campus", "network",
        log=crowd("30.8.0.1"), peeringdb="30.8", routes="30.8.0.0,30.8.255.255,308,Example School"),
    row("the same crowd on a list of data centres is still a crowd", "30.9.0.1", LISTED, "cgnat",
        log=crowd("30.9.0.1"), hosting="30.9.0.0/16"),
    row("a family of eight devices is one user", "30.10.0.1", UNLISTED, log=household("30.10.0.1")),
    row("a family of eight devices that is always online is one user", "30.11.0.1", UNLISTED,
        log=household("30.11.0.1", requests=800)),
    row("a couple is one user", "30.12.0.1", (1, 30), log=household("30.12.0.1", devices=3)),
    row("a crawler that draws from fifty agents is one user, whatever its fingerprint", "30.13.0.1", UNLISTED,
        log=rotating("30.13.0.1", tls="one")),
    row("a crawler that draws from fifty agents is one user where no fingerprints are logged", "30.14.0.1", UNLISTED,
        log=rotating("30.14.0.1")),
    row("among homes seen on weekdays only, a crowd is no campus", "30.15.0.1", SURE, "cgnat", "agents+tls",
        log=[*crowd("30.15.0.1"), *(visit for last in range(2, 12) for visit in household(f"30.15.0.{last}")),
             *(visit for last in range(12, 15) for visit in crowd(f"30.15.0.{last}"))],
        routes="30.15.0.0,30.15.255.255,315,Example Homes"),
    row("a proxy that names many clients, with many agents, is a proxy", "30.16.0.1", SURE, "proxy", "forwarded",
        header=forwards("30.16.0.1", 60, 30)),
    row("one agent that names hundreds of clients may have made them up", "30.17.0.1", UNLISTED,
        header=forwards("30.17.0.1", 250, 1)),
    row("a crowd behind one IPv6 address is its /64", "2a1e:20:0:1:ffff::", SURE, "cgnat", "agents+tls",
        log=crowd("2a1e:20:0:1::5")),
    row("ports of many addresses of a /64 are never summed", "2a1e:21:0:1::1", LOW,
        log=many_addresses("2a1e:21:0:1::")),
    # lists
    row("a VPN list alone lists", "30.20.0.9", SURE, "vpn", "list", vpn="30.20.0.0/26"),
    row("a data centre alone does not list", "30.21.0.9", LOW, "", "list", hosting="30.21.0.0/16"),
    row("a VPN inside a data centre is a VPN", "30.22.0.9", SURE, "vpn", "list",
        vpn="30.22.0.0/28", hosting="30.22.0.0/16"),
    row("the data centre around that VPN is not", "30.22.0.16", LOW),
    row("a listed VPN that one browser visited us through is still a VPN", "30.23.0.9", SURE, "vpn",
        log=household("30.23.0.9", devices=1), vpn="30.23.0.0/28"),
    row("a published edge inside a data centre is a proxy", "30.24.0.9", SURE, "proxy",
        proxy="30.24.0.0/24", hosting="30.24.0.0/16"),
    row("a list older than its time says nothing", "30.25.0.9", NOTHING, old_tor="30.25.0.9"),
    row("a list dated after the day judged from is fresh", "30.26.0.9", SURE, "tor", late_tor="30.26.0.9"),
    row("a relay's exact /128 stays one address", "2a1e:27:0:1::5", SURE, "relay", relay="2a1e:27:0:1::5/128",
        log=household("2a1e:27:0:1::9", devices=3)),
    row("its neighbour in the same measured /64 is a family", "2a1e:27:0:1::6", UNLISTED),
    row("an address of a special registry is never listed", "198.51.100.9", NOTHING, vpn="198.51.100.0/24"),
    row("nor is it inside a wider range", "198.18.0.1", NOTHING, vpn="198.16.0.0/12"),
    row("what else that range holds is", "198.20.0.1", SURE, "vpn"),
    row("an excluded address is never listed", "30.28.0.7", NOTHING, vpn="30.28.0.0/24"),
    row("nor is an excluded IPv6 prefix", "2a1e:28::7", NOTHING, relay="2a1e:28::/40"),
    row("its neighbours are", "30.28.0.8", SURE, "vpn"),
    # traceroutes
    row("a carrier's hop behind a private address is carrier NAT", "30.30.0.1", SURE, "cgnat", "trace",
        atlas=trace("30.30.0.1", "192.168.1.2", "192.168.1.1", "100.64.0.1", "62.1.1.1")),
    row("a probe inside carrier space is behind carrier NAT", "30.31.0.1", SURE, "cgnat", "trace",
        atlas=trace("30.31.0.1", "100.64.3.4", "100.64.0.1", "62.1.1.1")),
    row("a public host that crosses 100.100.100.1 is not", "30.32.0.1", LOW, "", "trace",
        atlas=trace("30.32.0.1", "30.32.0.1", "100.100.100.1", "62.1.1.1")),
    row("two private hops prove nothing", "30.33.0.1", NOTHING,
        atlas=trace("30.33.0.1", "192.168.1.2", "192.168.1.1", "10.1.1.1", "62.1.1.1")),
    row("a carrier's hop behind the first public one proves nothing", "30.34.0.1", NOTHING,
        atlas=trace("30.34.0.1", "192.168.1.2", "192.168.1.1", "62.1.1.1", "100.64.0.1")),
    # names
    row("a name that says NAT does not list alone", "30.35.0.1", (30, 49), "cgnat", "names",
        ptr="30.35.0.1,cgnat-7.pool.example.net"),
    row("a name of a fixed line speaks against, if little: many are offices", "30.36.0.1", (1, 32), "", "names",
        ptr="30.36.0.1,static-8.example.net"),
    row("a name of one IPv6 address speaks of its /64", "2a1e:37:0:1::99", (30, 49), "vpn", "names",
        ptr="2a1e:37:0:1::1,vpn3.example.net"),
    # partners
    row("a partner's word lists alone", "30.40.0.9", SURE, "cgnat+mobile", "partner",
        truth="30.40.0.0/24,confirm,cgnat+mobile,2024-03-01,isp"),
    row("a partner's word on one IPv6 address speaks of its /64", "2a1e:41:0:1::99", SURE, "campus", "partner",
        truth="2a1e:41:0:1::1,confirm,campus,2024-03-01,school"),
    row("a denial takes a range off a list", "30.42.0.9", (1, 10), "vpn", "list+partner",
        vpn="30.42.0.0/24", truth="30.42.0.0/24,deny,,2024-03-01,isp"),
    row("a confirmation lists what looks like a couple", "30.43.0.1", SURE, "campus", "partner",
        log=household("30.43.0.1", devices=3), truth="30.43.0.1,confirm,campus,2024-03-01,school"),
    row("a denial takes a crowd off", "30.44.0.1", (1, 10), "", "partner",
        log=crowd("30.44.0.1"), truth="30.44.0.1,deny,,2024-03-01,isp"),
    row("of one day, the narrower word counts", "30.45.0.17", (1, 10), "", "partner",
        truth="30.45.0.0/24,confirm,cgnat,2024-03-01,isp\n30.45.0.16/28,deny,,2024-03-01,isp"),
    row("the wider word counts beside it", "30.45.0.32", SURE, "cgnat"),
    row("of two days, the newer word counts", "30.46.0.9", SURE, "vpn", "partner",
        truth="30.46.0.0/24,deny,,2024-03-01,a\n30.46.0.0/24,confirm,vpn,2024-03-02,b"),
    row("two partners who contradict each other on one day leave it open", "30.47.0.9", UNLISTED, "",
        truth="30.47.0.0/24,deny,,2024-03-01,a\n30.47.0.0/24,confirm,,2024-03-01,b"),
    row("a word half a year old says nothing", "30.48.0.9", NOTHING, truth="30.48.0.0/24,confirm,,2023-09-01,isp"),
]  # fmt: skip


# ---- one world of them all -----------------------------------------------------------------------------------------


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def logpush(seen: Iterable[Visit], time: Callable[[datetime], object] = stamp) -> str:
    lines = []
    for visit in seen:
        line: dict[str, object] = {"ClientIP": visit.client, "EdgeStartTimestamp": time(visit.at)}
        line |= {"ClientSrcPort": visit.port} if visit.port else {}
        line |= {"ClientRequestUserAgent": visit.agent, "JA4": visit.tls} if visit.tls else {}
        line |= {"ClientRequestUserAgent": visit.agent}
        lines.append(json.dumps(line) + "\n")
    return "".join(lines)


def vpcflow(seen: Iterable[Visit]) -> str:
    head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
    lines = [f"{head} log-status\n"]
    for visit in seen:
        at = int(visit.at.timestamp())
        flow = f"{visit.client} 10.0.0.5 {visit.port} 443 6 10 1000 {at} {at + 5}"
        lines.append(f"2 1 eni-1 {flow} ACCEPT OK\n")
    return "".join(lines)


def zeek(kind: str, seen: Iterable[Visit]) -> str:
    own = {"http": "user_agent\tproxied", "conn": "proto\tconn_state"}[kind]
    lines = [
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n",
        f"#path\t{kind}\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\t{own}\n",
    ]
    for visit in seen:
        header = f"X-FORWARDED-FOR -> {visit.forwarded}" if visit.forwarded else "-"
        told = {"http": f"{visit.agent or '-'}\t{header}", "conn": "tcp\tSF"}[kind]
        lines.append(f"{visit.at.timestamp():.6f}\tC1\t{visit.client}\t{visit.port}\t30.255.0.1\t443\t{told}\n")
    return "".join(lines)


def source(name: str, kind: str, form: str, path: str, **keys: str) -> str:
    lines = [f'{key} = "{value}"' for key, value in {"name": name, "kind": kind, "path": path}.items()]
    lines += [f'format = "{form}"'] if form else []
    lines += [f"{key.rstrip('_')} = {value}" for key, value in keys.items()]
    return "\n".join(["[[source]]", *lines, ""])


PEERINGDB = {"30.7": (307, "Content"), "30.8": (308, "Educational/Research")}
HEAD = '[load]\nexclude = ["30.28.0.7", "2a1e:28::/48"]\n'
LISTS = {
    "vpn": DATED,
    "hosting": DATED,
    "proxy": DATED,
    "relay": DATED,
    "old_tor": "2024-01-01",
    "late_tor": "2025-06-01",
}


def write_world(folder: Path) -> list[str]:
    """Write every row's files; return the `[[source]]` tables."""
    told: dict[str, list[str]] = defaultdict(list)
    for scenario in SCENARIOS:
        for name, text in scenario.said.items():
            told[name].append(text)
    networks = [
        {"asn": PEERINGDB[key][0], "name": key, "info_type": PEERINGDB[key][1]} for key in told.pop("peeringdb")
    ]
    files = {
        "edge.ndjson": logpush(visit for scenario in SCENARIOS for visit in scenario.log),
        "flows.log": vpcflow(visit for scenario in SCENARIOS for visit in scenario.flows),
        "http.log": zeek("http", (visit for scenario in SCENARIOS for visit in scenario.header)),
        "net.json": json.dumps({"data": networks}),
        "truth.csv": "\n".join(["prefix,verdict,class,observed,who", *told.pop("truth"), ""]),
        "names.csv": "\n".join(["address,name", *told.pop("ptr"), ""]),
        **{f"{name}.txt": "\n".join([*lines, ""]) for name, lines in told.items()},
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return [
        source("edge", "logs", "logpush", "edge.ndjson"),
        source("flows", "logs", "vpcflow", "flows.log"),
        source("header", "logs", "zeek-http", "http.log"),
        source("routes", "routes", "ranges", "routes.txt"),
        source("networks", "peeringdb", "", "net.json"),
        source("probes", "atlas", "results", "atlas.txt"),
        source("names", "ptr", "csv", "names.csv", dated=DATED),
        source("partners", "truth", "csv", "truth.csv"),
        *(
            source(name, "egress", "cidr", f"{name}.txt", class_=f'"{name.split("_")[-1]}"', dated=dated)
            for name, dated in LISTS.items()
        ),
    ]


class Served(NamedTuple):
    first: int
    last: int
    confidence: int
    classes: set[str]
    users: tuple[int, int] | None
    sources: set[str]
    asn: str


def served(config: Path) -> list[Served]:
    return [
        Served(
            net.parse_address(line["first"]),
            net.parse_address(line["last"]),
            int(line["confidence"]),
            set(line["class"].split("+")),
            (int(line["users_low"]), int(line["users_high"])) if line["users_low"] else None,
            set(line["sources"].split("+")),
            line["asn"],
        )
        for line in csv.DictReader(io.StringIO(must(config, "export", "csv")))
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenarios")
    (folder / "mipdns.toml").write_text(HEAD + "\n".join(write_world(folder)))
    must(folder / "mipdns.toml", "load")
    return folder / "mipdns.toml"


@pytest.fixture(scope="module")
def verdicts(world: Path) -> list[Served]:
    return served(world)


@pytest.mark.parametrize(
    "scenario",
    SCENARIOS,
    ids=lambda one: one.tells,
)
def test_scenario(verdicts: list[Served], scenario: Scenario) -> None:
    address = net.parse_address(scenario.address)
    found = next((one for one in verdicts if one.first <= address <= one.last), None)
    if scenario.high == 0:
        assert found is None
        return
    assert found is not None
    assert scenario.low <= found.confidence <= scenario.high, found
    if scenario.classes:
        assert found.classes == set(scenario.classes.split("+")), found
    if scenario.sources:
        assert found.sources >= set(scenario.sources.split("+")), found
    if found.confidence >= 50 and found.users:
        assert found.users[0] >= 2, found
    if found.confidence < 25:
        assert found.users in (None, (1, 1)), found


def test_every_explanation_adds_up_to_what_is_served(world: Path, verdicts: list[Served]) -> None:
    for one in verdicts:
        told = as_document(explain(world.parent / "mip.db", one.first))
        terms = told["terms"]
        assert isinstance(terms, list)
        log_odds = sum(term["log_odds"] for term in terms)
        share = 100 / (1 + 2.718281828459045**-log_odds)
        assert one.confidence == told["confidence"]
        assert abs(min(max(share, 1), 99) - one.confidence) <= 0.51, (net.format_address(one.first), told)


def test_the_order_of_sources_does_not_matter(world: Path, verdicts: list[Served]) -> None:
    head, *sources = world.read_text().split("[[source]]")
    other = world.with_name("reversed.toml")
    turned = "".join(f"[[source]]{text}\n" for text in reversed(sources))
    other.write_text(f'[store]\ndatabase = "reversed.db"\n{head}\n{turned}')
    must(other, "load")
    assert served(other) == verdicts


# ---- ranges --------------------------------------------------------------------------------------------------------


def test_ranges_merge_but_not_over_a_gap_or_into_another_network(tmp_path: Path) -> None:
    (tmp_path / "vpn.txt").write_text("30.0.0.0/22\n30.0.4.0/24\n30.0.6.0/25\n")
    (tmp_path / "wide.tsv").write_text("30.0.0.0\t30.255.255.255\t1\tUS\tWIDE\n30.0.2.0\t30.0.2.255\t6\tUS\tNARROW\n")
    (tmp_path / "pfx2as.txt").write_text("30.0.1.0\t24\t2_3\n30.0.1.128\t25\t4,5\n")
    config = tmp_path / "mipdns.toml"
    config.write_text(
        source("vpn", "egress", "cidr", "vpn.txt", class_='"vpn"', dated=DATED)
        + source("wide", "routes", "iptoasn", "wide.tsv")
        + source("origins", "routes", "pfx2as", "pfx2as.txt")
        + "[load]\nas_of = 2024-03-07\n"
    )
    must(config, "load")
    assert [(net.format_range(one.first, one.last), one.asn) for one in served(config)] == [
        ("30.0.0.0/24", "1"),
        ("30.0.1.0/25", "2"),
        ("30.0.1.128/25", "4"),
        ("30.0.2.0/24", "6"),
        ("30.0.3.0-30.0.4.255", "1"),
        ("30.0.6.0/25", "1"),
    ]


# ---- time ----------------------------------------------------------------------------------------------------------


def a_few(client: str, day: datetime, lines: int) -> list[Visit]:
    return [Visit(day + timedelta(seconds=number), client, 2000 + number, browser(1)) for number in range(lines)]


LATER = datetime(2024, 4, 7, tzinfo=UTC)
FUTURE = datetime(2095, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stray", "load", "as_of", "seen"),
    [
        ([], "", "2024-03-07", ["30.0.0.1"]),
        (a_few("30.0.0.2", LATER, 5), "", "2024-03-07", ["30.0.0.1"]),
        (a_few("30.0.0.2", LATER, 30), "", "2024-04-07", ["30.0.0.2"]),
        (a_few("30.0.0.2", FUTURE, 900), "", "2024-03-07", ["30.0.0.1"]),
        ([], "as_of = 2024-03-05", "2024-03-05", ["30.0.0.1"]),
        ([], "as_of = 2024-03-20", "2024-03-20", []),
        (a_few("30.0.0.2", DAYS[0], 30), "window_days = 2", "2024-03-07", ["30.0.0.1"]),
    ],
    ids=[
        "the newest day of the log",
        "a few lines a month later do not move it",
        "one in a hundred does",
        "lines from the future do not",
        "as_of decides",
        "a window without lines",
        "a window of two days",
    ],
)
def test_the_day_judged_from(tmp_path: Path, stray: list[Visit], load: str, as_of: str, seen: list[str]) -> None:
    log = [visit for day in DAYS for visit in a_few("30.0.0.1", day, 500)]
    (tmp_path / "edge.ndjson").write_text(logpush([*stray, *log]))
    config = tmp_path / "mipdns.toml"
    config.write_text(f"[load]\n{load}\n" + source("edge", "logs", "logpush", "edge.ndjson"))
    must(config, "load")
    assert json.loads(must(config, "status", "--json"))["judged_as_of"] == as_of
    assert [net.format_address(one.first) for one in served(config)] == seen


def test_a_log_outside_the_window_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "live.ndjson").write_text(logpush([visit for day in DAYS for visit in a_few("30.0.0.1", day, 500)]))
    (tmp_path / "edge.ndjson").write_text(logpush([*a_few("30.0.0.2", LATER, 1), *a_few("30.0.0.2", FUTURE, 1)]))
    config = tmp_path / "mipdns.toml"
    config.write_text("".join(source(name, "logs", "logpush", f"{name}.ndjson") for name in ("live", "edge")))
    for command in ("load", "status"):
        done = mipdns(config, command)
        assert done.returncode == 0
        (line,) = done.stderr.splitlines()
        assert line.startswith("mipdns: warning: source 'edge': 100 % of its lines lie outside the window (7 days up")
        assert "[load] as_of and window_days, at the clock" in line


@pytest.mark.parametrize(("as_of", "listed"), [("2024-05-01", 1), ("2095-01-01", 0)])
def test_without_logs_as_of_decides_too(tmp_path: Path, as_of: str, listed: int) -> None:
    (tmp_path / "vpn.txt").write_text("30.0.0.1\n")
    config = tmp_path / "mipdns.toml"
    config.write_text(
        f"[load]\nas_of = {as_of}\n" + source("vpn", "egress", "cidr", "vpn.txt", class_='"vpn"', dated=DATED)
    )
    must(config, "load")
    assert json.loads(must(config, "status", "--json"))["judged_as_of"] == as_of
    assert len(served(config)) == listed


# ---- counting ------------------------------------------------------------------------------------------------------


def combined(seen: Iterable[Visit]) -> str:
    zone = timezone(-timedelta(hours=3, minutes=30))
    lines = []
    for visit in seen:
        peer = f"[{visit.client}]:{visit.port}" if ":" in visit.client else f"{visit.client}:{visit.port}"
        at = visit.at.astimezone(zone).strftime("%d/%b/%Y:%H:%M:%S %z")
        lines.append(f'{peer} - - [{at}] "GET / HTTP/1.1" 200 5 "-" "{visit.agent or "-"}"\r\n')
    return "".join(lines)


def nfdump(seen: Iterable[Visit]) -> str:
    lines = ["ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n"]
    for visit in seen:
        at = visit.at.strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"{at},{at},1.0,{visit.client},30.255.0.1,{visit.port},443,TCP,...AP.SF,9,900\n")
    return "".join(lines)


def table(seen: Iterable[Visit]) -> str:
    zone = timezone(timedelta(hours=5, minutes=45))
    lines = ["\ufeffwhen;ip;sport;ua\n"]
    lines += [
        f'{visit.at.astimezone(zone).isoformat()};{visit.client};{visit.port};"{visit.agent}"\n' for visit in seen
    ]
    return "".join(lines)


COLUMNS = '{ time = "when", client = "ip", port = "sport", agent = "ua" }'
WRITERS: dict[str, tuple[Callable[[list[Visit]], str], dict[str, str]]] = {
    "logpush": (lambda seen: logpush(seen, lambda at: int(at.timestamp()) * 10**9), {}),
    "combined": (combined, {"port": "true"}),
    "zeek-http": (lambda seen: zeek("http", seen), {}),
    "zeek-conn": (lambda seen: zeek("conn", seen), {}),
    "vpcflow": (vpcflow, {}),
    "nfdump": (nfdump, {}),
    "csv": (table, {"columns": COLUMNS}),
}
TELLS_AGENTS = {"logpush", "combined", "zeek-http", "csv"}


def edges_of_hours() -> list[Visit]:
    """Visits with a taste for the first and the last second of hours and days."""
    dice = random.Random(5)
    clients = ["30.0.0.1", "30.0.1.1", "2a1e:1:0:1::1", "2a1e:1:0:1::2"]
    seconds = [0, 3599, 3600, 86399]
    return [
        Visit(
            dice.choice(DAYS) + timedelta(seconds=dice.choice([*seconds, dice.randrange(86400)])),
            dice.choice(clients),
            dice.choice([dice.randrange(1024, 1100), dice.randrange(1024, 65536)]),
            browser(uneven(dice, 30)) if dice.random() > 0.1 else "",
        )
        for _ in range(3000)
    ]


Counts = dict[str, tuple[float | None, ...]]


def counted(seen: Iterable[Visit], *, agents: bool, times: int = 1) -> Counts:
    """The counts of each unit, made in the plainest way: most requests and agents of a day, most ports of an hour."""
    days, hours, ports = defaultdict(list), defaultdict(set), defaultdict(set)
    for visit in seen:
        unit = net.format_range(*net.unit(net.parse_address(visit.client)))
        days[unit, visit.at.date()].append(visit.agent)
        hours[unit, visit.at.date(), visit.at.hour].add(visit.agent)
        ports[unit, visit.client, visit.at.date(), visit.at.hour].add(visit.port)
    most: Counts = {}
    for unit in {key[0] for key in days}:
        of_day = [names for key, names in days.items() if key[0] == unit]
        of_hour = [names for key, names in hours.items() if key[0] == unit]
        most[unit] = (
            float(len(of_day)),
            float(times * max(len(names) for names in of_day)),
            float(max(len(found) for key, found in ports.items() if key[0] == unit)),
            float(max(len({*names} - {""}) for names in of_day)) if agents else None,
            float(max(len(names - {""}) for names in of_hour)) if agents else None,
        )
    return most


def observed(config: Path) -> Counts:
    with closing(sqlite3.connect(config.parent / "mip.db")) as database:
        rows = database.execute(
            "SELECT first, last, days, requests_day_max, ports_hour_max, agents_day_max, agents_hour_max"
            " FROM observation"
        ).fetchall()
    return {net.format_range(net.from_blob(row[0]), net.from_blob(row[1])): tuple(row[2:]) for row in rows}


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_counts_the_same_visits_alike(tmp_path: Path, form: str) -> None:
    seen = edges_of_hours()
    write, keys = WRITERS[form]
    (tmp_path / "log").write_text(write(seen), newline="")
    config = tmp_path / "mipdns.toml"
    config.write_text(source("log", "logs", form, "log", **keys))
    must(config, "load")
    assert observed(config) == counted(seen, agents=form in TELLS_AGENTS)


@pytest.mark.parametrize(("sensor", "times"), [("web1", 1), ("web2", 2)])
def test_what_one_sensor_saw_counts_once(tmp_path: Path, sensor: str, times: int) -> None:
    seen = edges_of_hours()
    (tmp_path / "conn.log").write_text(zeek("conn", seen))
    (tmp_path / "http.log").write_text(zeek("http", seen))
    config = tmp_path / "mipdns.toml"
    config.write_text(
        source("conn", "logs", "zeek-conn", "conn.log", sensor='"web1"')
        + source("http", "logs", "zeek-http", "http.log", sensor=f'"{sensor}"')
    )
    must(config, "load")
    assert observed(config) == counted(seen, agents=True, times=times)


def test_a_few_bad_lines_are_counted_with_place_and_reason(tmp_path: Path) -> None:
    log = logpush(visit for day in DAYS for visit in a_few("30.0.0.1", day, 100)).splitlines()
    log[17] = '{"ClientIP": "30.0.0.300", "EdgeStartTimestamp": 1709600000}'
    log[-1] = log[-1][:40]
    (tmp_path / "edge.ndjson").write_text("\n".join(log))
    config = tmp_path / "mipdns.toml"
    config.write_text(source("edge", "logs", "logpush", "edge.ndjson"))
    must(config, "load")
    (edge,) = json.loads(must(config, "status", "--json"))["source"]
    assert (edge["rows"], edge["rejected"]) == (298, 2)
    assert edge["bad_lines"][0] == f"{tmp_path / 'edge.ndjson'}:18: client '30.0.0.300' is not an address"
    assert f"{tmp_path / 'edge.ndjson'}:18: client '30.0.0.300'" in must(config, "status", "--files")
    with closing(sqlite3.connect(tmp_path / "mip.db")) as database:
        ((examples,),) = database.execute("SELECT examples FROM source").fetchall()
    assert [example["line"] for example in json.loads(examples)] == [18, 300]
    log[:2] = ["?", "?"]
    (tmp_path / "edge.ndjson").write_text("\n".join(log))
    failed = mipdns(config, "load")
    assert failed.returncode == 1
    assert "4 of 300" in failed.stderr
