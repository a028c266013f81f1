"""What a service manager is told: that we answer, what we serve, that we live. In: lines. Out: one datagram.

The sd_notify protocol (https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html): lines `KEY=value` to
the Unix socket that `$NOTIFY_SOCKET` names, an abstract one after `@`. The one rule: where nobody listens, or the
manager is stuck, serving goes on as if it were told.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"

_SEND_S = 0.2
"""How long to wait for a manager that is slow to read."""


def notify(*lines: str) -> None:
    """Tell the manager, if one asked to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(_SEND_S)
        sender.sendto("\n".join(lines).encode(), address)


def status(text: str) -> str:
    """The line that `systemctl status` shows."""
    return "STATUS=" + " ".join(text.split())


def reloading() -> tuple[str, str]:
    """Everything is read again from now on; READY ends that. `Type=notify-reload` wants to know since when."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def patience(seconds: float) -> str:
    """Starting takes so much longer yet."""
    return f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}"


def watchdog_s() -> float | None:
    """How often the manager wants a sign of life from this process, twice in its limit; None if it does not."""
    pid = os.environ.get("WATCHDOG_PID", "")
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    if not limit_us.isdigit() or int(limit_us) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(limit_us) / 2e6
