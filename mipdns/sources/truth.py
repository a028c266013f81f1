"""What partners and products told us. In: `prefix,verdict,class,observed,who` files. Out: labels, and labels as
assertions.

The one rule: a partner's word is kept with the day it was true and who said it, and of one speaker's words on one
range the newest counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

from mipdns import net
from mipdns.config import Truth
from mipdns.errors import SourceUnreadable
from mipdns.evidence import Assertion, Label
from mipdns.sources.ages import expires
from mipdns.sources.reading import Read, Tally, clip, expand, fields, has_come, hint, lines, named_range
from mipdns.vocabulary import CLASS_NAMES, Class, Signal

COLUMNS = ("prefix", "verdict", "class", "observed", "who")


def read(source: Truth, *, bad_lines_max: float) -> Read[Label]:
    """Every label of a source, in the order of its files and lines. Raises SourceError.

    The first line names the columns, in any order. Special-purpose space is cut out; a line of nothing else is
    dropped and counted. The day is the row's own, whatever `dated` says of the file.
    """
    tally = Tally(source, bad_lines_max)
    labels: list[Label] = []
    for path in expand(source):
        file = tally.file(path)
        places: dict[str, int] | None = None
        for number, line in lines(path):
            if not line.strip() or line.startswith("#"):
                continue
            if places is None:
                places = _header(path, line)
                continue
            try:
                row = _row(line, places, source.name)
            except ValueError as fault:
                file.bad(number, str(fault))
                continue
            parts = list(net.subtract(row.first, row.last, net.SPECIAL))
            file.rows += bool(parts)
            file.dropped += not parts
            if parts:
                file.saw(row.observed)
            labels += [row._replace(first=first, last=last) for first, last in parts]
    return Read(labels, tally.close())


def assertions(labels: Iterable[Label]) -> list[Assertion]:
    """Labels, of partners or from `mipdns feedback`, as what they assert of their ranges.

    Of what one speaker said of exactly the same range only the newest word counts; of one day, the later in order.
    """
    newest: dict[tuple[int, int, str], Label] = {}
    for label in labels:
        key = label.first, label.last, label.who
        held = newest.get(key)
        if held is None or label.observed >= held.observed:
            newest[key] = label
    return [_assertion(label) for label in newest.values()]


def _assertion(label: Label) -> Assertion:
    origin = "partner.confirm" if label.confirmed else "partner.deny"
    return Assertion(
        first=label.first,
        last=label.last,
        origin=origin,
        signal=Signal.PARTNER,
        stance="shared" if label.confirmed else "single",
        classes=label.classes if label.confirmed else Class(0),
        observed=label.observed,
        expires=expires(origin, label.observed),
        exact=False,
        source=label.source,
        detail=f"{'confirmed' if label.confirmed else 'denied'} by {label.who}",
    )


def _header(path: Path, line: str) -> dict[str, int]:
    names = [name.strip().lower() for name in fields(line)]
    for name in COLUMNS:
        if name not in names:
            raise SourceUnreadable(
                f"{path}: the header has no column {name!r}: it is {clip(line)}, not {','.join(COLUMNS)}{hint(line)}"
            )
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            told = "twice" if name in COLUMNS else "which is unknown"
            raise SourceUnreadable(
                f"{path}: the header has column {name!r} {told}; the columns are {','.join(COLUMNS)}"
            )
    return {name: names.index(name) for name in COLUMNS}


def _row(line: str, places: dict[str, int], source: str) -> Label:
    columns = fields(line)
    if len(columns) != len(places):
        raise ValueError(f"has {len(columns)} columns, not {len(places)}: {clip(line)}")
    value = {name: columns[place].strip() for name, place in places.items()}
    first, last = named_range(value["prefix"])
    verdict = value["verdict"].lower()
    if verdict not in ("confirm", "deny"):
        raise ValueError(f"verdict {clip(verdict)} is neither confirm nor deny")
    classes = Class(0)
    for name in filter(None, value["class"].lower().split("+")):
        if name.strip() not in CLASS_NAMES:
            raise ValueError(f"class {clip(name)} is none of {', '.join(CLASS_NAMES)}")
        classes |= CLASS_NAMES[name.strip()]
    try:
        observed = datetime.date.fromisoformat(value["observed"])
    except ValueError:
        raise ValueError(f"observed {clip(value['observed'])} is not a day such as 2026-09-22") from None
    if not has_come(observed):
        raise ValueError(f"observed {observed} has not come yet: it would outweigh every later word")
    return Label(first, last, verdict == "confirm", classes, observed, value["who"] or source, source)
