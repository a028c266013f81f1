"""Presets fill in a configuration, are documented, and give what the readers read; keys of fetching are checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mipdns import config, presets
from mipdns.errors import ConfigError
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "fetching.md").read_text("utf-8")


def read(folder: Path, text: str) -> config.Config:
    (folder / "mipdns.toml").write_text(text)
    return config.read_config(folder / "mipdns.toml")


def one(folder: Path, keys: str) -> config.Source:
    (source,) = read(folder, f'[[source]]\nname = "it"\n{keys}\n').sources
    return source


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_needs_nothing_but_a_name(tmp_path, name):
    more = "measurement = 5051" if name == "ripe-atlas" else ""
    source = one(tmp_path, f'preset = "{name}"\n{more}')
    assert source.kind == presets.PRESETS[name].keys["kind"]
    assert len(source.paths) == len(source.urls) >= 1
    assert all(url.startswith("https://") for url in source.urls)
    assert all(Path(path).parent == tmp_path / "fetched" for path in source.paths)
    assert source.licence
    assert source.fetch_every_hours >= 1


def test_every_preset_is_told_with_its_addresses_and_interval():
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \| (.+) h \|$", PAGE, re.MULTILINE))
    assert list(told) == list(presets.PRESETS)
    for name, row in told.items():
        keys = presets.PRESETS[name].keys
        urls = keys["url"] if isinstance(keys["url"], list) else [keys["url"]]
        assert re.findall(r"`([^`]+)`", row) == [str(url).partition("?")[0] for url in urls]
        assert float(row.rpartition("| ")[2]) == keys["fetch_every_hours"]


def test_what_the_source_says_stands(tmp_path):
    source = one(tmp_path, 'preset = "tor-exits"\nclass = "proxy"\nfetch_every_hours = 3\npath = "tor.txt"')
    assert isinstance(source, config.Egress)
    assert (source.class_, source.fetch_every_hours) == ("proxy", 3)
    assert source.paths == (str(tmp_path / "tor.txt"),)


def test_a_mirror_does_not_get_the_publishers_secret(tmp_path):
    assert one(tmp_path, 'preset = "peeringdb"').authorization == "Api-Key $PEERINGDB_API_KEY"
    assert one(tmp_path, 'preset = "peeringdb"\nurl = "http://mirror.example/net"').authorization == ""


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ('"https://a.example/lists/vpn.txt?x=1.zip"', ["it.txt"]),
        ('"https://a.example/ip2asn-combined.tsv.gz"', ["it.tsv.gz"]),
        ('"https://a.example"', ["it"]),
        ('"https://a.example/v1.2/list"', ["it"]),
        ('"https://a.example/list.2026-11-22"', ["it"]),
        ('["https://a.example/4.csv", "https://a.example/6.csv.zst"]', ["it-1.csv", "it-2.csv.zst"]),
    ],
)
def test_where_copies_lie(tmp_path, url, names):
    keys = f'kind = "egress"\nformat = "cidr"\nclass = "vpn"\nurl = {url}'
    assert [Path(path).relative_to(tmp_path / "fetched").name for path in one(tmp_path, keys).paths] == names


LIST = 'kind = "egress"\nformat = "cidr"\nclass = "vpn"\n'
WRONG = {
    'preset = "tor"': "key 'preset': there is none named 'tor'; there are private-relay, tor-exits",
    'preset = "tor-exits"\nkind = "routes"\nformat = "ranges"': "unknown key 'class'",
    'preset = "iptoasn"\nkind = "peeringdb"\nformat = "api"': "key 'kind': preset 'iptoasn' is not of kind 'peeringdb'",
    'preset = "ripe-atlas"': "key 'measurement' is missing",
    'preset = "ripe-atlas"\nmeasurement = 1\nstop = 2026-09-01': "key 'stop': needs 'start'",
    'preset = "ripe-atlas"\nmeasurement = 1\nstart = 2026-09-02\nstop = 2026-09-01': "lies before start",
    'kind = "atlas"\npath = "x"\nmeasurement = 1': "key 'measurement': goes with 'url' or 'preset' only",
    LIST: "source 'it' (number 1): key 'path' is missing",
    LIST + 'path = "x"\nmax_age_days = 3': "key 'max_age_days': goes with 'url' or 'preset' only",
    LIST + "url = []": "key 'url'",
    LIST + 'url = "ftp://a.example/x"': "is no http:// or https:// address",
    LIST + 'url = "file:///etc/passwd"': "is no http:// or https:// address",
    LIST + 'url = "https://"': "is no http:// or https:// address",
    LIST + 'url = "https://a.example:99999/"': "is no http:// or https:// address",
    LIST + 'url = "https://[::1/"': "is no http:// or https:// address",
    LIST + 'url = "https://a.example/a b"': "write them as %XX",
    LIST + 'url = "https://a.example/\\r\\nX: y"': "write them as %XX",
    LIST + 'url = "https://ä.example/"': "write them as %XX",
    LIST + 'url = "https://me:secret@a.example/"': "put secrets into 'authorization'",
    LIST + 'url = "http://a.example/"\nauthorization = "Key x"': "a secret is sent over https only",
    LIST + 'url = "https://a.example/"\nauthorization = "Key\\nx"': "printable ASCII only",
    LIST + 'url = "https://a.example/"\npath = ["a", "b"]': "names 2 files for the 1 addresses",
    LIST + 'url = "https://a.example/"\npath = "*.txt"': "which a glob cannot",
    LIST + 'url = ["https://a.example/1", "https://a.example/2"]\npath = ["x", "x"]': "have the same copy",
}


@pytest.mark.parametrize(("keys", "words"), WRONG.items())
def test_what_is_wrong_is_told(tmp_path, keys, words):
    with pytest.raises(ConfigError) as told:
        one(tmp_path, keys)
    assert words in str(told.value)


@pytest.mark.parametrize("key", ["bytes_max", "unpacked_max"])
def test_sizes_are_sizes(tmp_path, key):
    with pytest.raises(ConfigError, match=rf"\[fetch\] {key}: 'much' is not a size"):
        read(tmp_path, f'[fetch]\n{key} = "much"')


def test_a_contact_fits_into_a_header(tmp_path):
    with pytest.raises(ConfigError, match=r"\[fetch\] contact"):
        read(tmp_path, '[fetch]\ncontact = "a\\nb"')
