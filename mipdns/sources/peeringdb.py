"""What each AS declares of itself. In: PeeringDB `net` objects, as the API gives them or as a dump nests them. Out:
one `Network` a row, and `merge`, which keeps one an AS.

The one rule: absent is not a type. What PeeringDB leaves empty, or what says nothing of who sits behind an address,
is None.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from mipdns.config import PeeringDB
from mipdns.errors import SourceUnreadable
from mipdns.evidence import Network, NetworkType
from mipdns.sources.reading import FileTally, Read, Tally, clip, expand, json_document

DECLARED: dict[str, NetworkType | None] = {
    "NSP": "transit",
    "Content": "hosting",
    "Cable/DSL/ISP": "residential",
    "Enterprise": "business",
    "Educational/Research": "education",
    "Network Services": "hosting",  # DNS, security, anycast: servers, not people
    "Government": "business",  # offices
    "Non-Profit": None,  # from one hobbyist's AS to an exchange: says nothing of its addresses
    "Route Server": None,  # infrastructure without clients
    "Route Collector": None,
    "Not Disclosed": None,
    "": None,
}
"""PeeringDB's `info_type`, every value it has had, as a network type. PeeringDB has no word for mobile networks."""

_OTHER_KINDS = (
    ("netixlan", {"ixlan_id", "ipaddr4"}),
    ("netfac", {"fac_id", "local_asn"}),
    ("ixpfx", {"prefix", "ixlan_id"}),
    ("ixfac", {"ix_id", "fac_id"}),
    ("ix", {"name", "region_continent", "proto_unicast"}),
    ("fac", {"name", "address1", "clli"}),
    ("poc", {"role", "email"}),
    ("org", {"name", "address1", "website"}),
)


class _Net(msgspec.Struct, frozen=True):
    """The keys of a `net` object that we use."""

    asn: Annotated[int, msgspec.Meta(ge=1, le=(1 << 32) - 1)]
    name: str | None = None
    info_type: str | None = None
    info_types: list[str] | None = None
    info_scope: str | None = None
    info_traffic: str | None = None
    updated: str | None = None
    status: str | None = None


def read(source: PeeringDB, *, bad_lines_max: float) -> Read[Network]:
    """Every network of a source, in the order of its files and rows; an AS may come twice (see `merge`).

    Rows with status `deleted` are left out. Bad rows are counted by their place in the list. Raises SourceError, for
    objects of another kind too.
    """
    tally = Tally(source, bad_lines_max)
    networks: list[Network] = []
    for path in expand(source):
        file = tally.file(path)
        for place, row in enumerate(_rows(path, file), 1):
            try:
                entry = msgspec.convert(row, _Net)
            except msgspec.ValidationError as fault:
                file.bad(place, f"row {place}: {fault}")
                continue
            if entry.status == "deleted":
                continue
            file.rows += 1
            file.saw(_day(entry.updated))
            networks.append(_network(entry, source.name))
    return Read(networks, tally.close(each=False))


def merge(networks: Iterable[Network]) -> list[Network]:
    """One network an AS, sorted by AS: the newer `updated`; where that cannot tell, the later in order."""
    kept: dict[int, Network] = {}
    for network in networks:
        held = kept.get(network.asn)
        if held is None or not (held.updated and network.updated) or network.updated >= held.updated:
            kept[network.asn] = network
    return [kept[asn] for asn in sorted(kept)]


def _rows(path: Path, file: FileTally) -> list[object]:
    document = json_document(path)
    if isinstance(document, dict) and "net" in document:
        document = document["net"]
    if isinstance(document, dict):
        meta = document.get("meta")
        generated = meta.get("generated") if isinstance(meta, dict) else None
        if isinstance(generated, int | float) and 0 < generated < 1 << 34:
            file.saw(datetime.datetime.fromtimestamp(generated, datetime.UTC).date())
        document = document.get("data", document)
    if not isinstance(document, list):
        keys = ", ".join(sorted(map(str, document))[:6]) if isinstance(document, dict) else type(document).__name__
        raise SourceUnreadable(f"{path}: has no list of PeeringDB objects under 'data' or 'net', but {clip(keys)}")
    _refuse_other_kinds(path, document)
    return document


def _refuse_other_kinds(path: Path, rows: list[object]) -> None:
    objects = [row for row in rows if isinstance(row, dict)]
    if not objects or any("info_type" in row or "info_types" in row for row in objects):
        return
    keys = set(objects[0])
    for kind, marks in _OTHER_KINDS:
        if marks <= keys:
            raise SourceUnreadable(f"{path}: holds PeeringDB objects of kind '{kind}', not 'net'")
    shown = ", ".join(sorted(keys)[:6])
    raise SourceUnreadable(f"{path}: holds no PeeringDB 'net' objects: no row has 'info_type'; its keys are {shown}")


def _network(entry: _Net, source: str) -> Network:
    words = [entry.info_type] if entry.info_type else entry.info_types or []
    declared = next((DECLARED[word] for word in words if DECLARED.get(word)), None)
    return Network(
        asn=entry.asn,
        name=(entry.name or "").strip(),
        info_type=words[0] if words else "",
        declared=declared,
        scope=entry.info_scope or "",
        traffic=entry.info_traffic or "",
        updated=entry.updated or "",
        source=source,
    )


def _day(updated: str | None) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat((updated or "")[:10])
    except ValueError:
        return None
