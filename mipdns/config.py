"""`mipdns.toml` as frozen structs. In: a path. Out: a `Config` whose paths are absolute, or a ConfigError.

The one rule: an unknown key, a wrong type or an impossible value is an error that names the key and its place.
Relative paths start at the configuration file's own folder. docs/configuration.md is the reference.
"""

from __future__ import annotations

import datetime
import glob
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from mipdns import enginekeys, fetchkeys, net, tablekeys
from mipdns.errors import AddressError, ConfigError
from mipdns.evidence import FEEDBACK

Positive = Annotated[int, msgspec.Meta(ge=1)]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
Threads = Annotated[int, msgspec.Meta(ge=0, le=1024)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
SourceName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]

AS_OF_YEAR_MIN = 1990


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[store]`: the database, and the index compiled from it (default: beside it)."""

    database: NonEmpty = "mip.db"
    index: str = ""


class Serve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[serve]`: where to listen and what the server says of itself."""

    listen: tuple[str, ...] = ("127.0.0.1:5300", "[::1]:5300")
    zones: NonEmpty = "zones"
    threads: Threads = 0
    nsid: str = ""
    version: str = ""
    cookie_secrets: str = ""
    tcp_connections: Positive = 1000
    tcp_per_client: Positive = 20
    tcp_idle_s: Annotated[float, msgspec.Meta(gt=0, le=6553)] = 10.0  # as far as RFC 7828 can tell it


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[load]`: the window that is judged, the room that counting may take, and what is never listed."""

    window_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 7
    as_of: datetime.date | None = None
    work: NonEmpty = "work"
    memory: str = "1GiB"
    threads: Threads = 0
    engine: enginekeys.EngineName = "duckdb"
    prior: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] | None = None
    scorecard: str = ""
    bad_lines_max: Share = 0.01
    change_max: Annotated[float, msgspec.Meta(ge=0.0)] = 0.5
    exclude: tuple[str, ...] = ()
    observations: Literal["all", "listed", "none"] = "all"


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[fetch]`: where copies of sources with a `url` lie, and what getting one may cost."""

    folder: NonEmpty = "fetched"
    parallel: Annotated[int, msgspec.Meta(ge=1, le=32)] = 4
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    deadline_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4
    bytes_max: str = "1GiB"
    unpacked_max: str = "8GiB"
    shrink_max: Share = 0.5
    contact: str = ""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[run]`: when `mipdns run` loads."""

    every: str = "1h"
    at: str = ""


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every `[[source]]` has: its name, the files (one path or glob, or several), their date and licence, and for
    one that is fetched where from."""

    name: SourceName
    path: NonEmpty | Annotated[tuple[NonEmpty, ...], msgspec.Meta(min_length=1)] | None = None
    dated: datetime.date | None = None
    licence: str = ""
    preset: str = ""
    url: NonEmpty | Annotated[tuple[NonEmpty, ...], msgspec.Meta(min_length=1)] | None = None
    authorization: str = ""
    fetch_every_hours: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    max_age_days: Annotated[float, msgspec.Meta(gt=0.0)] | None = None

    @property
    def kind(self) -> str:
        """The source's kind as the configuration spells it."""
        return str(self.__struct_config__.tag)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths and globs, absolute once the configuration was read from a file."""
        return (self.path,) if isinstance(self.path, str) else self.path or ()

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that its files are fetched from, one a file; none for files that come here otherwise."""
        return (self.url,) if isinstance(self.url, str) else self.url or ()


LogColumn = Literal[
    "time", "client", "port", "agent", "host", "ja4", "ja3", "bot_score", "forwarded", "server", "proto", "state"
]


class Logs(_Source, tag="logs", frozen=True, kw_only=True):
    """Request or flow logs. `columns` (csv, parquet, clickhouse) maps our names to theirs: time and client must be."""

    format: Literal[
        "logpush", "combined", "zeek-http", "zeek-conn", "vpcflow", "nfdump", "csv", "parquet", "clickhouse"
    ]
    table: str = ""
    port: bool = False
    ours: tuple[str, ...] = ()
    sensor: str = ""
    columns: dict[LogColumn, str] = {}


class Routes(_Source, tag="routes", frozen=True, kw_only=True):
    """Which AS originates which range."""

    format: Literal["ranges", "pfx2as", "iptoasn"]


class PeeringDB(_Source, tag="peeringdb", frozen=True, kw_only=True):
    """What an AS declares of itself."""

    format: Literal["api"] = "api"


class Atlas(_Source, tag="atlas", frozen=True, kw_only=True):
    """RIPE Atlas traceroute results; of a measurement that is fetched, the whole days from `start` to `stop`."""

    format: Literal["results"] = "results"
    measurement: Positive | None = None
    start: datetime.date | None = None
    stop: datetime.date | None = None


class Ptr(_Source, tag="ptr", frozen=True, kw_only=True):
    """Reverse names."""

    format: Literal["csv"] = "csv"


EgressClass = Literal["cgnat", "vpn", "proxy", "tor", "relay", "campus", "mobile", "other", "hosting"]


class Egress(_Source, tag="egress", frozen=True, kw_only=True, rename={"class_": "class"}):
    """A published list of ranges, all of one class (or `hosting`, which is context)."""

    format: Literal["cidr", "geofeed", "misp"]
    class_: EgressClass


class Truth(_Source, tag="truth", frozen=True, kw_only=True):
    """Confirmations and denials from ISP partners or products."""

    format: Literal["csv"] = "csv"


Source = Logs | Routes | PeeringDB | Atlas | Ptr | Egress | Truth


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sources": "source"}):
    """The whole file."""

    store: Store = Store()
    serve: Serve = Serve()
    load: Load = Load()
    fetch: Fetch = Fetch()
    run: Run = Run()
    engine: enginekeys.Engine = enginekeys.Engine()
    sources: tuple[Source, ...] = ()


def read_config(path: Path) -> Config:
    """Read and check a configuration file; every path in the result is absolute. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; name one with --config") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path}: cannot be read: {fault}") from None
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path}: not TOML: {fault}") from None
    try:
        document = fetchkeys.with_presets(document)
        config = msgspec.convert(document, Config)
    except ConfigError as fault:
        raise ConfigError(f"{path}: {fault}") from None
    except msgspec.ValidationError as fault:
        raise ConfigError(f"{path}: {_in_toml_words(str(fault), document)}") from None
    _check(config, path)
    anchored = _anchored(config, path.resolve().parent)
    if Path(anchored.store.index) == Path(anchored.store.database):
        raise ConfigError(f"{path}: [store] index: {anchored.store.index} is the database itself; name another file")
    if twice := fetchkeys.same_copy(anchored.sources):
        raise ConfigError(f"{path}: two addresses have the same copy, {twice}; say 'path' for one of them")
    return anchored


def _in_toml_words(fault: str, document: dict[str, object]) -> str:
    """msgspec's message with `$.source[0].port` told as `source 'edge' (number 1), key 'port'`."""
    message, _, where = fault.partition(" - at `")
    where = where.removeprefix("key` in `").rstrip("`").removeprefix("$").removeprefix(".")
    message = tablekeys.in_words(message, _table(where, document))
    if where == "source":
        return f"{message}: each source is a table of its own, headed [[source]]"
    if not where.startswith("source["):
        table, _, key = where.partition(".")
        return f"[{table}] {key}".rstrip() + f": {message}" if table else f"top level: {message}"
    number, _, key = where.removeprefix("source[").partition("]")
    listed = document["source"]
    entry = listed[int(number)] if isinstance(listed, list) else None
    if not isinstance(entry, dict):
        return f"source number {int(number) + 1}: {message}: each source is a table of its own, headed [[source]]"
    named = (
        f"source {entry['name']!r} (number {int(number) + 1})"
        if "name" in entry
        else f"source number {int(number) + 1}"
    )
    key = key.removeprefix(".").replace("[...]", "")
    choices = _choices(entry, key) if message.startswith("invalid ") else ""
    return f"{named}, key {key!r}: {message}{choices}" if key else f"{named}: {message}"


_KINDS: dict[object, type[msgspec.Struct]] = {kind.__struct_config__.tag: kind for kind in get_args(Source)}


def _table(where: str, document: dict[str, object]) -> type[msgspec.Struct] | None:
    """The struct of the table that a fault is about: `engine.spark`, `source[0]`; None where it is about a value."""
    listed = document.get("source")
    if not where.startswith("source["):
        return tablekeys.inner(Config, where)
    number, _, key = where.removeprefix("source[").partition("]")
    entry = listed[int(number)] if isinstance(listed, list) else None
    return _KINDS.get(entry.get("kind")) if isinstance(entry, dict) and not key else None


def _choices(entry: dict[str, object], key: str) -> str:
    """The words that a source's key may hold, as a clause; "" where it takes more than a few words."""
    if key == "kind":
        return f"; the kinds are {', '.join(map(str, _KINDS))}"
    for field in msgspec.structs.fields(_KINDS[entry["kind"]]):
        words = get_args(LogColumn) if field.encode_name == "columns" else get_args(field.type)
        if field.encode_name == key and words and all(isinstance(word, str) for word in words):
            return f"; it may be {', '.join(words)}"
    return ""


def _check(config: Config, path: Path) -> None:  # noqa: PLR0912 - a check after the other
    names = [source.name for source in config.sources]
    if FEEDBACK in names:
        raise ConfigError(f"{path}: a source is named {FEEDBACK!r}, as what people say through `mipdns feedback` is")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two sources are named {name!r}; names must differ")
    try:
        for text in config.load.exclude:
            net.parse_range(text)
    except AddressError as fault:
        raise ConfigError(f"{path}: [load] exclude: {fault}") from None
    if config.load.as_of and config.load.as_of.year < AS_OF_YEAR_MIN:
        raise ConfigError(f"{path}: [load] as_of: {config.load.as_of} lies before {AS_OF_YEAR_MIN}, before any log")
    try:
        memory_bytes(config.load.memory)
    except ValueError as fault:
        raise ConfigError(f"{path}: [load] memory: {fault}") from None
    _check_run(config.run, path)
    if wrong := enginekeys.fault(config.load.engine, config.engine):
        raise ConfigError(f"{path}: {wrong}")
    for text in config.serve.listen:
        try:
            parse_listen(text)
        except ValueError as fault:
            raise ConfigError(f"{path}: [serve] listen: {fault}") from None
    if not config.serve.listen:
        raise ConfigError(f"{path}: [serve] listen: at least one address is needed")
    _check_fetch(config, path)
    logs = [source for source in config.sources if isinstance(source, Logs)]
    for source in logs:
        _check_logs(source, path)
    if wrong := enginekeys.tables_fault(config.load.engine, logs):
        raise ConfigError(f"{path}: {wrong}")


def _check_fetch(config: Config, path: Path) -> None:
    for name, text in (("bytes_max", config.fetch.bytes_max), ("unpacked_max", config.fetch.unpacked_max)):
        try:
            memory_bytes(text)
        except ValueError as fault:
            raise ConfigError(f"{path}: [fetch] {name}: {fault}") from None
    if not config.fetch.contact.isprintable() or not config.fetch.contact.isascii():
        raise ConfigError(f"{path}: [fetch] contact: it goes into a header, so printable ASCII only")
    for number, source in enumerate(config.sources, 1):
        if wrong := fetchkeys.fault(source):
            raise ConfigError(f"{path}: source {source.name!r} (number {number}){wrong}")


def _check_run(run: Run, path: Path) -> None:
    try:
        every_s = duration_s(run.every)
    except ValueError as fault:
        raise ConfigError(f"{path}: [run] every: {fault}") from None
    if not run.at:
        return
    try:
        time_of_day_s(run.at)
    except ValueError as fault:
        raise ConfigError(f"{path}: [run] at: {fault}") from None
    if every_s % DAY_S and DAY_S % every_s:
        raise ConfigError(
            f"{path}: [run] at: goes with an 'every' that is whole days or goes evenly into a day; "
            f"{run.every!r} would come at another time each day"
        )


def _check_logs(source: Logs, path: Path) -> None:
    try:
        for text in source.ours:
            net.parse_range(text)
    except AddressError as fault:
        raise ConfigError(f"{path}: source {source.name!r}, key 'ours': {fault}") from None
    if source.format in ("csv", "parquet", "clickhouse"):
        missing = {"time", "client"} - set(source.columns)
        if missing:
            raise ConfigError(
                f"{path}: source {source.name!r}, key 'columns': format {source.format!r} needs its names for "
                f"{' and '.join(sorted(missing))}"
            )
    elif source.columns:
        raise ConfigError(
            f"{path}: source {source.name!r}: 'columns' goes with format 'csv', 'parquet' or 'clickhouse' only"
        )
    if source.port and source.format != "combined":
        raise ConfigError(f"{path}: source {source.name!r}: 'port' goes with format 'combined' only")


def _anchored(config: Config, folder: Path) -> Config:
    def absolute(text: str) -> str:
        return str(folder / text)

    def pattern(text: str) -> str:
        return str(Path(glob.escape(str(folder))) / text) if glob.has_magic(text) else absolute(text)

    fetched = absolute(config.fetch.folder)

    database = absolute(config.store.database)
    index = absolute(config.store.index) if config.store.index else str(Path(database).with_suffix(".idx"))
    secrets = config.serve.cookie_secrets
    return msgspec.structs.replace(
        config,
        store=Store(database, index),
        serve=msgspec.structs.replace(
            config.serve, zones=absolute(config.serve.zones), cookie_secrets=absolute(secrets) if secrets else ""
        ),
        load=msgspec.structs.replace(
            config.load,
            work=absolute(config.load.work),
            scorecard=absolute(config.load.scorecard) if config.load.scorecard else "",
        ),
        engine=enginekeys.anchored(config.engine, absolute),
        fetch=msgspec.structs.replace(config.fetch, folder=fetched),
        sources=tuple(
            msgspec.structs.replace(
                source, path=tuple(pattern(path) for path in source.paths) or fetchkeys.copies(source, Path(fetched))
            )
            for source in config.sources
        ),
    )


_MEMORY_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def memory_bytes(text: str) -> int:
    """`1GiB`, `500MB` and the like, in bytes. Raises ValueError."""
    for name, size in _MEMORY_UNITS.items():
        number = text.strip().removesuffix(name).strip()
        if number != text.strip() and number.replace(".", "", 1).isdigit() and float(number) > 0:
            return int(float(number) * size)
    raise ValueError(f"{text!r} is not a size such as '1GiB' or '500MB'")


DAY_S = 86400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY_S}


def duration_s(text: str) -> int:
    """`45s`, `15m`, `1h` and `7d` and the like, in seconds: one at least, 366 days at most. Raises ValueError."""
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if number.isascii() and number.isdigit() and unit in _SECONDS and 1 <= int(number) * _SECONDS[unit] <= 366 * DAY_S:
        return int(number) * _SECONDS[unit]
    raise ValueError(f"{text!r} is not a duration such as '15m', '1h' or '1d'")


def time_of_day_s(text: str) -> int:
    """`03:30`, in seconds after midnight. Raises ValueError."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a time of day such as '03:30'")
    return int(found[1]) * 3600 + int(found[2]) * 60


def shipped_zones() -> Path:
    """The zone files that come with mipdns: the checkout's, else the installed ones."""
    checkout = Path(__file__).resolve().parent.parent / "zones"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "mipdns" / "zones"


def parse_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:5300` or `[::1]:5300` as (address, port); port 0 lets the system choose. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") != (":" in host):
        raise ValueError(f"{text!r}: an IPv6 address stands in brackets, as in '[::1]:5300'")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535) or not host:
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    net.parse_address(host)
    return host, int(port)
