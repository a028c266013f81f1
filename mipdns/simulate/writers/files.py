"""Files whose bytes depend on their rows alone: plain, `.gz` and `.zst`, without a time or a name inside."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import zstandard

_JOINED_LINES = 10_000


class Written(NamedTuple):
    """A file that was written, and its lines or records, headers left out."""

    path: Path
    rows: int


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, compressed as its suffix says; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=6, mtime=0)
    elif path.suffix == ".zst":
        content = zstandard.ZstdCompressor(level=3).compress(content)
    path.write_bytes(content)


def write_lines(path: Path, lines: Sequence[str], *, header: str = "", footer: str = "") -> Written:
    """Write lines of text, without their line ends here, between a header and a footer that bring their own."""
    text = io.StringIO()
    text.write(header)
    for at in range(0, len(lines), _JOINED_LINES):
        text.write("\n".join(lines[at : at + _JOINED_LINES]))
        text.write("\n")
    text.write(footer)
    write_bytes(path, text.getvalue().encode())
    return Written(path, len(lines))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Written:
    """Write RFC 4180 rows, quoted where needed, with `\\n` line ends; no header line if `header` is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    write_bytes(path, text.getvalue().encode())
    return Written(path, count)
