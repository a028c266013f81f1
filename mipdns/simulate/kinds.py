"""The kinds of units and how each behaves: one row a kind. Numbers only; docs/simulation.md gives their sources."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal[
    "home", "cgnat", "mobile", "office", "campus", "hosting", "vpn", "relay", "cdn", "gateway", "search", "transit"
]
Shape = Literal["evening", "commute", "office", "campus", "flat"]
Devices = Literal[
    "home", "phone", "office", "campus", "guest", "tor", "apple", "server", "crawler", "disguise", "scan", "swarm"
]
Hosts = Literal["privacy", "rotating", "few", "one"]
Observers = Literal["browsing", "behind", "hunting", "bots", "swarm", "games"]

PORT_MODES = ("kept", "linux", "any", "counted", "block")
"""How source ports come about. kept: those of the devices. linux: one machine's own. any: a NAT draws from its whole
range. counted: a NAT counts through its range. block: each subscriber has a block of it."""
Ports = tuple[float, float, float, float, float]

_ROUTER: Ports = (0.60, 0, 0.25, 0.15, 0)
_MACHINE: Ports = (0, 0.92, 0.08, 0, 0)
_TUNNEL: Ports = (0.40, 0.25, 0.28, 0.07, 0)
_GATEWAY: Ports = (0.10, 0.45, 0.35, 0.10, 0)
_HOST: Ports = (1, 0, 0, 0, 0)


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
    elsewhere: share of its units that live in `elsewhere_role` instead. pool: sizes of its contiguous pools, drawn
    evenly; empty: scattered. users: people a day. visits: mean of one user, a day: a factor on the world's rate for
    households (`rate` "line"), for people behind something shared ("person"), or by itself ("machine").
    spread: factor on the sigma of the log-normal by which users differ. connections: a visit, mean. requests: a
    connection, mean. broken: share of connections that never complete. site: share of visits that go to what writes
    request logs. everywhere: its users live in all time zones. ports: parts of `PORT_MODES`. hosts: how full IPv6
    addresses come about. masked: share of units whose TLS is their own, not their users'. forwards: share of units
    that name the client. pauses: hours a day that it runs, drawn up to 24 from this on; 24: always.
    """

    name: str
    classes: str
    family: Literal[4, 6]
    role: Role
    shape: Shape
    devices: Devices
    ports: Ports
    observers: Observers = "browsing"
    pool: tuple[int, ...] = ()
    users: Users = ONE
    rate: Literal["line", "person", "machine"] = "line"
    visits: float = 1.0
    spread: float = 1.0
    connections: float = 1.6
    requests: float = 2.0
    broken: float = 0.03
    site: float = 1.0
    everywhere: bool = False
    forwards: float = 0.0
    masked: float = 0.0
    hosts: Hosts = "one"
    pauses: float = 24.0
    elsewhere: float = 0.0
    elsewhere_role: Role = "home"

    @property
    def multi_user(self) -> bool:
        """Whether several unrelated people share a unit of this kind."""
        return bool(self.classes)


_SMALL_POOLS = (8, 8, 16, 16, 32)
_POOLS = (8, 16, 16, 32, 64, 128, 256)

KINDS: tuple[Kind, ...] = (
    # One user: a family behind its own router is one.
    Kind("household", "", 4, "home", "evening", "home", _ROUTER, elsewhere=0.15, elsewhere_role="cgnat"),
    Kind("household6", "", 6, "home", "evening", "home", _HOST, hosts="privacy"),
    Kind("rotating6", "", 6, "home", "evening", "home", _HOST, hosts="rotating", visits=12, spread=0.6),
    Kind("phone6", "", 6, "mobile", "commute", "phone", _HOST, hosts="privacy", visits=0.8),
    Kind("heavy", "", 4, "home", "evening", "home", _ROUTER, visits=18, spread=0.8),
    Kind("gamer", "", 4, "home", "evening", "home", _ROUTER, "games", visits=9, connections=3, requests=1.2, site=0.4),
    Kind("torrent", "", 4, "home", "flat", "swarm", _ROUTER, "swarm", visits=18, connections=6, requests=1, site=0.3),
    Kind("lone_office", "", 4, "office", "office", "office", _ROUTER, visits=2, elsewhere=0.35),
    Kind("server", "", 4, "hosting", "flat", "server", _MACHINE, "bots", rate="machine", visits=8, spread=1.4),
    Kind("server6", "", 6, "hosting", "flat", "server", _MACHINE, "bots", rate="machine", visits=8, spread=1.4),
    Kind(
        "crawler", "", 4, "search", "flat", "crawler", _MACHINE, "bots", rate="machine", visits=30, spread=1.2,
        pauses=6, elsewhere=0.4, elsewhere_role="hosting",
    ),
    Kind(
        "rotator", "", 4, "hosting", "flat", "disguise", _MACHINE, "bots", rate="machine", visits=50, spread=1.3,
        pauses=2, elsewhere=0.2,
    ),
    Kind(
        "scanner", "", 4, "hosting", "flat", "scan", _MACHINE, "hunting", rate="machine", visits=25, spread=1.4,
        connections=4, requests=1, broken=0.6, site=0.6, pauses=3, elsewhere=0.3,
    ),
    # Several users.
    Kind("cgnat", "cgnat", 4, "cgnat", "evening", "home", (0.04, 0, 0.2, 0.06, 0.7), pool=_POOLS, rate="person"),
    Kind(
        "mobile", "cgnat+mobile", 4, "mobile", "commute", "phone", (0.05, 0, 0.5, 0.1, 0.35), pool=_POOLS,
        users=Users(220, 0.9, 12, 3000), rate="person", visits=0.7,
    ),
    Kind(
        "mobile6", "mobile", 6, "mobile", "commute", "phone", (0.3, 0, 0.5, 0.2, 0), pool=_SMALL_POOLS,
        users=Users(120, 0.8, 8, 1500), rate="person", visits=0.7, hosts="few",
    ),
    Kind(
        "vpn", "vpn", 4, "vpn", "evening", "guest", _TUNNEL, pool=_SMALL_POOLS, users=Users(60, 1.1, 3, 1000),
        rate="person", everywhere=True, elsewhere=0.35, elsewhere_role="hosting",
    ),
    Kind(
        "vpn6", "vpn", 6, "vpn", "evening", "guest", _TUNNEL, pool=_SMALL_POOLS, users=Users(40, 1.0, 3, 500),
        rate="person", everywhere=True, elsewhere=0.35, elsewhere_role="hosting",
    ),
    Kind(
        "forward_proxy", "proxy", 4, "gateway", "office", "office", _GATEWAY, pool=_SMALL_POOLS,
        users=Users(120, 1.0, 8, 1500), rate="person", masked=0.6, forwards=0.3, elsewhere=0.2, elsewhere_role="office",
    ),
    Kind(
        "gateway6", "proxy", 6, "gateway", "office", "office", _GATEWAY, pool=_SMALL_POOLS,
        users=Users(80, 1.0, 6, 800), rate="person", masked=0.4, hosts="few", elsewhere=0.3, elsewhere_role="office",
    ),
    Kind(
        "reverse_proxy", "proxy", 4, "cdn", "flat", "guest", _GATEWAY, "behind", pool=_POOLS,
        users=Users(250, 0.8, 20, 2000), rate="person", everywhere=True, forwards=0.85, masked=1.0,
    ),
    Kind(
        "reverse_proxy6", "proxy", 6, "cdn", "flat", "guest", _GATEWAY, "behind", pool=_SMALL_POOLS,
        users=Users(200, 0.8, 20, 2000), rate="person", everywhere=True, forwards=0.85, masked=1.0, hosts="few",
    ),
    Kind(
        "tor", "tor", 4, "hosting", "flat", "tor", _MACHINE, users=Users(300, 0.9, 15, 2500), rate="person",
        visits=0.4, everywhere=True, elsewhere=0.1,
    ),
    Kind(
        "relay", "relay", 4, "relay", "evening", "apple", _GATEWAY, pool=_POOLS, users=Users(150, 0.8, 10, 1500),
        rate="person", visits=0.8,
    ),
    Kind(
        "relay6", "relay", 6, "relay", "evening", "apple", _GATEWAY, pool=_SMALL_POOLS,
        users=Users(120, 0.8, 10, 1000), rate="person", visits=0.8, hosts="few",
    ),
    Kind(
        "campus", "campus", 4, "campus", "campus", "campus", (0.35, 0.05, 0.4, 0.1, 0.1), pool=_SMALL_POOLS,
        users=Users(180, 0.9, 20, 2000), rate="person",
    ),
    Kind(
        "campus6", "campus", 6, "campus", "campus", "campus", _HOST, pool=_SMALL_POOLS,
        users=Users(100, 0.8, 12, 600), rate="person", hosts="privacy",
    ),
    Kind(
        "office", "campus", 4, "office", "office", "office", _ROUTER, users=Users(22, 0.9, 4, 300), rate="person",
        visits=2.0, elsewhere=0.25,
    ),
    Kind(
        "hotspot", "other", 4, "home", "campus", "guest", _ROUTER, users=Users(25, 0.8, 5, 250), rate="person",
        visits=1.2, elsewhere=0.3, elsewhere_role="office",
    ),
)  # fmt: skip
KIND_NUMBER: dict[str, int] = {kind.name: number for number, kind in enumerate(KINDS)}
