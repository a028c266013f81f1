"""The index file as a stream of sections. In: spools of packed numbers and a header. Out: the whole file's bytes.

The one rule: what is written is hashed as it passes, and the header comes last: a file that was cut short has none.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from mmap import ACCESS_READ, mmap
from typing import BinaryIO, Final, Literal

from mipdns.index import layout
from mipdns.index.layout import Header, Line

_CHUNK: Final = 1 << 20
_WRITE_SIZE: Final = 4 << 20
"""Written at once, at multiples of it: then Linux keeps the file in huge pages where its file system can (ext4, XFS and
Btrfs of recent kernels), and a look-up in a large index seldom waits for the translation of an address."""
_LINES: Final = 1 << 10
"""Lines made at once: what they are made from and they stay in the processor's cache."""


def spooled(spool: BinaryIO) -> Iterator[bytes]:
    """What a spool holds, from its start."""
    spool.seek(0)
    while chunk := spool.read(_CHUNK):
        yield chunk


def lined(line: Line, keys: BinaryIO, facts: BinaryIO) -> Iterator[bytes]:
    """The lines of a table, from its keys and the facts of its entries, which lie in spools."""
    words, total = line.facts_at // 4, layout.LINE_SIZE // 4
    keys.seek(0)
    facts.seek(0)
    while taken := facts.read(line.entries * 4 * _LINES):
        count = -(-len(taken) // (line.entries * 4))
        fact = array("I", taken.ljust(count * line.entries * 4, b"\0"))
        key = array("I", keys.read(line.facts_at * _LINES).ljust(count * line.facts_at, bytes([layout.PADDING])))
        made = array("I", bytes(count * layout.LINE_SIZE))
        for word in range(words):
            made[word::total] = key[word::words]
        for entry in range(line.entries):
            made[words + entry :: total] = fact[entry :: line.entries]
        yield made.tobytes()


def directory(keys: BinaryIO, entries: int, bits: int) -> Iterator[bytes]:
    """For each value of the leading bits, and the end, the line of the last entry at or before its first address."""
    shift = 32 - bits
    with _numbers(keys, "I", entries) as numbers:
        line, bucket, last = 0, 0, (1 << bits) + 1
        starts = array("I")
        for first in numbers[layout.V4_LINE.entries :: layout.V4_LINE.entries]:
            following = (first - 1 >> shift) + 1
            if following > bucket:
                starts.extend(array("I", [line]) * (following - bucket))
                bucket = following
                if len(starts) >= _CHUNK:
                    yield starts.tobytes()
                    del starts[:]
            line += 1
        yield starts.tobytes()
        for start in range(bucket, last, _CHUNK):
            yield array("I", [line] * min(_CHUNK, last - start)).tobytes()


def sample(keys: BinaryIO, entries: int) -> Iterator[bytes]:
    """V6_SAMPLE from the keys of the lines."""
    with _numbers(keys, "Q", entries) as numbers:
        chosen: Sequence[int] = array("Q", numbers[:: layout.V6_LINE.entries])
        for level in layout.sample_levels(entries):
            yield array("Q", chosen).tobytes().ljust(level.stride, bytes([layout.PADDING]))
            chosen = chosen[:: layout.FANOUT]


@contextmanager
def _numbers(spool: BinaryIO, code: Literal["I", "Q"], count: int) -> Iterator[memoryview]:
    """A spool as numbers in place."""
    spool.flush()
    if not count:
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
    out.seek(0)
    waiting = bytearray(layout.HEADER_SIZE)
    for size, chunks in zip(sizes, sections, strict=True):
        written = 0
        for chunk in chunks:
            waiting += chunk
            digest.update(chunk)
            written += len(chunk)
            while len(waiting) >= _WRITE_SIZE:
                out.write(waiting[:_WRITE_SIZE])
                del waiting[:_WRITE_SIZE]
        if written != size:
            raise AssertionError(f"a section of {size} bytes came out as {written}")
        padding = bytes(layout.aligned(size) - size)
        waiting += padding
        digest.update(padding)
    out.write(waiting)
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
