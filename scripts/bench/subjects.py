"""The servers that are measured, each with one thread on one core. In: a name, the forms of the listings. Out: a
context whose value tells the process, the port and how long the first answer took.

The one rule: all are started alike, from files of the same listings, with their own defaults but for threads and rate
limits. `tests/peers.py` starts the same programs, from texts that fit in memory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import click
import dns.message
from forms import ORIGIN, Forms

from tests import peers
from tests.e2e.servers import write_config

HERE: Final = Path(__file__).resolve().parent
START_S: Final = 900.0
STOP_S: Final = 20.0


class Running(NamedTuple):
    """A server that has answered. start_s: from exec to its first answer, in seconds."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    start_s: float


class Launch(NamedTuple):
    """How to start a server: the command, and what to add to the environment."""

    command: list[str]
    environment: Mapping[str, str] = {}


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise click.ClickException(f"{name} is not installed; `scripts/peers bench` installs it")
    return found


def _mipdns(
    forms: Forms, folder: Path, port: int, *, threads: int = 1, native: bool = True, home: Path | None = None
) -> Launch:
    """home: a folder that holds `mip.db`, where it is not to be the one that is kept."""
    del folder
    config = write_config(home or forms.database().parent, listen=(f"127.0.0.1:{port}",), threads=threads)
    # Bytecode is kept, as it is of every installed package: the first, unmeasured start writes it.
    environment = {"PYTHONDONTWRITEBYTECODE": ""} | ({} if native else {"MIPDNS_NO_EXTENSIONS": "1"})
    return Launch([sys.executable, "-m", "mipdns.server", str(config)], environment)


def _mipdns_python(forms: Forms, folder: Path, port: int) -> Launch:
    return _mipdns(forms, folder, port, native=False)


def _echo(forms: Forms, folder: Path, port: int, *, reply_size: int = 100) -> Launch:
    del forms
    binary = folder / "echo"
    compiler = _program(os.environ.get("CC", "cc"))
    subprocess.run([compiler, "-std=gnu11", "-O2", "-o", str(binary), str(HERE / "echo.c")], check=True)
    return Launch([str(binary), "127.0.0.1", str(port), str(reply_size)])


def _rbldnsd(forms: Forms, folder: Path, port: int, *, shared: bool = False) -> Launch:
    del folder
    v4, v6 = forms.rbldnsd_shared() if shared else forms.rbldnsd()
    command = [_program("rbldnsd"), "-n", "-c", "0", "-b", f"127.0.0.1/{port}", "-w", str(v4.parent)]
    return Launch([*command, f"{ORIGIN}:ip4trie:{v4.name}", f"{ORIGIN}:ip6trie:{v6.name}"])


def _rbldnsd_shared(forms: Forms, folder: Path, port: int) -> Launch:
    return _rbldnsd(forms, folder, port, shared=True)


def _knot(forms: Forms, folder: Path, port: int) -> Launch:
    config = folder / "knot.conf"
    config.write_text(f"""\
server:
    rundir: {folder}
    listen: [ 127.0.0.1@{port} ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}
log:
  - target: stderr
    any: warning
zone:
  - domain: {ORIGIN}
    file: {forms.master_file()}
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
""")
    return Launch([_program("knotd"), "-c", str(config)])


def _nsd(forms: Forms, folder: Path, port: int) -> Launch:
    config = folder / "nsd.conf"
    config.write_text(f"""\
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: {folder}
    database: ""
    pidfile: {folder}/nsd.pid
    xfrdfile: {folder}/xfrd.state
    xfrdir: {folder}
    zonelistfile: {folder}/zone.list
    minimal-responses: yes
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {ORIGIN}
    zonefile: {forms.master_file()}
""")
    return Launch([_program("nsd"), "-d", "-c", str(config)])


def _powerdns(forms: Forms, folder: Path, port: int) -> Launch:
    (folder / "pdns.conf").write_text(f"""\
launch=gsqlite3
gsqlite3-database={forms.powerdns()}
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
local-port={port}
receiver-threads=1
distributor-threads=1
socket-dir={folder}
guardian=no
daemon=no
disable-syslog=yes
loglevel=3
""")
    return Launch([_program("pdns_server"), f"--config-dir={folder}"])


SUBJECTS: Final[Mapping[str, Callable[..., Launch]]] = {
    "echo": _echo,
    "mipdns": _mipdns,
    "mipdns-python": _mipdns_python,
    "rbldnsd": _rbldnsd,
    "rbldnsd-shared": _rbldnsd_shared,
    "knot": _knot,
    "nsd": _nsd,
    "powerdns": _powerdns,
}


@contextlib.contextmanager
def start(name: str, forms: Forms, *, core: int | None = 0, **options: object) -> Iterator[Running]:
    """Run a server on one core, or on all (None), while the block lasts. options: as its launcher takes them."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"mipdns-bench-{name}-")))
        port = peers.free_port()
        launch = SUBJECTS[name](forms, folder, port, **options)
        command = [*(["taskset", "--cpu-list", str(core)] if core is not None else []), *launch.command]
        log = stack.enter_context((folder / "log").open("wb"))
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **launch.environment},
        )
        stack.callback(_stop, process)
        if not _answers(process, port):
            told = (folder / "log").read_text(errors="replace")[-2000:]
            raise click.ClickException(f"{name} did not answer within {START_S:g} s, or ended:\n{told}")
        yield Running(name, process, port, time.monotonic() - began)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Ask for the test point that every DNSBL lists, until there is an answer. Nobody listening yet is said at once."""
    query = dns.message.make_query(f"2.0.0.127.{ORIGIN}", "A", use_edns=False).to_wire()
    deadline = time.monotonic() + START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.05)
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.send(query)
                if client.recv(1500)[3] & 15 == 0:
                    return True
            except ConnectionRefusedError:
                time.sleep(0.001)
            except TimeoutError:
                continue
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
