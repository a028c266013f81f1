"""Public sources by name. In: a `[[source]]` table with `preset`. Out: the same table with what the preset fills in.

The one rule: what the table says itself stands; a preset fills in only what is left out. Pure data and one function, so
that reading a configuration loads nothing of fetching.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Way = Literal["file", "newest", "pages", "window"]
"""How an address becomes a file. `file`: its answer is the file. `newest`: it is CAIDA's log of files, whose newest is
taken. `pages`: its answers are pages of one JSON list. `window`: it is of a RIPE Atlas measurement, asked for some
days."""


class Preset(NamedTuple):
    """What a preset fills in, and how its address is fetched. suffix: of the copy's name, which tells its packing."""

    keys: dict[str, object]
    way: Way = "file"
    suffix: str = ""


def _egress(class_: str, form: str, *urls: str, licence: str, hours: float = 24.0) -> Preset:
    keys: dict[str, object] = {"kind": "egress", "format": form, "class": class_, "url": list(urls)}
    return Preset(keys | {"licence": licence, "fetch_every_hours": hours}, suffix=".csv" if form == "geofeed" else "")


_X4B = "https://raw.githubusercontent.com/X4BNet/lists_vpn/main/output"
_MISP = "https://raw.githubusercontent.com/MISP/misp-warninglists/main/lists"
_CAIDA = "https://publicdata.caida.org/datasets/routing"
_NET_FIELDS = "asn,name,info_type,info_types,info_scope,info_traffic,updated,status"

PRESETS: dict[str, Preset] = {
    "private-relay": _egress(
        "relay",
        "geofeed",
        "https://mask-api.icloud.com/egress-ip-ranges.csv",
        licence="published by Apple to be used",
    ),
    "tor-exits": _egress(
        "tor",
        "cidr",
        "https://check.torproject.org/torbulkexitlist",
        licence="facts published by the Tor Project",
        hours=1.0,
    ),
    "cloudflare-edge": _egress(
        "proxy",
        "cidr",
        "https://www.cloudflare.com/ips-v4",
        "https://www.cloudflare.com/ips-v6",
        licence="published by Cloudflare to be used",
    ),
    "x4b-vpn": _egress("vpn", "cidr", f"{_X4B}/vpn/ipv4.txt", licence="MIT, X4BNet"),
    "x4b-datacenter": _egress("hosting", "cidr", f"{_X4B}/datacenter/ipv4.txt", licence="MIT, X4BNet"),
    "misp-zscaler": _egress("proxy", "misp", f"{_MISP}/zscaler/list.json", licence="CC0, MISP project"),
    "iptoasn": Preset(
        {
            "kind": "routes",
            "format": "iptoasn",
            "url": "https://iptoasn.com/data/ip2asn-combined.tsv.gz",
            "licence": "PDDL 1.0, iptoasn.com",
            "fetch_every_hours": 24.0,
        },
        suffix=".tsv.gz",
    ),
    "caida-pfx2as": Preset(
        {
            "kind": "routes",
            "format": "pfx2as",
            "url": [
                f"{_CAIDA}/routeviews-prefix2as/pfx2as-creation.log",
                f"{_CAIDA}/routeviews6-prefix2as/pfx2as-creation.log",
            ],
            "licence": "CAIDA acceptable use agreement",
            "fetch_every_hours": 24.0,
        },
        way="newest",
        suffix=".pfx2as.gz",
    ),
    "peeringdb": Preset(
        {
            "kind": "peeringdb",
            "format": "api",
            "url": f"https://www.peeringdb.com/api/net?fields={_NET_FIELDS}",
            "licence": "PeeringDB acceptable use policy",
            "fetch_every_hours": 24.0,
            "authorization": "Api-Key $PEERINGDB_API_KEY",
        },
        way="pages",
        suffix=".json",
    ),
    "ripe-atlas": Preset(
        {
            "kind": "atlas",
            "format": "results",
            "url": "https://atlas.ripe.net/api/v2/measurements/{measurement}/results/?format=txt",
            "licence": "RIPE Atlas terms of service",
            "fetch_every_hours": 24.0,
            "authorization": "Key $RIPE_ATLAS_API_KEY",
        },
        way="window",
        suffix=".ndjson.gz",
    ),
}


def filled(table: dict[str, object]) -> dict[str, object]:
    """A source's table with the keys of its preset under its own; as it is, without a preset that exists.

    A preset's secret goes to the preset's own address only: with another `url`, its `authorization` is left out.
    """
    preset = PRESETS.get(str(table.get("preset", "")))
    if preset is None:
        return table
    keys = {key: value for key, value in preset.keys.items() if key != "authorization" or "url" not in table}
    return keys | table


def way(preset: str) -> Way:
    """How a source with this preset ("": none) is fetched."""
    return PRESETS[preset].way if preset else "file"
