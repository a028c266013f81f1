"""A load in a process of its own. In: a command. Out: its exit code, and its words in our log as they come.

The one rule: whatever a load does to its process (memory, a crash, a hang) the server next to it never feels. It runs
at low priority, and where memory runs out the kernel takes it first.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger("mipdns.schedule")

NICENESS = 10
"""The I/O priority follows from it (ioprio_set(2)): 6 of 0 to 7, where 7 is the least."""

_OOM_SCORE = "500"
"""proc_pid_oom_score_adj(5), from -1000 to 1000."""

_NOT_FOR_CHILDREN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Child:
    """Runs one command at a time; `end` may be called from another thread, and nothing starts after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def run(self, command: Sequence[str]) -> int | None:
        """Run it to its end and return its exit code, minus the signal's number if one ended it; None after `end`.

        Raises OSError if it cannot be started.
        """
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
        with self._lock:
            if self._ended:
                return None
            # A session of its own: Ctrl-C in a terminal is for us, and its own children end with it.
            process = subprocess.Popen(  # noqa: S603 the command is ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment,
                start_new_session=True,
            )
            self._process = process
        _lower(process.pid)
        with process:
            assert process.stderr is not None  # noqa: S101 a pipe was asked for
            for line in process.stderr:
                if line.strip():
                    _log.info("load: %s", line.rstrip())
            code = process.wait()
            with self._lock:
                self._process = None
        return None if self._ended else code

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal the command that runs, with all that it started, and let none start from now on."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                    os.killpg(self._process.pid, signal.SIGCONT)  # one that was stopped hears nothing else


def _lower(pid: int) -> None:
    """Put it behind the server. It may have ended by now, or the system may not let us: neither matters."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(_OOM_SCORE)
