"""The name servers and the resolver that mipdns is compared with: started on loopback for a test, stopped after it.

In: zone text or data lines, and an empty folder. Out: a context whose value is a `Peer` that has answered once already.
A peer that is not installed skips the test, saying so; with MIPDNS_PEERS=required (as in CI) it fails the test instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest

LOOPBACK = ("127.0.0.1", "::1")
START_S = 60.0
"""How long a peer may take to answer its first query."""

STOP_S = 5.0


class Peer(NamedTuple):
    """A running server. It listens on `port` of both loopback addresses."""

    name: str
    port: int
    pid: int


def find_program(name: str) -> str | None:
    """The path of an installed program, also where only root's PATH would find it."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def program(name: str) -> str:
    """The path of an installed program; skips the test, or fails it where peers are required."""
    found = find_program(name)
    if found is None:
        reason = f"{name} is not installed; scripts/peers installs it"
        if os.environ.get("MIPDNS_PEERS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    """A port that is free for UDP and TCP on both loopback addresses at this moment."""
    for _ in range(50):
        with contextlib.ExitStack() as held:
            port = 0
            try:
                for family, address in zip((socket.AF_INET, socket.AF_INET6), LOOPBACK, strict=True):
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        probe = held.enter_context(socket.socket(family, kind))
                        probe.bind((address, port))
                        port = probe.getsockname()[1]
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free on both loopback addresses")


@contextlib.contextmanager
def knot(folder: Path, zones: Mapping[str, str], *, nsid: str = "peer", version: str = "peer") -> Iterator[Peer]:
    """Knot DNS serving `zones`, origin → master file text, cookies on. nsid, version: what it says of itself."""
    knotd = program("knotd")
    port = free_port()
    lines = [
        "server:",
        f"    rundir: {folder}",
        f"    listen: [ 127.0.0.1@{port}, ::1@{port} ]",
        "    udp-workers: 1",
        "    tcp-workers: 1",
        "    background-workers: 1",
        *(f"    {key}: {json.dumps(text)}" for key, text in (("identity", nsid), ("nsid", nsid), ("version", version))),
        "    edns-client-subnet: on",
        "template:",
        "  - id: default",
        "    global-module: mod-cookies",
        "database:",
        f"    storage: {folder}",
        "log:",
        "  - target: stderr",
        "    any: warning",
        "zone:",
    ]
    for origin, file in _zone_files(folder, zones).items():
        lines += [
            f"  - domain: {origin}",
            f"    file: {file}",
            "    zonefile-sync: -1",
            "    journal-content: none",
            "    semantic-checks: off",
        ]
    config = folder / "knot.conf"
    config.write_text("\n".join(lines) + "\n")
    with _running("Knot", [knotd, "-c", str(config)], folder, port, next(iter(zones))) as peer:
        yield peer


@contextlib.contextmanager
def nsd(folder: Path, zones: Mapping[str, str], *, nsid: str = "peer", version: str = "peer") -> Iterator[Peer]:
    """NSD serving `zones`, origin → master file text, cookies on. nsid, version: what it says of itself."""
    command = program("nsd")
    port = free_port()
    lines = [
        "server:",
        f"    ip-address: 127.0.0.1@{port}",
        f"    ip-address: ::1@{port}",
        "    server-count: 1",
        '    username: ""',
        '    chroot: ""',
        f"    zonesdir: {folder}",
        '    database: ""',
        f"    pidfile: {folder / 'nsd.pid'}",
        f"    xfrdfile: {folder / 'xfrd.state'}",
        f"    xfrdir: {folder}",
        f"    zonelistfile: {folder / 'zone.list'}",
        f"    identity: {json.dumps(nsid)}",
        f"    nsid: ascii_{nsid}",
        f"    version: {json.dumps(version)}",
        "    answer-cookie: yes",
        "    minimal-responses: yes",
        "    rrl-ratelimit: 0",
        "    rrl-whitelist-ratelimit: 0",
        "remote-control:",
        "    control-enable: no",
    ]
    for origin, file in _zone_files(folder, zones).items():
        lines += ["zone:", f"    name: {origin}", f"    zonefile: {file}"]
    config = folder / "nsd.conf"
    config.write_text("\n".join(lines) + "\n")
    with _running("NSD", [command, "-d", "-c", str(config)], folder, port, next(iter(zones))) as peer:
        yield peer


@contextlib.contextmanager
def unbound(folder: Path, stubs: Mapping[str, int]) -> Iterator[Peer]:
    """Unbound with strict QNAME minimisation (RFC 9156), asking the loopback ports of `stubs`: zone → port."""
    command = program("unbound")
    port = free_port()
    lines = [
        "server:",
        f"    interface: 127.0.0.1@{port}",
        f"    interface: ::1@{port}",
        "    do-daemonize: no",
        '    username: ""',
        '    chroot: ""',
        f'    directory: "{folder}"',
        '    pidfile: ""',
        "    use-syslog: no",
        "    num-threads: 1",
        "    qname-minimisation: yes",
        "    qname-minimisation-strict: yes",
        "    harden-below-nxdomain: yes",
        "    aggressive-nsec: yes",
        "    do-not-query-localhost: no",
        '    module-config: "iterator"',
        "remote-control:",
        "    control-enable: no",
    ]
    for zone in stubs:
        lines.insert(1, f'    domain-insecure: "{zone}"')
        lines.insert(1, f'    local-zone: "{zone}" nodefault')
    for zone, stub_port in stubs.items():
        lines += ["stub-zone:", f'    name: "{zone}"', f"    stub-addr: 127.0.0.1@{stub_port}"]
    config = folder / "unbound.conf"
    config.write_text("\n".join(lines) + "\n")
    with _running("Unbound", [command, "-d", "-c", str(config)], folder, port, next(iter(stubs))) as peer:
        yield peer


@contextlib.contextmanager
def rbldnsd(zone: str, datasets: Mapping[str, str]) -> Iterator[Peer]:
    """rbldnsd serving one zone from `datasets`, type (`ip4trie`, `ip6trie`, `generic`) → data lines. UDP only."""
    command = program("rbldnsd")
    port = free_port()
    # Started as root it drops to its own user, who could not read the owner-only folder that pytest gives.
    with tempfile.TemporaryDirectory(prefix="mipdns-rbldnsd-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        arguments = [command, "-n", "-c", "0", "-b", f"127.0.0.1/{port}", "-b", f"::1/{port}", "-w", made]
        for kind, text in datasets.items():
            file = folder / f"{zone}.{kind}"
            file.write_text(text)
            file.chmod(0o644)
            arguments.append(f"{zone}:{kind}:{file.name}")
        with _running("rbldnsd", arguments, folder, port, zone) as peer:
            yield peer


def _zone_files(folder: Path, zones: Mapping[str, str]) -> dict[str, Path]:
    files = {}
    for origin, text in zones.items():
        files[origin] = folder / f"{origin}.zone"
        files[origin].write_text(text)
    return files


@contextlib.contextmanager
def _running(name: str, arguments: list[str], folder: Path, port: int, zone: str) -> Iterator[Peer]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await_answer(name, process, port, zone, log)
        yield Peer(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(name: str, process: subprocess.Popen[bytes], port: int, zone: str, log: Path) -> None:
    """Return once the server gives NOERROR for the zone's SOA on both addresses; fail with its log otherwise."""
    query = dns.message.make_query(zone, dns.rdatatype.SOA)
    deadline = time.monotonic() + START_S
    waiting = list(LOOPBACK)
    while waiting and process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            if dns.query.udp(query, waiting[0], timeout=0.5, port=port).rcode() == 0:
                waiting.pop(0)
                continue
        time.sleep(0.05)
    if waiting:
        state = "did not answer" if process.poll() is None else f"ended with {process.poll()}"
        pytest.fail(f"{name} {state} on {waiting[0]} port {port}:\n{log.read_text(errors='replace')[-2000:]}")
