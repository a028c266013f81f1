"""A small build of both families: names that collide, ranges that straddle, confidences that sit on edges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mipdns.net import parse_range
from mipdns.vocabulary import Class, Signal, Verdict
from tests import builds

SERIAL = 1_760_000_000

EDGES = (1, 24, 25, 49, 50, 59, 60, 69, 70, 79, 80, 89, 90, 94, 95, 99, 100)
"""Confidences on both sides of every level that some list draws its line at; 5.5.5.N has confidence N."""

_LISTED: list[tuple[str, int, Class]] = [
    # Single-digit octets are nibbles too: 1.0.0.2 is 2.0.0.1 and the way to 2001::/16, 6.0.6.2 leads to 2606::/16.
    ("2.0.0.1", 60, Class.VPN),
    ("2.6.0.6", 30, Class.OTHER),
    ("2.10.0.1", 81, Class.CAMPUS),
    ("3.4.5.6", 55, Class.MOBILE),
    *[(f"5.5.5.{confidence}", confidence, Class.CGNAT) for confidence in EDGES],
    ("51.15.7.0/24", 87, Class.CGNAT | Class.MOBILE),
    ("51.15.8.0-51.15.8.9", 30, Class.CAMPUS),
    ("51.15.9.255-51.15.11.3", 95, Class.RELAY),
    ("104.16.0.0/13", 100, Class.PROXY),
    ("185.220.101.1", 99, Class.TOR | Class.VPN),
    ("200.200.200.200", 1, Class.OTHER),
    ("223.255.255.255", 77, Class.MOBILE),
    ("2001:67c:2e8:1::/64", 80, Class.CAMPUS),
    ("2003:0:0:1::/64", 25, Class.CGNAT),
    ("2400:1::/64", 3, Class.OTHER),
    ("2606:4700::/44", 92, Class.PROXY),
    ("2a02:26f7:c000:1::-2a02:26f7:c002:ffff:ffff:ffff:ffff:ffff", 88, Class.RELAY),
    ("2a0b:f4c2::1", 99, Class.TOR),
    ("2a0b:f4c2::8-2a0b:f4c2::1:2", 97, Class.TOR | Class.VPN),
    ("2a0b:f4c2:ffff:ffff::/64", 12, Class.CGNAT),
]


def _verdict(text: str, confidence: int, classes: Class) -> Verdict:
    """The parts beside the range vary with the confidence, absent ones included."""
    known = confidence >= 50
    sources = Signal.PORTS | Signal.AGENTS | Signal.TRACE if known else Signal.LIST
    low, high, asn = (confidence, confidence * 2, 64500) if known else (None, None, None)
    return Verdict(*parse_range(text), confidence, classes, low, high, sources, asn, "2026-11-20")


VERDICTS = sorted(_verdict(*row) for row in _LISTED)


def write_build(database: Path, verdicts: Iterable[Verdict] = VERDICTS) -> None:
    """A database that holds the verdicts and nothing else, with serial `SERIAL`."""
    builds.write_build(database, verdicts, SERIAL)
