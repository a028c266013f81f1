"""`mipdns fetch` and `mipdns load --fetch`, run as their users run them, against far ends on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mipdns import config
from mipdns.refresh import refresh
from tests.e2e.commands import mipdns, must
from tests.unit.fetch.far_end import Asked, answer, far_end

TOR = b"".join(b"20.0.0.%d\n" % number for number in range(1, 100))  # as check.torproject.org gives it
RELAY = b"21.0.0.0/24,US,US-CA,LOSANGELES,\n2a02:26f7::/64,US,,,\n"
NET = {"data": [{"asn": 64500, "name": "A", "info_type": "Cable/DSL/ISP", "updated": "2026-11-01T00:00:00Z"}]}
TRACE = (
    b'{"type":"traceroute","from":"22.0.0.1","src_addr":"192.168.0.2","dst_addr":"23.0.0.1","timestamp":1795300000,'
    b'"result":[{"hop":1,"result":[{"from":"100.64.0.1"}]},{"hop":2,"result":[{"from":"23.0.0.1"}]}]}\n'
)


def world(asked: Asked, _: object) -> bytes:
    """The publishers, all on one port."""
    match asked.target.partition("?")[0]:
        case "/tor":
            return answer(TOR, ETag='"tor"') if "if-none-match" not in asked.headers else answer(b"", 304)
        case "/relay":
            return answer(RELAY)
        case "/net":
            return answer(json.dumps(NET if "skip=0" in asked.target else {"data": []}).encode())
        case "/5051/results/":
            return answer(TRACE)
        case "/log":
            return answer(b"# log\n1\t1795300000\troutes.gz\n")
        case "/routes.gz":
            return answer(b"20.0.0.0\t8\t64500\n")
        case "/broken":
            return answer(b"<!DOCTYPE html><title>Sorry</title>")
        case target:
            return answer(target.encode(), 404)


def configuration(folder: Path, port: int, *more: str) -> Path:
    sources = [
        ('name = "tor"\npreset = "tor-exits"\nfetch_every_hours = 0', "/tor"),
        ('name = "relay"\npreset = "private-relay"', "/relay"),
        ('name = "pdb"\npreset = "peeringdb"', "/net"),
        ('name = "trace"\npreset = "ripe-atlas"\nmeasurement = 5051', "/{measurement}/results/?format=txt"),
        ('name = "bgp"\npreset = "caida-pfx2as"', "/log"),
    ]
    text = "[fetch]\nattempts = 1\ntimeout_s = 5\n[load]\nas_of = 2026-11-22\n"
    for keys, path in [*sources, *((each, "") for each in more)]:
        text += f"[[source]]\n{keys}\n" + (f'url = "http://127.0.0.1:{port}{path}"\n' if path else "")
    (folder / "mipdns.toml").write_text(text)
    return folder / "mipdns.toml"


def listed(port: int, path: str) -> str:
    return f'name = "extra"\nkind = "egress"\nformat = "cidr"\nclass = "vpn"\nurl = "http://127.0.0.1:{port}{path}"'


def test_every_preset_is_fetched_and_loaded(tmp_path):
    with far_end(world) as far:
        file = configuration(tmp_path, far.port)
        told = json.loads(must(file, "fetch", "--json"))
        assert [(each["name"], each["outcome"]) for each in told] == [
            (name, "new") for name in ("tor", "relay", "pdb", "trace", "bgp")
        ]
        must(file, "load", "--fetch")
        again = json.loads(must(file, "fetch", "--json"))
    assert [each["outcome"] for each in again] == ["unchanged", "recent", "recent", "recent", "recent"]
    assert "class=tor" not in must(file, "explain", "24.0.0.1")
    csv = must(file, "export", "csv")
    classes = {line.split(",")[0]: line.split(",")[3] for line in csv.splitlines()[1:]}
    assert (classes["20.0.0.1"], classes["21.0.0.0"], classes["22.0.0.1"]) == ("tor", "relay", "cgnat")
    assert classes["2a02:26f7::"] == "relay"


def test_stale_copies_are_warned_of_and_used(tmp_path):
    with far_end(world) as far:
        file = configuration(tmp_path, far.port)
        must(file, "load", "--fetch")
        before = (tmp_path / "fetched" / "tor").read_bytes()
    gone = mipdns(file, "fetch", "tor")  # the far end is not there any more
    assert (gone.returncode, gone.stdout.split()[:2]) == (0, ["tor", "stale"])
    assert gone.stderr.startswith("mipdns: warning: source 'tor': http://127.0.0.1:")
    assert "Connection refused; its copy, 0.0 hours old, is used" in gone.stderr
    assert mipdns(file, "fetch", "tor", "--strict").returncode == 1
    load = mipdns(file, "load", "--fetch")
    assert (load.returncode, load.stderr.count("warning")) == (0, 1)
    assert (tmp_path / "fetched" / "tor").read_bytes() == before
    status = json.loads(must(file, "status", "--json"))
    states = {each["name"]: each["state"] for each in status["fetched"]}
    assert states == {"tor": "stale", "relay": "good", "pdb": "good", "trace": "good", "bgp": "good"}


def test_a_source_without_a_copy_fails_alone_and_stops_a_load(tmp_path):
    with far_end(world) as far:
        file = configuration(tmp_path, far.port, listed(far.port, "/broken"))
        told = mipdns(file, "fetch")
        assert told.returncode == 1
        assert [line.split()[1] for line in told.stdout.splitlines()] == ["new"] * 5 + ["failed"]
        assert "/broken: it is an HTML or XML page, not a list: '<!DOCTYPE html><title>Sorry</title>'" in told.stderr
        load = mipdns(file, "load", "--fetch")
    assert (load.returncode, load.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "mip.db").exists()


def test_what_its_reader_refuses_never_replaces_a_good_copy(tmp_path):
    lists = [answer(b"20.0.0.1\n20.0.0.2\n"), answer(b"20.0.0.1\nsorry, no list today\n")]
    with far_end(*lists) as far:
        (tmp_path / "mipdns.toml").write_text(f"[fetch]\nattempts = 1\n[[source]]\n{listed(far.port, '/list.txt')}")
        must(tmp_path / "mipdns.toml", "fetch")
        told = mipdns(tmp_path / "mipdns.toml", "fetch")
    assert told.returncode == 0
    assert "extra.txt:2: 'sorry, no list today'" in told.stderr
    assert (tmp_path / "fetched" / "extra.txt").read_bytes() == b"20.0.0.1\n20.0.0.2\n"


def test_what_cannot_be_fetched_is_told(tmp_path):
    (tmp_path / "mipdns.toml").write_text('[[source]]\nname = "net"\nkind = "peeringdb"\npath = "x"')
    for arguments, words in (
        ([], "no source has a 'url' or a 'preset'"),
        (["net"], "source 'net' has no 'url' or 'preset'"),
        (["nets"], "no source is named 'nets'; there are net"),
    ):
        told = mipdns(tmp_path / "mipdns.toml", "fetch", *arguments)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1)
        assert words in told.stderr


@pytest.mark.real
def test_real_files_pass(tmp_path, real_data):
    """Published lists as they are, through the network, their packing as the server has it."""
    files = {
        "/tor.txt": ("egress/x4b_tor_exit_ipv4_20260822.txt", 'kind = "egress"\nformat = "cidr"\nclass = "tor"'),
        "/relay.csv": (
            "egress/icloud_egress_country_from_mmdb.csv",
            'kind = "egress"\nformat = "geofeed"\nclass = "relay"',
        ),
        "/net.json": ("peeringdb/net-20250516.json.gz", 'kind = "peeringdb"'),
        "/asn6.csv.gz": ("asn_prefix/asn-ipv6.csv.gz", 'kind = "routes"\nformat = "ranges"'),
        "/atlas.ndjson.gz": ("atlas/traceroutes-2024.ndjson.gz", 'kind = "atlas"'),
    }

    def play(asked: Asked, _: object) -> bytes:
        return answer((real_data / files[asked.target][0]).read_bytes())

    with far_end(play) as far:
        text = "".join(
            f'[[source]]\nname = "{target[1:].split(".")[0]}"\n{keys}\nurl = "{far.url(target)}"\n'
            for target, (_, keys) in files.items()
        )
        (tmp_path / "mipdns.toml").write_text(text)
        told = refresh(config.read_config(tmp_path / "mipdns.toml"))
    assert [(each.outcome, each.fault) for each in told] == [("new", "")] * len(files)
