"""The index file as a stream of sections. In: spools of packed numbers and a header. Out: the whole file's bytes.

The one rule: what is written is hashed as it passes, and the header comes last: a file that was cut short has none.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from mmap import ACCESS_READ, mmap
from typing import BinaryIO, Final, Literal

from mipdns.index import layout
from mipdns.index.layout import Header

_CHUNK: Final = 1 << 20
_GALLOP: Final = 2 << layout.BUCKET_BITS


def spooled(spool: BinaryIO) -> Iterator[bytes]:
    """What a spool holds, from its start."""
    spool.seek(0)
    while chunk := spool.read(_CHUNK):
        yield chunk


def narrowed(spool: BinaryIO, width: int) -> Iterator[bytes]:
    """Numbers of 32 bits as numbers of `width` bytes."""
    for chunk in spooled(spool):
        yield chunk if width == 4 else memoryview(chunk).cast("H")[::2].tobytes()


def directory(spool: BinaryIO, rows: int, bits: int) -> Iterator[bytes]:
    """For each value of the leading bits the first row that is not below it, and at the end the number of rows."""
    with _numbers(spool, "I", rows) as firsts:
        starts, at = array("I"), 0
        for edge in range(0, 1 << 32, 1 << (32 - bits)):
            high = at + _GALLOP
            while high < rows and firsts[high] < edge:
                at, high = high, high + 2 * (high - at)
            at = bisect_left(firsts, edge, at, min(high, rows))
            starts.append(at)
        starts.append(rows)
        yield starts.tobytes()


def sample(spool: BinaryIO, rows: int) -> Iterator[bytes]:
    """V6_SAMPLE from the keys of V6_FIRST."""
    with _numbers(spool, "Q", rows) as firsts:
        keys: Sequence[int] = firsts
        for level in layout.sample_levels(rows):
            keys = array("Q", keys[:: layout.FANOUT])
            yield keys.tobytes().ljust(level.stride, bytes([layout.SAMPLE_PADDING]))


@contextmanager
def _numbers(spool: BinaryIO, code: Literal["I", "Q"], rows: int) -> Iterator[memoryview]:
    """A spool as numbers in place."""
    spool.flush()
    if not rows:
        yield memoryview(b"").cast(code)
    elif isinstance(spool, BytesIO):
        with spool.getbuffer() as view, view.cast(code) as numbers:
            yield numbers
    else:
        mapped = mmap(spool.fileno(), 0, access=ACCESS_READ)
        with mapped, memoryview(mapped) as view, view.cast(code) as numbers:
            yield numbers


def write_file(out: BinaryIO, header: Header, text_size: int, sections: Sequence[Iterable[bytes]]) -> None:
    """Write a whole file from its start. header: `file_size` is filled in here."""
    sizes = layout.section_sizes(header, text_size)
    offsets = layout.section_offsets(sizes)
    digest = hashlib.blake2b(digest_size=layout.CHECKSUM_SIZE)
    out.seek(layout.HEADER_SIZE)
    for size, chunks in zip(sizes, sections, strict=True):
        written = 0
        for chunk in chunks:
            out.write(chunk)
            digest.update(chunk)
            written += len(chunk)
        if written != size:
            raise AssertionError(f"a section of {size} bytes came out as {written}")
        padding = bytes(layout.aligned(size) - size)
        out.write(padding)
        digest.update(padding)
    page = bytearray(layout.HEADER_SIZE)
    layout.HEADER.pack_into(page, 0, *header._replace(file_size=offsets[-1]))
    for number, (offset, size) in enumerate(zip(offsets[:-1], sizes, strict=True)):
        layout.SECTION_ENTRY.pack_into(page, layout.SECTIONS_AT + number * layout.SECTION_ENTRY.size, offset, size)
    page[layout.BODY_CHECKSUM_AT : layout.HEADER_CHECKSUM_AT] = digest.digest()
    page[layout.HEADER_CHECKSUM_AT :] = checksum(page[: layout.HEADER_CHECKSUM_AT])
    out.seek(0)
    out.write(page)


def checksum(data: bytes | bytearray | memoryview) -> bytes:
    """The digest that header and body carry."""
    return hashlib.blake2b(data, digest_size=layout.CHECKSUM_SIZE).digest()
