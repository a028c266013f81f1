"""The demonstration as a newcomer sees it: every command that it prints works, and Ctrl-C ends it in order."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import threading

import pytest

from tests import peers

PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory):
    """The running demonstration and what it printed until it served."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-W", "error", "-m", "mipdns", "demo", "--folder", str(folder / "world"), "--port", "0"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        watchdog = threading.Timer(PATIENCE_S, process.kill)
        watchdog.start()
        try:
            lines = []
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if line.startswith("serving"):
                    break
            else:
                pytest.fail(f"it ended before it served:\n{(folder / 'log').read_text()}")
            yield process, "".join(lines)
        finally:
            watchdog.cancel()
            process.kill()


def run(dig: str) -> str:
    peers.program("dig")
    return subprocess.run(dig, shell=True, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


@pytest.mark.peers
def test_each_printed_command_answers_as_it_says(shown):
    told = re.findall(r"^  (dig .+ TXT)\n +# \S+ is (.+)$", shown[1], re.MULTILINE)
    assert {what.endswith("not listed") for _, what in told} == {True, False}
    for command, what in told:
        answer = run(command)
        if what.endswith("not listed"):
            assert answer == "", command
        else:
            name, _, confidence = what.removesuffix(" %").partition(", ")
            assert f"v=mip1; conf={confidence}; class=" in answer
            assert name in answer.partition("class=")[2].partition(";")[0].split(",")


@pytest.mark.peers
def test_the_a_records_too(shown):
    commands = re.findall(r"^  (dig .+? A) +#", shown[1], re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert re.fullmatch(r"127\.0\.\d+\.\d+", run(command)), command


def test_the_other_commands_work_on_its_world(shown, tmp_path):
    (lookup,) = re.findall(r"^  mipdns (--config .+ lookup .+)$", shown[1], re.MULTILINE)
    (also,) = re.findall(r"^ +# also: (.+)$", shown[1], re.MULTILINE)
    world = lookup.partition(" lookup ")[0]
    others = [f"{world} {command}" for command in also.split(", ")]
    assert len(others) == 4
    told = {
        command: subprocess.run(
            [sys.executable, "-m", "mipdns", *shlex.split(command)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        ).stdout
        for command in (lookup, *others)
    }
    assert re.search(r"^listed +yes$", told[lookup], re.MULTILINE)
    assert all(told.values())
    assert (tmp_path / "r.html").stat().st_size > 10_000


def test_ctrl_c_ends_it_in_order(shown):
    process, _ = shown
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
