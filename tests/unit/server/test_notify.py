"""What a service manager hears: a real datagram socket stands in for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mipdns.server.notify import READY, notify, patience, reloading, status, watchdog_s


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_lines_arrive_as_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@mipdns-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify(READY, status("build 7,\n  3 ranges"))
        assert manager.recv(4096) == b"READY=1\nSTATUS=build 7, 3 ranges"


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative", "/nowhere/at/all", "@" + "x" * 200])
def test_nobody_who_listens_is_no_fault(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify(READY)


def test_without_the_variable_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)


def test_a_manager_that_does_not_read_does_not_stop_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        manager.setblocking(False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with pytest.raises(BlockingIOError):
                for _ in range(100_000):
                    filler.sendto(b"x", str(tmp_path / "notify"))
        notify(READY)


@pytest.mark.parametrize(
    ("limit_us", "pid", "expected"),
    [
        ("20000000", "", 10.0),
        ("20000000", "own", 10.0),
        ("20000000", "1", None),
        ("", "", None),
        ("0", "", None),
        ("soon", "own", None),
    ],
)
def test_the_watchdog_is_ours_if_it_names_us(
    monkeypatch: pytest.MonkeyPatch, limit_us: str, pid: str, expected: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", limit_us)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert watchdog_s() == expected


def test_reloading_tells_since_when_in_microseconds_of_the_monotonic_clock() -> None:
    first, second = reloading()
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert int(second.partition("=")[2]) > 0
    assert patience(1.5) == "EXTEND_TIMEOUT_USEC=1500000"
