"""The `mipdns.toml` of a made world. In: its last day. Out: the text; every path in it is relative."""

from __future__ import annotations

import datetime

from mipdns.simulate.plan import OUR_V4, OUR_V6
from mipdns.simulate.writers.logs import CSV_COLUMNS, PARQUET_COLUMNS

_HEAD = """\
# A made world: seed {seed}, scale {scale}, {days} days up to {last_day}. Nothing in it is real.
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

[[source]]
name = "edge"
kind = "logs"
format = "logpush"
path = "logs/edge/*.ndjson.gz"

[[source]]
name = "shop"
kind = "logs"
format = "combined"
port = true
path = "logs/web/shop-*.log.gz"

[[source]]
name = "blog"
kind = "logs"
format = "combined"
path = "logs/web/blog-*.log.zst"

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

[[source]]
name = "cloud"
kind = "logs"
format = "vpcflow"
ours = {ours}
path = "logs/cloud/vpc-*.log.gz"

[[source]]
name = "colo"
kind = "logs"
format = "nfdump"
ours = {ours}
path = "logs/colo/nfcapd-*.csv"

[[source]]
name = "app"
kind = "logs"
format = "csv"
path = "logs/app/app-*.csv"
columns = {csv_columns}

[[source]]
name = "api"
kind = "logs"
format = "parquet"
path = "logs/api/api-*.parquet"
columns = {parquet_columns}
"""

_CLAIMS = """
# What is said of networks and ranges.

[[source]]
name = "ranges"
kind = "routes"
format = "ranges"
path = "routes/ranges.csv.gz"
dated = {last_day}

[[source]]
name = "pfx2as"
kind = "routes"
format = "pfx2as"
path = "routes/pfx2as.txt"
dated = {last_day}

[[source]]
name = "iptoasn"
kind = "routes"
format = "iptoasn"
path = "routes/iptoasn.tsv.zst"
dated = {last_day}

[[source]]
name = "peeringdb"
kind = "peeringdb"
format = "api"
path = ["peeringdb/dump.json.gz", "peeringdb/net-*.json"]
dated = {last_day}

[[source]]
name = "atlas"
kind = "atlas"
format = "results"
path = "atlas/traceroutes.ndjson.gz"

[[source]]
name = "names"
kind = "ptr"
format = "csv"
path = "ptr/names.csv.gz"
dated = {last_day}
"""

# name, format, class, file, age in days
_LISTS = (
    ("tor", "cidr", "tor", "tor-exits.txt", 0),
    ("vpn", "cidr", "vpn", "vpn.txt.gz", 9),
    ("relay", "geofeed", "relay", "relay-egress.csv", 2),
    ("secure-web", "misp", "proxy", "secure-web-gateways.json", 20),
    ("edge-network", "cidr", "proxy", "edge-network.txt", 5),
    ("mobile", "geofeed", "mobile", "mobile-geofeed.csv", 30),
    ("campus", "cidr", "campus", "universities.txt.zst", 60),
    ("hosting", "cidr", "hosting", "datacentres.txt", 15),
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

_PARTNER = """
[[source]]
name = "partner"
kind = "truth"
format = "csv"
path = "partner/words.csv"
dated = {last_day}
"""


def configuration_text(last_day: datetime.date, *, seed: int, scale: float, days: int) -> str:
    """A runnable configuration that names every source file of the world."""
    ours = f'["{OUR_V4}", "{OUR_V6}"]'
    return (
        _HEAD.format(seed=seed, scale=scale, days=days, last_day=last_day)
        + _LOGS.format(ours=ours, csv_columns=_table(CSV_COLUMNS), parquet_columns=_table(PARQUET_COLUMNS))
        + _CLAIMS.format(last_day=last_day)
        + "".join(
            _LIST.format(name=name, form=form, class_=class_, file=file, dated=last_day - datetime.timedelta(days=age))
            for name, form, class_, file, age in _LISTS
        )
        + _PARTNER.format(last_day=last_day)
    )


def _table(columns: dict[str, str]) -> str:
    return "{ " + ", ".join(f'{ours} = "{theirs}"' for ours, theirs in columns.items()) + " }"
