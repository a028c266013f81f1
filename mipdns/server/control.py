"""How another process finds this server: a file beside the database, locked for as long as the server lives.

In: the database's path. Out: who serves it and how that goes, or a signal to it. The one rule: the lock says whether a
server runs, never the file or its process id alone; both outlive a machine that lost power.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from mipdns.config import Config
from mipdns.errors import ServeError

_log = logging.getLogger("mipdns.server")

_CLAIM_TRIES = 10
_CLAIM_PAUSE_S = 0.02
_POLL_S = 0.02
_READ_BYTES = 1 << 16


class Running(msgspec.Struct, frozen=True):
    """A running server as its control file tells it, at most about a second old.

    pid_namespace: a process id means something only in there. started: ISO time. listen: `ADDRESS:PORT` texts with the
    ports in use. serial, ranges: what is served. reload_began: CLOCK_MONOTONIC when the last reload that was asked for
    began, 0 before the first; fault: why it, or the last new build, was not taken up, "" if it was.
    counters: see `server.counters`.
    """

    pid: int
    pid_namespace: str
    started: str
    listen: tuple[str, ...]
    serial: int
    ranges: int
    reload_began: float
    fault: str
    counters: dict[str, int]


class ControlFile:
    """The server's side: made by `claim`, rewritten as things change, removed at the end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._written = b""

    def write(self, running: Running) -> None:
        """Tell how it goes. A reader that comes halfway through reads again."""
        document = msgspec.json.encode(running)
        if document == self._written:
            return
        try:
            os.pwrite(self._descriptor, document, 0)
            os.ftruncate(self._descriptor, len(document))
            self._written = document
        except OSError as fault:
            # A full disk must not end the service; what the file says is merely old.
            if self._written:
                _log.warning("%s: cannot be written: %s", self._path, fault.strerror)
                self._written = b""

    def close(self) -> None:
        """Remove the file, then let go of the lock: nobody can lock a file that is about to go."""
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1


def control_path(database: Path) -> Path:
    """The control file of whoever serves this database."""
    return database.with_name(database.name + ".server")


def claim(database: Path) -> ControlFile | None:
    """Become the server that `mipdns reload` reaches. None, and a warning, if that cannot be: serving goes on."""
    path = control_path(database)
    for _ in range(_CLAIM_TRIES):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as fault:
            _log.warning("%s: %s; `mipdns reload` will not find this server, SIGHUP does", path, fault.strerror)
            return None
        if _lock(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, path):
            return ControlFile(path, descriptor)
        # Held for a moment by a reader or removed by a server that ends; or held for good.
        os.close(descriptor)
        time.sleep(_CLAIM_PAUSE_S)
    _log.warning("%s: another server serves this database; `mipdns reload` reaches that one, SIGHUP this one", path)
    return None


def running_server(database: Path) -> Running | None:
    """The server that serves this database now, None if none does."""
    try:
        descriptor = os.open(control_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with closing(os.fdopen(descriptor, "rb")):
        for _ in range(_CLAIM_TRIES):
            if _lock(descriptor, fcntl.LOCK_SH):
                return None
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(os.pread(descriptor, _READ_BYTES, 0), type=Running)
            time.sleep(_CLAIM_PAUSE_S)
    return None


def reload(config: Config, *, wait_s: float = 60.0) -> int:
    """Tell the running server to read everything again, and wait until it has. Returns its process id.

    Raises ServeError if none runs, if it may not be signalled, or if it kept what it had because something is wrong.
    A server that needs longer than `wait_s` for a large build goes on by itself.
    """
    database = Path(config.store.database)
    none = ServeError(f"no server runs on {database}; start one with `mipdns serve`")
    found = running_server(database)
    if found is None:
        raise none
    if found.pid_namespace != pid_namespace():
        raise ServeError(f"the server on {database} runs in another container; send SIGHUP to it there")
    asked = time.monotonic()
    try:
        process = os.pidfd_open(found.pid)
        try:
            # The id may have passed to another process before it was pinned down, but then the lock was free.
            now = running_server(database)
            if now is None or now.pid != found.pid:
                raise none
            signal.pidfd_send_signal(process, signal.SIGHUP)
        finally:
            os.close(process)
    except ProcessLookupError:
        raise none from None
    except PermissionError:
        raise ServeError(f"the server on {database} (process {found.pid}) belongs to another user; use sudo") from None
    _wait_for_reload(database, asked, wait_s)
    return found.pid


def _wait_for_reload(database: Path, asked: float, wait_s: float) -> None:
    while time.monotonic() < asked + wait_s:
        now = running_server(database)
        if now is None:
            raise ServeError(f"the server on {database} ended instead of reloading; its log says why")
        if now.reload_began >= asked:
            if now.fault:
                raise ServeError(f"the server keeps what it had: {now.fault}")
            return
        time.sleep(_POLL_S)


def pid_namespace() -> str:
    """Which numbering of processes we live in, "" where the system does not tell."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that the path names: a server that ended may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
