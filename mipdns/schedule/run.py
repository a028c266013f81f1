"""The loader and the server kept going together. In: a `Config` and its file. Out: answers, and loads on time.

The one rule: the server is this process and never waits for a load; a load is a child, and whatever becomes of it, the
last good build is served. The server takes a new build up by itself, as it does after `mipdns load` by hand.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from mipdns.config import Config, duration_s, time_of_day_s
from mipdns.errors import MipdnsError, ServeError, StoreError, StoreMissing
from mipdns.schedule.attempt import last_attempt
from mipdns.schedule.child import Child
from mipdns.schedule.timetable import believable, next_due
from mipdns.server.content import newest_build
from mipdns.server.notify import notify, patience, status
from mipdns.server.service import configure_log, rehearse, serve
from mipdns.store.reading import latest_build

_log = logging.getLogger("mipdns.schedule")

STOP_GRACE_S = 5.0
"""What a load may take to end after SIGTERM; then it is killed, which loses nothing but its work."""

LOOK_S = 30.0
"""How long to sleep at most: a machine that was suspended, or whose clock was set, is noticed after so long."""

_BUSY_LOOK_S = 2.0
_PATIENCE_S = 15.0

Ready = Callable[[Sequence[tuple[str, int]]], None]


def run(config: Config, config_path: Path, *, ready: Ready | None = None) -> None:
    """Serve until SIGTERM or SIGINT, and load as `[run]` says. Must run in the main thread.

    Where there is no build yet, the first load comes before the server; ServeError if it fails. `ready` and what is
    raised beside that are as in `server.serve`. However this ends, no load is left running.
    """
    configure_log()
    rehearse(config)
    loads = Loads(config, config_path)
    loads.served = _has_build(config)

    def begin(listeners: Sequence[tuple[str, int]]) -> None:
        loads.start()
        if ready:
            ready(listeners)

    try:
        with _exit_on_signal():
            if not loads.served:
                loads.start()
                _wait_for_first(loads)
        serve(config, ready=begin)
    finally:
        loads.stop()


def _has_build(config: Config) -> bool:
    """Whether there is anything to serve. What is there and broken is for the server to complain about."""
    try:
        newest_build(config)
    except StoreMissing:
        return False
    except MipdnsError:
        return True
    return True


def _wait_for_first(loads: Loads) -> None:
    notify(status("first load"))
    while not loads.first_ended.wait(_PATIENCE_S):
        notify(patience(2 * _PATIENCE_S), status("first load"))
    if loads.failed:
        raise ServeError(f"there is no build to serve and the first load came to none, so `run` ends: {loads.failed}")


@contextmanager
def _exit_on_signal() -> Iterator[None]:
    """Until the server has its own handlers: SIGTERM and SIGINT end us, SIGHUP does nothing."""

    def leave(number: int, frame: FrameType | None) -> None:
        del number, frame
        sys.exit(0)

    previous = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Loads:
    """A thread that starts a load whenever one is due. failed: why the last one came to nothing, "" if it did not.

    served: whether there is a build that stays if a load comes to nothing.
    """

    def __init__(self, config: Config, config_path: Path) -> None:
        self.failed = ""
        self.served = True
        self.first_ended = threading.Event()
        self._database = Path(config.store.database)
        self._every_s = duration_s(config.run.every)
        self._at_s = time_of_day_s(config.run.at) if config.run.at else None
        self._command = [sys.executable, "-m", "mipdns", "--config", str(config_path), "load", "--fetch"]
        self._last: float | None = None
        self._own_serial = 0
        self._waits_for = 0
        self._child = Child()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loads", daemon=True)

    def start(self) -> None:
        """Load when it is time, from now on. Once more does nothing."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """End the load that runs, if one does, by force if it must be, and start none."""
        self._stopping.set()
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._child.end(number)
            if self._thread.ident is not None:
                self._thread.join(STOP_GRACE_S)
            if not self._thread.is_alive():
                return

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait_s = self._turn()
            except Exception:  # noqa: BLE001 it must not leave a server that never loads again
                _log.exception("internal error while loading on time, please report it")
                wait_s = LOOK_S
            self._stopping.wait(wait_s)

    def _turn(self) -> float:
        """Load, if it is time. Returns how long to wait until the next look."""
        now = time.time()
        self._last = believable(self._last, now)
        others = believable(self._others_began(), now)
        last = max((moment for moment in (self._last, others) if moment is not None), default=None)
        due = next_due(last, self._every_s, self._at_s)
        if now < due:
            return min(due - now, LOOK_S)
        told = last_attempt(self._database)
        if told and told[1] == "running":
            if self._waits_for != told[0].pid:
                self._waits_for = told[0].pid
                _log.info("a load is due, but one runs already (process %d, since %s)", told[0].pid, told[0].began)
            return _BUSY_LOOK_S
        self._last = now
        self._load()
        return 0.0

    def _others_began(self) -> float | None:
        """When the load of the newest build began, if it was not ours: one of an earlier run, or by hand."""
        try:
            build = latest_build(self._database)
        except StoreError:
            return None
        return None if build.serial == self._own_serial else datetime.fromisoformat(build.started).timestamp()

    def _load(self) -> None:
        _log.info("load: begins")
        began = time.monotonic()
        try:
            code = self._child.run(self._command)
            self.failed = _why(code, self._database)
        except OSError as fault:
            code, self.failed = 1, f"it could not be started: {fault.strerror}"
        if code is None:
            return
        told = last_attempt(self._database)
        self._own_serial = told[0].serial if told else 0
        took_s = time.monotonic() - began
        due = datetime.fromtimestamp(next_due(self._last, self._every_s, self._at_s), UTC).isoformat(timespec="seconds")
        if self.failed and not self.served:
            _log.error("load: failed after %.1f s: %s", took_s, self.failed)
        elif self.failed:
            _log.error("load: failed after %.1f s, what was served stays; next at %s: %s", took_s, due, self.failed)
        else:
            self.served = True
            _log.info("load: done in %.1f s; next at %s", took_s, due)
        self.first_ended.set()


def _why(code: int | None, database: Path) -> str:
    """Why a load came to nothing, "" if it did not; its record knows best."""
    if not code:
        return ""
    if code < 0:
        return f"it was ended by signal {signal.Signals(-code).name}"
    told = last_attempt(database)
    if told and told[1] == "failed":
        return told[0].fault
    return f"exit code {code}, see the lines above"
