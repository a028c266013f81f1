"""What may be a list, and what cannot be."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
import zstandard

from mipdns.errors import FetchError
from mipdns.fetch import soundness

LIST = b"192.0.2.1\n198.51.100.0/24\n"
FRAME = zstandard.ZstdCompressor().compress(LIST)


def check(tmp_path, content: bytes, form: str = "cidr", unpacked_max: int = 1 << 20) -> int:
    file = tmp_path / "list"
    file.write_bytes(content)
    return soundness.check(file, form, unpacked_max=unpacked_max)


@pytest.mark.parametrize(
    ("content", "form", "size"),
    [
        (LIST, "cidr", 26),
        (gzip.compress(LIST), "cidr", 26),
        (gzip.compress(LIST) + gzip.compress(LIST), "iptoasn", 52),
        (FRAME, "cidr", 26),
        (FRAME + FRAME, "cidr", 52),
        (b'{"data": []}', "api", 12),
        (b'\xef\xbb\xbf\n [{"a":1}]', "api", 14),
        (b'{"list": []}', "misp", 12),
        (b'{"from": "192.0.2.1"}\n', "results", 22),
        (b"[]", "results", 2),
        (b"PAR1....", "parquet", 8),
    ],
)
def test_lists_are_sound(tmp_path, content, form, size):
    assert check(tmp_path, content, form) == size


@pytest.mark.parametrize(
    ("content", "form", "words"),
    [
        (b"", "cidr", "it is empty"),
        (b" \r\n\n", "cidr", "it is empty"),
        (gzip.compress(b""), "cidr", "it is empty"),
        (b"<!DOCTYPE html><title>Sorry</title>", "cidr", "HTML or XML page"),
        (b"\xef\xbb\xbf\r\n  <html>", "api", "HTML or XML page"),
        (gzip.compress(b"<?xml version='1.0'?>"), "geofeed", "HTML or XML page"),
        (b'{"error": "slow down"}', "cidr", "JSON, not lines of format 'cidr'"),
        (b"[]", "pfx2as", "JSON, not lines"),
        (b"error: slow down", "api", "it is not JSON"),
        (gzip.compress(LIST * 9)[:-8], "cidr", "damaged or truncated gzip"),
        (gzip.compress(LIST) + b"garbage", "cidr", "damaged or truncated gzip"),
        (gzip.compress(LIST)[:-8] + b"\0" * 8, "cidr", "damaged or truncated gzip"),
        (FRAME[:-1], "cidr", "damaged or truncated zstd"),
        (FRAME + FRAME[:9], "cidr", "damaged or truncated zstd"),
        (b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff", "cidr", "damaged or truncated zstd"),
    ],
)
def test_what_cannot_be_a_list_is_refused(tmp_path, content, form, words):
    with pytest.raises(FetchError, match=words):
        check(tmp_path, content, form)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_bomb_is_stopped_in_little_memory(tmp_path, pack):
    bomb = pack(bytes(200 << 20))
    tracemalloc.start()
    with pytest.raises(FetchError, match="more bytes than unpacked_max"):
        check(tmp_path, bomb, unpacked_max=100 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 << 20


@pytest.mark.parametrize("content", [LIST, gzip.compress(LIST), FRAME])
@pytest.mark.parametrize("suffix", ["", ".txt", ".gz", ".zst"])
def test_a_copy_is_packed_as_its_name_says(tmp_path, content, suffix):
    file = tmp_path / f"list{suffix}"
    file.write_bytes(content)
    soundness.repack(file, suffix)
    assert soundness.packing(file) == {".gz": "gzip", ".zst": "zstd"}.get(suffix, "")
    assert b"".join(soundness._plain(file)) == LIST
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
