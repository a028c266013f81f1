"""A world whose loads can be disturbed: two variants of one source, so that an old build, a new one and a mixture of
both all look different, and a server that is asked all the while."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import dns.message
import dns.rcode

from mipdns import store
from tests.e2e.commands import command, must
from tests.e2e.servers import ZONES, Server, start
from tests.exchange import ask_udp

Variant = Literal["even", "odd"]
LISTED = 12_000
"""Addresses in each variant: enough that writing and compiling take their time, and that the guard looks at them."""

ALWAYS = "9.9.9.9"
ONLY: dict[Variant, str] = {"even": "44.0.0.2", "odd": "44.0.0.3"}


class World(NamedTuple):
    """Where a configuration, its sources and its database lie."""

    config: Path
    sources: Path
    database: Path

    def become(self, variant: Variant) -> None:
        """Let the next load find this variant."""
        first = 2 if variant == "even" else 3
        numbers = range(first, first + 2 * LISTED, 2)
        lines = [f"44.0.{number >> 8}.{number & 255}" for number in numbers]
        (self.sources / "tor.txt").write_text("\n".join([ALWAYS, *lines, ""]))

    @property
    def evidence(self) -> Path:
        """What counting leaves in the work folder, and goes on from."""
        return self.sources / "work" / "evidence"

    def forget(self) -> None:
        """Let the next load count everything anew."""
        shutil.rmtree(self.evidence, ignore_errors=True)

    def build(self) -> tuple[int, str]:
        """(serial, digest of all verdicts) of what the database holds, which is checked to be sound and whole."""
        with closing(sqlite3.connect(self.database)) as connection:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        digest = hashlib.sha256()
        rows = 0
        with store.read_build(self.database) as (build, verdicts):
            for row in verdicts:
                digest.update(repr(row[:7]).encode())
                rows += 1
        assert rows == build.verdicts
        return build.serial, digest.hexdigest()


def make(folder: Path) -> World:
    """A world with a build of the even variant: a list, and logs of some hundred addresses, each of one agent."""
    world = World(folder / "mipdns.toml", folder, folder / "mip.db")
    world.become("even")
    line = '8.8.{}.{}:{} - - [{:02}/Nov/2026:{:02}:{:02}:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Agent/{}"\n'
    (folder / "access.log").write_text(
        "".join(
            line.format(n % 5, n % 97 + 1, 1024 + n * 7 % 60000, 18 + n % 3, n % 24, n % 60, n % 97)
            for n in range(8_000)
        )
    )
    world.config.write_text(
        f'[store]\ndatabase = "mip.db"\n[serve]\nlisten = ["127.0.0.1:0"]\nzones = "{ZONES}"\nthreads = 1\n'
        '[load]\nchange_max = 10\nas_of = 2026-11-20\nthreads = 2\nwork = "work"\n'
        '[[source]]\nname = "tor"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "tor.txt"\n'
        "dated = 2026-11-20\n"
        '[[source]]\nname = "web"\nkind = "logs"\nformat = "combined"\nport = true\npath = "access.log"\n'
    )
    must(world.config, "load")
    return world


def copy(world: World, folder: Path, *, database: Path | None = None, work: Path | None = None) -> World:
    """The same world in a folder of its own, its database or its work in another one."""
    shutil.copytree(world.sources, folder, dirs_exist_ok=True)
    twin = World(folder / "mipdns.toml", folder, database or folder / "mip.db")
    text = twin.config.read_text()
    if database:
        for suffix in ("db", "idx", "db.load"):
            (folder / f"mip.{suffix}").rename(folder / "moved")
            shutil.move(folder / "moved", database.with_name(f"mip.{suffix}"))
        text = text.replace('"mip.db"', f'"{database}"')
    if work:
        text = text.replace('"work"', f'"{work}"')
    twin.config.write_text(text)
    return twin


def load(world: World, *arguments: str) -> subprocess.Popen[str]:
    """A load under way."""
    return subprocess.Popen(
        command(world.config, "load", *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def digests(world: World) -> dict[Variant, str]:
    """What undisturbed loads of a world of the even variant come to; it is of that one again at the end."""
    found: dict[Variant, str] = {"even": world.build()[1]}
    world.become("odd")
    must(world.config, "load")
    found["odd"] = world.build()[1]
    world.become("even")
    must(world.config, "load")
    assert found["even"] == world.build()[1] != found["odd"]
    return found


def is_listed(server: Server, address: str) -> bool | None:
    """Whether the server lists the IPv4 address; None if it does not answer, or not with sense."""
    name = ".".join(reversed(address.split("."))) + ".mip.internal."
    answer = ask_udp(dns.message.make_query(name, "A").to_wire(), *server.addresses[0])
    rcode = dns.message.from_wire(answer).rcode() if answer else None
    return {dns.rcode.NOERROR: True, dns.rcode.NXDOMAIN: False}.get(rcode) if rcode is not None else None


def serves(server: Server, variant: Variant) -> bool:
    """Whether what is served is this variant and nothing of the other."""
    return all(is_listed(server, address) is (each == variant) for each, address in ONLY.items())


@contextmanager
def asked_all_the_while(world: World) -> Iterator[Server]:
    """A server of this world. At the end, every answer it gave meanwhile on what is always listed was right."""
    wrong = asked = 0
    ended = threading.Event()
    with start(world.config) as server:

        def ask() -> None:
            nonlocal wrong, asked
            while not ended.is_set():
                wrong += is_listed(server, ALWAYS) is not True
                asked += 1
                time.sleep(0.01)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            thread.join()
        assert wrong == 0, f"{wrong} of {asked} answers"
        assert asked > 0
        assert "internal error" not in server.log()
        assert server.stop() == 0


def size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
