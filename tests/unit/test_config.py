"""A configuration is read whole, or one line says what is wrong and where."""

from __future__ import annotations

import datetime
import glob
from pathlib import Path

import pytest

from mipdns import config
from mipdns.errors import ConfigError
from mipdns.sources import reading

LIST = '[[source]]\nname = "edge"\nkind = "egress"\nformat = "cidr"\nclass = "vpn"\npath = "x"\n'
LOGS = '[[source]]\nname = "web"\nkind = "logs"\nformat = "csv"\npath = "x"\ncolumns = {time = "ts", client = "ip"}\n'


def read(folder: Path, text: str) -> config.Config:
    path = folder / "mipdns.toml"
    path.write_text(text)
    return config.read_config(path)


FULL = """
[store]
database = "mip.db"
index = "mip.idx"
[serve]
listen = ["127.0.0.1:5300", "[::1]:5300"]
zones = "zones"
threads = 0
nsid = ""
version = ""
cookie_secrets = "cookies.hex"
tcp_connections = 1000
tcp_per_client = 20
tcp_idle_s = 10
[load]
window_days = 7
as_of = 2026-09-22
work = "work"
memory = "1GiB"
threads = 2
prior = 0.30
bad_lines_max = 0.01
exclude = ["198.51.100.7", "2001:db8::/32", "192.0.2.1-192.0.2.9"]
[[source]]
name = "edge"
kind = "logs"
format = "logpush"
path = "edge/*.ndjson.gz"
sensor = "web1"
ours = ["64.225.56.201/32"]
[[source]]
name = "nginx"
kind = "logs"
format = "combined"
path = ["/var/log/a.log", "b.log"]
port = true
[[source]]
name = "table"
kind = "logs"
format = "parquet"
path = "t.parquet"
columns = {time = "a", client = "b", port = "c", agent = "d", host = "e", ja4 = "f", ja3 = "g", bot_score = "h",
           forwarded = "i", server = "j", proto = "k", state = "l"}
[[source]]
name = "bgp"
kind = "routes"
format = "pfx2as"
path = "pfx2as"
dated = 2026-08-22
licence = "CC-BY-4.0"
[[source]]
name = "pdb"
kind = "peeringdb"
path = "net.json"
[[source]]
name = "atlas"
kind = "atlas"
format = "results"
path = "atlas.ndjson"
[[source]]
name = "ptr"
kind = "ptr"
path = "ptr.csv"
[[source]]
name = "tor"
kind = "egress"
format = "misp"
class = "hosting"
path = "list.json"
[[source]]
name = "partner"
kind = "truth"
path = "truth.csv"
""".replace(",\n           forwarded", ", forwarded")


def test_every_key_is_accepted_and_kept(tmp_path):
    got = read(tmp_path, FULL)
    assert [(source.name, source.kind, source.format) for source in got.sources] == [
        ("edge", "logs", "logpush"),
        ("nginx", "logs", "combined"),
        ("table", "logs", "parquet"),
        ("bgp", "routes", "pfx2as"),
        ("pdb", "peeringdb", "api"),
        ("atlas", "atlas", "results"),
        ("ptr", "ptr", "csv"),
        ("tor", "egress", "misp"),
        ("partner", "truth", "csv"),
    ]
    assert got.load.as_of == datetime.date(2026, 9, 22)
    assert got.serve.tcp_idle_s == 10.0
    assert (got.sources[3].dated, got.sources[3].licence) == (datetime.date(2026, 8, 22), "CC-BY-4.0")
    assert isinstance(got.sources[7], config.Egress)
    assert got.sources[7].class_ == "hosting"


def test_an_empty_file_has_the_documented_defaults(tmp_path):
    got = read(tmp_path, "")
    assert got.serve.listen == ("127.0.0.1:5300", "[::1]:5300")
    assert (got.load.window_days, got.load.as_of, got.load.prior, got.load.bad_lines_max) == (7, None, None, 0.01)
    assert got.sources == ()


def test_relative_paths_start_at_the_files_own_folder(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "mipdns.toml").write_text(FULL)
    got = config.read_config(Path("../mipdns.toml"))
    assert got.store == config.Store(str(tmp_path / "mip.db"), str(tmp_path / "mip.idx"))
    assert (got.serve.zones, got.serve.cookie_secrets) == (str(tmp_path / "zones"), str(tmp_path / "cookies.hex"))
    assert got.load.work == str(tmp_path / "work")
    assert got.sources[0].paths == (str(tmp_path / "edge/*.ndjson.gz"),)
    assert got.sources[1].paths == ("/var/log/a.log", str(tmp_path / "b.log"))


def test_the_index_stands_beside_the_database(tmp_path):
    assert read(tmp_path, '[store]\ndatabase = "/srv/mip.sqlite"').store.index == "/srv/mip.idx"
    assert read(tmp_path, "").serve.cookie_secrets == ""


def test_brackets_in_the_folders_name_are_no_pattern(tmp_path):
    folder = tmp_path / "site[1]"
    folder.mkdir()
    (folder / "a.list").write_text("1.2.3.4")
    for path in ("*.list", "a.list"):
        (source,) = read(folder, LIST.replace('"x"', f'"{path}"')).sources
        assert reading.expand(source) == [folder / "a.list"]
    assert glob.has_magic(str(folder))


WRONG = [
    ("x", "not TOML: "),
    ("[lod]", "top level: unknown key 'lod'; the keys are store, serve, load, fetch, run, engine, source"),
    ("store = 1", "[store]: expected `object`, got `int`"),
    ("[store]\npath = 'x'", "[store]: unknown key 'path'; the keys are database, index"),
    ("[store]\ndatabase = ''", "[store] database: expected `str` of length >= 1"),
    ("[store]\ndatabase = 'mip.idx'", "is the database itself; name another file"),
    ("[serve]\nport = 53", "[serve]: unknown key 'port'"),
    ("[serve]\nlisten = '127.0.0.1:53'", "[serve] listen: expected `array`, got `str`"),
    ("[serve]\nlisten = []", "[serve] listen: at least one address is needed"),
    ("[serve]\nlisten = ['::1:53']", "[serve] listen: '::1:53': an IPv6 address stands in brackets"),
    ("[serve]\nlisten = ['[127.0.0.1]:53']", "[serve] listen: '[127.0.0.1]:53': an IPv6 address stands in brackets"),
    ("[serve]\nlisten = ['localhost:53']", "[serve] listen: 'localhost' is not an IP address"),
    ("[serve]\nlisten = ['127.0.0.1']", "[serve] listen: '127.0.0.1' is not ADDRESS:PORT"),
    ("[serve]\nlisten = ['127.0.0.1:65536']", "is not ADDRESS:PORT"),
    ("[serve]\nlisten = [':53']", "is not ADDRESS:PORT"),
    ("[serve]\nthreads = -1", "[serve] threads: expected `int` >= 0"),
    ("[serve]\ntcp_idle_s = 0", "[serve] tcp_idle_s: expected `float` > 0.0"),
    ("[serve]\ntcp_idle_s = inf", "[serve] tcp_idle_s: expected `float` <= 6553.0"),
    ("[serve]\nthreads = 100000", "[serve] threads: expected `int` <= 1024"),
    ("[load]\nthreads = 100000", "[load] threads: expected `int` <= 1024"),
    ("[load]\nwindow_days = 1000000000", "[load] window_days: expected `int` <= 3660"),
    ("[load]\nas_of = 0001-01-01", "[load] as_of: 0001-01-01 lies before 1990, before any log"),
    ("[serve]\ntcp_connections = 0", "[serve] tcp_connections: expected `int` >= 1"),
    ("[load]\nwindow = 7", "[load]: unknown key 'window'"),
    ("[load]\nwindow_days = 0", "[load] window_days: expected `int` >= 1"),
    ("[load]\nwindow_days = '7'", "[load] window_days: expected `int`, got `str`"),
    ("[load]\nas_of = 2026-09-22T00:00:00Z", "[load] as_of: expected `date`, got `datetime`"),
    ("[load]\nmemory = '1'", "[load] memory: '1' is not a size such as '1GiB' or '500MB'"),
    ("[run]\nevery = 'hourly'", "[run] every: 'hourly' is not a duration such as '15m', '1h' or '1d'"),
    ("[run]\nevery = '0s'", "[run] every: '0s' is not a duration"),
    ("[run]\nat = '3:30'", "[run] at: '3:30' is not a time of day such as '03:30'"),
    ("[run]\nat = '24:00'", "[run] at: '24:00' is not a time of day"),
    ("[run]\nevery = '5h'\nat = '03:30'", "[run] at: goes with an 'every' that is whole days or goes evenly"),
    ("[load]\nmemory = '0GiB'", "[load] memory: '0GiB' is not a size"),
    ("[load]\nprior = 0", "[load] prior: expected `float` > 0.0"),
    ("[load]\nprior = 30", "[load] prior: expected `float` < 1.0"),
    ("[load]\nbad_lines_max = 1.5", "[load] bad_lines_max: expected `float` <= 1.0"),
    ("[load]\nexclude = ['x']", "[load] exclude: 'x' is not an IP address"),
    ("[load]\nexclude = ['10.0.0.1/8']", "[load] exclude: '10.0.0.1/8' has host bits set"),
    ("[load]\nexclude = [7]", "[load] exclude[0]: expected `str`, got `int`"),
    ("[source]\nname = 'x'", "expected `array`, got `object`: each source is a table of its own, headed [[source]]"),
    ("source = [7]", "source number 1: expected `object`, got `int`"),
    (LIST + "klass = 'tor'", "source 'edge' (number 1): unknown key 'klass'; the keys are kind, name, path, dated, "),
    (LIST + LIST.replace("edge", "b") + "port = true", "source 'b' (number 2): unknown key 'port'"),
    (
        LIST.replace("cidr", "csv"),
        "source 'edge' (number 1), key 'format': invalid enum value 'csv'; it may be cidr, geofeed, misp",
    ),
    (
        LIST.replace('"vpn"', '"nat"'),
        "source 'edge' (number 1), key 'class': invalid enum value 'nat'; it may be cgnat, vpn,",
    ),
    (
        LIST.replace("egress", "list"),
        "source 'edge' (number 1), key 'kind': invalid value 'list'; the kinds are logs, routes,",
    ),
    (LIST.replace('kind = "egress"\n', ""), "source 'edge' (number 1): key 'kind' is missing"),
    (LIST.replace('class = "vpn"\n', ""), "source 'edge' (number 1): key 'class' is missing"),
    (LIST.replace('path = "x"\n', ""), "source 'edge' (number 1): key 'path' is missing"),
    (LIST.replace('format = "cidr"\n', ""), "source 'edge' (number 1): key 'format' is missing"),
    (LIST.replace('name = "edge"\n', ""), "source number 1: key 'name' is missing"),
    (LIST.replace("edge", "an edge"), "source 'an edge' (number 1), key 'name': expected `str` matching regex"),
    (LIST.replace('"x"', "7"), "source 'edge' (number 1), key 'path': expected `str | array`, got `int`"),
    (LIST.replace('"x"', "[]"), "source 'edge' (number 1), key 'path': expected `array` of length >= 1"),
    (LIST.replace('"x"', '["x", ""]'), "source 'edge' (number 1), key 'path[1]': expected `str` of length >= 1"),
    (LIST + "dated = 'today'", "source 'edge' (number 1), key 'dated': invalid RFC3339 encoded date"),
    (LIST + LIST, "two sources are named 'edge'; names must differ"),
    (
        LOGS.replace("time =", "tme ="),
        "source 'web' (number 1), key 'columns': invalid enum value 'tme'; it may be time, client,",
    ),
    (LOGS.replace('"ts"', "7"), "source 'web' (number 1), key 'columns': expected `str`, got `int`"),
    (LOGS.replace('time = "ts", ', ""), "source 'web', key 'columns': format 'csv' needs its names for time"),
    (
        LOGS.replace("csv", "zeek-conn"),
        "source 'web': 'columns' goes with format 'csv', 'parquet' or 'clickhouse' only",
    ),
    (LOGS + "port = true", "source 'web': 'port' goes with format 'combined' only"),
    (LOGS + "ours = ['1.2.3.4/8']", "source 'web', key 'ours': '1.2.3.4/8' has host bits set"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[row[1][:60] for row in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, told):
    with pytest.raises(ConfigError) as fault:
        read(tmp_path, text)
    assert str(fault.value).startswith(f"{tmp_path / 'mipdns.toml'}: ")
    assert told in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: no such file; name one with --config"):
        config.read_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_config(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_config(tmp_path / "bytes.toml")


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 1 << 30), ("500MB", 500_000_000), ("1.5KiB", 1536), (" 2 TiB ", 1 << 41), ("64KB", 64_000)],
)
def test_sizes(text, size):
    assert config.memory_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("15m", 900), ("1h", 3600), ("48h", 172800), ("7d", 604800), ("366d", 31622400), (" 2h ", 7200)],
)
def test_durations(text, seconds):
    assert config.duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "1.5h", "-1h", "0m", "367d", "1w", "1 h", "²h", "1h30m"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration such as"):
        config.duration_s(text)


@pytest.mark.parametrize("text", ["", "GiB", "1", "1 gib", "-1GiB", "1..2GiB", "1e3MB", "½GiB"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="is not a size"):
        config.memory_bytes(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:53", ("::1", 53)), ("0.0.0.0:65535", ("0.0.0.0", 65535))],
)
def test_listen(text, address):
    assert config.parse_listen(text) == address
