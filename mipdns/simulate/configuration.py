"""The `mipdns.toml` of a made world. In: the world, its last day. Out: the text; every path in it is relative."""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Collection
from typing import Literal

from mipdns.simulate.plan import OUR_V4, OUR_V6
from mipdns.simulate.population import World
from mipdns.simulate.writers.logs import CSV_COLUMNS, PARQUET_COLUMNS

Form = Literal["mixed", "ndjson", "parquet"]
"""Logs: nine observers in all formats, or one observer in one of them."""

_HEAD = """\
# A made world: seed {seed}, {units} units, {days} days up to {last_day}. Nothing in it is real.
#   mipdns --config mipdns.toml load && mipdns --config mipdns.toml serve
# truth.csv says what each address truly is; it is no source.

[store]
database = "mip.db"

[serve]
listen = ["127.0.0.1:5300", "[::1]:5300"]
zones = "zones"
"""

_LOGS = """
# What came in, as nine observers wrote it down. They saw different parts of it; the pair of conn and http that one
# Zeek writes is the same traffic twice, which `sensor` says.
"""

_OBSERVED = {
    "edge": """
[[source]]
name = "edge"
kind = "logs"
format = "logpush"
path = "logs/edge/*.ndjson.gz"
""",
    "shop": """
[[source]]
name = "shop"
kind = "logs"
format = "combined"
port = true
path = "logs/web/shop-*.log.gz"
""",
    "blog": """
[[source]]
name = "blog"
kind = "logs"
format = "combined"
path = "logs/web/blog-*.log.zst"
""",
    "sensor": """
[[source]]
name = "sensor-conn"
kind = "logs"
format = "zeek-conn"
sensor = "sensor"
ours = {ours}
path = "logs/sensor/conn-*.log.gz"

[[source]]
name = "sensor-http"
kind = "logs"
format = "zeek-http"
sensor = "sensor"
ours = {ours}
path = "logs/sensor/http-*.log.gz"
""",
    "probe": """
[[source]]
name = "probe-conn"
kind = "logs"
format = "zeek-conn"
sensor = "probe"
ours = {ours}
path = "logs/probe/conn-*.ndjson.gz"

[[source]]
name = "probe-http"
kind = "logs"
format = "zeek-http"
sensor = "probe"
ours = {ours}
path = "logs/probe/http-*.ndjson.gz"
""",
    "cloud": """
[[source]]
name = "cloud"
kind = "logs"
format = "vpcflow"
ours = {ours}
path = "logs/cloud/vpc-*.log.gz"
""",
    "colo": """
[[source]]
name = "colo"
kind = "logs"
format = "nfdump"
ours = {ours}
path = "logs/colo/nfcapd-*.csv"
""",
    "app": """
[[source]]
name = "app"
kind = "logs"
format = "csv"
path = "logs/app/app-*.csv"
columns = {csv_columns}
""",
    "api": """
[[source]]
name = "api"
kind = "logs"
format = "parquet"
path = "logs/api/api-*.parquet"
columns = {parquet_columns}
""",
}

_ONE_LOG = {
    "ndjson": """
[[source]]
name = "edge"
kind = "logs"
format = "logpush"
path = "logs/edge/*.ndjson.gz"
""",
    "parquet": """
[[source]]
name = "edge"
kind = "logs"
format = "parquet"
path = "logs/edge/*.parquet"
columns = {columns}
""",
}

# What is said of networks and ranges: name, kind, format, paths, whether it is dated.
_CLAIMS = (
    ("ranges", "routes", "ranges", ("routes/ranges.csv.gz",), True),
    ("pfx2as", "routes", "pfx2as", ("routes/pfx2as.txt",), True),
    ("iptoasn", "routes", "iptoasn", ("routes/iptoasn.tsv.zst",), True),
    ("peeringdb", "peeringdb", "api", ("peeringdb/dump.json.gz", "peeringdb/net-*.json"), True),
    ("atlas", "atlas", "results", ("atlas/traceroutes.ndjson.gz",), False),
    ("names", "ptr", "csv", ("ptr/names.csv.gz",), True),
)
_CLAIM = """
[[source]]
name = "{name}"
kind = "{kind}"
format = "{form}"
path = {path}
"""

# name, format, class, file, age in parts of the oldest list's
_LISTS = (
    ("tor", "cidr", "tor", "tor-exits.txt", 0.0),
    ("vpn", "cidr", "vpn", "vpn.txt.gz", 0.15),
    ("relay", "geofeed", "relay", "relay-egress.csv", 0.03),
    ("secure-web", "misp", "proxy", "secure-web-gateways.json", 0.33),
    ("edge-network", "cidr", "proxy", "edge-network.txt", 0.08),
    ("mobile", "geofeed", "mobile", "mobile-geofeed.csv", 0.5),
    ("campus", "cidr", "campus", "universities.txt.zst", 1.0),
    ("hosting", "cidr", "hosting", "datacentres.txt", 0.25),
)

_LIST = """
[[source]]
name = "{name}"
kind = "egress"
format = "{form}"
class = "{class_}"
path = "lists/{file}"
dated = {dated}
"""

_WORDS = "partner/words.csv"
_PARTNER = """
[[source]]
name = "partner"
kind = "truth"
format = "csv"
path = "{words}"
dated = {last_day}
"""


LISTS = tuple(name for name, *_ in _LISTS)
CLAIMS = ("routes", "peeringdb", "atlas", "ptr", "lists", "partner")
LOG_COLUMNS = tuple(name for name in PARQUET_COLUMNS if name not in ("time", "client"))
OBSERVERS = tuple(_OBSERVED)
WITHOUT = (*CLAIMS, *LISTS, *OBSERVERS, *LOG_COLUMNS)
"""What a world may lack: kinds of sources, single lists, observers of nine, and columns of one log."""


def configuration_text(
    world: World, last_day: datetime.date, form: Form, without: Collection[str], files: Collection[str]
) -> str:
    """A runnable configuration that names every source file of the world. without: columns of the one log.

    files: those of the sources, by their relative paths; a source that has none is not named.
    """
    plan = world.plan
    parts = [_HEAD.format(seed=world.seed, units=plan.units, days=world.days, last_day=last_day)]
    if form == "mixed":
        ours = f'["{OUR_V4}", "{OUR_V6}"]'
        columns = {"csv_columns": _table(CSV_COLUMNS), "parquet_columns": _table(PARQUET_COLUMNS)}
        parts.append(_LOGS)
        parts += [_seen(text, files).format(ours=ours, **columns) for text in _OBSERVED.values()]
    else:
        columns_kept = {ours: theirs for ours, theirs in PARQUET_COLUMNS.items() if ours not in without}
        parts.append(_seen(_ONE_LOG[form], files).format(columns=_table(columns_kept)))
    for name, kind, source_form, paths, dated in _CLAIMS:
        if there := [f'"{path}"' for path in paths if fnmatch.filter(files, path)]:
            path = there[0] if len(paths) == 1 else f"[{', '.join(there)}]"
            parts.append(_CLAIM.format(name=name, kind=kind, form=source_form, path=path))
            parts.append(f"dated = {last_day}\n" if dated else "")
    for name, list_form, class_, file, age in _LISTS:
        if f"lists/{file}" in files:
            day = last_day - datetime.timedelta(days=round(age * plan.errors.list_age_days))
            parts.append(_LIST.format(name=name, form=list_form, class_=class_, file=file, dated=day))
    if _WORDS in files:
        parts.append(_PARTNER.format(words=_WORDS, last_day=last_day))
    return "".join(parts)


def _seen(text: str, files: Collection[str]) -> str:
    """Of an observer's sources those that have files."""
    head, *sources = text.split("[[source]]")
    patterns = [re.findall(r'^path = "(.+)"$', source, re.MULTILINE) for source in sources]
    there = [source for source, (path,) in zip(sources, patterns, strict=True) if fnmatch.filter(files, path)]
    return "".join(f"{head}[[source]]{source}" for source in there)


def _table(columns: dict[str, str]) -> str:
    return "{ " + ", ".join(f'{ours} = "{theirs}"' for ours, theirs in columns.items()) + " }"
