"""The kinds of units and how each behaves: one row a kind. Numbers only; docs/simulation.md gives their sources."""

from __future__ import annotations

from typing import Literal, NamedTuple

from mipdns.simulate.plan import Role

Shape = Literal["evening", "commute", "office", "campus", "flat"]
Devices = Literal["home", "phone", "office", "campus", "guest", "tor", "apple", "server", "crawler", "disguise", "scan"]
Ports = Literal["host", "carrier", "any", "linux"]
Hosts = Literal["privacy", "rotating", "few", "one"]
Observers = Literal["browsing", "behind", "hunting", "bots", "swarm", "games"]


class Users(NamedTuple):
    """How many people use a unit in a day: log-normal around `median`, within [low, high]. sigma 0: always `median`."""

    median: float
    sigma: float = 0.0
    low: int = 1
    high: int = 1


ONE = Users(1)


class Kind(NamedTuple):
    """How a kind of unit behaves.

    classes: as a verdict would name them, joined by `+`, empty for one user. role: the networks it lives in.
    pool: laid out in contiguous pools instead of scattered. users: people a day. visits: mean of one user, a day.
    spread: sigma of the log-normal by which users differ. connections: a visit, mean. requests: a connection, mean.
    broken: share of connections that never complete. everywhere: its users live in all time zones.
    hosts: how full IPv6 addresses come about. masked: the TLS fingerprint is the unit's, not its users'.
    """

    name: str
    classes: str
    family: Literal[4, 6]
    role: Role
    shape: Shape
    devices: Devices
    ports: Ports
    observers: Observers = "browsing"
    pool: bool = False
    users: Users = ONE
    visits: float = 1.3
    spread: float = 1.0
    connections: float = 1.6
    requests: float = 2.0
    broken: float = 0.03
    everywhere: bool = False
    forwards: bool = False
    masked: bool = False
    hosts: Hosts = "one"

    @property
    def multi_user(self) -> bool:
        """Whether several unrelated people share a unit of this kind."""
        return bool(self.classes)


KINDS: tuple[Kind, ...] = (
    # One user: a family behind its own router is one.
    Kind("household", "", 4, "home", "evening", "home", "host"),
    Kind("household6", "", 6, "home", "evening", "home", "host", hosts="privacy"),
    Kind("rotating6", "", 6, "home", "evening", "home", "host", hosts="rotating", visits=25, spread=0.4),
    Kind("phone6", "", 6, "mobile", "commute", "phone", "host", hosts="privacy", pool=True),
    Kind("heavy", "", 4, "home", "evening", "home", "host", visits=30, spread=0.5),
    Kind("gamer", "", 4, "home", "evening", "home", "host", "games", visits=12, connections=3, requests=1),
    Kind("torrent", "", 4, "home", "flat", "home", "any", "swarm", visits=25, spread=0.6, connections=6, requests=1),
    Kind("lone_office", "", 4, "office", "office", "office", "host", visits=3),
    Kind("server", "", 4, "hosting", "flat", "server", "linux", "bots", visits=8),
    Kind("server6", "", 6, "hosting", "flat", "server", "linux", "bots", visits=8),
    Kind("crawler", "", 4, "search", "flat", "crawler", "linux", "bots", visits=30, spread=0.7),
    Kind(
        "disguised_crawler", "", 4, "hosting", "flat", "disguise", "linux", "bots", visits=60, spread=0.5, masked=True
    ),
    Kind(
        "scanner",
        "",
        4,
        "hosting",
        "flat",
        "scan",
        "linux",
        "hunting",
        visits=25,
        spread=1.2,
        connections=4,
        requests=1,
        broken=0.6,
    ),
    # Several users.
    Kind("cgnat", "cgnat", 4, "cgnat", "evening", "home", "carrier", pool=True, visits=0.15),
    Kind(
        "mobile",
        "cgnat+mobile",
        4,
        "mobile",
        "commute",
        "phone",
        "any",
        pool=True,
        users=Users(220, 0.7, 24, 1500),
        visits=0.10,
    ),
    Kind(
        "mobile6",
        "mobile",
        6,
        "mobile",
        "commute",
        "phone",
        "any",
        pool=True,
        users=Users(120, 0.6, 12, 800),
        visits=0.10,
        hosts="few",
    ),
    Kind(
        "vpn",
        "vpn",
        4,
        "vpn",
        "evening",
        "guest",
        "any",
        pool=True,
        users=Users(70, 0.9, 4, 800),
        visits=0.15,
        everywhere=True,
    ),
    Kind(
        "vpn6",
        "vpn",
        6,
        "vpn",
        "evening",
        "guest",
        "any",
        pool=True,
        users=Users(40, 0.9, 3, 400),
        visits=0.15,
        everywhere=True,
    ),
    Kind(
        "forward_proxy",
        "proxy",
        4,
        "gateway",
        "office",
        "office",
        "any",
        pool=True,
        users=Users(150, 0.8, 20, 1200),
        visits=0.15,
        masked=True,
    ),
    Kind(
        "reverse_proxy",
        "proxy",
        4,
        "cdn",
        "flat",
        "guest",
        "any",
        "behind",
        pool=True,
        users=Users(250, 0.6, 40, 1500),
        visits=0.2,
        everywhere=True,
        forwards=True,
        masked=True,
    ),
    Kind(
        "reverse_proxy6",
        "proxy",
        6,
        "cdn",
        "flat",
        "guest",
        "any",
        "behind",
        pool=True,
        users=Users(200, 0.6, 40, 1500),
        visits=0.2,
        everywhere=True,
        forwards=True,
        masked=True,
        hosts="few",
    ),
    Kind(
        "tor",
        "tor",
        4,
        "hosting",
        "flat",
        "tor",
        "linux",
        users=Users(300, 0.8, 20, 2000),
        visits=0.04,
        everywhere=True,
    ),
    Kind(
        "relay", "relay", 4, "relay", "evening", "apple", "any", pool=True, users=Users(150, 0.7, 10, 1000), visits=0.12
    ),
    Kind(
        "relay6",
        "relay",
        6,
        "relay",
        "evening",
        "apple",
        "any",
        pool=True,
        users=Users(120, 0.7, 10, 1000),
        visits=0.12,
        hosts="few",
    ),
    Kind(
        "campus",
        "campus",
        4,
        "campus",
        "campus",
        "campus",
        "any",
        pool=True,
        users=Users(200, 0.8, 30, 1500),
        visits=0.15,
    ),
    Kind(
        "campus6",
        "campus",
        6,
        "campus",
        "campus",
        "campus",
        "host",
        pool=True,
        users=Users(120, 0.7, 20, 600),
        visits=0.15,
        hosts="privacy",
    ),
    Kind("office", "campus", 4, "office", "office", "office", "host", users=Users(18, 0.9, 3, 250), visits=0.4),
)
KIND_NUMBER: dict[str, int] = {kind.name: number for number, kind in enumerate(KINDS)}
