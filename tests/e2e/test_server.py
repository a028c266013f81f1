"""The server as its clients see it: real sockets, real signals, real databases, a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from multiprocessing import get_context
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from mipdns.answer import Peer
from mipdns.answer.cookies import check_cookie
from mipdns.config import read_config
from mipdns.errors import ServeError
from mipdns.net import V4_FIRST
from mipdns.server import control
from mipdns.vocabulary import Verdict
from tests.builds import verdict, write_build
from tests.e2e.servers import FORMS, PATIENCE_S, ZONES, Form, Server, eventually, only, refuse, start, write_config
from tests.exchange import ask_many, ask_tcp, ask_udp, read_messages
from tests.small import SERIAL, VERDICTS

LISTED = "1.101.220.185.mip.internal."


def query(name: str = LISTED, rdtype: str = "A", ident: int = 4711) -> bytes:
    message = dns.message.make_query(name, rdtype, use_edns=0)
    message.id = ident
    return message.to_wire()


def framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


def connect(address: str, port: int, source: str = "") -> socket.socket:
    return socket.create_connection((address, port), PATIENCE_S, source_address=(source, 0) if source else None)


def is_answered(client: socket.socket) -> bool:
    """Whether the connection answers one more query."""
    client.sendall(framed(query()))
    return next(read_messages(client))[:2] == query()[:2]


def is_closed(client: socket.socket) -> bool:
    """Whether the server closes the connection, without another byte, before our patience ends."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture(scope="module", autouse=True, params=FORMS)
def form(request: pytest.FixtureRequest) -> Iterator[Form]:
    """Every test here is about servers of both forms."""
    with only(request.param):
        yield request.param


@pytest.fixture(scope="module")
def shared(form: Form, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("shared")
    write_build(folder / "mip.db", VERDICTS, SERIAL)
    with start(write_config(folder)) as server:
        yield server
        assert server.stop() == 0
        assert "internal_errors=0" in server.log()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_build(tmp_path / "mip.db", VERDICTS, SERIAL)
    return tmp_path


both_families = pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])


@both_families
@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp], ids=["udp", "tcp"])
def test_answers_over_each_transport_and_family(
    shared: Server, family: int, ask: Callable[..., dns.message.Message]
) -> None:
    address, port = shared.addresses[family]
    asked = dns.message.make_query(LISTED, "A", use_edns=0)
    answer = ask(asked, address, port=port, timeout=PATIENCE_S)
    assert answer.flags & dns.flags.AA
    assert [str(rdata) for rdata in answer.answer[0]] == ["127.0.10.99"]
    missing = ask(dns.message.make_query("9.9.9.9.mip.internal.", "A"), address, port=port, timeout=PATIENCE_S)
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert missing.authority[0][0].serial == SERIAL


@pytest.mark.peers
@both_families
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_dig_reads_the_answer(shared: Server, family: int, transport: str) -> None:
    if not shutil.which("dig"):
        pytest.skip("dig is not installed; scripts/peers installs it")
    address, port = shared.addresses[family]
    command = ["dig", f"@{address}", "-p", str(port), transport, "+short", LISTED, "A"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout.split() == ["127.0.10.99"]


@both_families
def test_a_query_may_come_byte_by_byte(shared: Server, family: int) -> None:
    with connect(*shared.addresses[family]) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(query()):
            client.send(bytes([byte]))
            time.sleep(0.001)
        assert next(read_messages(client)) == ask_tcp(query(), *shared.addresses[family])


def test_a_hundred_queries_may_come_before_the_first_answer_is_read(shared: Server) -> None:
    """RFC 7766 §6.2.1.1: all are answered; ours keep their order."""
    idents = range(100)
    with connect(*shared.addresses[0]) as client:
        client.sendall(framed(*(query(ident=ident) for ident in idents)))
        answers = read_messages(client)
        assert [int.from_bytes(next(answers)[:2], "big") for _ in idents] == list(idents)


def test_many_more_queries_than_the_answers_find_room_for(shared: Server) -> None:
    """The server stops reading while its client does not, and goes on when it does: nothing is lost."""
    many = 20_000
    with connect(*shared.addresses[0]) as client:
        data = framed(*(query(ident=ident) for ident in range(many)))
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        time.sleep(0.3)
        answers = read_messages(client)
        assert [int.from_bytes(next(answers)[:2], "big") for _ in range(many)] == list(range(many))
        sender.join()


def test_a_client_that_has_said_all_still_gets_its_answers(shared: Server) -> None:
    with connect(*shared.addresses[0]) as client:
        client.sendall(framed(*(query(ident=ident) for ident in range(200))) + b"\x00")
        client.shutdown(socket.SHUT_WR)
        assert len(list(read_messages(client))) == 200
        assert is_closed(client)


@pytest.mark.parametrize(
    "nonsense",
    [b"", b"\x00", query()[:11], bytes([0, 1, 0x80]) + query()[3:]],
    ids=["empty", "byte", "header", "reply"],
)
def test_what_deserves_no_answer_does_not_end_the_connection(shared: Server, nonsense: bytes) -> None:
    with connect(*shared.addresses[0]) as client:
        client.sendall(framed(nonsense, query()))
        assert next(read_messages(client))[:2] == query()[:2]


def test_the_longest_message_is_read(shared: Server) -> None:
    """Bytes after the last record: whatever the answer is, it is the same over both transports."""
    longest = query() + bytes(65535 - len(query()))
    by_tcp = ask_tcp(longest, *shared.addresses[0])
    assert by_tcp is not None
    assert ask_udp(longest[:65507], *shared.addresses[0]) == by_tcp


def test_keepalive_tells_the_idle_time(folder: Path) -> None:
    """RFC 7828 §3.1: in units of 100 ms."""
    asked = dns.message.make_query(
        LISTED, "A", use_edns=0, options=[dns.edns.GenericOption(dns.edns.OptionType.make(11), b"")]
    )
    with start(write_config(folder, tcp_idle_s=7.5)) as server:
        answer = dns.query.tcp(asked, server.addresses[0][0], port=server.addresses[0][1], timeout=PATIENCE_S)
    assert [bytes(option.data) for option in answer.options if option.otype == 11] == [struct.pack("!H", 75)]


@pytest.mark.parametrize(
    "said",
    [b"", framed(query())[:1], framed(query())[:-1], framed(b"") * 5],
    ids=["nothing", "half a length", "most of a query", "empty messages"],
)
def test_a_connection_without_an_answer_for_a_while_is_closed(folder: Path, said: bytes) -> None:
    with start(write_config(folder, tcp_idle_s=0.3)) as server, connect(*server.addresses[0]) as client:
        client.sendall(said)
        assert is_closed(client)


def test_a_client_that_never_reads_is_closed_and_hurts_nobody(folder: Path) -> None:
    with start(write_config(folder, tcp_idle_s=0.5)) as server, connect(*server.addresses[0]) as client:
        client.settimeout(0.2)
        try:
            while True:
                client.send(framed(*[query()] * 500))
        except (TimeoutError, ConnectionError):
            pass
        assert ask_tcp(query(), *server.addresses[0])
        assert ask_udp(query(), *server.addresses[0])
        assert eventually(lambda: _counters(server)["tcp_timed_out"] == 1)


def _counters(server: Server) -> dict[str, int]:
    """The newest counters in the log, which SIGUSR1 writes."""
    before = server.log().count("counters:")
    server.signal(signal.SIGUSR1)
    assert eventually(lambda: server.log().count("counters:") > before)
    words = server.log().rpartition("counters: ")[2].split()
    return {name: int(count) for name, _, count in (word.partition("=") for word in words)}


def test_one_client_may_have_so_many_connections_and_another_still_gets_one(folder: Path) -> None:
    with start(write_config(folder, tcp_per_client=3)) as server:
        where = server.addresses[0]
        with ExitStack() as clients:
            three = [clients.enter_context(connect(*where)) for _ in range(3)]
            assert is_closed(clients.enter_context(connect(*where)))
            other = clients.enter_context(connect(*where, source="127.0.0.2"))
            for client in (*three, other):
                assert is_answered(client)
            three[0].close()
            assert eventually(lambda: ask_tcp(query(), *where) is not None)


def test_with_every_connection_taken_the_quietest_gives_way(folder: Path) -> None:
    with start(write_config(folder, tcp_connections=3)) as server:
        where = server.addresses[0]
        with ExitStack() as clients:
            three = [clients.enter_context(connect(*where)) for _ in range(3)]
            assert is_answered(three[0])
            assert is_answered(three[2])
            assert ask_tcp(query(), *where)
            assert is_closed(three[1])
            assert is_answered(three[0])
            assert is_answered(three[2])


def test_without_descriptors_left_newcomers_are_still_served(folder: Path) -> None:
    """The limit of open files bites before the limit of connections: the quietest give way here too."""
    few_files = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
    path = write_config(folder, threads=1, tcp_connections=500, tcp_per_client=500)
    with start(path, *few_files) as server, ExitStack() as clients:
        assert "only 40 open files are allowed, so at most 12 TCP connections" in server.log()
        for _ in range(80):
            clients.enter_context(connect(*server.addresses[0]))
        assert eventually(lambda: ask_tcp(query(), *server.addresses[0]) is not None)
        assert ask_udp(query(), *server.addresses[0])


@pytest.mark.parametrize(
    ("listen", "asked"),
    [("0.0.0.0:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.2"), ("0.0.0.0:0", "127.77.7.7"), ("[::]:0", "::1")],
)
def test_an_answer_leaves_from_the_address_that_was_asked(folder: Path, listen: str, asked: str) -> None:
    """The client's socket is connected, so that the kernel drops an answer from anywhere else."""
    with start(write_config(folder, listen=(listen,))) as server:
        port = server.addresses[0][1]
        assert ask_udp(query(), asked, port)
        assert ask_tcp(query(), asked, port)


def test_a_listener_of_ipv6_leaves_ipv4_alone(folder: Path) -> None:
    """The same port on both families is two listeners."""
    with socket.socket(socket.AF_INET) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    listen = (f"0.0.0.0:{port}", f"[::]:{port}")
    with start(write_config(folder, listen=listen)) as server:
        assert server.addresses == [("0.0.0.0", port), ("::", port)]
        assert ask_udp(query(), "127.0.0.1", port)
        assert ask_udp(query(), "::1", port)


BUILDS = 5


def _load(database: Path, number: int) -> None:
    """Build N lists 5.5.5.5 at 50 + N, among enough others that reading takes a while."""
    other = (
        Verdict(V4_FIRST + (8 << 24) + at, V4_FIRST + (8 << 24) + at, 1, 1, *VERDICTS[0][4:]) for at in range(30_000)
    )
    write_build(database, [verdict("5.5.5.5", 50 + number), *other], SERIAL + 1 + number)


def test_new_builds_are_taken_up_and_no_query_is_lost_or_answered_by_two(folder: Path) -> None:
    """A closed loop over UDP while five loads end: each is answered, by a build no older than the one before."""
    database = folder / "mip.db"
    _load(database, 0)
    name = "5.5.5.5.mip.internal."
    seen: list[int] = []
    stop = threading.Event()

    def load_five() -> None:
        # In a process, as loads are: a thread would wait for this interpreter at each row, as long as the loop sends.
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            for number in range(1, BUILDS + 1):
                if not eventually(lambda number=number: stop.is_set() or number - 1 in seen):  # type: ignore[misc]  # mypy has no type for a lambda's default
                    return
                process.submit(_load, database, number).result()

    def queries() -> Iterator[bytes]:
        sent = 0
        until = time.monotonic() + 60
        while (BUILDS not in seen or sent < 20_000) and time.monotonic() < until:
            yield query(name)
            yield query("6.6.6.6.mip.internal.")
            sent += 2

    with start(write_config(folder)) as server:
        loads = threading.Thread(target=load_five)
        loads.start()
        try:
            answered = 0
            for wire in ask_many(queries(), *server.addresses[0]):
                answered += 1
                if (number := _number(wire)) not in seen[-1:]:
                    seen.append(number)
        finally:
            stop.set()
            loads.join()
    assert seen == list(range(BUILDS + 1))
    assert answered >= 20_000


def _number(wire: bytes) -> int:
    """Which build an answer comes from, by its A record's last byte or its SOA's serial; 11 bytes of OPT follow."""
    if wire[3] & 15 == dns.rcode.NXDOMAIN:
        return int.from_bytes(wire[-31:-27], "big") - SERIAL - 1
    return wire[-12] - 50


def _confidence(server: Server, address: str = "5.5.5.5") -> str:
    answer = dns.message.from_wire(ask_udp(query(f"{address}.mip.internal."), *server.addresses[0]) or b"")
    return str(answer.answer[0][0]) if answer.answer else dns.rcode.to_text(answer.rcode())


def test_a_database_put_in_place_of_the_old_one_is_noticed_even_with_its_serial(folder: Path) -> None:
    (folder / "other").mkdir()
    write_build(folder / "other" / "mip.db", [verdict("5.5.5.5", 77)], SERIAL)
    with start(write_config(folder)) as server:
        assert _confidence(server) == "NXDOMAIN"
        for old in folder.glob("mip.db-*"):
            old.unlink()
        (folder / "other" / "mip.db").rename(folder / "mip.db")
        assert eventually(lambda: _confidence(server) == "127.0.1.77")


def test_a_broken_database_keeps_the_last_build_says_so_once_and_the_next_good_one_is_served(folder: Path) -> None:
    with start(write_config(folder)) as server:
        (folder / "prose").write_text("no database " * 1000)
        (folder / "prose").rename(folder / "mip.db")
        assert eventually(lambda: "keeping the last good build" in server.log())
        time.sleep(2.5)  # two more looks
        assert server.log().count("keeping the last good") == 1
        assert _confidence(server, "1.101.220.185") == "127.0.10.99"
        (folder / "new").mkdir()
        write_build(folder / "new" / "mip.db", [verdict("5.5.5.5", 66)], SERIAL + 1)
        (folder / "new" / "mip.db").rename(folder / "mip.db")
        assert eventually(lambda: _confidence(server) == "127.0.1.66")


def _ttl(server: Server) -> int:
    return int(dns.message.from_wire(ask_udp(query(), *server.addresses[0]) or b"").answer[0].ttl)


def test_sighup_reads_the_zones_again_and_keeps_them_if_they_are_broken(folder: Path) -> None:
    zones = shutil.copytree(ZONES, folder / "zones")
    zone = zones / "mip.internal.toml"
    good = zone.read_text()
    with start(write_config(folder, zones=zones)) as server:
        assert _ttl(server) == 300
        zone.write_text(good.replace("\nttl = 300", "\nttl = 400"))
        server.signal(signal.SIGHUP)
        assert eventually(lambda: _ttl(server) == 400)
        zone.write_text(good.replace("[[nameserver]]", "[[nonsense]]"))
        server.signal(signal.SIGHUP)
        assert eventually(lambda: "keeping the last good zones" in server.log())
        assert "mip.internal.toml" in server.log().partition("keeping the last good zones: ")[2].partition("\n")[0]
        assert _ttl(server) == 400


def test_sighup_reads_the_cookie_secrets_again(folder: Path) -> None:
    """Cookies of the old secret stay good beside the new one, which makes the next."""
    old, new = bytes.fromhex("11" * 16), bytes.fromhex("22" * 16)
    secrets = folder / "cookies.hex"
    secrets.write_text(f"{old.hex()}\n")

    def made_with(server: Server, secret: bytes) -> bool:
        asked = dns.message.make_query(LISTED, "A", options=[dns.edns.CookieOption(b"clientid", b"")])
        answer = dns.message.from_wire(ask_udp(asked.to_wire(), *server.addresses[0]) or b"")
        (option,) = answer.options
        peer = Peer("udp", bytes([127, 0, 0, 1]), int(time.time()), (secret,))
        checked = check_cookie(option.to_wire() or b"", peer)
        return checked is not None and checked.valid

    with start(write_config(folder, cookie_secrets=str(secrets))) as server:
        assert made_with(server, old)
        secrets.write_text(f"# the one that makes new cookies comes first\n{new.hex()}\n{old.hex()}\n")
        server.signal(signal.SIGHUP)
        assert eventually(lambda: made_with(server, new))
        secrets.write_text("no secret\n")
        server.signal(signal.SIGHUP)
        assert eventually(lambda: "cookies.hex:1: not 32 hexadecimal digits" in server.log())
        assert made_with(server, new)


def test_reload_waits_until_the_server_has_read_everything_and_passes_on_what_is_wrong(folder: Path) -> None:
    zones = shutil.copytree(ZONES, folder / "zones")
    path = write_config(folder, zones=zones)
    config = read_config(path)
    with pytest.raises(ServeError, match="no server runs"):
        control.reload(config)
    with start(path) as server:
        write_build(folder / "mip.db", [verdict("5.5.5.5", 77)], SERIAL + 1)
        assert control.reload(config) == server.process.pid
        assert _confidence(server) == "127.0.1.77"
        running = control.running_server(folder / "mip.db")
        assert running is not None
        assert (running.serial, running.ranges) == (SERIAL + 1, 1)
        (zones / "mip.internal.toml").write_text("nonsense")
        with pytest.raises(ServeError, match=r"keeps what it had: .*mip\.internal\.toml"):
            control.reload(config)
        assert _confidence(server) == "127.0.1.77"
        assert server.stop() == 0
    assert not control.control_path(folder / "mip.db").exists()


def test_a_second_server_on_one_database_serves_but_is_not_the_one_that_reload_finds(folder: Path) -> None:
    path = write_config(folder)
    with start(path) as first, start(path) as second:
        assert _confidence(second, "1.101.220.185") == "127.0.10.99"
        assert "another server serves this database" in second.log()
        assert control.reload(read_config(path)) == first.process.pid


def test_a_killed_server_leaves_nothing_that_keeps_the_next_from_starting(folder: Path) -> None:
    path = write_config(folder)
    with start(path) as server:
        server.process.kill()
        server.process.wait(PATIENCE_S)
    with pytest.raises(ServeError, match="no server runs"):
        control.reload(read_config(path))
    with start(path) as server:
        assert control.reload(read_config(path)) == server.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_answers_what_it_has_closes_and_exits_with_0(folder: Path, number: signal.Signals) -> None:
    with start(write_config(folder)) as server, connect(*server.addresses[0]) as client:
        client.sendall(framed(query()))
        assert next(read_messages(client))
        server.signal(number)
        assert is_closed(client)
        assert server.process.wait(PATIENCE_S) == 0
        assert "counters: udp_answers=0 tcp_answers=1" in server.log()
        with pytest.raises(ConnectionRefusedError):
            connect(*server.addresses[0])


def test_serving_loads_nothing_of_the_loader(folder: Path) -> None:
    code = """
import json, os, signal, sys
from pathlib import Path
from mipdns.answer import Peer
from mipdns.answer.cookies import check_cookie
from mipdns.config import read_config
from mipdns.server import serve
def ready(addresses):
    print(json.dumps(sorted(sys.modules)))
    os.kill(os.getpid(), signal.SIGTERM)
serve(read_config(Path(sys.argv[1])), ready=ready)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(write_config(folder))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    loaded = set(json.loads(done.stdout))
    assert "mipdns.answer" in loaded
    heavy = {"sqlite_utils", "duckdb", "numpy", "sklearn", "dns", "mipdns.sources", "mipdns.inference"}
    assert not heavy & loaded


def _no_zone_folder(folder: Path) -> Path:
    return write_config(folder, zones=folder / "nowhere")


def _zone_without_ns(folder: Path) -> Path:
    zones = shutil.copytree(ZONES, folder / "zones")
    text = (zones / "mip.internal.toml").read_text()
    (zones / "mip.internal.toml").write_text(text[: text.index("[[nameserver]]")])
    return write_config(folder, zones=zones)


def _no_database(folder: Path) -> Path:
    (folder / "mip.db").unlink()
    return write_config(folder)


def _newer_database(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "mip.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    return write_config(folder)


def _no_sqlite(folder: Path) -> Path:
    (folder / "mip.db").write_text("certainly no database " * 100)
    return write_config(folder)


def _not_our_address(folder: Path) -> Path:
    return write_config(folder, listen=("127.0.0.1:0", "198.51.100.1:5353"))


def _no_secrets(folder: Path) -> Path:
    return write_config(folder, cookie_secrets="nowhere.hex")


def _bad_secrets(folder: Path) -> Path:
    (folder / "cookies.hex").write_text("# ours\n1234\n")
    return write_config(folder, cookie_secrets="cookies.hex")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_no_zone_folder, ["nowhere"]),
        (_zone_without_ns, ["mip.internal.toml", "name"]),
        (_no_database, ["mip.db", "no such database; run `mipdns load`"]),
        (_newer_database, ["mip.db", "newer mipdns (schema 99"]),
        (_no_sqlite, ["mip.db", "not a SQLite database"]),
        (_not_our_address, ["198.51.100.1:5353", "does not have the address"]),
        (_no_secrets, ["nowhere.hex", "no such file"]),
        (_bad_secrets, ["cookies.hex:2", "32 hexadecimal digits"]),
    ],
)
def test_what_it_cannot_start_with_is_one_clear_line(
    folder: Path, spoil: Callable[[Path], Path], says: list[str]
) -> None:
    line = refuse(spoil(folder))
    for part in says:
        assert part in line


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_a_taken_port_is_named(folder: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        line = refuse(write_config(folder, listen=(f"127.0.0.1:{port}",)))
    assert f"127.0.0.1:{port} ({'UDP' if kind == socket.SOCK_DGRAM else 'TCP'})" in line
    assert "taken" in line


def test_a_service_manager_hears_that_it_is_ready_lives_reloads_and_stops(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)

        def hears(*lines: str) -> None:
            """Wait until a message holds all these lines; those before it do not matter here."""
            while not set(lines) <= set(manager.recv(4096).decode().split("\n")):
                pass

        with start(write_config(folder)) as server:
            hears("READY=1")
            hears("WATCHDOG=1")
            hears("WATCHDOG=1")
            server.signal(signal.SIGHUP)
            hears("RELOADING=1")
            hears("READY=1", f"STATUS=build {SERIAL}, {len(VERDICTS)} ranges")
            (folder / "mip.db").rename(folder / "other.db")
            (folder / "mip.db").write_text("no database " * 100)
            while "not a SQLite database" not in manager.recv(4096).decode():
                pass
            assert server.stop() == 0
            hears("STOPPING=1")
