"""Zone files: one TOML file per served zone, with the facts of its apex and its answer policy.

In: a folder. Out: the `Zones` that `mipdns.answer` serves, or a ZoneError that names the file and the key. The one
rule: a zone that could not be answered for correctly is refused at start: without SOA or name servers, with a name
server nobody can find, or lying inside another zone. `zones/mip.internal.toml` explains every key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec

from mipdns import net, tablekeys
from mipdns.answer import wire
from mipdns.answer.lists import SUB_LISTS, SubLists
from mipdns.answer.zone import (
    LONGEST_BEFORE_ORIGIN,
    NSID_MAX,
    VERSION_MAX,
    Host,
    Identity,
    Name,
    SoaTimers,
    Zone,
    Zones,
    inside,
    lowered,
    make_zone,
    said,
    stands_in_a_list,
)
from mipdns.errors import AddressError, ConfigError, ZoneError

Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""RFC 2181 §8: a TTL is an unsigned 31-bit number; the SOA's timers are held to the same."""


class _Soa(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refresh: Seconds = 3600
    retry: Seconds = 600
    expire: Seconds = 1209600


class _NameServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    addresses: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"name_servers": "nameserver"}):
    origin: str
    contact: str
    ttl: Seconds
    negative_ttl: Seconds
    soa: _Soa
    name_servers: tuple[_NameServer, ...]
    floor: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    lists: tuple[SubLists, ...] = SUB_LISTS
    apex_ttl: Seconds = 3600


def read_zones(folder: Path, identity: Identity) -> Zones:
    """All `*.toml` files of a folder, and who serves them. Raises ZoneError, or ConfigError for the identity."""
    for key, text, limit in (("nsid", identity.nsid, NSID_MAX), ("version", identity.version, VERSION_MAX)):
        if len(said(text) or b"") > limit:
            raise ConfigError(f"[serve] {key}: longer than {limit} bytes: {text[:40]!r}…")
    if not folder.is_dir():
        raise ZoneError(f"{folder}: no such folder; zone files are looked for there ([serve] zones)")
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ZoneError(f"{folder}: no zone file (*.toml) in it, so there is nothing to serve")
    zones: dict[Name, Zone] = {}
    found_in: dict[Name, Path] = {}
    for path in paths:
        zone = read_zone(path)
        for other, where in found_in.items():
            if zone.origin == other:
                raise ZoneError(
                    f"{path}: origin {origin_text(zone.origin)!r} is also that of {where}; a zone has one file"
                )
            if inside(zone.origin, other) or inside(other, zone.origin):
                raise ZoneError(
                    f"{path}: {origin_text(zone.origin)!r} and {origin_text(other)!r} ({where}) lie one inside the "
                    "other; there are no delegations here, so serve them under names side by side"
                )
        zones[zone.origin], found_in[zone.origin] = zone, path
    return Zones(zones, identity)


def choose_zone(folder: Path, origin: str | None) -> Zone:
    """The zone of that name, or the only one there is where no name is given. Raises ZoneError."""
    zones = {origin_text(zone.origin): zone for zone in read_zones(folder, Identity()).by_origin.values()}
    if origin is None:
        if len(zones) > 1:
            raise ZoneError(f"{folder} holds the zones {', '.join(sorted(zones))}; choose one with --zone")
        return next(iter(zones.values()))
    found = zones.get(origin.lower().removesuffix("."))
    if found is None:
        raise ZoneError(f"{folder} has no zone {origin!r}; it holds {', '.join(sorted(zones))}")
    return found


def lowest_floor(folder: Path) -> int | None:
    """The confidence from which on any zone's own list has an address; None where no zone can be read."""
    try:
        return min(zone.lists[()].floor for zone in read_zones(folder, Identity()).by_origin.values())
    except ZoneError:
        return None


def read_zone(path: Path) -> Zone:
    """One zone file. Raises ZoneError that names the file and the key."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ZoneError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise ZoneError(f"{path}: cannot be read: {fault}") from None
    except tomllib.TOMLDecodeError as fault:
        raise ZoneError(f"{path}: not TOML: {fault}") from None
    for key, what in (("soa", "[soa]"), ("nameserver", "[[nameserver]]")):
        if not document.get(key) and document.get(key) != {}:
            raise ZoneError(f"{path}: no {what}: a zone must have SOA and NS records at its apex")
    try:
        file = msgspec.convert(document, _File)
    except msgspec.ValidationError as fault:
        raise ZoneError(f"{path}: {_in_toml_words(str(fault))}") from None
    return _zone(file, path)


def _in_toml_words(fault: str) -> str:
    """msgspec's message with its place, such as `$.nameserver[0].name`, before it and told as in the file."""
    message, _, place = fault.partition(" - at `$")
    words, at = [], re.findall(r"\.(\w+)(?:\[(\d+)\])?", place)
    for step, entry in at:
        table = {"soa": "[soa]", "nameserver": "[[nameserver]]"}.get(step, f"key {step!r}")
        words.append(f"{table} number {int(entry) + 1}" if entry else table)
    tables: dict[tuple[str, ...], type[msgspec.Struct]] = {(): _File, ("soa",): _Soa, ("nameserver",): _NameServer}
    told = tablekeys.in_words(message, tables.get(tuple(step for step, _ in at)))
    return f"{', '.join(words) or 'top level'}: {told}"


def _zone(file: _File, path: Path) -> Zone:
    origin = _name(file.origin, path, "origin")
    room = wire.NAME_MAX - LONGEST_BEFORE_ORIGIN
    if len(wire.encode_name(origin)) > room:
        raise ZoneError(f"{path}: key 'origin': longer than {room} bytes, so that full IPv6 names would not fit in 255")
    servers: dict[Name, Host] = {}
    for server in file.name_servers:
        name = _name(server.name, path, "nameserver.name")
        if lowered(name) in {lowered(other) for other in servers}:
            raise ZoneError(f"{path}: [[nameserver]] {server.name!r} stands there twice")
        servers[name] = _host(server, name, origin, path)
    timers = SoaTimers(file.soa.refresh, file.soa.retry, file.soa.expire, file.negative_ttl)
    contact = _contact(file.contact, path)
    primary = next(iter(servers))
    return make_zone(
        origin,
        primary,
        contact,
        servers,
        floor=file.floor,
        lists=file.lists,
        timers=timers,
        ttl=file.ttl,
        apex_ttl=file.apex_ttl,
    )


def _host(server: _NameServer, name: Name, origin: Name, path: Path) -> Host:
    def refuse(why: str) -> NoReturn:
        raise ZoneError(f"{path}: [[nameserver]] {server.name!r}, key 'addresses': {why}")

    if not inside(name, origin):
        if server.addresses:
            refuse("the name lies outside the zone, so its addresses are for its own zone to say; leave them out")
        return Host()
    if len(name) == len(origin) or stands_in_a_list(name, origin):
        raise ZoneError(
            f"{path}: [[nameserver]] {server.name!r}, key 'name': the name stands where an address or a list does; "
            f"choose one such as 'ns1.{origin_text(origin)}'"
        )
    if not server.addresses:
        refuse("the name lies inside the zone, so nobody finds it unless its addresses are given here")
    if len(set(server.addresses)) != len(server.addresses):
        refuse("an address stands there twice")
    a, aaaa = [], []
    for text in server.addresses:
        try:
            address = net.parse_address(text)
        except AddressError as fault:
            refuse(str(fault))
        if net.is_v4(address):
            a.append(net.to_blob(address)[-4:])
        else:
            aaaa.append(net.to_blob(address))
    return Host(tuple(a), tuple(aaaa))


_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")


def _name(text: str, path: Path, key: str) -> Name:
    """A name written with dots, the last one optional. Letters, digits, `-` and `_` only; not the root."""
    labels = text.removesuffix(".").split(".")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ZoneError(
                f"{path}: key {key!r}: {text!r} is no domain name: between dots stand 1 to 63 letters, digits, - or _"
            )
    name = tuple(label.encode() for label in labels)
    if len(wire.encode_name(name)) > wire.NAME_MAX:
        raise ZoneError(f"{path}: key {key!r}: {text!r} is longer than a domain name can be (255 bytes)")
    return name


def _contact(text: str, path: Path) -> Name:
    """`hostmaster@example.com`, or the same as a domain name (RFC 1035 §8): a dot before the @ stays in the label."""
    local, at, domain = text.rpartition("@")
    if not at:
        return _name(text, path, "contact")
    if not re.fullmatch(r"[!-?A-~]{1,63}", local):
        raise ZoneError(f"{path}: key 'contact': {text!r} is no mail address such as 'hostmaster@example.com'")
    name = (local.encode(), *_name(domain, path, "contact"))
    if len(wire.encode_name(name)) > wire.NAME_MAX:
        raise ZoneError(f"{path}: key 'contact': {text!r} is longer than a domain name can be (255 bytes)")
    return name


def origin_text(name: Name) -> str:
    """A name as people write it, without the last dot."""
    return b".".join(name).decode("ascii")
