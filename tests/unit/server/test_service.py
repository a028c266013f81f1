"""What signals do at each stage, and how many connections the system leaves room for."""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import sys

import pytest

from mipdns import native
from mipdns.config import Serve
from mipdns.server import service
from tests.forms import need_native


def test_signals_set_what_the_loop_looks_at_and_hand_back_what_was_there() -> None:
    watched = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in watched], sys.getswitchinterval()
    with service._signals() as signals:
        signals.running = True
        for number in watched:
            signal.raise_signal(number)
        assert signals.woken.recv(16) == bytes(watched)
        assert (signals.stop, signals.reload, signals.report) == (True, True, True)
    assert ([signal.getsignal(number) for number in watched], sys.getswitchinterval()) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_still_reads_it_exits_with_0(number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as ended, service._signals():
        signal.raise_signal(number)
    assert ended.value.code == 0


def test_a_reload_while_it_still_reads_is_none() -> None:
    with service._signals() as signals:
        signal.raise_signal(signal.SIGHUP)
        assert not signals.stop


@pytest.mark.parametrize(
    ("soft", "hard", "affordable", "raised"),
    [(4096, 4096, 1000, None), (256, 4096, 1000, 1030), (256, 256, 226, 256), (20, 20, 1, 20), (-1, -1, 1000, None)],
)
def test_the_limit_of_open_files_is_raised_or_the_connections_are_fewer(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, affordable: int, raised: int | None
) -> None:
    changed: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changed.append(limits))
    assert service._affordable(1000, 30) == affordable
    assert changed == ([(raised, hard)] if raised else [])


@pytest.mark.parametrize(("threads", "used"), [(0, len(os.sched_getaffinity(0))), (3, 3)])
def test_native_threads_are_as_many_as_asked_for_or_one_a_core(threads: int, used: int) -> None:
    need_native()
    assert service._native_threads(Serve(threads=threads)) == used


def test_udp_is_left_to_python_where_the_native_form_is_not_wanted_or_broken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(native, "available", lambda: True)
    monkeypatch.setitem(sys.modules, "mipdns.native._native", None)  # importing it raises ImportError
    assert service._native_threads(Serve()) == 0
    assert "cannot be loaded" in caplog.text
    monkeypatch.setattr(native, "available", lambda: False)
    assert service._native_threads(Serve()) == 0


@pytest.mark.parametrize(("switch", "warned"), [("", True), ("1", False)])
def test_that_nothing_was_compiled_is_said_unless_it_is_meant(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, switch: str, warned: bool
) -> None:
    monkeypatch.setenv(native.SWITCH, switch)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert service._native_threads(Serve()) == 0
    assert ("was not compiled" in caplog.text) == warned
