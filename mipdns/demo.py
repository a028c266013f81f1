"""From nothing to a served zone: simulate a small world, load it, serve it, and say what to ask."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from mipdns import net, store
from mipdns.config import Config, read_config
from mipdns.errors import LookupFailed
from mipdns.load import load
from mipdns.lookup import lookup, query_name
from mipdns.server import serve
from mipdns.simulate import simulate
from mipdns.terminal import stage_line
from mipdns.vocabulary import Class, Verdict

ORIGIN = "mip.internal"


class Example(NamedTuple):
    """An address worth asking for, and what to expect. listed: at the shipped zone's floor of 50."""

    address: int
    why: str
    listed: bool


def demo(folder: Path, port: int, *, only_check: bool = False) -> None:
    """Make, load and serve a world in `folder`; blocks like `serve`. With `only_check`, ask everything once and end.

    Raises LookupFailed if, checked, an answer is not what the database says.
    """
    port = _free(port)
    click.echo(f"simulating a small world in {folder} …")
    simulate(folder)
    config = read_config(folder / "mipdns.toml")
    config = msgspec.structs.replace(config, serve=msgspec.structs.replace(config.serve, listen=(f"127.0.0.1:{port}",)))
    click.echo("loading it …")
    with stage_line(sys.stderr) as progress:
        build = load(config, progress)
    click.echo(
        f"{build.verdicts} ranges judged; {build.listed_v4} IPv4 addresses and {build.listed_v6} /64s are listed"
    )
    examples = choose_examples(config)
    failures: list[str] = []

    def ready(listeners: Sequence[tuple[str, int]]) -> None:
        server = listeners[0]
        for line in dig_lines(examples, server) + command_lines(examples, folder, _elsewhere(folder, server)):
            click.echo(line)
        if only_check:
            threading.Thread(target=check_then_stop, args=(examples, server, failures), daemon=True).start()
        else:
            click.echo("\nserving; stop with Ctrl-C")

    serve(config, ready=ready)
    if failures:
        raise LookupFailed("; ".join(failures))


def _free(port: int) -> int:
    """The port if nobody has it, else 0 (the system chooses): a demonstration should not end in an error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            click.echo(f"port {port} is taken, so another one is used")
            return 0
    return port


def choose_examples(config: Config) -> list[Example]:
    """The surest address of each class and family, and one that only `all.` lists."""
    best: dict[tuple[Class, bool], Verdict] = {}
    single: Verdict | None = None
    for row in store.verdict_rows(Path(config.store.database)):
        for member in Class:
            key = member, net.is_v4(row.first)
            if member & row.classes and row.confidence > (best[key].confidence if key in best else 49):
                best[key] = row
        if row.confidence < 10 and net.is_v4(row.first):
            single = single or row
    examples = [
        Example(row.first, f"{(member.name or '').lower()}, {row.confidence} %", listed=True)
        for (member, _), row in sorted(best.items())
    ]
    if single:
        examples.append(Example(single.first, f"one user, {single.confidence} %, so not listed", listed=False))
    return examples


def dig_lines(examples: list[Example], server: tuple[str, int]) -> list[str]:
    """Commands to try, each with what it shows."""
    host, port = server
    dig = f"dig @{host} -p {port} +short"
    lines = ["", "Ask it:"]
    for example in examples:
        lines.append(f"  {dig} {query_name(example.address, ORIGIN)} TXT")
        lines.append(f"      # {net.format_address(example.address)} is {example.why}")
    first = examples[0].address
    lines.append(f"  {dig} {query_name(first, ORIGIN)} A          # 127.0.CLASS.CONFIDENCE")
    lines.append(f"  {dig} {query_name(first, ORIGIN, 't90')} A      # only if at least 90 % sure")
    return lines


def command_lines(examples: list[Example], folder: Path, elsewhere: str) -> list[str]:
    """The other commands to try on this world. elsewhere: HOST:PORT of the server, if its configuration has another."""
    address = net.format_address(next(example.address for example in examples if net.is_v4(example.address)))
    environment = Path(sys.prefix) / "bin" / "activate"
    if environment.is_relative_to(Path.cwd()):
        environment = environment.relative_to(Path.cwd())
    mipdns = f"mipdns --config {shlex.quote(str(folder / 'mipdns.toml'))}"
    truth = shlex.quote(str(folder / "truth.csv"))
    lines = ["", "Or, in another terminal:"]
    lines += [f"  . {shlex.quote(str(environment))}"] if sys.prefix != sys.base_prefix else []
    lines.append(f"  {mipdns} lookup {f'--server {elsewhere} ' * bool(elsewhere)}{address}")
    lines.append(f"      # also: explain {address}, disagreements, status, validate --truth {truth} --html r.html")
    return lines


def _elsewhere(folder: Path, server: tuple[str, int]) -> str:
    """Where the server is, "" if it is where the configuration of its world says."""
    where = f"{server[0]}:{server[1]}"
    return "" if where in read_config(folder / "mipdns.toml").serve.listen[:1] else where


def check_then_stop(examples: list[Example], server: tuple[str, int], failures: list[str]) -> None:
    """Ask for every example over DNS, note what is wrong, and end this process's server."""
    try:
        for example in examples:
            answer = lookup(example.address, server, ORIGIN)
            if (answer.a is not None) != example.listed:
                failures.append(f"{answer.name} answered {answer.a or 'not listed'}, expected {example.why}")
        if not failures:
            click.echo(f"\nchecked: {len(examples)} answers over DNS are what the database says")
    except LookupFailed as fault:
        failures.append(str(fault))
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
