"""The keys of a `[[source]]` that is fetched. In: tables and sources as read. Out: presets filled in, what is wrong,
and where the copies lie.

The one rule: pure functions of the configuration; fetching itself is mipdns/fetch/, which reading a configuration does
not load.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mipdns import presets
from mipdns.errors import ConfigError

if TYPE_CHECKING:
    from mipdns.config import Source


def with_presets(document: dict[str, object]) -> dict[str, object]:
    """A configuration in which each source has what its preset fills in. Raises ConfigError for a preset unknown."""
    listed = document.get("source")
    if not isinstance(listed, list):
        return document
    for number, table in enumerate(listed, 1):
        named = table.get("preset") if isinstance(table, dict) else None
        if isinstance(named, str) and named not in presets.PRESETS:
            known = ", ".join(presets.PRESETS)
            raise ConfigError(f"source number {number}, key 'preset': there is none named {named!r}; there are {known}")
    return document | {"source": [presets.filled(table) if isinstance(table, dict) else table for table in listed]}


def fault(source: Source) -> str:
    """The first thing wrong with the keys of fetching, as the rest of a sentence that names the source; "" for none."""
    return next(_fetched_faults(source) if source.urls else _unfetched_faults(source), "")


def _unfetched_faults(source: Source) -> Iterator[str]:
    if not source.paths and getattr(source, "format", "") != "clickhouse":  # which names a table instead
        yield ": key 'path' is missing: the files to read; or else 'url', where to fetch them from"
    for key in ("authorization", "fetch_every_hours", "max_age_days", "measurement", "start", "stop"):
        if getattr(source, key, None):
            yield f", key {key!r}: goes with 'url' or 'preset' only; what lies at 'path' alone is not fetched"


def _fetched_faults(source: Source) -> Iterator[str]:
    for url in source.urls:
        if wrong := _url_fault(url):
            yield f", key 'url': {url!r} {wrong}"
        if source.authorization and not url.startswith("https://"):
            yield f", key 'authorization': a secret is sent over https only, not to {url}"
    if not (source.authorization.isascii() and source.authorization.isprintable()):
        yield ", key 'authorization': it goes into a header, so printable ASCII only; $NAME stands for a variable"
    if source.preset and presets.PRESETS[source.preset].keys["kind"] != source.kind:
        yield f", key 'kind': preset {source.preset!r} is not of kind {source.kind!r}"
    if source.paths and len(source.paths) != len(source.urls):
        yield f", key 'path': names {len(source.paths)} files for the {len(source.urls)} addresses of 'url'"
    if any(glob.has_magic(text) for text in source.paths):
        yield ", key 'path': with 'url' it says where each copy lies, which a glob cannot"
    yield from _measurement_faults(source)


def _url_fault(url: str) -> str:
    """What is wrong with an address to fetch; "" for nothing."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket without its other
        known = False
    if not known:
        return "is no http:// or https:// address"
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "holds characters that an address cannot; write them as %XX"
    if "@" in parts.netloc:
        return "holds a user's name; put secrets into 'authorization'"
    return ""


def _measurement_faults(source: Source) -> Iterator[str]:
    measurement, start, stop = (getattr(source, key, None) for key in ("measurement", "start", "stop"))
    if measurement is None and any("{measurement}" in url for url in source.urls):
        yield ": key 'measurement' is missing: the number of the RIPE Atlas measurement"
    if measurement is None and (start or stop):
        yield ", key 'start': goes with 'measurement' only"
    if stop and not start:
        yield ", key 'stop': needs 'start'; without both, yesterday is fetched"
    if start and stop and stop < start:
        yield f", key 'stop': {stop} lies before start, {start}"


def copies(source: Source, folder: Path) -> tuple[str, ...]:
    """Where the copies of a source lie that does not say: named after it, numbered where there are several."""
    several = len(source.urls) > 1
    preset = presets.PRESETS.get(source.preset)
    return tuple(
        str(folder / f"{source.name}{f'-{number}' if several else ''}{preset.suffix if preset else _suffix(url)}")
        for number, url in enumerate(source.urls, 1)
    )


_SUFFIX = re.compile(r"(\.[A-Za-z][A-Za-z0-9]{0,7}){0,2}$")


def _suffix(url: str) -> str:
    """The suffixes of an address's last part, as far as they look like a file's: `.tsv.gz`, `.json`."""
    found = _SUFFIX.search(urlsplit(url).path.rpartition("/")[2])
    return found[0] if found else ""


def same_copy(sources: Sequence[Source]) -> str:
    """A path that two addresses of all sources would be kept at; "" for none."""
    paths = [path for source in sources if source.urls for path in source.paths]
    return next((path for path in paths if paths.count(path) > 1), "")
