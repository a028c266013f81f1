"""The command line with another engine: the same verdicts, and one line where it is not there."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mipdns.cli import main
from mipdns.sources.logs.engines import PASSWORD_VARIABLE
from mipdns.sources.logs.engines.inprocess import Embedded, embedded
from tests.unit.sources.logs.engines.bench import PASSWORD, USER, far_clickhouse, needed

HIDDEN = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None  # as if it were not installed
from mipdns.cli import main
main(["--config", sys.argv[2], "load"])
"""


@pytest.fixture(scope="module")
def chdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    needed("chdb", "sqlglot")
    with embedded(tmp_path_factory.mktemp("chdb")) as transport:
        yield transport


def simulated(folder: Path) -> Path:
    """The configuration of a small world."""
    result = CliRunner().invoke(main, ["simulate", str(folder), "--units", "300", "--seed", "5"])
    assert result.exit_code == 0, result.output
    return folder / "mipdns.toml"


def configured(folder: Path, engine: str, keys: str) -> Path:
    """A configuration that reads one log, counted by an engine."""
    folder.mkdir(exist_ok=True)
    (folder / "access.log").write_text('9.9.9.9 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"\n')
    path = folder / "mipdns.toml"
    path.write_text(
        f'[load]\nengine = "{engine}"\n[engine.{engine}]\n{keys}\n'
        '[[source]]\nname = "web"\nkind = "logs"\nformat = "combined"\npath = "access.log"\n'
    )
    return path


def exported(path: Path) -> list[list[str]]:
    loaded = CliRunner().invoke(main, ["--config", str(path), "load"])
    assert loaded.exit_code == 0, loaded.output
    result = CliRunner().invoke(main, ["--config", str(path), "export", "csv"])
    assert result.exit_code == 0, result.output
    return list(csv.reader(io.StringIO(result.stdout)))


@pytest.mark.engines
def test_a_made_world_has_the_same_verdicts(chdb: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    path = simulated(tmp_path / "world")
    expected = exported(path)
    assert len(expected) > 50
    with far_clickhouse(chdb, tmp_path) as far:
        other = path.with_name("other.toml")
        other.write_text(
            f'[load]\nengine = "clickhouse"\nwork = "other"\n[engine.clickhouse]\nurl = "{far.url}"\nuser = "{USER}"\n'
            + path.read_text().replace("mip.db", "other.db")
        )
        assert exported(other) == expected
        assert any("INSERT INTO hit" in asked.get("query", "") for asked, _ in far.asked)


@pytest.mark.parametrize(
    ("engine", "keys", "hidden", "said"),
    [
        ("spark", 'master = "local[1]"', "pyspark", "pyspark is not installed; install it with: pip install 'mipdns"),
        ("clickhouse", 'url = "chdb"', "chdb,chdb.session", "chdb is not installed; install it with: pip install chdb"),
        ("clickhouse", 'url = "http://127.0.0.1:1"', "chdb", "ClickHouse at http://127.0.0.1:1: cannot be reached"),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path: Path, engine: str, keys: str, hidden: str, said: str) -> None:
    path = configured(tmp_path, engine, keys)
    ended = subprocess.run(
        [sys.executable, "-c", HIDDEN, hidden, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "mip.db").exists()


def test_no_engine_is_imported_before_it_is_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, mipdns.load, mipdns.sources.logs.engines;"
        "print({'pyspark', 'py4j', 'chdb', 'sqlglot', 'pandas', 'pyarrow'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "set()"
