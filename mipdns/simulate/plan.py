"""What the made world is made of: shares, rates and errors. Numbers only, nothing is drawn here.

In: nothing. Out: frozen structs that population, traffic and the writers read; `parameters` reads and draws them. Its
one rule: every number that shapes the world stands here, in `kinds.py` or in `habits.py`, and docs/simulation.md says
where it comes from.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from mipdns.simulate.kinds import KINDS

Share = Annotated[float, Meta(ge=0, le=1)]
Some = Annotated[float, Meta(gt=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=1000)]
NotNegative = Annotated[float, Meta(ge=0, le=1000)]
"""Bounded, so that a slip of the keyboard is an error that names its key, and not a world without an end."""

Count = Annotated[int, Meta(ge=1)]
Ratio = Annotated[int, Meta(ge=2, le=4096)]
Block = Annotated[int, Meta(ge=1, le=28_000)]
RotatorNames = Annotated[int, Meta(ge=1, le=500)]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the parameter file: an unknown key is an error."""


class Shares(Struct, frozen=True, kw_only=True):
    """Share of each kind among the active units; whatever the sum, it counts as the whole.

    The names are those of `kinds.KINDS`. As shipped, 16 % are carrier NAT and mobile gateways, 14 % VPN, proxies, Tor
    and relays; of the other 70 % one in twenty is a campus, an office or a hotspot, the rest one user or machine.
    """

    household: NotNegative = 0.300
    household6: NotNegative = 0.135
    rotating6: NotNegative = 0.01
    phone6: NotNegative = 0.05
    heavy: NotNegative = 0.02
    gamer: NotNegative = 0.01
    torrent: NotNegative = 0.015
    lone_office: NotNegative = 0.02
    server: NotNegative = 0.05
    server6: NotNegative = 0.01
    crawler: NotNegative = 0.015
    rotator: NotNegative = 0.012
    scanner: NotNegative = 0.018
    cgnat: NotNegative = 0.10
    mobile: NotNegative = 0.05
    mobile6: NotNegative = 0.01
    vpn: NotNegative = 0.04
    vpn6: NotNegative = 0.01
    forward_proxy: NotNegative = 0.015
    gateway6: NotNegative = 0.005
    reverse_proxy: NotNegative = 0.012
    reverse_proxy6: NotNegative = 0.003
    tor: NotNegative = 0.015
    relay: NotNegative = 0.022
    relay6: NotNegative = 0.018
    campus: NotNegative = 0.012
    campus6: NotNegative = 0.005
    office: NotNegative = 0.012
    hotspot: NotNegative = 0.006

    def __post_init__(self) -> None:
        if not sum(msgspec.structs.asdict(self).values()) > 0:
            raise ValueError("shares of 0 for every kind leave nothing to make")

    def multi_user(self) -> float:
        """The share of units that several unrelated people use."""
        return sum(self.parts()[kind.name] for kind in KINDS if kind.multi_user)

    def parts(self) -> dict[str, float]:
        """Every kind's share of the whole."""
        given: dict[str, float] = msgspec.structs.asdict(self)
        whole = sum(given.values())
        return {name: share / whole for name, share in given.items()}


class People(Struct, frozen=True, kw_only=True):
    """Who comes, how often, with what.

    pages: factor on requests a connection: sites differ. line_visits: of a household that comes at all, a day.
    person_visits: of one user of a shared address, a day; most stay away. spread: sigma of the log-normal by which
    users differ. more_devices: mean chance of each of eleven devices beside a household's first. unlike: how far
    households differ in it, 0 not at all, near 1 all devices or none. phones: factor on phones among devices.
    app_share: visits that come from an app. flatness: part of the day's shape that is even. shift_h: how much later
    than usual people live. lease_churn: share of home lines that change their address from one day to the next.
    """

    pages: Positive = 1.0
    line_visits: Positive = 1.3
    person_visits: Positive = 0.15
    spread: Annotated[float, Meta(ge=0, le=5)] = 1.0
    more_devices: Share = 0.14
    unlike: Annotated[float, Meta(ge=0, lt=1)] = 0.2
    phones: Positive = 1.0
    app_share: Share = 0.2
    flatness: Share = 0.05
    shift_h: Annotated[float, Meta(ge=-24, le=24)] = 0.0
    lease_churn: Share = 0.03


class Programs(Struct, frozen=True, kw_only=True):
    """Browsers and TLS. newest: major version of Chromium. lag: factor on the share of old installations.
    reduction: share of Chromiums that send reduced agents. resumed: TLS connections that resume a session (another
    fingerprint). quic: requests over HTTP/3 (another again).
    """

    newest: Annotated[int, Meta(ge=60, le=999)] = 140
    lag: Positive = 1.0
    reduction: Share = 0.92
    resumed: Share = 0.2
    quic: Share = 0.15


class Translation(Struct, frozen=True, kw_only=True):
    """Carrier NAT. sharing_ratios: subscribers an address has room for, one ratio a pool; ratio_weights: of each.
    block_sizes: ports of a subscriber's block. further: ports of each further block (with blocks of 1000).
    full: active share of the room, at least.
    lone: share of shared IPv4 units that stand alone instead of in a pool. guests: share of the
    addresses of IPv4 pools that a line has to itself. tilt: factors on each of `PORT_MODES`.
    sharing_shown: carriers whose traceroutes show 100.64.0.0/10 inside.
    """

    sharing_ratios: Annotated[tuple[Ratio, ...], Meta(min_length=1)] = (16, 32, 64, 76, 102, 128, 153, 1000)
    ratio_weights: tuple[NotNegative, ...] = (3, 4, 5, 2, 2, 4, 1, 1)
    block_sizes: Annotated[tuple[Block, ...], Meta(min_length=1)] = (300, 500, 700, 1000, 2016, 4032)
    further: Block = 335
    full: Share = 0.5
    lone: Share = 0.12
    guests: Share = 0.05
    tilt: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    sharing_shown: Share = 0.45

    def __post_init__(self) -> None:
        if len(self.ratio_weights) != len(self.sharing_ratios) or not sum(self.ratio_weights) > 0:
            raise ValueError("ratio_weights needs a weight for each of sharing_ratios, and one above 0")
        if min(self.tilt) <= 0:
            raise ValueError("a tilt of 0 would leave some kinds no ports: above 0")


class Bots(Struct, frozen=True, kw_only=True):
    """Machines. rate: factor on their visits. rotator_agents: fewest and most names that a rotating crawler has.
    rotator_even: share of rotators that draw evenly. rotator_tls: chance that a rotator uses one TLS library more
    (and again). rotator_true: rotators that drive real browsers, so that TLS fits the name. active: days that one
    works. forged: share of scanners and rotators that forge a forwarding header.
    """

    rate: Positive = 1.0
    rotator_agents: tuple[RotatorNames, RotatorNames] = (3, 400)
    rotator_even: Share = 0.4
    rotator_tls: Share = 0.4
    rotator_true: Share = 0.1
    active: Share = 0.8
    forged: Share = 0.05

    def __post_init__(self) -> None:
        if self.rotator_agents[0] > self.rotator_agents[1]:
            raise ValueError("rotator_agents are the fewest and the most names, in this order")


class Errors(Struct, frozen=True, kw_only=True):
    """How the sources fail. Missing is not at random: `small` and `large` are of the smallest and the largest network.

    peeringdb_missing, names_missing: share of networks that have none, by size. peeringdb_wrong, peeringdb_empty:
    types that are wrong, or "". names: share of addresses of a network with names that have one. names_stale: names
    of the address's earlier use. names_generic: shared addresses with a name that says nothing.
    list_small, list_large: share of a class's pools that its list names, by size of their network. list_tor: of Tor.
    list_stale: entries that are no longer true, half of them now somebody else's. list_age_days: oldest list.
    partner_space: units that an ISP speaks of. partner_wrong: of his words. duplicated: rows that appear twice.
    moved: units whose use changes within the window. torn_lines: log lines cut short.
    sampled: share of the flows that the exporter `colo` of the full form reports.
    """

    peeringdb_missing_small: Share = 0.75
    peeringdb_missing_large: Share = 0.05
    peeringdb_wrong: Share = 0.06
    peeringdb_empty: Share = 0.12
    names_missing_small: Share = 0.6
    names_missing_large: Share = 0.1
    names: Share = 0.85
    names_stale: Share = 0.03
    names_generic: Share = 0.4
    list_small: Share = 0.25
    list_large: Share = 0.8
    list_tor: Share = 0.9
    list_stale: Share = 0.05
    list_age_days: Annotated[int, Meta(ge=0, le=3650)] = 60
    partner_space: Share = 0.04
    partner_wrong: Share = 0.03
    duplicated: Share = 0.01
    moved: Share = 0.005
    torn_lines: Share = 0.002
    sampled: Share = 0.25


class WorldPlan(Struct, frozen=True, kw_only=True):
    """A world. units: active ones (IPv4 addresses and IPv6 /64s). units_a_network: on the average AS.

    observer_share: share of all connections that are seen. shared_share: share of multi-user units; 0 leaves it to
    `shares`. without: sources (and columns of the logs) that this world does not have.
    """

    units: int = 3000
    units_a_network: Count = 100
    observer_share: Some = 1.0
    shared_share: Share = 0.0
    without: tuple[str, ...] = ()
    shares: Shares = Shares()
    people: People = People()
    programs: Programs = Programs()
    translation: Translation = Translation()
    bots: Bots = Bots()
    errors: Errors = Errors()

    def __post_init__(self) -> None:
        if self.shared_share and not 0 < self.shares.multi_user() < 1:
            raise ValueError("shared_share needs shares of kinds of one user and of kinds of several")

    def kind_shares(self) -> dict[str, float]:
        """Every kind's share of the units, after `shared_share`."""
        parts = self.shares.parts()
        if not self.shared_share:
            return parts
        multi = {kind.name for kind in KINDS if kind.multi_user}
        whole = self.shares.multi_user()
        factor = {True: self.shared_share / whole, False: (1 - self.shared_share) / (1 - whole)}
        return {name: share * factor[name in multi] for name, share in parts.items()}


def changed(plan: WorldPlan, **tables: dict[str, Any]) -> WorldPlan:
    """A plan with some values replaced: `changed(plan, people={"phones": 2.0})`."""
    return msgspec.structs.replace(
        plan,
        **{name: msgspec.structs.replace(getattr(plan, name), **values) for name, values in tables.items()},
    )


# The stage: /8s that were given out whole long ago and are hardly routed, and IPv6 space that no registry has assigned
# yet; both are ordinary global unicast. Each network has a run of /24s and a /32 of its own.
EIGHTS = (21, 22, 26, 28, 29, 30, 33)
V6_STAGE = 0x2A1E << 48

OUR_V4 = "33.240.0.0/24"
OUR_V6 = "2a1e:ff00::/48"
OUR_SERVER_V4 = "33.240.0.{}"
OUR_SERVER_V6 = "2a1e:ff00::{}"


def v6_start(network: int) -> int:
    """The upper 64 bits of a network's /32, by its place in the world."""
    return V6_STAGE | network << 32
