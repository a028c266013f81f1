"""Published ranges of one class. In: lists as `cidr`, `geofeed` (RFC 8805) or `misp`. Out: one assertion a range.

The one rule: what the list says is taken as it stands, exact to the address; special-purpose space is cut out of it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mipdns import net
from mipdns.config import Egress
from mipdns.errors import SourceUnreadable
from mipdns.evidence import Assertion
from mipdns.sources.ages import expires
from mipdns.sources.reading import (
    FileTally,
    Read,
    Tally,
    clip,
    date_in_comment,
    date_of,
    expand,
    fields,
    hint,
    json_document,
    lines,
    named_range,
)
from mipdns.vocabulary import CLASS_NAMES, Class, Signal

Entry = tuple[int, int, str]
"""First and last address, and the text that said so."""


def read(source: Egress, *, bad_lines_max: float) -> Read[Assertion]:
    """The ranges of a source, each once, in the order read. Raises SourceError.

    origin is `list.<class>`, stance `shared`, or `hosting` for class `hosting`, which implies no class.
    """
    entries = _FORMATS[source.format]
    tally = Tally(source, bad_lines_max)
    newest: dict[net.Range, tuple[datetime.date, str]] = {}
    for path in expand(source):
        file = tally.file(path)
        found = list(entries(path, file))
        observed = date_of(source, path, file.dated)
        for first, last, text in found:
            parts = list(net.subtract(first, last, net.SPECIAL))
            file.rows += bool(parts)
            file.dropped += not parts
            for part in parts:
                held = newest.get(part)
                if held is None or observed > held[0]:
                    newest[part] = observed, text
    return Read(
        [_assertion(source, part, observed, text) for part, (observed, text) in newest.items()],
        tally.close(),
    )


def _assertion(source: Egress, part: net.Range, observed: datetime.date, text: str) -> Assertion:
    origin = f"list.{source.class_}"
    return Assertion(
        first=part[0],
        last=part[1],
        origin=origin,
        signal=Signal.LIST,
        stance="hosting" if source.class_ == "hosting" else "shared",
        classes=CLASS_NAMES.get(source.class_, Class(0)),
        observed=observed,
        expires=expires(origin, observed),
        exact=True,
        source=source.name,
        detail=text,
    )


def _entry(text: str) -> Entry:
    text = text.strip()
    return *named_range(text), text


_COMMENT = re.compile(r"[#;].*")


def _cidr(path: Path, file: FileTally) -> Iterator[Entry]:
    for number, line in lines(path):
        text = _COMMENT.sub("", line).strip() if "#" in line or ";" in line else line.strip()
        if not text:
            file.saw(date_in_comment(line))
            continue
        try:
            yield _entry(text)
        except ValueError as fault:
            file.bad(number, str(fault))


_COUNTRY = re.compile(r"([A-Za-z]{2})?")


def _geofeed(path: Path, file: FileTally) -> Iterator[Entry]:
    """RFC 8805 §2.1: prefix, country, region, city and the deprecated postal code; what a list leaves out is empty."""
    for number, line in lines(path):
        if not line.strip() or line.lstrip().startswith("#"):
            file.saw(date_in_comment(line))
            continue
        try:
            columns = fields(line)
            if len(columns) < 2:
                raise ValueError(
                    f"{clip(line)} has no column beside the prefix{hint(line)}; for plain lists there is 'cidr'"
                )
            entry = _entry(columns[0])
            if not _COUNTRY.fullmatch(columns[1].strip()):
                raise ValueError(f"{clip(columns[1])} is not a two-letter country code")
            yield entry
        except ValueError as fault:
            file.bad(number, str(fault))


def _misp(path: Path, file: FileTally) -> Iterator[Entry]:
    """A MISP warning list: ranges under `list`, its date as `version` (20260811)."""
    document = json_document(path)
    listed = document.get("list") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(listed, list):
        raise SourceUnreadable(f"{path}: is no MISP warning list: there is no list under the key 'list'")
    file.saw(_version_day(document.get("version")))
    for place, entry in enumerate(listed, 1):
        try:
            if not isinstance(entry, str):
                raise ValueError("is not a text")
            yield _entry(entry)
        except ValueError as fault:
            file.bad(place, f"entry {place}: {fault}")


def _version_day(version: object) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(str(version), "%Y%m%d").date()
    except ValueError:
        return None


_FORMATS: dict[str, Callable[[Path, FileTally], Iterator[Entry]]] = {
    "cidr": _cidr,
    "geofeed": _geofeed,
    "misp": _misp,
}
