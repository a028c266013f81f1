"""Progress as one line that rewrites itself, on a terminal; nothing where output goes into a pipe or a file.

The time left is what the rest of the stage takes at the pace of what is done of it, once there is a pace to speak of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from mipdns.progress import Progress, silent

_CLEAR_LINE = "\r\x1b[K"


PACE_S = 3.0
"""So long a stage must have run before its pace says anything."""


def time_left(elapsed_s: float, done: float) -> str:
    """What a stage still takes, as a clause; "" where that cannot be told."""
    if elapsed_s < PACE_S or not 0.0 < done < 1.0:
        return ""
    left_s = elapsed_s * (1.0 - done) / done
    for unit, size_s in (("h", 3600.0), ("min", 60.0)):
        if left_s >= 2 * size_s:
            return f", {left_s / size_s:.0f} {unit} left"
    return f", {left_s:.0f} s left"


@contextmanager
def stage_line(out: TextIO, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """A `Progress` that shows on `out` the stage at hand, its share and the time left, and leaves a clean line."""
    if not out.isatty():
        yield silent
        return
    shown = at = ""
    begun_s = begun_at = 0.0

    def show(stage: str, done: float) -> None:
        nonlocal shown, at, begun_s, begun_at
        if stage != at or done < begun_at:
            at, begun_s, begun_at = stage, clock(), done
        pace = (done - begun_at) / (1.0 - begun_at) if begun_at < 1.0 else 1.0
        line = f"{stage} {done:4.0%}{time_left(clock() - begun_s, pace)}"
        if line != shown:
            out.write(f"{_CLEAR_LINE}{line}")
            out.flush()
            shown = line

    try:
        yield show
    finally:
        out.write(_CLEAR_LINE)
        out.flush()
