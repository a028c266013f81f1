"""Which terms a scorecard may have: features, signals, directions, where they speak, and why.

In: nothing. Out: `CANDIDATES`; training gives each its heights, joins steps that say the same and leaves out what adds
nothing. The one rule: what is decided here is what knowledge can decide (direction, company, meaning), never a weight.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from mipdns.inference.features import THIN_FROM
from mipdns.inference.scorecard import Bounds, FeatureTerm
from mipdns.inference.training.additive import Anchor, Monotone


class Candidate(NamedTuple):
    """A possible term. edges: where steps may begin. anchor: the step that says nothing. most, least: what it adds.
    base: told of every unit, it takes up what all terms have in common, so that another that is missing adds nothing.

    The rest as in `FeatureTerm`.
    """

    feature: str
    signal: str
    edges: tuple[float, ...]
    monotone: Monotone
    reason: str
    source: tuple[str, ...]
    when: dict[str, Bounds] = {}  # noqa: RUF012  (never changed: `_by_exposure` makes others)
    anchor: Anchor = "none"
    most: float = math.inf
    least: float = -math.inf
    base: bool = False


AGENTS = (2, 3, 4, 5, 6, 8, 10, 13, 17, 24, 35, 60)
RELATIVE_AGENTS = (1.4, 1.7, 2, 2.4, 2.8, 3.3, 4, 5, 6.5, 9, 13, 20)
TLS = (2, 3, 4, 5, 6, 7, 9, 12)
TLS_MANY = (6, 7, 9, 12)
"""A family's devices show up to five; where each is seen but once, two are two people as well."""
PORTS = (2, 3, 5, 8, 12, 20, 32, 64, 128, 256, 512, 1024)
PORTS_MANY = (20, 32, 64, 128, 256, 512, 1024)
"""A family's browsers open a dozen an hour; where each is seen often, so many bear out nothing that its agents say."""
LOUD = 1.0
"""The most that one feature of the shape says, either way: how busy crowds and machines are differs in the field. No
more is said either of what made worlds have by the choice of who made them: that families show phones, that programs
take their names from many families of browsers."""
NO_PHONE = 0.7
"""The same of several agents without a phone: a family's eight devices may have one phone that is hardly used."""
RELATIVE = (0.06, 0.12, 0.25, 0.5, 1, 2)
EXPOSURES = (4.5, 7, 10)
ONCE = (0.2, 0.28, 0.37, 0.45, 0.52, 0.58, 0.64, 0.7)
LESSER = {
    "hours_lesser": (1.05, 1.15, 1.25, 1.4, 1.6, 1.8, 2.0, 2.3, 2.8),
    "agents_lesser": (1.02, 1.08, 1.15, 1.25, 1.4, 1.7),
    "ports_lesser": (1.15, 1.3, 1.5, 1.7, 1.9, 2.2),
}
"""What the lesser half of a load's units shows, and where it begins to mean something else."""
VISITS = (0.4, 0.8, 1.5, 2.5, 4, 6, 10, 16, 40)
CROWDED = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9)
USUALLY_CROWDED: Bounds = (0.3, 0.35)
"""What stands around a unit of which nothing else is known."""
MOST_AROUND = MOST_NEAR = 0.45
EXPOSURE = (1.2, 3, 7, 16, 40)
"""Visits on the busiest day at which counts begin to mean something else: four agents in five visits are a crowd's,
four in five hundred a family's."""
FEW = 7
"""Visits below which counts mean one thing in thin logs and another elsewhere: two visits are one person's day to who
sees all, and the tenth part of a street's to who sees a tenth."""
FEW_VISITS = ((None, 1.2), (1.2, 3))
"""Bands in which nobody is seen twice."""


TOLD: tuple[tuple[str, dict[str, Bounds]], ...] = (
    ("where agents and fingerprints are told", {"agents_told": (0.5, None), "tls_told": (0.5, None)}),
    ("where agents are told and fingerprints are not", {"agents_told": (0.5, None), "tls_told": (None, 0.5)}),
    ("where agents are not told", {"agents_told": (None, 0.5)}),
)
"""What logs can tell of. Terms that were learnt with all of it would say too little where a part is missing."""


def _bands(feature: str, edges: tuple[float, ...]) -> list[dict[str, Bounds]]:
    return [{feature: bounds} for bounds in pairwise((None, *edges, None))]


def _by_exposure(one: Candidate) -> list[Candidate]:
    """The candidate for each band of visits, and of few visits by how much the load sees at all. The fewest say
    nothing: what so many requests of so few mean, the term of the requests themselves tells. So each kind of evidence
    has points only where it speaks for many.
    """
    return [one._replace(when=one.when | band, anchor="first") for band in EXPOSED]


EXPOSED: tuple[dict[str, Bounds], ...] = tuple(
    band | much
    for band in _bands("visits", EXPOSURE)
    for much in (_bands("seen_once", THIN_FROM[:1]) if (band["visits"][1] or math.inf) <= FEW else ({},))
)

CANDIDATES: tuple[Candidate, ...] = (
    # ports
    *(
        one._replace(edges=PORTS if (one.when["visits"][1] or math.inf) <= FEW else PORTS_MANY)
        for one in _by_exposure(
            Candidate(
                "ports_hour_max", "ports", PORTS, "rising",
                "distinct source ports count connections, and many people make many; beside agents they say less",
                ("cloudflare2025", "rfc6269"), {"agents_told": (0.5, None)},
            )
        )
    ),
    *_by_exposure(
        Candidate(
            "ports_hour_max", "ports", PORTS, "rising",
            "as above, where no log tells agents and connections are all there is",
            ("cloudflare2025", "rfc6269"), {"agents_told": (None, 0.5)},
        )
    ),
    Candidate(
        "blocks_hour_max", "ports", (2, 4, 8, 16, 32, 64, 100, 128, 192), "rising",
        "one system's ephemeral range spans at most about 110 blocks of 256 ports; more need address translation",
        ("rfc6056", "rfc7422"),
        anchor="first",
    ),
    *(
        Candidate(
            "ports_per_block", "ports", (2, 3, 5, 10), "falling",
            "one system's ports lie close together, those of a translator all over the range",
            ("rfc6056", "rfc7422"), {"ports_hour_max": (8, None)} | bounds, "first",
            least=-0.7,
        )
        for _, bounds in TOLD
    ),
    Candidate(
        "ports_hour_median", "ports", (2, 3, 5, 8, 12, 20, 32, 64, 128), "rising",
        "many people make many connections in every hour, a machine in its busiest; where no log tells agents",
        ("cloudflare2025",), {"agents_told": (None, 0.5)}, "first",
    ),
    # agents
    *_by_exposure(
        Candidate(
            "agents_day_max", "agents", AGENTS, "rising",
            "each device brings its own agents; a household shows 2 to 5 a day, and most NATs hold only a few hosts",
            ("maier2011", "casado2007", "metwally2011"), {"tls_told": (0.5, None)},
        )
    ),
    *_by_exposure(
        Candidate(
            "agents_day_max", "agents", AGENTS, "rising",
            "as above, where no fingerprints are told and agents are all there is",
            ("maier2011", "casado2007", "metwally2011"), {"tls_told": (None, 0.5)},
        )
    ),
    *(
        Candidate(
            "agents_relative", "agents", RELATIVE_AGENTS, "rising",
            "where households show more agents, as many mean less",
            (), {"visits": bounds} | told, "first",
        )
        for _, told in TOLD[:2]
        for bounds in pairwise((*EXPOSURE[1:], None))
    ),
    Candidate(
        "agents_hour_max", "agents", (2, 3, 4, 6, 10, 16), "rising",
        "several hosts are rarely active in the same hour behind one home gateway (about 10 % of lines)",
        ("maier2011",),
        anchor="first",
    ),
    *(
        Candidate(
            "agents_per_hour", "agents", (0.3, 0.45, 0.6, 0.8, 1.0), "rising",
            "where each is seen seldom, who shares an address comes as somebody else each time, and a household again",
            ("maier2011",), {"seen_once": (THIN_FROM[0], None), "request_hours": band},
        )
        for band in ((2, 3), (3, 5), (5, None))
    ),
    Candidate(
        "agent_top_share", "agents", (0.1, 0.15, 0.2, 0.25, 0.4, 0.6, 0.9), "falling",
        "the commonest agent of many people has a small share; nine requests in ten are one busy program",
        (), {"visits": (4, None), "agents_day_max": (4, None)},
    ),
    *(
        Candidate(
            "visits_per_agent", "agents", (0.3, 0.6, 1, 1.6, 2.5, 4, 6, 10), "falling",
            "a family's few devices make all its requests; among many people each makes few",
            ("metwally2011",), {"visits": (4, None), "agents_day_max": band}, "last",
        )
        for band in ((4, 8), (8, 16), (16, None))
    ),
    Candidate(
        "crawler_share", "agents", (0.05, 0.3, 0.6, 0.9), "falling",
        "crawlers, libraries and tools are not people",
        ("cloudflare2025",),
        anchor="first",
    ),
    Candidate(
        "bot_score_median", "agents", (5, 15, 30), "rising",
        "a median bot score below 30 marks traffic that is likely automated",
        ("cloudflare2025",),
        anchor="last",
    ),
    Candidate(
        "bot_score_median", "agents", (30, 40, 50), "rising",
        "among many agents that are people's the median is theirs; just above what is automated it is some program's",
        ("cloudflare2025",), {"agents_day_max": (6, None)}, "last",
        least=-LOUD,
    ),
    Candidate(
        "agents_day_max", "agents", (3, 5, 8, 13, 24, 60), "falling",
        "many agents of what is likely automated are names from a list",
        ("cloudflare2025",), {"bot_score_median": (None, 30)}, "first",
    ),
    Candidate(
        "mobile_share", "agents", (0.6, 0.9, 0.99), "rising",
        "many agents, all of phones, are a cellular gateway's; that there are no phones says nothing",
        ("richter2016",), {"agents_day_max": (8, None)}, "first",
    ),
    Candidate(
        "mobile_share", "agents", (0.6, 0.9, 0.99), "falling",
        "few agents, all of phones, are one phone's own",
        ("richter2016",), {"agents_day_max": (None, 8)}, "first",
    ),
    *(
        Candidate(
            "mobile_share", "agents", (0.01, 0.1), "falling",
            "several agents and not one a phone's are an office's or a school's, or a program's: families have phones",
            ("judgement",), {"agents_day_max": band}, "last",
            most=NO_PHONE,
        )
        for band in ((2, 3), (3, 4), (4, 6), (6, 12), (12, None))
    ),
    *(
        Candidate(
            "agents_per_family", "agents", (1.2, 1.6, 2.1, 3, 4.5), "rising",
            "one browser in several versions is several machines; a family's devices differ in kind",
            ("judgement",), {"agents_day_max": band}, "first",
            most=LOUD,
        )
        for band in ((3, 4), (4, 6), (6, 12), (12, 24), (24, None))
    ),
    # TLS
    *(
        one if one.when["visits"] in FEW_VISITS else one._replace(edges=TLS_MANY)
        for one in _by_exposure(
            Candidate(
                "tls_day_max", "tls", TLS, "rising",
                "a TLS fingerprint is the client library, not its words: many mean several devices",
                ("beverly2004",),
            )
        )
    ),
    Candidate(
        "agents_day_max", "tls", (3, 5, 8, 12), "falling",
        "many agent names over a single fingerprint are one program, or a proxy that ends the encryption itself",
        ("beverly2004",), {"tls_day_max": (None, 2)},
        anchor="first",
    ),
    *(
        Candidate(
            "agents_per_tls", "tls", (6, 8), "falling",
            "browsers of one engine share a fingerprint; the more names over each, the likelier one program made them"
            " up",
            ("beverly2004",), {"agents_day_max": band, "tls_day_max": (2, None)}, "first",
        )
        for band in ((5, 10), (10, 24), (24, None))
    ),
    *(
        Candidate(
            "agents_per_tls", "tls", (1.2, 1.5, 1.8), "rising",
            "fingerprints are few and soon all seen; among more people each comes under more names",
            ("judgement",), {"tls_day_max": band}, "first",
            most=LOUD,
        )
        for band in ((3, 6), (6, 9), (9, None))
    ),
    # shape
    Candidate(
        "hours_day_max", "shape", (3, 4, 6, 9, 14), "falling",
        "one phone is in use all day as well, and a gateway shows more than it",
        (), {"mobile_share": (0.9, None), "agents_day_max": (None, 8)}, "first",
        most=LOUD, least=-LOUD,
    ),
    *(
        Candidate(
            "visits", "shape", VISITS, "free",
            f"how much comes of an address at all; by the fewest agents and ports it is one user's; {where}",
            ("metwally2011",), bounds, base=True,
        )
        for where, bounds in TOLD
    ),
    *(
        Candidate(
            "agents_share", "shape", (0.8, 0.98), "free",
            "where some only connect, connections stand among the requests of the others as well", (), bounds | band,
            most=LOUD, least=-LOUD,
        )
        for _, bounds in TOLD[:2]
        for band in _bands("visits", (3, 16))
    ),
    *(
        one._replace(when=one.when | bounds)
        for _, bounds in TOLD
        for one in (
            Candidate(
                "exposure", "shape", EXPOSURES, "falling",
                "who sees little of each sees the busy, and more of them are shared: one number a load", (),
                most=LOUD, least=-LOUD,
            ),
            Candidate(
                "seen_once", "shape", ONCE, "rising",
                "who sees most for an hour only sees little of crowds as well: the same says more", (),
                most=LOUD, least=-LOUD,
            ),
            Candidate(
                "requests_relative", "shape", RELATIVE, "free",
                "the same few requests are a busy address to who sees little, and a quiet one to who sees all", (),
                most=LOUD, least=-LOUD,
            ),
            Candidate(
                "hours_day_max", "shape", (2, 4, 6, 8, 12, 16), "free",
                "in how many hours of a day it is active: people sleep, and machines need not",
                ("maier2011",), most=LOUD, least=-LOUD,
            ),
            Candidate(
                "night_share", "shape", (0.02, 0.05, 0.1, 0.2, 0.24, 0.28, 0.3), "free",
                "how much comes in the quietest third of the day: one household sleeps, many less, machines not at all",
                (), {"visits": (12, None)}, most=LOUD, least=-LOUD,
            ),
            *(
                Candidate(
                    "days_logged", "shape", (3, 5), "falling",
                    "the busiest of many days is busier than that of few, of whom ever", (), band,
                    most=LOUD, least=-LOUD,
                )
                for band in _bands("visits", (3, 16))
            ),
            *(
                Candidate(
                    feature, "shape", edges, "falling",
                    "the lesser half are mostly households: the more these show, the less the same means", (), band,
                    most=LOUD, least=-LOUD,
                )
                for feature, edges in LESSER.items()
                for band in _bands("visits", (3, 16))
            ),
            Candidate(
                "days", "shape", (2, 3, 5), "free", "on how many days it comes: every day are many, or a machine",
                ("metwally2011",),
                most=LOUD, least=-LOUD,
            ),
        )
    ),
    # the rest
    Candidate(
        "agents_per_address", "addresses", (0.15, 0.3, 0.6, 1.1, 2, 4, 8), "rising",
        "a gateway sends many people from few addresses of a /64; at home each device has its own, or several",
        ("rfc8981",), {"addresses_day_max": (2, None)},
    ),
    Candidate(
        "addresses_day_max", "addresses", (2, 4, 8, 16, 64), "rising",
        "many addresses of one /64: many hosts, or one household whose hosts change their temporary addresses",
        ("rfc8981",),
        anchor="first",
    ),
)  # fmt: skip

EVEN = "agents of people are uneven; agents used equally often come from a list that one program draws from"
FIXED: tuple[FeatureTerm, ...] = (
    FeatureTerm(
        "ports_per_agent",
        "ports",
        (24, 48, 96, 192),
        (0.0, -0.4, -1.0, -1.6, -2.6),
        "falling",
        "many ports by few user agents is one program that opens many connections (a scanner, a download, a game)",
        ("cloudflare2025", "judgement"),
        {"ports_hour_max": (48, None)},
    ),
    FeatureTerm(
        "agents_per_tls",
        "tls",
        (12, 20),
        (0.0, -2.0, -3.0),
        "falling",
        "browsers of one engine share a fingerprint, but two dozen agent names over each are one program",
        ("beverly2004", "judgement"),
        {"agents_day_max": (8, None), "tls_day_max": (2, None)},
    ),
    FeatureTerm(
        "forwarded_day_max",
        "forwarded",
        (2, 4, 10, 32),
        (0.0, 0.6, 1.3, 2.0, 2.6),
        "rising",
        "a proxy names the clients it speaks for; anyone can write the header, so it needs company",
        ("rfc7239", "judgement"),
    ),
    FeatureTerm(
        "forwarded_share",
        "forwarded",
        (0.5,),
        (0.0, 1.6),
        "rising",
        "what names another client in most of its requests is a proxy, however few of them came; or says that it is",
        ("rfc7239", "judgement"),
    ),
    FeatureTerm(
        "agent_evenness",
        "agents",
        (1.6, 2.2),
        (-6.0, -1.5, 0.0),
        "rising",
        EVEN,
        ("judgement",),
        {"agents_day_max": (10, None), "requests_per_agent": (3, 12)},
    ),
    FeatureTerm(
        "agent_top_share",
        "agents",
        (0.03, 0.035),
        (-6.0, -1.5, 0.0),
        "rising",
        "of sixty agents and more of people one is common; where none is, a program makes them up as it goes",
        ("judgement",),
        {"agents_day_max": (60, None)},
    ),
    FeatureTerm(
        "agent_evenness",
        "agents",
        (2.0, 2.2),
        (-6.0, -1.5, 0.0),
        "rising",
        f"{EVEN}; where each came a dozen times, chance does not make one twice as common as the mean",
        ("judgement",),
        {"agents_day_max": (10, None), "requests_per_agent": (12, None)},
    ),
)
"""Terms set by hand: ratios that depend on the site (requests a page) and on the times (agents that share a
fingerprint), which made worlds do not have as the field does, and machines and forgers, whose share nobody knows."""

OPERATORS: tuple[tuple[str, dict[str, Bounds]], ...] = (
    ("network_agents", {"agents_told": (0.5, None)}),
    ("network_ports", {"agents_told": (0.5, None)}),
    ("network_ports", {"agents_told": (None, 0.5)}),
)


def _both_ways(one: Candidate, usual: Bounds) -> tuple[Candidate, Candidate]:
    """The candidate in two parts, which say nothing where the feature is as usual, within `usual`, and meet there.

    So a neighbourhood speaks for many only where it holds more crowds than all of the load, and can then bear out what
    the unit itself shows; one that is fitted freely is centred wherever the other terms leave it.
    """
    low, high = usual
    below = tuple(edge for edge in one.edges if low is not None and edge <= low)
    above = tuple(edge for edge in one.edges if high is not None and edge >= high)
    return (
        one._replace(edges=below, when=one.when | {one.feature: (None, high)}, anchor="last", most=math.inf),
        one._replace(edges=above, when=one.when | {one.feature: (low, None)}, anchor="first", least=-math.inf),
    )


# Pools have customers with an address of their own among them, and how many nobody has counted: what stands around an
# address may not outweigh what it shows itself.
NEIGHBOURS: tuple[Candidate, ...] = (
    *(
        part
        for bounds in ({"agents_told": (0.5, None)}, {"agents_told": (None, 0.5)})
        for band in _bands("neighbours_seen", (3, 10, 30))
        for part in _both_ways(
            Candidate(
                "neighbours_crowded", "neighbours", CROWDED, "rising",
                "operators run address pools: crowds stand beside crowds, households beside households",
                ("richter2016", "livadariu2018", "cloudflare2025"), band | bounds, most=MOST_AROUND,
            ),
            USUALLY_CROWDED,
        )
    ),
    *(
        part
        for bounds in _bands("agents_told", (0.5,))
        for part in _both_ways(
            Candidate(
                "nearest_crowded", "neighbours", CROWDED, "rising",
                "pools lie between lines and begin and end within a /24: those next to it tell in which it stands",
                ("richter2016", "livadariu2018"), bounds, most=MOST_NEAR,
            ),
            USUALLY_CROWDED,
        )
    ),
    *(
        part
        for band in _bands("visits", (2, 8))
        for part in _both_ways(
            Candidate(
                "neighbours_crowded", "neighbours", CROWDED, "rising",
                "where each is seen little, none looks like a crowd for certain, and less says as much",
                ("richter2016",), band, most=0.3,
            ),
            USUALLY_CROWDED,
        )
    ),
    *(
        part
        for feature, bounds in OPERATORS
        for part in _both_ways(
            Candidate(
                feature, "neighbours", (0.4, 0.6, 0.75, 0.9, 1.1, 1.25, 1.4, 1.7, 2, 2.5), "rising",
                "translation is an operator's decision: his other addresses show as many as this one, or as few",
                ("livadariu2018",), bounds, most=0.5,
            ),
            (0.9, 1.1),
        )
    ),
    *_both_ways(
        Candidate(
            "neighbours_crowded", "neighbours", CROWDED, "rising",
            "a phone among crowds is a cellular gateway, one among phones alone is a phone",
            ("richter2016",), {"mobile_share": (0.9, None)}, most=0.2,
        ),
        USUALLY_CROWDED,
    ),
)  # fmt: skip
