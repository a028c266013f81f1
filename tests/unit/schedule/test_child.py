"""A command beside us: its words in our log, its end by our hand."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time

import pytest

from mipdns.schedule.child import Child


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(1)", 1),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_its_exit_code(code, expected):
    assert Child().run(python(code)) == expected


def test_its_errors_are_lines_of_the_log_and_its_output_is_not(caplog):
    code = "import sys; print('a lot'); print('one\\n\\ntwo', file=sys.stderr); sys.stderr.buffer.write(b'\\xff')"
    with caplog.at_level(logging.INFO, "mipdns.schedule"):
        assert Child().run(python(code)) == 0
    assert [record.message for record in caplog.records] == [
        "load: one",
        "load: two",
        "load: \N{REPLACEMENT CHARACTER}",
    ]


def test_it_hears_nothing_of_our_service_manager(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    assert Child().run(python("import os; raise SystemExit('NOTIFY_SOCKET' in os.environ)")) == 0


def test_what_cannot_be_started_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        Child().run([str(tmp_path / "absent")])


def ended(child: Child, command: list[str], *numbers: signal.Signals) -> list[int | None]:
    codes: list[int | None] = []
    thread = threading.Thread(target=lambda: codes.append(child.run(command)))
    thread.start()
    time.sleep(0.5)
    for number in numbers:
        child.end(number)
        thread.join(1)
    thread.join(10)
    assert not thread.is_alive()
    return codes


def test_ended_it_takes_along_what_it_started():
    began = time.monotonic()
    assert ended(Child(), ["sh", "-c", "sleep 60 & wait"], signal.SIGTERM) == [None]
    assert time.monotonic() - began < 30


def test_what_will_not_hear_is_killed():
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    assert ended(Child(), python(code), signal.SIGTERM, signal.SIGKILL) == [None]


def test_after_the_end_nothing_starts(tmp_path):
    child = Child()
    child.end()
    assert child.run(python(f"open({str(tmp_path / 'trace')!r}, 'w')")) is None
    assert not (tmp_path / "trace").exists()
