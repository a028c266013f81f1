"""Taking up what is new while the old is served. In: the configuration and what is served. Out: a new `Content` in its
place, or one log line that says why not.

The one rule: whatever is wrong with the new, the last good stays. A thread of its own looks for a new build every
second and reads it in small slices, resting as long as it works, so that answers hardly wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from mipdns.config import Config
from mipdns.errors import MipdnsError
from mipdns.server.answering import Answering
from mipdns.server.content import BuildMark, Content, load_build, load_secrets, load_zones, newest_build

_log = logging.getLogger("mipdns.server")

POLL_S = 1.0
RETRY_S = 10.0
_REST_MAX_S = 0.05


class _Stopped(Exception):
    """The server ends; what is being read will not be served."""


class Reloader:
    """Owns every change of `answering.content`. `told` is called after every look, in its thread."""

    def __init__(self, config: Config, answering: Answering, told: Callable[[Reloader], None]) -> None:
        self.reload_began = 0.0
        self.fault = ""
        self._config = config
        self._answering = answering
        self._told = told
        self._wake = threading.Event()
        self._stopping = False
        self._refused: BuildMark | None = None
        self._retry_at = 0.0
        self._slice_began = 0.0
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    def start(self) -> None:
        """Tell how things stand, and begin to look for new builds."""
        self._told(self)
        self._thread.start()

    def ask(self) -> None:
        """Read database, zones and cookie secrets again, now (SIGHUP). Returns at once."""
        self._wake.set()

    def stop(self, wait_s: float) -> None:
        """Give up whatever is being read."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stopping:
            asked = self._wake.wait(POLL_S)
            self._wake.clear()
            try:
                if asked and not self._stopping:
                    self._reload()
                elif not asked:
                    self._follow()
                self._told(self)
            except _Stopped:
                return
            except Exception:  # noqa: BLE001 a bug here must not leave a server that never learns anything again
                _log.exception("internal error while reloading, please report it")

    def _follow(self) -> None:
        """Take up a new build, if there is one."""
        try:
            newest = newest_build(self._config)
        except MipdnsError as fault:
            self._keep([fault])
            return
        if newest == self._answering.content.build:
            self.fault = ""
        elif newest != self._refused or time.monotonic() >= self._retry_at:
            faults = self._take(build=True)
            self._refused = newest if faults else None
            self._retry_at = time.monotonic() + RETRY_S
            self._settle(faults)

    def _reload(self) -> None:
        """Take up everything, whether it looks new or not. What is wrong stays as it was, the rest changes."""
        began = time.monotonic()
        faults = self._take(build=True, zones=True, secrets=True)
        self.fault = ""
        self._settle(faults)
        self.reload_began = began

    def _take(self, *, build: bool = False, zones: bool = False, secrets: bool = False) -> list[MipdnsError]:
        """Read and swap, in one step, what can be read. Returns what could not."""
        old = new = self._answering.content
        faults = []
        began = self._slice_began = time.monotonic()
        if zones:
            try:
                new = new._replace(zones=load_zones(self._config))
            except MipdnsError as fault:
                faults.append(fault)
        if secrets:
            try:
                # Secrets that were made up at start are kept: new ones would turn every client's cookie down.
                new = new._replace(secrets=load_secrets(self._config) or new.secrets)
            except MipdnsError as fault:
                faults.append(fault)
        if build:
            try:
                snapshot, mark = load_build(self._config, self._rest)
                new = new._replace(snapshot=snapshot, build=mark)
            except MipdnsError as fault:
                faults.append(fault)
        self._answering.content = new
        if new != old:
            _log_swap(old, new, time.monotonic() - began)
        return faults

    def _settle(self, faults: list[MipdnsError]) -> None:
        if faults:
            self._answering.counters.reload_failures += 1
            self._keep(faults)
        else:
            self._answering.counters.reloads += 1
            self.fault = ""

    def _keep(self, faults: list[MipdnsError]) -> None:
        """Say once what is wrong, however often it is seen."""
        text = "; ".join(map(str, faults))
        if text != self.fault:
            self.fault = text
            _log.error("keeping build %d: %s", self._answering.content.snapshot.serial, text)

    def _rest(self) -> None:
        """Between two slices of reading: sleep as long as the slice took, so that half of the time is for answers."""
        if self._stopping:
            raise _Stopped
        time.sleep(min(time.monotonic() - self._slice_began, _REST_MAX_S))
        self._slice_began = time.monotonic()


def _log_swap(old: Content, new: Content, took_s: float) -> None:
    back = " (the serial went back: resolvers and secondaries may hold newer data)"
    _log.info(
        "serving build %d, %d ranges, %d zones%s; read in %.2f s",
        new.snapshot.serial,
        len(new.snapshot),
        len(new.zones.by_origin),
        back if new.snapshot.serial < old.snapshot.serial else "",
        took_s,
    )
