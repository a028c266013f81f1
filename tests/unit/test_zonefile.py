"""Zone files: what is taken in, and what is refused with the file and the key in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mipdns.answer import Identity, Zones
from mipdns.errors import ConfigError, ZoneError
from mipdns.zonefile import lowest_floor, read_zone, read_zones
from tests.conftest import REPOSITORY

SHIPPED = REPOSITORY / "zones" / "mip.internal.toml"
MINIMAL = """
origin = "mip.example"
contact = "hostmaster@mip.example"
ttl = 300
negative_ttl = 60
[soa]
[[nameserver]]
name = "ns.example.net"
"""


def write(folder: Path, text: str, name: str = "zone.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def served(folder: Path) -> Zones:
    return read_zones(folder, Identity())


def test_the_shipped_zone_reads():
    zone = read_zone(SHIPPED)
    assert zone.origin == (b"mip", b"internal")
    assert (zone.lists[()].floor, zone.ttl, zone.negative_ttl, zone.apex_ttl) == (50, 300, 60, 3600)
    assert zone.hosts[b"ns1",].a == (bytes([127, 0, 0, 1]),)
    assert zone.hosts[b"ns1",].aaaa == (bytes(15) + b"\1",)
    assert len(zone.lists) == 911


def test_the_shipped_folder_holds_nothing_else():
    assert list(served(SHIPPED.parent).by_origin) == [(b"mip", b"internal")]


def test_a_minimal_zone_has_the_defaults(tmp_path: Path):
    zone = read_zone(write(tmp_path, MINIMAL))
    assert (zone.lists[()].floor, len(zone.lists), zone.glue, zone.hosts) == (50, 911, (), {})
    assert zone.name_servers == (b"\2ns\7example\3net\0",)
    assert zone.soa(7)[-20:] == b"".join(n.to_bytes(4, "big") for n in (7, 3600, 600, 1209600, 60))


def test_negative_ttl_is_never_above_the_soas_own(tmp_path: Path):
    """RFC 2308 §5: the lower of the SOA's TTL and its MINIMUM."""
    text = MINIMAL.replace("negative_ttl = 60", "negative_ttl = 900\napex_ttl = 600")
    assert read_zone(write(tmp_path, text)).negative_ttl == 600


def test_contact_may_have_a_dot_before_the_at(tmp_path: Path):
    zone = read_zone(write(tmp_path, MINIMAL.replace("hostmaster@", "dns.team@")))
    assert b"\x08dns.team\x03mip\x07example\x00" in zone.soa(1)
    zone = read_zone(write(tmp_path, MINIMAL.replace("hostmaster@mip.example", "hostmaster.mip.example.")))
    assert b"\x0ahostmaster\x03mip\x07example\x00" in zone.soa(1)


def test_names_between_a_deep_server_and_the_apex_exist(tmp_path: Path):
    text = MINIMAL.replace('"ns.example.net"', '"a.b.NS.mip.example"\naddresses = ["192.0.2.1"]')
    hosts = read_zone(write(tmp_path, text)).hosts
    assert set(hosts) == {(b"a", b"b", b"ns"), (b"b", b"ns"), (b"ns",)}
    assert hosts[b"ns",].a == ()


def test_letter_case_of_the_origin_means_nothing(tmp_path: Path):
    write(tmp_path, MINIMAL.replace('origin = "mip', 'origin = "MIP'))
    assert list(served(tmp_path).by_origin) == [(b"mip", b"example")]


def test_several_zones(tmp_path: Path):
    write(tmp_path, MINIMAL, "a.toml")
    write(tmp_path, MINIMAL.replace('origin = "mip.', 'origin = "xmip.'), "b.toml")
    zones = served(tmp_path)
    for name, origin in (("1.mip.example", b"mip"), ("1.xmip.example", b"xmip"), ("mip.example", b"mip")):
        zone = zones.find(tuple(name.encode().split(b".")))
        assert zone is not None
        assert zone.origin[0] == origin
    assert zones.find((b"example",)) is None
    assert zones.find(()) is None


LONG = ".".join(["x" * 63] * 3)
SERVER = 'name = "ns.example.net"'

FAULTS = {
    "not TOML": ("origin = mip", "not TOML"),
    "unknown key": (
        MINIMAL + "\nadress = 1",
        r"\[\[nameserver\]\] number 1: unknown key 'adress'; the keys are name, addresses$",
    ),
    "unknown key at the top": (
        "flor = 5" + MINIMAL,
        "top level: unknown key 'flor'; the keys are origin, contact, ttl, negative_ttl, soa, nameserver, floor, ",
    ),
    "unknown timer": (
        MINIMAL.replace("[soa]", "[soa]\nminimum = 1"),
        r"\[soa\]: unknown key 'minimum'; the keys are refresh, retry, expire$",
    ),
    "no origin": (MINIMAL.replace('origin = "mip.example"', ""), "top level: key 'origin' is missing"),
    "no SOA": (MINIMAL.replace("[soa]", ""), r"no \[soa\]: a zone must have SOA and NS"),
    "no name server": (MINIMAL.partition("[[")[0], r"no \[\[nameserver\]\]: a zone must have SOA and NS"),
    "no name servers": ("nameserver = []" + MINIMAL.partition("[[")[0], r"no \[\[nameserver\]\]"),
    "floor 0": ("floor = 0" + MINIMAL, "key 'floor': expected `int` >= 1"),
    "floor 101": ("floor = 101" + MINIMAL, "key 'floor': expected `int` <= 100"),
    "floor in words": ('floor = "50"' + MINIMAL, "key 'floor': expected `int`, got `str`"),
    "ttl too large": (MINIMAL.replace("ttl = 300", "ttl = 2147483648"), "key 'ttl': expected `int` <= 2147483647"),
    "negative ttl": (MINIMAL.replace("ttl = 60", "ttl = -1"), "key 'negative_ttl': expected `int` >= 0"),
    "soa timer": (MINIMAL.replace("[soa]", "[soa]\nretry = -1"), r"\[soa\], key 'retry': expected `int` >= 0"),
    "unknown list": ('lists = ["al"]' + MINIMAL, "key 'lists' number 1: invalid enum value 'al'"),
    "origin with a space": (MINIMAL.replace('"mip.example"', '"mip example"'), "key 'origin': 'mip example' is no"),
    "origin empty": (MINIMAL.replace('"mip.example"', '""'), "key 'origin': '' is no domain name"),
    "origin the root": (MINIMAL.replace('"mip.example"', '"."'), "key 'origin': '.' is no domain name"),
    "origin with an empty label": (MINIMAL.replace('"mip.example"', '"mip..example"'), "is no domain name"),
    "origin with a long label": (MINIMAL.replace('"mip.example"', f'"{"x" * 64}"'), "is no domain name"),
    "origin not ASCII": (MINIMAL.replace('"mip.example"', '"mïp.example"'), "is no domain name"),
    "origin too long for IPv6 names": (MINIMAL.replace('"mip.example"', f'"{LONG}"'), "key 'origin': longer than 179"),
    "server too long for a name": (
        MINIMAL.replace("ns.example", ".".join(["n" * 63] * 4)),
        "longer than a domain name",
    ),
    "contact no address": (MINIMAL.replace("hostmaster@", "a@b@"), "key 'contact': 'a@b@mip.example' is no mail"),
    "contact without a domain": (MINIMAL.replace("hostmaster@mip.example", "a@"), "key 'contact': '' is no domain"),
    "contact too long": (MINIMAL.replace('mip.example"\nttl', f'{LONG}.{"y" * 60}"\nttl'), "contact.*longer than a"),
    "server without addresses": (MINIMAL.replace(SERVER, 'name = "ns.mip.example"'), "nobody finds it unless"),
    "server outside with addresses": (MINIMAL + 'addresses = ["192.0.2.1"]', "lies outside the zone"),
    "server at the apex": (MINIMAL.replace(SERVER, 'name = "mip.example"\naddresses = ["192.0.2.1"]'), "key 'name'"),
    "server in a list": (MINIMAL.replace(SERVER, 'name = "ns.ALL.mip.example"\naddresses = ["::1"]'), "key 'name'"),
    "server on a nibble": (MINIMAL.replace(SERVER, 'name = "a.mip.example"\naddresses = ["::1"]'), "key 'name'"),
    "server on an octet": (MINIMAL.replace(SERVER, 'name = "250.mip.example"\naddresses = ["::1"]'), "key 'name'"),
    "server address wrong": (
        MINIMAL.replace(SERVER, 'name = "ns.mip.example"\naddresses = ["192.0.2.300"]'),
        "key 'addresses': '192.0.2.300' is not an IP address",
    ),
    "server address twice": (
        MINIMAL.replace(SERVER, 'name = "ns.mip.example"\naddresses = ["::1", "::1"]'),
        "key 'addresses': an address stands there twice",
    ),
    "server twice": (MINIMAL + '[[nameserver]]\nname = "NS.example.net"', "'NS.example.net' stands there twice"),
    "server no name": (MINIMAL.replace(SERVER, 'name = "ns_"\naddresses = "x"'), "key 'addresses': expected `array`"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_name_the_file_and_the_key(tmp_path: Path, text: str, message: str):
    path = write(tmp_path, text)
    with pytest.raises(ZoneError, match=message) as raised:
        served(tmp_path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ZoneError, match="no such folder"):
        served(tmp_path / "absent")
    with pytest.raises(ZoneError, match="no zone file"):
        served(tmp_path)
    with pytest.raises(ZoneError, match="no such file"):
        read_zone(tmp_path / "absent.toml")
    (tmp_path / "zone.toml").write_bytes(b'origin = "\xff"')
    with pytest.raises(ZoneError, match="cannot be read"):
        served(tmp_path)


def test_two_files_of_one_origin(tmp_path: Path):
    first = write(tmp_path, MINIMAL, "a.toml")
    write(tmp_path, MINIMAL.replace('origin = "mip', 'origin = "MIP'), "b.toml")
    with pytest.raises(ZoneError, match=f"b.toml: origin 'mip.example' is also that of {re.escape(str(first))}"):
        served(tmp_path)


@pytest.mark.parametrize("inner", ["a.toml", "z.toml"])
def test_zones_inside_each_other(tmp_path: Path, inner: str):
    write(tmp_path, MINIMAL, "m.toml")
    write(tmp_path, MINIMAL.replace('origin = "mip', 'origin = "v6.mip'), inner)
    with pytest.raises(ZoneError, match="lie one inside the other"):
        served(tmp_path)


@pytest.mark.parametrize(
    ("identity", "key"), [(Identity(nsid="x" * 129), "nsid"), (Identity(version="ü" * 128), "version")]
)
def test_identity_has_to_fit(identity: Identity, key: str):
    with pytest.raises(ConfigError, match=rf"\[serve\] {key}: longer than"):
        read_zones(SHIPPED.parent, identity)


def test_the_lowest_floor_of_several_zones(tmp_path: Path):
    assert lowest_floor(tmp_path / "nowhere") is None
    for origin, floor in (("mip.example", 60), ("crowd.example", 40)):
        text = MINIMAL.replace("mip.example", origin)
        (tmp_path / f"{origin}.toml").write_text(f"floor = {floor}\n{text}")
    assert lowest_floor(tmp_path) == 40
