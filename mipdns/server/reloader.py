"""Taking up what is new while the old is served. In: the configuration and what is served. Out: a new `Content` in its
place, or one log line that says why not.

The one rule: whatever is wrong with the new, the last good stays. A thread of its own looks for a new build every
second; a process of its own compiles it, so that answers hardly wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

from mipdns.config import Config
from mipdns.errors import MipdnsError
from mipdns.index.aside import AsideCompiler
from mipdns.server.answering import Answering
from mipdns.server.content import Content, load_build, load_secrets, load_zones, newest_build

_log = logging.getLogger("mipdns.server")

POLL_S = 1.0
RETRY_S = 10.0

Part = Literal["zones", "secrets", "build"]


class Reloader:
    """Owns every change of what `answering` holds. `told` is called after every look, in its thread."""

    def __init__(self, config: Config, answering: Answering, told: Callable[[Reloader], None]) -> None:
        self.reload_began = 0.0
        self._faults: dict[Part, str] = {}
        self._config = config
        self._answering = answering
        self._told = told
        self._wake = threading.Event()
        self._stopping = False
        self._refused: bytes | None = None
        self._retry_at = 0.0
        self._compiler = AsideCompiler()
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    @property
    def fault(self) -> str:
        """Why the last good is still served where there is something newer; "" if all is well."""
        return "; ".join(self._faults.values())

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
        self._compiler.give_up()
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
            except Exception as bug:  # noqa: BLE001 it must not leave a server that never learns anything again
                self._answering.counters.internal_errors += 1
                if self._faults.get("build") != repr(bug):
                    self._faults["build"] = repr(bug)
                    _log.exception("internal error while reloading, please report it")

    def _follow(self) -> None:
        """Take up a new build, if there is one."""
        try:
            newest = newest_build(self._config)
        except MipdnsError as fault:
            self._keep("build", fault)
            return
        served = self._answering.content
        if newest == served.snapshot.header.build:
            self._faults.pop("build", None)
        elif newest != self._refused or time.monotonic() >= self._retry_at:
            taken = self._swap("build")
            self._refused = None if taken else newest
            self._retry_at = time.monotonic() + RETRY_S

    def _reload(self) -> None:
        """Take up everything, whether it looks new or not. What is wrong stays as it was, the rest changes."""
        began = time.monotonic()
        self._faults.clear()  # what is still wrong is said again to whoever asks again
        self._swap("zones", "secrets", "build")
        self.reload_began = began

    def _swap(self, *parts: Part) -> bool:
        """Read, and replace in one step what could be read. False if something could not."""
        began = time.monotonic()
        old = new = self._answering.content
        complete = True
        for what in parts:
            try:
                new = self._read(what, new)
                self._faults.pop(what, None)
            except MipdnsError as fault:
                complete = False
                self._keep(what, fault)
        if new is not old:
            self._answering.replace(new)
        self._answering.counters.reloads += complete
        if new is not old:
            _log_swap(old, new, time.monotonic() - began)
        return complete

    def _read(self, what: Part, content: Content) -> Content:
        """The content with one part read anew."""
        match what:
            case "zones":
                return content._replace(zones=load_zones(self._config))
            case "secrets":
                # Secrets that were made up at start are kept: new ones would turn every client's cookie down.
                return content._replace(secrets=load_secrets(self._config) or content.secrets)
            case "build":
                return content._replace(snapshot=load_build(self._config, self._compiler.compile))

    def _keep(self, what: Part, fault: MipdnsError) -> None:
        """Say once what is wrong, however often it is seen."""
        if not self._stopping and self._faults.get(what) != str(fault):
            self._faults[what] = str(fault)
            self._answering.counters.reload_failures += 1
            _log.error("keeping the last good %s: %s", what, fault)


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
