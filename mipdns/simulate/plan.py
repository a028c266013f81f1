"""What the made world is made of: shares, networks and the space they stand in. Numbers only, nothing is drawn here.

In: nothing. Out: frozen structs that population, traffic and the writers read. Its one rule: every number that shapes
the world stands here or in `kinds.py`, and docs/simulation.md says where it comes from.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Role = Literal[
    "home", "cgnat", "mobile", "office", "campus", "hosting", "vpn", "relay", "cdn", "gateway", "search", "transit"
]


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """Share of each kind among the active units; whatever the sum, it counts as the whole.

    The names are those of `kinds.KINDS`. As shipped, 16 % are carrier NAT and mobile gateways, 11.5 % VPN, proxies, Tor
    and relays, 2.5 % campus and office; seven in ten units are one user, household or machine.
    """

    household: float = 0.335
    household6: float = 0.14
    rotating6: float = 0.01
    phone6: float = 0.05
    heavy: float = 0.015
    gamer: float = 0.01
    torrent: float = 0.015
    lone_office: float = 0.02
    server: float = 0.05
    server6: float = 0.01
    crawler: float = 0.02
    disguised_crawler: float = 0.005
    scanner: float = 0.02
    cgnat: float = 0.10
    mobile: float = 0.05
    mobile6: float = 0.01
    vpn: float = 0.03
    vpn6: float = 0.01
    forward_proxy: float = 0.01
    reverse_proxy: float = 0.012
    reverse_proxy6: float = 0.003
    tor: float = 0.015
    relay: float = 0.02
    relay6: float = 0.015
    campus: float = 0.012
    campus6: float = 0.005
    office: float = 0.008


class WorldPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The world at `scale` 1.

    units: active units (IPv4 addresses and IPv6 /64s). sharing_ratios: subscribers a carrier-NAT address has room for.
    port_blocks: share of carrier-NAT pools that give each subscriber a block of ports; the others are dynamic.
    sampled: share of the flows that the sampling exporter (`colo`) reports. torn_lines: share of log lines cut short.
    listed_*: share of a class that its public list names. stale: share of list entries that are no longer true.
    named: share of IPv4 units with a reverse name; misnamed: those whose name is an earlier holder's.
    partner_words: share of units that an ISP partner speaks of; partner_errors: share of his words that are wrong.
    """

    units: int = 3000
    shares: Shares = Shares()
    sharing_ratios: tuple[int, ...] = (16, 32, 64, 76, 102, 128, 153)
    port_blocks: float = 0.7
    sampled: float = 0.25
    torn_lines: float = 0.002
    listed_tor: float = 0.9
    listed_vpn: float = 0.6
    listed_proxy: float = 0.7
    listed_campus: float = 0.6
    stale: float = 0.05
    named: float = 0.7
    misnamed: float = 0.03
    partner_words: float = 0.04
    partner_errors: float = 0.08


class Network(NamedTuple):
    """An AS. zone_h: its local time less UTC, hours. declared: PeeringDB `info_type`, None where it has no entry.

    weight: its share of the units of a role that several networks play.
    """

    asn: int
    name: str
    domain: str
    country: str
    zone_h: float
    roles: tuple[Role, ...]
    declared: str | None
    weight: float = 1.0


# Numbers for documentation (RFC 5398) and the top-level domain `.example` (RFC 2606): no real network is spoken of.
NETWORKS: tuple[Network, ...] = (
    Network(64496, "Nordlicht Breitband", "nordlicht.example", "DE", 1, ("home",), "Cable/DSL/ISP", 2),
    Network(64497, "Prairie Cable", "prairie.example", "US", -6, ("home", "office"), "Cable/DSL/ISP", 2),
    Network(64498, "Hinode Fiber", "hinode.example", "JP", 9, ("home",), "", 1),  # it says nothing of itself
    Network(64499, "Ganga Broadband", "ganga.example", "IN", 5.5, ("home", "cgnat"), "Cable/DSL/ISP", 1),
    Network(64500, "Serra Telecom", "serra.example", "BR", -3, ("home", "cgnat"), "NSP", 1),
    Network(64501, "Thames AltNet", "thames.example", "GB", 0, ("home", "cgnat", "office"), "Content", 1),  # wrong
    Network(64502, "Delta Mobile", "delta.example", "EG", 2, ("mobile",), "Cable/DSL/ISP", 2),
    Network(64503, "Alpina Mobil", "alpina.example", "CH", 1, ("mobile",), "NSP", 1),
    Network(64504, "Pampa Celular", "pampa.example", "AR", -3, ("mobile",), None, 1),
    Network(64505, "Contor Affaires", "contor.example", "FR", 1, ("office",), "Enterprise", 2),
    Network(64506, "Lakeside Offices", "lakeside.example", "US", -5, ("office",), "", 1),
    Network(64507, "Fjord University", "fjord.example", "NO", 1, ("campus",), "Educational/Research", 1),
    Network(64508, "Hillside College", "hillside.example", "US", -8, ("campus",), "Educational/Research", 1),
    Network(64509, "Granite Hosting", "granite.example", "NL", 1, ("hosting", "vpn"), "Content", 2),
    Network(64510, "Kumo Cloud", "kumo.example", "SG", 8, ("hosting", "vpn"), "NSP", 2),
    Network(64511, "Cheapbox", "cheapbox.example", "US", -7, ("hosting", "vpn"), "", 1),
    Network(65536, "Umbra VPN", "umbra.example", "PA", -5, ("vpn",), "NSP", 1),
    Network(65537, "Veil Relay", "veil.example", "US", -5, ("relay",), "Content", 1),
    Network(65538, "Bastion Edge", "bastion.example", "US", 0, ("cdn",), "Content", 1),
    Network(65539, "Gatehouse Secure Web", "gatehouse.example", "US", -5, ("gateway",), "Enterprise", 1),
    Network(65540, "Lantern Search", "lantern.example", "US", -8, ("search",), "Content", 1),
    Network(65541, "Backbone One", "backbone.example", "US", 0, ("transit",), "NSP", 1),
)
TRANSIT = len(NETWORKS) - 1

# The stage: /8s that were given out whole long ago and are hardly routed, and IPv6 space that no registry has assigned
# yet; both are ordinary global unicast. Each network has a /12 and a /32 of its own.
_EIGHTS = (21, 22, 26, 28, 29, 30, 33)
V6_STAGE = 0x2A1E << 48

OUR_V4 = "33.240.0.0/24"
OUR_V6 = "2a1e:ff00::/48"
OUR_SERVER_V4 = "33.240.0.{}"
OUR_SERVER_V6 = "2a1e:ff00::{}"


def v4_base(network: int) -> int:
    """The first address of a network's /12, by its place in `NETWORKS`."""
    return _EIGHTS[network % len(_EIGHTS)] << 24 | (network // len(_EIGHTS)) << 20


def v6_base(network: int) -> int:
    """The upper 64 bits of a network's /32, by its place in `NETWORKS`."""
    return V6_STAGE | network << 32


def transit_v4() -> tuple[int, ...]:
    """The first addresses of the /8s that the transit network announces over everybody's more specific routes."""
    return tuple(eight << 24 for eight in _EIGHTS)
