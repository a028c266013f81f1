"""`mipdns run`: the server answers throughout, whatever becomes of the loads beside it. Real processes and sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import dns.message
import dns.rcode
import pytest

from mipdns.config import parse_listen
from mipdns.schedule.attempt import last_attempt
from mipdns.schedule.child import NICENESS
from mipdns.server.control import running_server
from tests.e2e.commands import command, mipdns, must
from tests.e2e.servers import PATIENCE_S, STOP_S, ZONES, eventually
from tests.exchange import ask_udp

SOURCE = '[[source]]\nname = "tor"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "tor.txt"\n'


class Run(NamedTuple):
    """A `mipdns run` and where it stands."""

    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def logged(self, text: str, times: int = 1) -> bool:
        return eventually(lambda: self.log().count(text) >= times)

    def serves(self, address: str) -> bool:
        """Whether it lists the IPv4 address; False as well while nothing answers."""
        running = running_server(self.folder / "mip.db")
        if running is None:
            return False
        name = ".".join(reversed(address.split("."))) + ".mip.internal."
        answer = ask_udp(dns.message.make_query(name, "A").to_wire(), *parse_listen(running.listen[0]))
        return answer is not None and dns.message.from_wire(answer).rcode() == dns.rcode.NOERROR

    def load_pid(self) -> int:
        """The process that loads now, 0 if none does."""
        told = last_attempt(self.folder / "mip.db")
        return told[0].pid if told and told[1] == "running" else 0


def configure(folder: Path, every: str = "1s", listen: str = "127.0.0.1:0") -> Path:
    path = folder / "mipdns.toml"
    path.write_text(
        f'[serve]\nlisten = ["{listen}"]\nzones = "{ZONES}"\nthreads = 1\n[run]\nevery = "{every}"\n{SOURCE}'
    )
    (folder / "tor.txt").write_text("9.9.9.1\n")
    return path


@contextmanager
def start(folder: Path) -> Iterator[Run]:
    """`mipdns run` for as long as the block lasts; it ends with whatever it started."""
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command(folder / "mipdns.toml", "run"), stderr=log) as process,
    ):
        run = Run(process, folder)
        try:
            yield run
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def stop(run: Run, number: signal.Signals = signal.SIGTERM) -> int:
    run.process.send_signal(number)
    return run.process.wait(STOP_S)


def catch(run: Run) -> int:
    """Stop the next load in its tracks, so that it never ends; returns its process id."""
    caught: list[int] = []

    def try_it() -> bool:
        pid = run.load_pid()
        if not pid:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            if run.load_pid() == pid:
                caught.append(pid)
            else:  # it was over just before
                os.kill(pid, signal.SIGCONT)
        return bool(caught)

    assert eventually(try_it)
    return caught[0]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_without_a_build_it_loads_first_then_serves_and_keeps_loading(tmp_path: Path) -> None:
    configure(tmp_path)
    with start(tmp_path) as run:
        assert eventually(lambda: run.serves("9.9.9.1"))
        assert not run.serves("9.9.9.2")
        (tmp_path / "tor.txt").write_text("9.9.9.2\n")
        assert eventually(lambda: run.serves("9.9.9.2"))
        assert not run.serves("9.9.9.1")
        assert stop(run) == 0
        log = run.log()
        assert log.index("load: begins") < log.index("load: done in") < log.index("serving build")
        assert "Traceback" not in log


def test_a_failed_load_leaves_the_old_build_and_is_seen_in_log_and_status_until_one_ends_well(tmp_path: Path) -> None:
    config = configure(tmp_path)
    with start(tmp_path) as run:
        assert eventually(lambda: run.serves("9.9.9.1"))
        assert mipdns(config, "status").returncode == 0
        (tmp_path / "tor.txt").rename(tmp_path / "away.txt")
        assert run.logged("ERROR load: failed after", 2)
        assert "what was served stays; next at " in run.log()
        assert f"source 'tor': {tmp_path / 'tor.txt'}: no such file" in run.log()
        assert run.serves("9.9.9.1")
        told = mipdns(config, "status", "--json")
        document = json.loads(told.stdout)
        assert document["verdicts"] == 1
        assert document["last_load"]["outcome"] in ("failed", "running")
        assert document["last_load"]["failures_in_a_row"] >= 1
        assert told.returncode == 1  # the next try does not hide it
        assert f"{tmp_path / 'tor.txt'}: no such file" in told.stderr
        (tmp_path / "away.txt").rename(tmp_path / "tor.txt")
        assert eventually(lambda: mipdns(config, "status").returncode == 0)
        assert "Traceback" not in run.log()


def test_a_load_that_hangs_is_not_started_twice_and_ends_with_us(tmp_path: Path) -> None:
    config = configure(tmp_path)
    must(config, "load")
    with start(tmp_path) as run:
        pid = catch(run)
        begun = run.log().count("load: begins")
        assert eventually(lambda: run.serves("9.9.9.1"))
        assert eventually(lambda: os.getpriority(os.PRIO_PROCESS, pid) == NICENESS)
        assert int(Path(f"/proc/{pid}/oom_score_adj").read_text()) > 0
        second = mipdns(config, "load")
        assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (1, "", 1)
        assert f"another load is running (process {pid}, since " in second.stderr
        time.sleep(2.2)  # two more were due meanwhile
        assert run.log().count("load: begins") == begun
        began = time.monotonic()
        assert stop(run) == 0
        assert time.monotonic() - began < 10
        assert gone(pid)


def test_a_killed_load_is_told_and_the_next_one_comes(tmp_path: Path) -> None:
    config = configure(tmp_path, every="4s")
    must(config, "load")
    with start(tmp_path) as run:
        os.kill(catch(run), signal.SIGKILL)
        assert run.logged("it was ended by signal SIGKILL")
        killed = mipdns(config, "status")
        assert (killed.returncode, len(killed.stderr.splitlines())) == (1, 1)
        assert "did not live to its end" in killed.stderr
        assert run.serves("9.9.9.1")
        (tmp_path / "tor.txt").write_text("9.9.9.3\n")
        assert eventually(lambda: run.serves("9.9.9.3"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_during_the_first_load_it_ends_both(tmp_path: Path, number: signal.Signals) -> None:
    configure(tmp_path)
    with start(tmp_path) as run:
        pid = catch(run)
        assert stop(run, number) == 0
        assert gone(pid)
        assert "Traceback" not in run.log()


def test_a_first_load_that_fails_ends_it_in_one_clear_line(tmp_path: Path) -> None:
    configure(tmp_path)
    (tmp_path / "tor.txt").unlink()
    with start(tmp_path) as run:
        assert run.process.wait(PATIENCE_S) == 1
        line = run.log().splitlines()[-1]
        assert line.startswith("mipdns: there is no build to serve and the first load came to none, so `run` ends: ")
        assert f"source 'tor': {tmp_path / 'tor.txt'}: no such file" in line
        assert re.search(r"ERROR load: failed after \d+\.\d s: source 'tor'", run.log())
        assert "stays" not in run.log()
        assert "next at" not in run.log()
        assert "Traceback" not in run.log()


def test_what_the_server_cannot_start_with_is_found_before_the_first_load(tmp_path: Path) -> None:
    configure(tmp_path, listen="198.51.100.1:5353")
    with start(tmp_path) as run:
        assert run.process.wait(PATIENCE_S) == 1
        assert len(run.log().splitlines()) == 1
        assert "198.51.100.1:5353" in run.log()
    assert not (tmp_path / "mip.db").exists()


def test_a_fresh_build_is_served_without_a_load_and_one_by_hand_counts(tmp_path: Path) -> None:
    config = configure(tmp_path, every="1h")
    must(config, "load")
    with start(tmp_path) as run:
        assert eventually(lambda: run.serves("9.9.9.1"))
        (tmp_path / "tor.txt").write_text("9.9.9.2\n")
        must(config, "load")
        assert eventually(lambda: run.serves("9.9.9.2"))
        assert "read database, zones" in must(config, "reload")
        assert "load: begins" not in run.log()


def test_a_load_that_outlives_a_killed_run_keeps_the_next_run_from_starting_another(tmp_path: Path) -> None:
    config = configure(tmp_path)
    must(config, "load")
    with start(tmp_path) as run:
        orphan = catch(run)
        run.process.kill()
        run.process.wait(PATIENCE_S)
    try:
        with start(tmp_path) as run:
            assert run.logged(f"one runs already (process {orphan}")
            assert run.serves("9.9.9.1")
            assert "load: begins" not in run.log()
            (tmp_path / "tor.txt").write_text("9.9.9.4\n")
            os.kill(orphan, signal.SIGKILL)
            assert eventually(lambda: run.serves("9.9.9.4"))
    finally:
        if run.load_pid() == orphan:
            os.kill(orphan, signal.SIGKILL)
