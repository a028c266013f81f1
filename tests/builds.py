"""Databases for tests of what serves them: a build of nothing but verdicts, written by the store as a load would."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

from mipdns.evidence import Conclusion
from mipdns.net import parse_range
from mipdns.store import Contents, regenerate
from mipdns.vocabulary import Verdict
from tests.tables import parts


def write_build(database: Path, verdicts: Iterable[Verdict], serial: int) -> Path:
    """Replace the build in the database, which is made if need be. The serial must be above the last one's."""
    contents = Contents(
        parts=parts(verdicts),
        conclude=lambda: Conclusion([], {}, None, 0.3),
        names={},
        assertions=[],
        files=[],
        labels=[],
        as_of=datetime.date(2026, 11, 20),
        window_days=7,
        model="none",
        counts={},
        stages=[],
    )
    assert regenerate(database, contents, busy_s=30.0, now=lambda: serial).serial == serial
    return database


def verdict(text: str, confidence: int = 80, classes: int = 1) -> Verdict:
    """A verdict on the range that the text names; the rest of it is the same for all."""
    return Verdict(*parse_range(text), confidence, classes, 2, 128, 513, 64500, "2026-11-20")
