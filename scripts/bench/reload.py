"""What clients notice of a reload: answers lost, the latest one, datagrams dropped at the socket.

In: options. Out: JSON. The one rule: dnsperf asks in a closed loop, at most 500 queries in flight, and every run with
reloads has a control run without beside it, so that what the machine does by itself is seen as such.

A reload is a whole new build put in the old one's place. mipdns, on all cores, notices it, compiles and swaps by
itself; rbldnsd, which has one thread, is told by SIGHUP.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import measure
import options
import subjects
from forms import SERIAL, Forms

from mipdns.server import control

SERVERS = ("mipdns", "rbldnsd")
SWAP_S = 120.0
SECONDS = 40.0
"""Of a run by default: compiling has the lowest priority, so that a machine at its limit takes its time over it."""


class MipdnsReload:
    """Gives a server of ours one new build after the other: the same rows with the next serial."""

    def __init__(self, forms: Forms, home: Path) -> None:
        self._database = Path(shutil.copy(forms.database(), home / "mip.db"))
        self._serial = SERIAL
        self._next = self._prepare()

    def __call__(self, server: subjects.Running) -> float:
        """Put the next build in place; returns after how many seconds it is served."""
        del server
        began = time.monotonic()
        self._next.rename(self._database)
        while time.monotonic() - began < SWAP_S:
            running = control.running_server(self._database)
            if running is not None and running.serial == self._serial:
                took_s = time.monotonic() - began
                self._next = self._prepare()
                return took_s
            time.sleep(0.01)
        raise click.ClickException(f"the new build was not served within {SWAP_S:g} s")

    def _prepare(self) -> Path:
        self._serial += 1
        path = Path(shutil.copy(self._database, self._database.with_name("next.db")))
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("UPDATE build SET serial = ?", (self._serial,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path


def reload_rbldnsd(forms: Forms) -> Callable[[subjects.Running], float]:
    """Makes its data files look new and tells it so. It does not say when it is done."""

    def reload(server: subjects.Running) -> float:
        for path in forms.rbldnsd():
            os.utime(path)
        server.process.send_signal(signal.SIGHUP)
        return 0.0

    return reload


def observe(
    server: subjects.Running, forms: Forms, seconds: float, outstanding: int, reload: Callable[[], None] | None
) -> dict[str, object]:
    """Ask for so long, with one new build after the other if `reload` is given; what was lost, and the latest.

    reloads: how many were over while queries still came; None of a control run.
    """
    before = measure.drops(server.port)
    done = threading.Event()
    under_load = 0

    def go_on() -> None:
        nonlocal under_load
        while reload is not None and not done.wait(seconds / 10):
            reload()
            under_load += not done.is_set()

    beside = threading.Thread(target=go_on)
    beside.start()
    try:
        load = measure.dnsperf(server.port, forms.queries(), seconds, core=None, outstanding=outstanding, clients=4)
    finally:
        done.set()
        beside.join()
    return {
        "server": server.name,
        "reloads": None if reload is None else under_load,
        "queries_per_s": round(load.queries_per_s),
        "lost": load.lost,
        "latest_ms": round(load.latest_ms, 2),
        "latency_ms": round(load.latency_ms, 3),
        "socket_drops": measure.drops(server.port) - before,
    }


def compare(
    forms: Forms, names: Sequence[str], *, rounds: int, seconds: float, outstanding: int = 500
) -> dict[str, object]:
    """Runs with and without reloads, in turns, of each server."""
    runs: list[dict[str, object]] = []
    took: list[float] = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="mipdns-bench-reload-") as made:
            home = Path(made)
            ours = MipdnsReload(forms, home) if name == "mipdns" else None
            start = {"threads": os.cpu_count(), "home": home} if ours else {}
            with subjects.start(name, forms, core=None, **start) as server:
                one = ours or reload_rbldnsd(forms)

                def reload(one: Callable[[subjects.Running], float] = one, server: subjects.Running = server) -> None:
                    took.append(round(one(server), 3))

                measure.dnsperf(server.port, forms.queries(), min(2.0, seconds), core=None)
                for _ in range(rounds):
                    for way in (None, reload):
                        runs.append(observe(server, forms, seconds, outstanding, way))
                        said = runs[-1]
                        options.say(
                            f"{name:10} {'reloads' if way else 'control':8} lost {said['lost']}, latest "
                            f"{said['latest_ms']} ms, {said['socket_drops']} dropped at the socket"
                        )
    return {
        "listings": forms.count,
        "rounds": rounds,
        "seconds": seconds,
        "outstanding": outstanding,
        "until_served_s": [each for each in took if each],
        "runs": runs,
    }


@click.command(help=__doc__)
@click.option("--listings", default=1_000_000, show_default=True, type=click.IntRange(min=100))
@click.option("--server", "names", default=SERVERS, multiple=True, type=click.Choice(SERVERS))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=SECONDS, show_default=True, type=click.FloatRange(min=2), help="Of each run.")
@click.option("--outstanding", default=500, show_default=True, type=click.IntRange(1, 500), help="Queries in flight.")
@options.work
def main(listings: int, names: Sequence[str], rounds: int, seconds: float, outstanding: int, work: Path) -> None:
    """Compare runs with and without reloads and print JSON."""
    facts = measure.machine()
    told = compare(Forms(work, listings), names, rounds=rounds, seconds=seconds, outstanding=outstanding)
    options.hand_over({"machine": facts, "reload": told})


if __name__ == "__main__":
    main()
