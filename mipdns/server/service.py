"""The whole server. In: a `Config`. Out: answers, until a signal says stop.

The one rule: everything that can be wrong is found before the first packet is read; after that, nothing ends the loop
but SIGTERM or SIGINT. This thread answers TCP, and UDP where the native form is not there; one more reads what is new.
"""

from __future__ import annotations

import datetime
import logging
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec

from mipdns import native
from mipdns.config import Config, Serve
from mipdns.server import control
from mipdns.server.answering import Answering
from mipdns.server.content import load_secrets, load_zones, read_content
from mipdns.server.counters import Counters
from mipdns.server.notify import READY, STOPPING, WATCHDOG, notify, reloading, status, watchdog_s
from mipdns.server.reloader import Reloader
from mipdns.server.sockets import Listener, open_listeners
from mipdns.server.tcp import TcpService
from mipdns.server.udp import PythonUdp

if TYPE_CHECKING:
    from mipdns.server.native import NativeUdp

_log = logging.getLogger("mipdns.server")

STOP_GRACE_S = 1.0
_OWN_DESCRIPTORS = 24
"""Files that the server opens beside its listeners and connections: the database twice, with its log; ours; spare."""

_SWITCH_INTERVAL_S = 0.0005


def serve(config: Config, *, ready: Callable[[Sequence[tuple[str, int]]], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Must run in the main thread.

    `ready` is called once with (address, port) of every listener, in the configuration's order, when the next query
    will be answered. Raises ZoneError, ConfigError, StoreError, SnapshotError or ServeError, all before that.
    """
    configure_log()
    with ExitStack() as stack:
        signals = stack.enter_context(_signals())
        content = read_content(config)
        threads = _native_threads(config.serve)
        udp_sockets = max(threads, 1)
        listeners = open_listeners(config.serve.listen, udp_sockets)
        for listener in listeners:
            stack.callback(listener.close)
        connections = _affordable(config.serve.tcp_connections, _OWN_DESCRIPTORS + len(listeners) * (1 + udp_sockets))
        limits = msgspec.structs.replace(config.serve, tcp_connections=connections)
        answering = Answering(content, Counters())
        control_file = control.claim(Path(config.store.database))
        if control_file:
            stack.callback(control_file.close)
        reloader = Reloader(config, answering, _teller(control_file, answering, listeners))
        selector = stack.enter_context(selectors.DefaultSelector())
        udp = _udp(threads, listeners, answering, selector)
        _log.info(
            "serving build %d, %d ranges, %d zones on %s; UDP by %s",
            content.snapshot.serial,
            len(content.snapshot),
            len(content.zones.by_origin),
            ", ".join(map(str, listeners)),
            udp,
        )
        del content  # or this frame would keep the first build in memory for ever
        stack.callback(_log_counters, answering.counters)
        stack.callback(reloader.stop, STOP_GRACE_S)
        reloader.start()
        signals.running = True
        stack.callback(udp.finish, STOP_GRACE_S)
        udp.start()
        notify(READY)
        if ready:
            ready([(listener.host, listener.port) for listener in listeners])
        tcp = TcpService(selector, answering, limits)
        for listener in listeners:
            tcp.listen(listener)
        _loop(selector, tcp, reloader, signals, answering.counters)
        notify(STOPPING)
        for listener in listeners:
            tcp.stop_listening(listener)
        udp.finish(STOP_GRACE_S)
        tcp.finish(STOP_GRACE_S)


def configure_log() -> None:
    """One line an event on standard error, unless whoever called us has arranged for something else."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def rehearse(config: Config) -> None:
    """Find out whether `serve` could start, but for the build, and leave no trace. Raises as `serve` does."""
    load_zones(config)
    load_secrets(config)
    for listener in open_listeners(config.serve.listen):
        listener.close()


def _loop(
    selector: selectors.BaseSelector, tcp: TcpService, reloader: Reloader, signals: _Signals, counters: Counters
) -> None:
    selector.register(signals.woken, selectors.EVENT_READ, signals.clear)
    watchdog = _Watchdog(watchdog_s())
    while not signals.stop:
        for key, events in selector.select(watchdog.wait_s(tcp.wait_s())):
            key.data(events)
        tcp.turn()
        watchdog.turn()
        if signals.reload:
            signals.reload = False
            notify(*reloading())
            reloader.ask()
        if signals.report:
            signals.report = False
            _log_counters(counters)


class _Watchdog:
    """A sign of life to the service manager every so often, if it wants one: this loop turns, so it lives."""

    def __init__(self, every_s: float | None) -> None:
        self._every_s = every_s
        self._due = time.monotonic()

    def wait_s(self, other_s: float | None) -> float | None:
        """How long the loop may sleep, if nothing else wakes it after `other_s`."""
        if self._every_s is None:
            return other_s
        mine_s = max(self._due - time.monotonic(), 0.0)
        return mine_s if other_s is None else min(mine_s, other_s)

    def turn(self) -> None:
        """Give the sign if it is time."""
        if self._every_s is not None and time.monotonic() >= self._due:
            notify(WATCHDOG)
            self._due = time.monotonic() + self._every_s


def _native_threads(serve: Serve) -> int:
    """How many native threads answer UDP on each listener; 0 where it is left to Python."""
    if not native.available():
        if not os.environ.get(native.SWITCH):
            _log.warning(
                "UDP is left to Python, some 60 times slower, because the native form was not compiled: that needs gcc "
                "and Python's headers when mipdns is installed; %s=1 says that it is meant so",
                native.SWITCH,
            )
        return 0
    try:
        import mipdns.native._native  # noqa: F401, PLC0415 whether it can be loaded shows only here
    except ImportError as fault:
        _log.warning("UDP is left to Python, because the native form cannot be loaded: %s", fault)
        return 0
    return serve.threads or len(os.sched_getaffinity(0))


def _udp(
    threads: int, listeners: list[Listener], answering: Answering, selector: selectors.BaseSelector
) -> NativeUdp | PythonUdp:
    if not threads:
        return PythonUdp(listeners, answering, selector)
    from mipdns.server.native import NativeUdp  # noqa: PLC0415 it cannot be imported where nothing was compiled

    return NativeUdp(listeners, answering)


class _Signals:
    """What was asked of us. The handlers set flags; `woken` becomes readable, so that the loop looks at them."""

    def __init__(self, woken: socket.socket) -> None:
        self.woken = woken
        self.running = self.stop = self.reload = self.report = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Called by Python between two instructions of the main thread."""
        del frame
        match number:
            case signal.SIGHUP:
                self.reload = True
            case signal.SIGUSR1:
                self.report = True
            case _:
                self.stop = True
                if not self.running:
                    sys.exit(0)  # still reading: nobody has asked anything yet

    def clear(self, events: int) -> None:
        """Forget that we were woken."""
        del events
        self.woken.recv(4096)


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Our handlers for as long as we serve; whoever called us gets theirs back."""
    woken, waker = socket.socketpair()
    with woken, waker:
        woken.setblocking(False)
        waker.setblocking(False)
        signals = _Signals(woken)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
        previous = {number: signal.signal(number, signals.handle) for number in numbers}
        previous_fd = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        interval = sys.getswitchinterval()
        # While a new build is read, the answering thread waits at most this long for its turn.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        try:
            yield signals
        finally:
            sys.setswitchinterval(interval)
            signal.set_wakeup_fd(previous_fd)
            for number, handler in previous.items():
                signal.signal(number, handler)


def _teller(
    control_file: control.ControlFile | None, answering: Answering, listeners: list[Listener]
) -> Callable[[Reloader], None]:
    """What the reloader calls to keep true what the control file and the service manager tell of us."""
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    shown = ""
    reload_ended = 0.0

    def tell(reloader: Reloader) -> None:
        nonlocal shown, reload_ended
        snapshot = answering.content.snapshot
        line = status(
            f"build {snapshot.serial}, {len(snapshot)} ranges" + (f"; {reloader.fault}" * bool(reloader.fault))
        )
        if line != shown or reloader.reload_began != reload_ended:
            # READY ends what RELOADING began; where nothing did, it says nothing new.
            notify(*([READY] if reloader.reload_began != reload_ended else []), line)
            shown, reload_ended = line, reloader.reload_began
        if control_file is None:
            return
        control_file.write(
            control.Running(
                pid=os.getpid(),
                pid_namespace=control.pid_namespace(),
                started=started,
                listen=tuple(map(str, listeners)),
                serial=snapshot.serial,
                ranges=len(snapshot),
                reload_began=reloader.reload_began,
                fault=reloader.fault,
                counters=answering.counters.as_document(),
            )
        )

    return tell


def _affordable(connections: int, others: int) -> int:
    """How many TCP connections the limit of open files leaves room for, once it is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= connections + others:
        return connections
    allowed = connections + others if hard == resource.RLIM_INFINITY else min(connections + others, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < connections + others:
        connections = max(allowed - others, 1)
        _log.warning(
            "only %d open files are allowed, so at most %d TCP connections; raise LimitNOFILE", hard, connections
        )
    return connections


def _log_counters(counters: Counters) -> None:
    _log.info("counters: %s", " ".join(f"{name}={count}" for name, count in counters.as_document().items()))
