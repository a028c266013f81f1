"""A log file before it is counted. In: a source and a path. Out: a `LogFile`: its content, its parts and their layouts.

The one rule: what DuckDB would overlook is found here. It takes a zstd file that breaks off, and a gzip file with a
wrong checksum, for whole ones; so every packed file is unpacked once to prove that it is whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import duckdb

from mipdns.config import Logs
from mipdns.errors import SourceUnreadable
from mipdns.sources import reading
from mipdns.sources.logs.formats import flows, requests, tables, zeek
from mipdns.sources.logs.formats.layout import Layout
from mipdns.sources.unpacking import unpacked

LINE_BYTES_MAX = 2 << 20
"""DuckDB's own limit; a longer line is a bad line."""

Packing = Literal["", "gzip", "zstd"]

_HEAD_BYTES = 1 << 20
_PIECE_BYTES = 256 << 10


class Content(NamedTuple):
    """What is inside a file, however it is called and packed.

    digest, bytes: SHA-256 and size of what is stored. content, content_bytes: the same of what is unpacked.
    """

    digest: str
    bytes: int
    content: str
    content_bytes: int


class Part(NamedTuple):
    """Lines of one layout, first and last inclusive and counted from 1; `last` is None where the file ends it."""

    layout: Layout
    first: int = 1
    last: int | None = None


class LogFile(NamedTuple):
    """A file that is whole and of the kind its source says. packing: ``, `gzip` or `zstd`. crlf: how its lines end.

    begins: those of the earlier contents asked for that this one begins with. inode: the file's own number.
    """

    path: Path
    inode: int
    content: Content
    begins: frozenset[str]
    packing: Packing
    crlf: bool
    parts: tuple[Part, ...]

    @property
    def bytes(self) -> int:
        """Bytes as stored."""
        return self.content.bytes


def inspect(source: Logs, path: Path, earlier: Mapping[str, int] | None = None) -> LogFile:
    """Look a file over. earlier: contents that it may begin with, digest to size.

    Raises SourceUnreadable: empty, damaged, truncated, or of another kind than its source says.
    """
    inode = path.stat().st_ino
    packing = reading.compression(path)
    crlf = False
    parts: tuple[Part, ...]
    if source.format == "parquet":
        parts = (Part(tables.parquet_table(path, source, _parquet_types(path))),)
    else:
        head = _head(path)
        crlf = b"\r\n" in head and b"\n" not in head.replace(b"\r\n", b"")
        parts = _parts(source, path, head)
    content, begins = look_inside(path, packing, earlier or {})
    return LogFile(path, inode, content, begins, packing, crlf, parts)


def look_inside(path: Path, packing: Packing, earlier: Mapping[str, int]) -> tuple[Content, frozenset[str]]:
    """A file's content, and which of the earlier contents (digest to size) it begins with, in one pass.

    Raises SourceUnreadable for a packed file that is not whole.
    """
    stored, inside = hashlib.sha256(), hashlib.sha256()
    stored_bytes = inside_bytes = 0
    sizes = sorted(set(earlier.values()), reverse=True)
    begins = set()

    def pieces() -> Iterator[bytes]:
        nonlocal stored_bytes
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    stored.update(piece)
                    stored_bytes += len(piece)
                    yield piece
        except OSError as fault:
            raise SourceUnreadable(f"{path}: cannot be read: {fault.strerror or fault}") from None

    for whole_piece in unpacked(path, pieces(), packing) if packing else pieces():
        piece = memoryview(whole_piece)
        while sizes and inside_bytes + len(piece) >= sizes[-1]:
            cut = sizes.pop() - inside_bytes
            inside.update(piece[:cut])
            piece, inside_bytes = piece[cut:], inside_bytes + cut
            begins.add(inside.hexdigest())
        inside.update(piece)
        inside_bytes += len(piece)
    content = Content(stored.hexdigest(), stored_bytes, inside.hexdigest(), inside_bytes)
    return content, frozenset(begins & earlier.keys()) - {content.content}


def _head(path: Path) -> bytes:
    """The first unpacked bytes, in whole lines where the file has any."""
    head = b""
    for piece in reading.chunks(path):
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    if not head.strip():
        raise SourceUnreadable(f"{path}: is empty")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceUnreadable(f"{path}: is UTF-16 text; store it as UTF-8")
    return head


def _is_zeek_tsv(source: Logs, head: bytes) -> bool:
    return source.format.startswith("zeek") and not head.lstrip().startswith(b"{")


def _parts(source: Logs, path: Path, head: bytes) -> tuple[Part, ...]:
    first_line = next(line for line in head.splitlines() if line.strip())
    text = first_line.decode("utf-8", "replace")
    match source.format:
        case "logpush":
            return (Part(requests.logpush()),)
        case "combined":
            return (Part(requests.combined(port=source.port)),)
        case "zeek-http" | "zeek-conn":
            kind: zeek.Kind = "http" if source.format == "zeek-http" else "conn"
            if _is_zeek_tsv(source, head):
                return _zeek_parts(path, kind)
            return (Part(zeek.json(path, kind, first_line)),)
        case "vpcflow":
            return (Part(flows.vpcflow(path, text)),)
        case "nfdump":
            return (Part(flows.nfdump(path, text)),)
        case _:
            return (Part(tables.csv_table(path, source, text)),)


def _zeek_parts(path: Path, kind: zeek.Kind) -> tuple[Part, ...]:
    blocks = list(_zeek_headers(path))
    named = [block for block in blocks if block.fields]
    if not named or blocks[0].line != 1:
        raise SourceUnreadable(f"{path}: is no Zeek log: neither JSON nor with a #fields line at its head")
    layouts = [zeek.tsv(path, kind, block) for block in named]
    if len(set(layouts)) == 1:
        return (Part(layouts[0]),)
    ends: list[int | None] = [block.line - 1 for block in named[1:]]
    return tuple(
        Part(shape, block.line, last) for shape, block, last in zip(layouts, named, [*ends, None], strict=True)
    )


def _zeek_headers(path: Path) -> Iterator[zeek.Header]:
    """Every block of `#` lines of a file. Runs over pieces of a file, not over its lines."""
    number, pending = 1, b""
    begin, block = 0, ""
    for piece in chain(reading.chunks(path), (b"\n",)):
        data = pending + piece
        at = 0
        while (end := data.find(b"\n", at)) >= 0:
            if data[at : at + 1] == b"#":
                begin = begin or number
                block += data[at : end + 1].decode("utf-8", "replace")
                number, at = number + 1, end + 1
                continue
            if block:
                yield zeek.header(begin, block)
                begin, block = 0, ""
            following = data.find(b"\n#", at)
            jump = following + 1 if following >= 0 else data.rfind(b"\n") + 1
            number += data.count(b"\n", at, jump)
            at = jump
        pending = data[at:]
    if block:
        yield zeek.header(begin, block)


def _parquet_types(path: Path) -> list[tuple[str, str]]:
    try:
        with duckdb.connect() as connection:
            rows = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [glob_literal(path)]).fetchall()
    except duckdb.Error as fault:
        raise SourceUnreadable(f"{path}: is not Parquet, or damaged: {str(fault).splitlines()[0]}") from None
    return [(str(row[0]), str(row[1])) for row in rows]


def glob_literal(path: Path) -> str:
    """The path as DuckDB's file functions must be told it, who take `[`, `*` and `?` for patterns."""
    return "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path))
