"""Small builds to write: every field of every record filled with something that can be told apart."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import numpy as np

from mipdns import net
from mipdns.evidence import (
    CONTEXT_COLUMNS,
    UNIT_COLUMNS,
    Assertion,
    BadLine,
    Conclusion,
    FileRead,
    JudgedNetwork,
    Label,
    Network,
    ObservationTable,
)
from mipdns.store import Contents
from mipdns.vocabulary import Class, Signal, Verdict
from tests.tables import parts

AS_OF = datetime.date(2026, 9, 22)
FEATURES = [*UNIT_COLUMNS, *CONTEXT_COLUMNS]


def verdict(text: str, confidence: int = 80, classes: int = Class.VPN, asn: int | None = 64500) -> Verdict:
    first, last = net.parse_range(text)
    return Verdict(first, last, confidence, classes, 2, 9, Signal.PORTS | Signal.LIST, asn, "2026-09-21")


def label(text: str, confirmed: bool = True, source: str = "partner", who: str = "ISP", day: int = 20) -> Label:
    first, last = net.parse_range(text)
    return Label(first, last, confirmed, Class.CGNAT, datetime.date(2026, 9, day), who, source)


def assertion(text: str, exact: bool = False, source: str = "relay") -> Assertion:
    first, last = net.parse_range(text)
    days = datetime.date(2026, 9, 1), datetime.date(2026, 12, 1)
    return Assertion(
        first, last, "list.relay", Signal.LIST, "shared", Class.RELAY, *days, exact, source, f"line 7: {text}"
    )


def file_read(source: str = "relay", kind: str = "egress") -> FileRead:
    bad = (BadLine(f"{source}.txt", 3, "'nonsense' is not an IP address"),)
    return FileRead(
        source, kind, "cidr", f"data/{source}.txt", "ab" * 32, 1234, 100, 1, 5, bad, datetime.date(2026, 8, 22), "CC0"
    )


def observations(*addresses: str) -> ObservationTable:
    """One row an address; the n-th feature of row m is m + n / 10, and the second is missing."""
    keys = np.array([net.unit_key(net.parse_address(text)) for text in addresses], dtype=np.uint64)
    rows = np.arange(len(keys), dtype=np.float32)
    columns = {name: (rows + np.float32(at) / np.float32(10)).astype(np.float32) for at, name in enumerate(FEATURES)}
    columns[FEATURES[1]] = np.full(len(keys), np.nan, dtype=np.float32)
    return ObservationTable(
        key=keys,
        last_day=np.full(len(keys), (AS_OF - datetime.date(1970, 1, 1)).days, dtype=np.int32),
        asn=np.array([64500 if row % 2 == 0 else 0 for row in range(len(keys))], dtype=np.int64),
        traffic=np.array([row % 3 - 1 for row in range(len(keys))], dtype=np.int8),
        columns=columns,
    )


def contents(
    verdicts: Iterable[Verdict] = (), *, observations: ObservationTable | None = None, **changes: object
) -> Contents:
    """A build without anything but the verdicts, save what `changes` says."""
    conclusion = Conclusion([], {}, None, 0.3)
    told = {name: changes.pop(name) for name in conclusion._fields if name in changes}
    conclusion = conclusion._replace(**told)  # type: ignore[arg-type]  # a test names the fields it changes
    empty = Contents(parts(verdicts, observations), lambda: conclusion, {}, [], [], [], AS_OF, 7, "hand-2026.1", {}, [])
    return empty._replace(**changes)  # type: ignore[arg-type]  # likewise


ROWS = [verdict("51.15.7.0/24", 87, Class.CGNAT | Class.MOBILE), verdict("2a01:4f8::/64", 40, Class.OTHER, 64501)]
NETWORKS = [
    JudgedNetwork(
        64500,
        Network(64500, "Example Mobile", "Cable/DSL/ISP", "residential", "Global", "1-5Tbps", "2026", "pdb"),
        "mobile",
        1234.0,
        17,
    ),
    JudgedNetwork(64501, None, None, 0.0, 0),
]


def everything() -> Contents:
    """A build with rows in every table."""
    return contents(
        ROWS,
        observations=observations("51.15.7.9", "51.15.7.10", "2a01:4f8::1"),
        networks=NETWORKS,
        names={64501: "Example Hosting", 64502: "never referred to"},
        assertions=[assertion("51.15.7.0/24"), assertion("2a01:4f8::7", exact=True)],
        files=[file_read(), file_read("partner", "truth")],
        labels=[label("51.15.7.0/25"), label("2a01:4f8::/64", confirmed=False)],
        counts={"special": 3},
        scores={"brier": 0.08, "labels": 2},
        stages=[("read relay", 0.5), ("survey", 1.25)],
    )
