"""Is what came a list at all? In: a file, the format it should have. Out: its unpacked size, or a FetchError.

The one rule: cheap signs only, in one pass and bounded memory: packing that is whole and no bomb, not empty, no error
page. Whether every line makes sense is its reader's to say.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from mipdns.errors import FetchError

_PIECE_BYTES = 256 << 10
_ZSTD_PIECE_BYTES = 1 << 10
_WINDOW_MAX_BYTES = 128 << 20  # of a zstd frame, as zstd(1) allows by itself
_JSON = {"api", "misp"}
_ANY = {"results", "parquet", "logpush", "zeek-http", "zeek-conn", "csv"}


def check(path: Path, form: str, *, unpacked_max: int) -> int:
    """The unpacked size of a file that may be of a format, in bytes. Raises FetchError.

    Refused: an empty file, damaged or truncated gzip and zstd, one that unpacks to more than unpacked_max, an HTML or
    XML page, and JSON where lines are expected or the other way round.
    """
    size, head = 0, b""
    for piece in _plain(path):
        size += len(piece)
        if size > unpacked_max:
            raise FetchError(f"it unpacks to more bytes than unpacked_max allows ({unpacked_max})")
        if len(head) < 1024:
            head = (head + piece[:1024]).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise FetchError("it is empty")
    shown = head[:40].decode("utf-8", "replace")
    if head.startswith(b"<"):
        raise FetchError(f"it is an HTML or XML page, not a list: {shown!r}")
    if form in _JSON and head[:1] not in (b"{", b"["):
        raise FetchError(f"it is not JSON, as format {form!r} is: {shown!r}")
    if form not in _JSON | _ANY and head[:1] in (b"{", b"["):
        raise FetchError(f"it is JSON, not lines of format {form!r}: {shown!r}")
    return size


def packing(path: Path) -> str:
    """How a file is packed, by its first bytes: "gzip", "zstd" or ""."""
    with path.open("rb") as file:
        head = file.read(4)
    return "gzip" if head[:2] == b"\x1f\x8b" else "zstd" if head == b"\x28\xb5\x2f\xfd" else ""


def repack(path: Path, suffix: str) -> None:
    """Pack a file as its name's suffix says (.gz, .zst, else plain), if it is not already. Sound files only.

    Some servers take the packing off on the way and some put it on; a copy's name must not lie about it.
    """
    wanted = {".gz": "gzip", ".zst": "zstd"}.get(suffix.lower(), "")
    if packing(path) == wanted:
        return
    other = path.with_name(f"{path.name}.packed")
    try:
        with other.open("wb") as file:
            if wanted == "gzip":
                with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                    packed.writelines(_plain(path))
            elif wanted == "zstd":
                with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as packed:
                    for piece in _plain(path):
                        packed.write(piece)
            else:
                file.writelines(_plain(path))
        shutil.move(other, path)
    finally:
        other.unlink(missing_ok=True)


def _plain(path: Path) -> Iterator[bytes]:
    """A file's unpacked bytes, in pieces of bounded size. Raises FetchError for damage."""
    packed = packing(path)
    try:
        with path.open("rb") as stored:
            if packed == "gzip":
                with gzip.GzipFile(fileobj=stored) as file:
                    yield from _read(file)
            elif packed == "zstd":
                yield from _whole_zstd(stored, zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX_BYTES))
            else:
                yield from _read(stored)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as fault:
        raise FetchError(f"it is damaged or truncated {packed}: {fault}", passing=True) from None


def _read(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _whole_zstd(stored: BinaryIO, begin: zstandard.ZstdDecompressor) -> Iterator[bytes]:
    """All frames, fed in small pieces: a block of 4 bytes may unpack to 128 KiB (RFC 8878 §3.1.1.2), not to more."""
    unpacker = None
    while rest := stored.read(_ZSTD_PIECE_BYTES):
        while rest:
            unpacker = unpacker or begin.decompressobj()
            yield unpacker.decompress(rest)
            rest = b""
            if unpacker.eof:
                rest, unpacker = unpacker.unused_data, None
    if unpacker is not None:
        raise EOFError("the last frame has no end")
