"""The keys of what counts logs: `[engine.spark]` and `[engine.clickhouse]`. In: as configured. Out: what is wrong.

The one rule: no password stands in the configuration, nor in an address, which messages tell: it comes from a file or
from the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from mipdns.config import Logs

EngineName = Literal["duckdb", "spark", "clickhouse"]

EMBEDDED = "chdb"
"""The `url` of a ClickHouse in this process."""


class Spark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine.spark]`: the cluster, by its master's address or by Spark Connect, and settings for the session."""

    master: str = ""
    remote: str = ""
    settings: dict[str, str] = {}


class ClickHouse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine.clickhouse]`: the server's HTTP interface, who asks, and how long a statement may take."""

    url: str = ""
    user: Annotated[str, msgspec.Meta(min_length=1)] = "default"
    password_file: str = ""
    database: Annotated[str, msgspec.Meta(min_length=1)] = "default"
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 3600.0


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine]`: a table for each engine that is not DuckDB, which needs none."""

    spark: Spark = Spark()
    clickhouse: ClickHouse = ClickHouse()


def fault(name: EngineName, engine: Engine) -> str:
    """What is wrong with the keys, as `[table] key: reason`; "" for nothing. name: what `[load] engine` asks for."""
    spark, house = engine.spark, engine.clickhouse
    if spark.master and spark.remote:
        return "[engine.spark] remote: a session has a master or is remote; say one of the two"
    if spark.remote and not (spark.remote.startswith("sc://") and urlsplit(spark.remote).hostname):
        return f"[engine.spark] remote: {_shown(spark.remote)!r} is no address of Spark Connect, sc://HOST:PORT"
    if name == "spark" and not (spark.master or spark.remote):
        return "[engine.spark] master: is missing, such as 'local[4]' or 'spark://HOST:7077'; or else 'remote'"
    if wrong := _house_fault(house):
        return f"[engine.clickhouse] {wrong}"
    if name == "clickhouse" and not house.url:
        return "[engine.clickhouse] url: is missing, such as 'http://HOST:8123', or 'chdb' for one in this process"
    return ""


def tables_fault(name: EngineName, logs: Sequence[Logs]) -> str:
    """What is wrong with sources that name a table, as a sentence; "" for nothing.

    What is distinct can be counted over files, or over tables; a user agent is known by other numbers in each.
    """
    for source in logs:
        if source.format != "clickhouse":
            if source.table:
                return f"source {source.name!r}: 'table' goes with format 'clickhouse' only"
            continue
        if source.paths or source.urls:
            return f"source {source.name!r}: a table of ClickHouse has no files; leave out 'path' and 'url'"
        if not source.table.strip("."):
            return f"source {source.name!r}: key 'table' is missing: TABLE or DATABASE.TABLE"
        if name != "clickhouse":
            return f"source {source.name!r}: format 'clickhouse' needs [load] engine = \"clickhouse\""
    kinds = {source.format == "clickhouse": source.name for source in logs}
    if len(kinds) == 2:
        return (
            f"sources {kinds[True]!r} and {kinds[False]!r}: logs lie in ClickHouse or in files; "
            "one load cannot count both exactly"
        )
    return ""


def anchored(engine: Engine, absolute: Callable[[str], str]) -> Engine:
    """The keys with their path made absolute."""
    file = engine.clickhouse.password_file
    house = msgspec.structs.replace(engine.clickhouse, password_file=absolute(file) if file else "")
    return msgspec.structs.replace(engine, clickhouse=house)


def _house_fault(house: ClickHouse) -> str:
    if house.url and house.url != EMBEDDED:
        try:
            parts = urlsplit(house.url)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is none, a bracket without its other
            return "url: has no port, or no host, that could be one"
        if parts.username or parts.password or "@" in parts.netloc:
            return "url: holds a user's name; say 'user' and 'password_file'"
        if not good or parts.query or parts.fragment or not (house.url.isascii() and house.url.isprintable()):
            return f"url: {house.url!r} is no http:// or https:// address such as 'http://HOST:8123'"
    for key, text in (("user", house.user), ("database", house.database)):
        if not (text.isascii() and text.isprintable()):
            return f"{key}: it goes into a header, so printable ASCII only"
    return ""


def _shown(remote: str) -> str:
    """A Spark Connect address without its parameters, among which may be a token."""
    return remote.partition(";")[0]
