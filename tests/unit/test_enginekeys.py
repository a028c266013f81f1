"""The keys of engines: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from mipdns.config import Config, read_config
from mipdns.errors import ConfigError

SPARK = '[load]\nengine = "spark"\n[engine.spark]\n'
HOUSE = '[load]\nengine = "clickhouse"\n[engine.clickhouse]\n'
URL = 'url = "http://127.0.0.1:8123"\n'
TABLE = (
    '[[source]]\nname = "kept"\nkind = "logs"\nformat = "clickhouse"\ntable = "logs.web"\n'
    'columns = { time = "ts", client = "ip" }\n'
)
FILES = '[[source]]\nname = "web"\nkind = "logs"\nformat = "combined"\npath = "x"\n'


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "mipdns.toml"
    path.write_text(text)
    return read_config(path)


@pytest.mark.parametrize(
    "text",
    [
        SPARK + 'master = "local[2]"\nsettings = { "spark.executor.memory" = "8g" }\n',
        SPARK + 'remote = "sc://spark.example.net:15002/;token=x"\n',
        HOUSE + URL,
        HOUSE + 'url = "https://[::1]:8443/clickhouse"\n',
        HOUSE + 'url = "chdb"\n',
        HOUSE + URL + TABLE,
        "[engine.clickhouse]\n" + URL,  # not asked for, and right
    ],
)
def test_taken(text: str, tmp_path: Path) -> None:
    read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[load]\nengine = "flink"\n', "[load] engine: "),
        ('[load]\nengine = "spark"\n', "[engine.spark] master: is missing"),
        ('[load]\nengine = "clickhouse"\n', "[engine.clickhouse] url: is missing"),
        (SPARK + 'master = "local"\nremote = "sc://x"\n', "[engine.spark] remote: a session has a master or is remote"),
        (SPARK + 'remote = "http://x"\n', "[engine.spark] remote: 'http://x' is no address of Spark Connect"),
        (SPARK + 'master = "local"\nsetting = {}\n', "unknown key 'setting'; the keys are master, remote, settings"),
        (HOUSE + "password = 's3cret'\n", "unknown key 'password'"),
        (HOUSE + 'url = "ftp://x"\n', "[engine.clickhouse] url: 'ftp://x' is no http:// or https:// address"),
        (HOUSE + 'url = "http://x:99999"\n', "[engine.clickhouse] url: has no port, or no host, that could be one"),
        (HOUSE + 'url = "http://x/?a=b"\n', "[engine.clickhouse] url: "),
        (HOUSE + URL + 'user = "a\\nb"\n', "[engine.clickhouse] user: it goes into a header"),
        (HOUSE + URL + "timeout_s = 0\n", "timeout_s"),
        (TABLE, "source 'kept': format 'clickhouse' needs [load] engine = \"clickhouse\""),
        (HOUSE + URL + TABLE + FILES, "sources 'kept' and 'web': logs lie in ClickHouse or in files"),
        (HOUSE + URL + TABLE + 'path = "x"\n', "source 'kept': a table of ClickHouse has no files"),
        (HOUSE + URL + TABLE.replace('"logs.web"', '""'), "source 'kept': key 'table' is missing"),
        (HOUSE + URL + TABLE.replace("client =", "server ="), "needs its names for client"),
        (FILES + 'table = "x"\n', "source 'web': 'table' goes with format 'clickhouse' only"),
    ],
)
def test_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ['url = "http://anna:s3cret@x"', 'url = "http://anna:s3cret@x:99999"', 'url = "http://s3cret@x"']
)
def test_a_secret_in_an_address_is_refused_and_not_told(secret: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, HOUSE + secret + "\n")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, SPARK + 'remote = "x://y/;token=s3cret"\n')
    assert "s3cret" not in str(caught.value)


def test_the_password_file_starts_at_the_configuration(tmp_path: Path) -> None:
    config = read(tmp_path, HOUSE + URL + 'password_file = "secret"\n')
    assert config.engine.clickhouse.password_file == str(tmp_path.resolve() / "secret")
