"""Unpacking gzip and zstd. In: a file's stored bytes in pieces. Out: the bytes that were packed, in pieces.

The one rule: a stream that ends before its end mark is truncated, and said to be; neither library does so by itself
when it is fed as a file (zstandard ends quietly).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import zstandard

from mipdns.errors import SourceUnreadable


class _Unpacker(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _gzip_member() -> _Unpacker:
    return zlib.decompressobj(wbits=31)


def _zstd_frame() -> _Unpacker:
    return zstandard.ZstdDecompressor().decompressobj()


def unpacked(path: Path, stored: Iterable[bytes], packing: Literal["gzip", "zstd"]) -> Iterator[bytes]:
    """All members (gzip, RFC 1952 §2.2) or frames (zstd, RFC 8878 §3.1) of a file, one after the other.

    Raises SourceUnreadable, naming `path`, for damage and for a missing end.
    """
    begin: Callable[[], _Unpacker] = _gzip_member if packing == "gzip" else _zstd_frame
    unpacker: _Unpacker | None = None
    try:
        for chunk in stored:
            rest = chunk
            while rest:
                if unpacker is None:
                    rest = rest.lstrip(b"\0") if packing == "gzip" else rest  # gzip(1) ignores padding after a member
                    if not rest:
                        break
                    unpacker = begin()
                if data := unpacker.decompress(rest):
                    yield data
                rest = b""
                if unpacker.eof:
                    rest, unpacker = unpacker.unused_data, None
    except (zlib.error, zstandard.ZstdError) as fault:
        raise SourceUnreadable(f"{path}: is damaged {packing}: {fault}; fetch it again") from None
    if unpacker is not None:
        raise SourceUnreadable(f"{path}: is truncated {packing}; fetch it again")
