"""What signals do at each stage, and how many connections the system leaves room for."""

from __future__ import annotations

import resource
import signal
import sys

import pytest

from mipdns.server import service


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
