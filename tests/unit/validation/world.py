"""Small databases with everything that validation reads: logs, assertions, labels and networks, judged and stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mipdns import net
from mipdns.evidence import Assertion, FileRead, Kept, Label, Network
from mipdns.inference import judge, shipped_scorecard
from mipdns.store import Build, Contents, regenerate
from mipdns.vocabulary import Class
from tests.unit.inference.build import AS_OF, Units, logs, route

CARD = shipped_scorecard()
ROUTES = [("51.15.0.0/16", 64500), ("51.16.0.0/16", 64501), ("51.17.0.0/16", 64502), ("2001:4860::/32", 64503)]
NETWORKS = [
    Network(64500, "A", "Cable/DSL/ISP", "residential", "Europe", "", "", "pdb"),
    Network(64501, "B", "Content", "hosting", "Global", "", "", "pdb"),
    Network(64502, "C", "Enterprise", "business", "Global", "", "", "pdb"),
]


def write(
    database: Path,
    units: Units,
    said: Sequence[Assertion] = (),
    labels: Sequence[Label] = (),
    *,
    files: Sequence[FileRead] = (),
    serial: int = 1_700_000_000,
    observations: Kept = "all",
) -> Build:
    """Judge, with sources held against labels, and store; the serial must be above the last one's."""
    judgement = judge(
        logs=logs(units) if units else None,
        routes=[route(text, asn) for text, asn in ROUTES],
        networks=NETWORKS,
        assertions=said,
        labels=labels,
        scorecard=CARD,
        as_of=AS_OF,
        observations=observations,
    )
    contents = Contents(
        parts=judgement.parts,
        conclude=judgement.conclude,
        names={},
        assertions=judgement.assertions,
        files=list(files),
        labels=list(labels),
        as_of=AS_OF,
        window_days=7,
        model=CARD.name,
        counts={},
        stages=[],
    )
    return regenerate(database, contents, now=lambda: serial)


def label(text: str, *, confirmed: bool, source: str = "isp") -> Label:
    return Label(*net.parse_range(text), confirmed, Class(0), AS_OF, "noc", source)


def file(name: str, kind: str) -> FileRead:
    return FileRead(name, kind, "x", f"/{name}", "0" * 64, 1, 1, 0, 0, (), AS_OF, "")
