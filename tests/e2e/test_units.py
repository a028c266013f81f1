"""What scripts/install ships: systemd takes the units and finds little to expose, the container file is of this tree,
and the programs live with what the units forbid them."""

from __future__ import annotations

import configparser
import ctypes
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from mipdns.config import read_config
from tests.conftest import REPOSITORY
from tests.e2e.commands import command
from tests.peers import program

INSTALL = REPOSITORY / "scripts" / "install"
SERVICES = ["mipdns.service", "mipdns-load.service"]
UNITS = [*SERVICES, "mipdns-load.timer"]
PROGRAM = "/opt/mipdns/bin/mipdns"
EXPOSURE_MAX = 2.0
PATIENCE_S = 60.0


def unit(name: str) -> configparser.RawConfigParser:
    """A unit's settings; where a key comes more than once, its last value."""
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # keys of units keep their case
    parsed.read_string((INSTALL / name).read_text())
    return parsed


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they would be installed, but for the program, which is none on this machine."""
    for name in UNITS:
        (tmp_path / name).write_text((INSTALL / name).read_text().replace(PROGRAM, sys.executable))
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("systemd-analyze"), *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.mark.peers
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit_without_a_word(units: Path, name: str) -> None:
    done = analyze("verify", "--man=no", str(units / name))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.peers
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_to_expose(units: Path, name: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:g}", "--no-pager", str(units / name))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSURE_MAX, done.stdout
    assert done.returncode == 0


def test_server_and_load_are_one_user_with_one_state():
    shared = ("DynamicUser", "User", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "UMask")
    server, load = (unit(name)["Service"] for name in SERVICES)
    assert [server[key] for key in shared] == [load[key] for key in shared]


def test_the_units_run_commands_that_there_are():
    for name in SERVICES:
        for key, line in unit(name)["Service"].items():
            if key.startswith("Exec"):
                path, option, config, *words = shlex.split(line)
                assert (path, option, config) == (PROGRAM, "--config", "/etc/mipdns/mipdns.toml")
                help_text = subprocess.run(
                    command(Path("none"), words[0], "--help"), capture_output=True, text=True, timeout=60, check=True
                ).stdout
                assert [word for word in words[1:] if word.startswith("--") and word not in help_text] == []


@pytest.mark.parametrize("name", ["mipdns.toml", "container.toml"])
def test_the_configuration_that_is_shipped_writes_only_where_it_may(name: str) -> None:
    config = read_config(INSTALL / name)
    written = [config.store.database, config.store.index, config.load.work, config.fetch.folder]
    assert [path for path in written if not path.startswith("/var/lib/mipdns/")] == []
    assert config.serve.zones == "/etc/mipdns/zones"
    assert len(config.sources) == 1


PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1


def forbid_executable_memory() -> None:
    """What MemoryDenyWriteExecute=yes comes to, for this process and all that it starts (prctl(2), Linux 6.3)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_MDWE")


def test_a_load_lives_without_memory_that_is_written_and_run(tmp_path: Path) -> None:
    """DuckDB, numpy and the native part: none of them compiles while it runs."""
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0)"
    if subprocess.run([sys.executable, "-c", probe], check=False, timeout=PATIENCE_S).returncode:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3)")
    line = '9.9.{}.{} - - [20/Nov/2026:10:{:02}:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Agent/{}"\n'
    lines = [line.format(number % 7, number % 250 + 1, number % 60, number % 9) for number in range(500)]
    (tmp_path / "access.log").write_text("".join(lines))
    source = '[[source]]\nname = "web"\nkind = "logs"\nformat = "combined"\npath = "access.log"\n'
    (tmp_path / "mipdns.toml").write_text("[load]\nas_of = 2026-11-20\n" + source)
    done = subprocess.run(
        command(tmp_path / "mipdns.toml", "load", "--json"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=forbid_executable_memory,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["counts"]["units"] > 0


class Instruction(NamedTuple):
    """A line of the container file, continued lines joined: `RUN`, and what follows."""

    word: str
    rest: str


def instructions() -> list[Instruction]:
    text = (INSTALL / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for each in instructions():
        if each.word == "FROM":
            found.append([])
        found[-1].append(each)
    return found


def copied(stage: list[Instruction]) -> list[str]:
    """What a stage copies out of the checkout."""
    lines = [shlex.split(each.rest) for each in stage if each.word == "COPY"]
    return [path for words in lines if not words[0].startswith("--from") for path in words[:-1]]


KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_the_container_file_has_two_stages_of_known_instructions_on_one_slim_image():
    assert {each.word for each in instructions()} <= KNOWN
    build, final = stages()
    assert build[0].rest.split()[0] == final[0].rest.split()[0]
    assert "-slim" in final[0].rest
    assert build[0].rest.endswith(" AS build")
    assert not any("apt-get" in each.rest for each in final)


def test_all_that_the_container_file_copies_is_in_the_checkout():
    for stage in stages():
        assert copied(stage)
        assert [path for path in copied(stage) if not (REPOSITORY / path).exists()] == []


def test_the_container_runs_as_nobody_special_and_keeps_its_state_in_a_volume():
    final = dict(stages()[1][::-1])
    assert final["USER"] == "mipdns"
    config = read_config(INSTALL / "container.toml")
    (volume,) = json.loads(final["VOLUME"])
    assert Path(config.store.database).parent == Path(volume)
    ports = {listener.rpartition(":")[2] for listener in config.serve.listen}
    assert {f"{port}/{transport}" for port in ports for transport in ("udp", "tcp")} == set(final["EXPOSE"].split())


def test_the_container_runs_commands_that_there_are():
    final = dict(stages()[1][::-1])
    (entry,), start = json.loads(final["ENTRYPOINT"]), json.loads(final["CMD"])
    asked = json.loads(final["HEALTHCHECK"].partition(" CMD ")[2])
    assert asked[0] == entry == "mipdns"
    for words in (start, asked[1:]):
        done = subprocess.run(
            command(Path("none"), words[0], "--help"), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr


def test_what_the_build_stage_copies_is_all_that_an_installation_reads():
    build = stages()[0]
    (pip_line,) = [each.rest for each in build if "pip install" in each.rest]
    extra = re.search(r'"\.\[(\w+)\]"', pip_line)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert extra
    assert extra[1] in project["project"]["optional-dependencies"]
    (module,) = project["tool"]["setuptools"]["ext-modules"]
    data = [path for paths in project["tool"]["setuptools"]["data-files"].values() for path in paths]
    read = [
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *(module["sources"] + module["depends"]),
        *data,
    ]
    tops = set(copied(build))
    assert [path for path in read if path.split("/")[0] not in tops] == []
    assert project["tool"]["setuptools"]["packages"]["find"]["include"] == ["mipdns*"]
    assert "mipdns" in tops
