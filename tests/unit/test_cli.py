"""The command line by itself: where the configuration comes from."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from mipdns import store
from mipdns.cli import main
from mipdns.inference import parse_scorecard, shipped_scorecard
from mipdns.simulate.plan import WorldPlan
from tests.unit.store.made import contents


def test_the_environment_names_the_configuration_and_the_option_wins(tmp_path: Path):
    environment = {"MIPDNS_CONFIG": str(tmp_path / "environment.toml")}
    told = CliRunner().invoke(main, ["status"], env=environment)
    assert (told.exit_code, told.output) == (
        1,
        f"mipdns: {tmp_path / 'environment.toml'}: no such file; name one with --config\n",
    )
    told = CliRunner().invoke(main, ["--config", str(tmp_path / "option.toml"), "status"], env=environment)
    assert "option.toml: no such file" in told.output


@pytest.mark.parametrize(
    ("package", "command", "extra"),
    [("scipy", "train", "train"), ("duckdb", "load", "load"), ("numpy", "simulate", "load"), ("numpy", "load", "load")],
)
def test_a_package_that_is_not_installed_is_one_line(tmp_path: Path, package: str, command: str, extra: str):
    (tmp_path / "mip.db").touch()
    (tmp_path / "list.txt").touch()
    (tmp_path / "mipdns.toml").write_text(
        '[[source]]\nname = "a"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "list.txt"\n'
    )
    arguments = {"train": ["mip.db", "--out", "card.json"], "simulate": ["world"], "load": []}[command]
    without = f"import sys; sys.modules[{package!r}] = None; from mipdns.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    wanted = f"mipdns: `{command}` needs {package}, which is not installed; get it with: pip install 'mipdns[{extra}]'"
    assert (done.returncode, done.stderr.splitlines()) == (1, [wanted])


def test_any_other_missing_module_is_a_fault_of_ours_and_seen(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> object:
        raise ModuleNotFoundError("No module named 'mipdns.gone'", name="mipdns.gone")

    monkeypatch.setattr("mipdns.config.read_config", broken)
    assert isinstance(CliRunner().invoke(main, ["status"]).exception, ModuleNotFoundError)


def test_training_learns_nothing_for_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mipdns.train.train", lambda *_: pytest.fail("it learns first"))
    (tmp_path / "mip.db").touch()
    told = CliRunner().invoke(main, ["train", str(tmp_path / "mip.db"), "--out", str(tmp_path / "no" / "card.json")])
    assert told.exit_code == 1
    assert told.output == f"mipdns: --out {tmp_path}/no/card.json: {tmp_path}/no is no folder that can be written\n"


@pytest.mark.parametrize(
    "out",
    ["mip.db", "./mip.db", "linked.db", "hard.db", "truth.csv", "served.db", "served.idx", "mipdns.toml", "other.db"],
)
def test_training_replaces_nothing_that_it_reads_and_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
):
    """A scorecard in place of the database, and what was fed back is lost with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mipdns.train.train", lambda *_: pytest.fail("it learns first"))
    Path("mipdns.toml").write_text('[store]\ndatabase = "served.db"\nindex = "served.idx"\n')
    Path("mip.db").write_text("read")
    Path("truth.csv").write_text("prefix,verdict\n")
    Path("linked.db").symlink_to("mip.db")
    Path("hard.db").hardlink_to("mip.db")
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE mine (one)")
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    told = CliRunner().invoke(main, ["train", "mip.db", "--truth", "truth.csv", "--out", out])
    assert told.exit_code == 1
    assert told.output.startswith(f"mipdns: --out {Path(out)}: ")
    assert "would be lost" in told.output and told.output.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there


@pytest.mark.parametrize("config", [None, "[sevre]\n"])
def test_training_needs_no_configuration_and_may_replace_a_scorecard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None
):
    monkeypatch.chdir(tmp_path)
    card = msgspec.structs.replace(shipped_scorecard(), name="own", trained={"units": {}, "ranking": {}})
    monkeypatch.setattr("mipdns.train.train", lambda *_: card)
    if config:
        Path("mipdns.toml").write_text(config)
    Path("mip.db").touch()
    Path("card.json").write_text("{}")
    told = CliRunner().invoke(main, ["train", "mip.db", "--out", "card.json"])
    assert (told.exit_code, told.exception) == (0, None)
    assert parse_scorecard(Path("card.json").read_text(), "card.json").name == "own"


def test_a_document_and_a_page_do_not_share_the_terminal(tmp_path: Path):
    config = tmp_path / "mipdns.toml"
    config.write_text("")
    told = CliRunner().invoke(main, ["--config", str(config), "validate", "--json", "-", "--html", "-"])
    assert told.exit_code == 2
    assert "name a file" in told.output


@pytest.mark.parametrize("command", [["validate"], ["simulate", "world"], ["simulate", "world", "--draw"]])
def test_seeds_are_not_below_0(command: list[str]):
    told = CliRunner().invoke(main, [*command, "--seed", "-1"])
    assert told.exit_code == 2
    assert "'--seed': -1 is not in the range x>=0" in told.output


def test_the_defaults_that_help_tells_are_those_of_a_world():
    told = " ".join(CliRunner().invoke(main, ["simulate", "--help"], terminal_width=200).output.split())
    plan = WorldPlan()
    assert f"connections seen. [default: {plan.observer_share:g}," in told
    assert f"share of units. [default: {plan.shares.multi_user():g}," in told


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_validation_does_nothing_for_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
):
    monkeypatch.setattr("mipdns.validation.validate.validate", lambda *_, **__: pytest.fail("it validates first"))
    config = tmp_path / "mipdns.toml"
    config.write_text("")
    there = tmp_path / "no" / "report"
    told = CliRunner().invoke(main, ["--config", str(config), "validate", option, str(there)])
    assert told.exit_code == 1
    assert told.output == f"mipdns: {option} {there}: {there.parent} is no folder that can be written\n"


@pytest.mark.parametrize("where", ["-", "report"])
def test_validation_goes_on_where_it_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str):
    monkeypatch.chdir(tmp_path)
    Path("mipdns.toml").write_text("")
    assert "mip.db: no" in CliRunner().invoke(main, ["validate", "--json", where]).output


def test_an_output_that_cannot_be_opened_is_told_as_all_else(tmp_path: Path):
    config = tmp_path / "mipdns.toml"
    config.write_text("")
    store.regenerate(tmp_path / "mip.db", contents())
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    there = tmp_path / "no" / "out.csv"
    told = CliRunner().invoke(main, ["--config", str(config), "export", "csv", "--output", str(there)])
    wanted = f"mipdns: --output {there}: {there.parent} is no folder that can be written\n"
    assert (told.exit_code, told.output) == (1, wanted)
    for name, fault in (
        ("loop", "cannot be opened: Too many levels of symbolic links"),
        ("folder", "is a folder; name a file"),
    ):
        told = CliRunner().invoke(main, ["--config", str(config), "export", "csv", "--output", str(tmp_path / name)])
        assert told.exit_code == 1
        assert told.output.startswith("mipdns: ") and told.output.endswith(f"{tmp_path / name}: {fault}\n")


READ_AND_KEPT = {
    "mip.db": "read",
    "mip.db-wal": "read too",
    "mip.idx": "mapped",
    "own.json": "{}",
    "zones/mip.internal.toml": "a zone",
    "secrets.txt": "a secret",
    "logs/1.csv": "lines",
    "list [1].txt": "a list",
    "truth.csv": "prefix,verdict\n",
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, bytes]:
    """A folder of all that a load reads and keeps, as it was."""
    monkeypatch.chdir(tmp_path)
    for name, text in READ_AND_KEPT.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    Path("mipdns.toml").write_text(
        '[serve]\ncookie_secrets = "secrets.txt"\n[load]\nscorecard = "own.json"\n'
        '[[source]]\nname = "l"\nkind = "logs"\nformat = "combined"\npath = "logs/*.csv"\n'
        '[[source]]\nname = "e"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "list [1].txt"\n'
    )
    Path("linked.db").symlink_to("mip.db")
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE mine (one)")
    return there()


def there() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


WRITES = {
    "--json": ["validate", "--truth", "truth.csv", "--json"],
    "--html": ["validate", "--truth", "truth.csv", "--html"],
    "csv --output": ["export", "csv", "--output"],
    "zone --output": ["export", "zone", "--output"],
    "IPV6": ["export", "rbldnsd", "ip4trie"],
}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (command, name)
        for command, words in WRITES.items()
        for name in (*READ_AND_KEPT, "mipdns.toml", "linked.db", "other.db")
        if name != "truth.csv" or name in words
    ],
)
def test_nothing_is_written_over_what_a_load_reads_and_keeps(kept: dict[Path, bytes], command: str, name: str):
    told = CliRunner().invoke(main, [*WRITES[command], name])
    assert told.exit_code == 1
    assert told.output.startswith(f"mipdns: {command.rsplit(maxsplit=1)[-1]} {name}: ")
    assert "would be lost" in told.output and told.output.count("\n") == 1
    assert there() == kept


@pytest.mark.parametrize(
    ("command", "second"),
    [(["validate", "--json", "one", "--html", "one"], "--html"), (["export", "rbldnsd", "one", "./one"], "IPV6")],
)
def test_two_outputs_are_two_files(kept: dict[Path, bytes], command: list[str], second: str):
    told = CliRunner().invoke(main, command)
    assert (told.exit_code, told.output.count("\n")) == (1, 1)
    assert told.output.startswith(f"mipdns: {second} one: ") and "is written there; name another file" in told.output
    assert there() == kept
