"""A real server in a process of its own, for as long as a `with` block lasts.

with start(write_config(folder)) as server:
    ask_udp(query, *server.addresses[0])
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple, get_args

from mipdns import native
from mipdns.config import parse_listen
from tests.forms import need_native

ZONES = Path(__file__).resolve().parent.parent.parent / "zones"
Form = Literal["native", "python"]
FORMS = get_args(Form)

START_S = 30.0
STOP_S = 15.0
PATIENCE_S = 20.0
"""How long a test waits for what must come."""
LOOPBACK = ("127.0.0.1:0", "[::1]:0")


class Server(NamedTuple):
    """A running server. addresses: (address, port) of each listener, in the configuration's order."""

    process: subprocess.Popen[str]
    addresses: list[tuple[str, int]]
    log_path: Path

    def log(self) -> str:
        """What it has written to standard error so far."""
        return self.log_path.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it with SIGTERM and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_S)


def write_config(folder: Path, *, listen: tuple[str, ...] = LOOPBACK, zones: Path = ZONES, **serve: object) -> Path:
    """A `mipdns.toml` in the folder, whose database is `mip.db` there; `serve` are further keys of `[serve]`."""
    keys = {"listen": listen, "zones": str(zones), "nsid": "test", **serve}
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    path = folder / "mipdns.toml"
    path.write_text("\n".join(['[store]\ndatabase = "mip.db"', "[serve]", *lines, ""]))
    return path


@contextmanager
def only(form: Form) -> Iterator[None]:
    """Servers that are started inside the block answer UDP in this form; skips where it is not there."""
    if form == "native":
        need_native()
        yield
        return
    before = os.environ.get(native.SWITCH)
    os.environ[native.SWITCH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[native.SWITCH]
        else:
            os.environ[native.SWITCH] = before


@contextmanager
def start(config_path: Path, *prefix: str) -> Iterator[Server]:
    """Run `python -m mipdns.server`, after `prefix` words if any, and end it with the block, come what may."""
    command = [*prefix, sys.executable, "-W", "error", "-m", "mipdns.server", str(config_path)]
    with (
        tempfile.NamedTemporaryFile("w", suffix=".log") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            addresses = [parse_listen(text) for text in _first_line(process.stdout, process).split()]
            if not addresses:
                raise AssertionError(f"the server did not start: {Path(log.name).read_text()}")
            server = Server(process, addresses, Path(log.name))
            assert ("native threads" in server.log()) == native.available()
            yield server
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def _first_line(output: IO[str], process: subprocess.Popen[str]) -> str:
    """The first line of the output; empty if the process ends, or is ended because it takes too long."""
    watchdog = threading.Timer(START_S, process.kill)
    watchdog.start()
    try:
        return output.readline()
    finally:
        watchdog.cancel()


def eventually(happened: Callable[[], bool]) -> bool:
    """Whether it happens before our patience ends."""
    until = time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def refuse(config_path: Path) -> str:
    """Run a server that must not start, and return the one line that it says."""
    command = [sys.executable, "-W", "error", "-m", "mipdns.server", str(config_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, check=False)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (1, "", 1), done.stderr
    return lines[0]
