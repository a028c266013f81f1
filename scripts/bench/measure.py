"""Reading the machine. In: process ids, ports, files of queries. Out: CPU time, memory, drops, what dnsperf saw, facts.

The one rule: everything is counted by the kernel or by dnsperf; nothing here is estimated.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click

from mipdns import __version__


class Cpu(NamedTuple):
    """Seconds a server has spent, all its processes and threads together."""

    user_s: float
    system_s: float


class Memory(NamedTuple):
    """Bytes, of all processes of a server together.

    resident: pages in memory, those that several of them share counted for each. own: the proportional share (Pss),
    without mapped indexes. mapped: the size of the mapped index.
    """

    resident: int
    own: int
    mapped: int


class Load(NamedTuple):
    """What dnsperf saw. Latencies in milliseconds, sizes in bytes."""

    queries_per_s: float
    completed: int
    lost: int
    found_share: float
    latency_ms: float
    latest_ms: float
    reply_size: int


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def cpu(pids: Iterable[int]) -> Cpu:
    """CPU time so far (proc(5), stat), in steps of a clock tick. A process that has ended counts no more."""
    user = system = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        user, system = user + int(fields[11]), system + int(fields[12])
    ticks = os.sysconf("SC_CLK_TCK")
    return Cpu(user / ticks, system / ticks)


def memory(pids: Iterable[int]) -> Memory:
    """Memory now (proc(5), smaps)."""
    resident = own = 0
    indexes: set[Path] = set()
    for pid in pids:
        in_index = False
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0]) * 1024
            elif name == "Pss" and not in_index:
                own += int(rest.split()[0]) * 1024
            elif not name[0].isupper():
                in_index = line.endswith(".idx")
                if in_index:
                    indexes.add(Path(line[line.index("/") :]))
    return Memory(resident, own, sum(path.stat().st_size for path in indexes))


def drops(port: int) -> int:
    """Datagrams that the kernel threw away because the buffer of a UDP socket of this port was full."""
    total = 0
    for path in ("/proc/net/udp", "/proc/net/udp6"):
        for line in Path(path).read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                total += int(fields[-1])
    return total


def dnsperf(
    port: int, queries: Path, seconds: float, *, core: int | None = 1, outstanding: int = 100, clients: int = 1
) -> Load:
    """Ask for so long, in a closed loop, from one core or from any (None)."""
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(queries), "-q", str(outstanding)]
    command += ["-c", str(clients), "-T", "1", "-b", "2048", "-l", f"{seconds:g}"]
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    except subprocess.CalledProcessError as fault:
        raise click.ClickException(f"dnsperf failed:\n{fault.stdout}{fault.stderr}") from None
    except FileNotFoundError:
        raise click.ClickException("dnsperf or taskset is not installed; `scripts/peers bench` installs both") from None

    def figure(pattern: str) -> float:
        found = re.search(pattern, told)
        if found is None:
            raise click.ClickException(f"dnsperf did not tell {pattern!r}:\n{told}")
        return float(found[1])

    completed = figure(r"Queries completed:\s+(\d+)")
    return Load(
        queries_per_s=figure(r"Queries per second:\s+([\d.]+)"),
        completed=int(completed),
        lost=int(figure(r"Queries lost:\s+(\d+)")),
        found_share=figure(r"NOERROR (\d+)") / completed if "NOERROR" in told else 0.0,
        latency_ms=figure(r"Average Latency \(s\):\s+([\d.]+)") * 1e3,
        latest_ms=figure(r"Average Latency.*max ([\d.]+)") * 1e3,
        reply_size=int(figure(r"Average packet size:.*response (\d+)")),
    )


_VERSIONS = {
    "rbldnsd": (["rbldnsd", "-h"], r"version (.+)"),
    "knot": (["knotd", "--version"], r"(\d\S+)"),
    "nsd": (["nsd", "-v"], r"version (\S+)"),
    "powerdns": (["pdns_server", "--version"], r"Server (\d\S+)"),
    "dnsperf": (["dnsperf", "-h"], r"Version (\S+)"),
    "cc": (["cc", "--version"], r"(\d+\.\d+\.\d+)"),
}


def machine() -> dict[str, object]:
    """What a reader must know to judge the figures."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    here = Path(__file__).parent
    commit = subprocess.run(
        ["git", "-C", str(here), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "mipdns": f"{__version__} {commit.stdout.strip()}".strip(),
        **{name: _version(*how) for name, how in _VERSIONS.items()},
    }


def _version(command: list[str], pattern: str) -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    except FileNotFoundError:
        return "absent"
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
