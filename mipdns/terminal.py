"""Progress as one line that rewrites itself, on a terminal; nothing where output goes into a pipe or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mipdns.progress import Progress, silent

_CLEAR_LINE = "\r\x1b[K"


@contextmanager
def stage_line(out: TextIO) -> Iterator[Progress]:
    """A `Progress` that shows the stage at hand and its share on `out`, and leaves a clean line behind."""
    if not out.isatty():
        yield silent
        return
    shown = ""

    def show(stage: str, done: float) -> None:
        nonlocal shown
        line = f"{stage} {done:4.0%}"
        if line != shown:
            out.write(f"{_CLEAR_LINE}{line}")
            out.flush()
            shown = line

    try:
        yield show
    finally:
        out.write(_CLEAR_LINE)
        out.flush()
