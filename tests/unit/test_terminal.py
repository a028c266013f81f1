"""The line that tells how far long work is, and how long the rest will take."""

from __future__ import annotations

import io

import pytest

from mipdns.terminal import stage_line, time_left

LEFT = [
    (2.9, 0.5, ""),  # too soon to tell
    (10.0, 0.0, ""),
    (10.0, 1.0, ""),
    (10.0, 0.5, ", 10 s left"),
    (60.0, 0.25, ", 3 min left"),
    (3600.0, 0.1, ", 9 h left"),
]


@pytest.mark.parametrize(("elapsed_s", "done", "told"), LEFT)
def test_the_time_left_is_the_rest_at_the_pace_so_far(elapsed_s: float, done: float, told: str):
    assert time_left(elapsed_s, done) == told


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_stage_has_its_own_pace():
    now_s = 0.0
    out = Terminal()
    with stage_line(out, clock=lambda: now_s) as progress:
        progress("read logs", 0.0)
        now_s = 30.0
        progress("read logs", 0.5)
        progress("count logs", 0.0)
        now_s = 40.0
        progress("count logs", 0.1)
    shown = [line for line in out.getvalue().split("\r\x1b[K") if line]
    assert shown == ["read logs   0%", "read logs  50%, 30 s left", "count logs   0%", "count logs  10%, 90 s left"]


def test_a_pipe_is_told_nothing():
    out = io.StringIO()
    with stage_line(out) as progress:
        progress("read logs", 0.5)
    assert out.getvalue() == ""
