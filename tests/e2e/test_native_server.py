"""A server whose UDP is native, as only the native form can be wrong: threads, rare packets, maps, floods, idleness."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rdataclass
import pytest

from tests.builds import verdict, write_build
from tests.e2e.servers import PATIENCE_S, Server, eventually, only, start, write_config
from tests.exchange import ask_many, ask_tcp, ask_udp
from tests.small import SERIAL, VERDICTS

HOT = dns.message.make_query("5.5.5.50.mip.internal.", "A").to_wire()
CHAOS = dns.message.make_query("version.bind.", "TXT", dns.rdataclass.CH).to_wire()
ANY = dns.message.make_query("1.101.220.185.mip.internal.", "ANY").to_wire()
MALFORMED = HOT[:-3]


@pytest.fixture(autouse=True)
def native_only() -> Iterator[None]:
    with only("native"):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    return tmp_path


def counters(server: Server) -> dict[str, int]:
    before = server.log().count("counters:")
    server.signal(signal.SIGUSR1)
    assert eventually(lambda: server.log().count("counters:") > before)
    words = server.log().rpartition("counters: ")[2].split()
    return {name: int(count) for name, _, count in (word.partition("=") for word in words)}


def drops(port: int) -> int:
    """Datagrams that the kernel dropped before the sockets of this port, of either family: their buffer was full."""
    lines = [
        line.split() for file in ("udp", "udp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
    ]
    return sum(int(line[-1]) for line in lines if int(line[1].rpartition(":")[2], 16) == port)


@pytest.mark.parametrize("threads", [1, 3])
def test_so_many_threads_share_each_port_and_every_client_is_answered(folder: Path, threads: int) -> None:
    with start(write_config(folder, threads=threads)) as server:
        assert f"UDP by {2 * threads} native threads" in server.log()
        for _ in range(30):
            for address in server.addresses:
                assert ask_udp(HOT, *address)
        for address in server.addresses:
            assert ask_udp(CHAOS, *address) == ask_tcp(CHAOS, *address)
        assert (counted := counters(server))["udp_answers"] == 62
        assert counted["udp_handed_over"] == 2
        assert server.stop() == 0


def test_without_queries_it_uses_no_processor(folder: Path) -> None:
    """Nothing turns round and round: native threads block, and so does whoever answers what they hand over."""
    with start(write_config(folder)) as server:
        assert ask_udp(CHAOS, *server.addresses[0])
        time.sleep(0.5)
        before = _switches(server)
        time.sleep(2.0)
        woken = {name: after - before[name] for name, after in _switches(server).items() if after != before[name]}
        # The reloader looks for a new build every second.
        assert set(woken) <= {server.process.pid} | _reloaders(server, woken)
        assert sum(woken.values()) < 100


def _switches(server: Server) -> dict[int, int]:
    """How often each thread has gone to sleep."""
    found = {}
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        found[int(task.name)] = int(status["voluntary_ctxt_switches"])
    return found


def _reloaders(server: Server, woken: dict[int, int]) -> set[int]:
    """At most one thread beside the main one may have been awake."""
    others = set(woken) - {server.process.pid}
    return others if len(others) <= 1 else set()


BUILDS = 6


def test_reloads_at_full_load_lose_nothing_mix_nothing_and_leave_one_map(folder: Path) -> None:
    """A closed loop of 500: each query is answered, by a build no older than the last; no buffer overflows."""
    database = folder / "mip.db"
    asked = dns.message.make_query("5.5.5.5.mip.internal.", "A").to_wire()
    write_build(database, [verdict("5.5.5.5", 50)], SERIAL + 1)
    seen: list[int] = []

    def load() -> None:
        for number in range(1, BUILDS):
            write_build(database, [verdict("5.5.5.5", 50 + number)], SERIAL + 1 + number)
            server.signal(signal.SIGHUP)
            if not eventually(lambda number=number: number in seen):  # type: ignore[misc]  # mypy has no type for a lambda's default
                return

    def queries() -> Iterator[bytes]:
        until = time.monotonic() + 60
        while BUILDS - 1 not in seen and time.monotonic() < until:
            yield asked
        yield from itertools.repeat(asked, 5000)

    with start(write_config(folder)) as server:
        for _ in ask_many(itertools.repeat(asked, 5000), *server.addresses[0], ahead=500):
            pass
        control = drops(server.addresses[0][1])
        loads = threading.Thread(target=load)
        loads.start()
        for wire in ask_many(queries(), *server.addresses[0], ahead=500):
            if (number := wire[-1] - 50) not in seen[-1:]:
                seen.append(number)
        loads.join()
        assert seen == list(range(BUILDS))
        assert drops(server.addresses[0][1]) == control
        assert eventually(lambda: len(_maps(server)) == 1), _maps(server)
        assert server.stop() == 0
        assert "internal_errors=0" in server.log()


def _maps(server: Server) -> list[str]:
    """The index files, gone or not, that the server has mapped."""
    maps = Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    return [line for line in maps if "mip.idx" in line]


HOT_RATE, RARE_RATE, SECONDS, TICK_S = 1000, 3000, 3.0, 0.01


def test_a_flood_of_rare_queries_costs_no_hot_answer(folder: Path) -> None:
    """At fixed rates, together under what a socket carries: as many hot answers are lost with the flood as without."""
    with start(write_config(folder, threads=1)) as server:
        calm = _lost(server, [])
        flooded = _lost(server, [CHAOS, ANY, MALFORMED])
        counted = counters(server)
        assert flooded <= calm
        assert counted["udp_handed_over"] + counted["udp_overflow"] >= RARE_RATE * SECONDS / 3 * 0.9
        assert ask_udp(CHAOS, *server.addresses[0])
        assert server.stop() == 0


def _lost(server: Server, rare: list[bytes]) -> int:
    """How many of the hot queries stay unanswered, while the rare ones come too. Nobody reads the rare answers."""
    ticks = int(SECONDS / TICK_S)
    hot_a_tick, rare_a_tick = int(HOT_RATE * TICK_S), int(RARE_RATE * TICK_S)
    answered = sent = 0
    with contextlib.ExitStack() as stack:
        hot, flood = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        for client in (hot, flood):
            client.connect(server.addresses[0])
        hot.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        hot.setblocking(False)
        turn = itertools.cycle(rare) if rare else None
        began = time.monotonic()
        for tick in range(ticks):
            for _ in range(hot_a_tick):
                hot.send(struct.pack("!H", sent & 0xFFFF) + HOT[2:])
                sent += 1
            for _ in range(rare_a_tick if turn else 0):
                assert turn is not None
                flood.send(next(turn))
            time.sleep(max(began + (tick + 1) * TICK_S - time.monotonic(), 0.0))
            answered += _read_all(hot)
        hot.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while answered < sent:
                hot.recv(512)
                answered += 1
    return sent - answered


def _read_all(client: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while client.recv(512):
            count += 1
    return count


@pytest.mark.peers
def test_valgrind_sees_no_wrong_access_in_reloads(folder: Path) -> None:
    """The old index is unmapped while queries come; whoever read it later would be seen.

    Values that were never set are not looked for: Python's own core has some. `test_sanitized` looks for ours.
    """
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed; scripts/peers installs it")
    asked = dns.message.make_query("5.5.5.5.mip.internal.", "A").to_wire()
    watch = ("valgrind", "-q", "--error-exitcode=9", "--undef-value-errors=no", "--leak-check=no")
    with start(write_config(folder, threads=2), *watch) as server:
        for number in range(1, 4):
            write_build(folder / "mip.db", [verdict("5.5.5.5", 50 + number)], SERIAL + number)
            server.signal(signal.SIGHUP)

            def reloaded(last: int = 50 + number) -> bool:
                answers = [ask_udp(packet, *server.addresses[0], PATIENCE_S) or b"" for packet in (asked, CHAOS)]
                return answers[0][-1] == last and b"mipdns" in answers[1]

            assert eventually(reloaded)
        assert server.stop() == 0, server.log()
