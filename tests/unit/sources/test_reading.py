"""A file is read whole and rightly, or one line says which file and why; bad lines are counted up to a share."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import os
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mipdns import config
from mipdns.errors import SourceMissing, SourceUnreadable, TooManyBadLines
from mipdns.sources import reading


def source(*paths: str | Path, **more) -> config.Egress:
    return config.Egress(name="edge", path=tuple(map(str, paths)), format="cidr", class_="vpn", **more)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def numbered(path: Path) -> list[tuple[int, str]]:
    return list(reading.lines(path))


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


# --- which files


def test_globs_expand_sorted_and_each_file_once(tmp_path):
    for name in ("b.txt", "a.txt", "deep/er/c.txt", "other.csv", ".hidden.txt"):
        write(tmp_path / name, b"x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "folder.txt").mkdir()
    found = reading.expand(source(tmp_path / "**" / "*.txt", tmp_path / "b.txt", tmp_path / "*.csv"))
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.txt", "b.txt", "deep/er/c.txt", "other.csv"]


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    path = write(tmp_path / "log[1].txt", b"x")
    assert reading.expand(source(path)) == [path]


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("none.txt", SourceMissing, "source 'edge': {}: no such file"),
        ("none*.txt", SourceMissing, "source 'edge': no file matches {}"),
        ("folder", SourceUnreadable, "source 'edge': {} is a folder; name its files, as in {}/*"),
        ("pipe", SourceUnreadable, "source 'edge': {} is not a regular file"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, name, error, told):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "there.txt", b"x")
    with pytest.raises(error) as fault:
        reading.expand(source(tmp_path / "there.txt", tmp_path / name))
    assert str(fault.value) == told.format(tmp_path / name, tmp_path / name)


def test_digest_is_sha256_of_the_stored_bytes(tmp_path):
    data = gzip.compress(b"x" * 1_000_000)
    assert reading.digest(write(tmp_path / "a.gz", data)) == hashlib.sha256(data).hexdigest()


# --- unpacking and lines

TEXT = b"first\nsecond\r\n\nlast without end"
LINES = [(1, "first"), (2, "second"), (3, ""), (4, "last without end")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.txt", TEXT),
        ("bom.txt", b"\xef\xbb\xbf" + TEXT),
        ("one.gz", gzip.compress(TEXT)),
        ("members.gz", gzip.compress(TEXT[:8]) + gzip.compress(TEXT[8:])),
        ("empty-member.gz", gzip.compress(b"") + gzip.compress(TEXT)),
        ("padded.gz", gzip.compress(TEXT) + b"\0" * 512),
        ("bom.gz", gzip.compress(b"\xef\xbb\xbf" + TEXT)),
        ("one.zst", zstd(TEXT)),
        ("frames.zst", zstd(TEXT[:8]) + zstd(TEXT[8:])),
        ("UPPER.GZ", gzip.compress(TEXT)),
    ],
)
def test_lines_are_the_same_however_they_are_packed(tmp_path, name, data):
    assert numbered(write(tmp_path / name, data)) == LINES


BAD_FILES = [
    ("empty.txt", b"", "is empty"),
    ("empty.gz", b"", "is empty"),
    ("nothing-inside.gz", gzip.compress(b""), "is empty"),
    ("nothing-inside.zst", zstd(b""), "is empty"),
    ("bom-only.txt", b"\xef\xbb\xbf", "is empty"),
    ("plain.gz", TEXT, "is named .gz but is not gzip inside"),
    ("plain.zst", TEXT, "is named .zst but is not zstd inside"),
    ("zstd-inside.gz", zstd(TEXT), "is named .gz but is not gzip inside"),
    ("gzip-inside.txt", gzip.compress(TEXT), "is gzip inside; its name must end in .gz"),
    ("zstd-inside.txt", zstd(TEXT), "is zstd inside; its name must end in .zst"),
    ("packed.bz2", b"BZh91AY&SY", "is packed with bzip2"),
    ("packed.xz", b"\xfd7zXZ\0", "is packed with xz"),
    ("packed.zip", b"PK\x03\x04....", "is packed with zip"),
    ("short.gz", gzip.compress(TEXT * 99)[:-9], "is truncated gzip"),
    ("headless.gz", b"\x1f\x8b", "is truncated gzip"),
    ("second-short.gz", gzip.compress(TEXT) + gzip.compress(TEXT)[:-4], "is truncated gzip"),
    ("damaged.gz", gzip.compress(TEXT)[:-8] + b"\0" * 8, "is damaged gzip"),
    ("trailing.gz", gzip.compress(TEXT) + b"garbage after the member", "is damaged gzip"),
    ("short.zst", zstd(os.urandom(9999).hex().encode())[:-100], "is truncated zstd"),
    ("damaged.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "is damaged zstd"),
    ("latin1.txt", b"ok\nK\xf6ln\n", "line 2 is not UTF-8 text (byte 0xf6)"),
    ("utf16.txt", "text\n".encode("utf-16"), "is UTF-16 text; store it as UTF-8"),
    ("nul.txt", b"ok\nok\nbad\0line\n", "line 3 holds NUL bytes: not a text file"),
    ("huge.txt", b"ok\n" + b"x" * (reading.LINE_BYTES_MAX + (1 << 20)), "line 2 is longer than 4 MiB"),
]


@pytest.mark.parametrize(("name", "data", "told"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
def test_a_bad_file_ends_in_one_line_that_names_it(tmp_path, name, data, told):
    path = write(tmp_path / name, data)
    with pytest.raises(SourceUnreadable) as fault:
        numbered(path)
    assert str(fault.value).startswith(f"{path}: ")
    assert told in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = write(tmp_path / "secret", b"x")
    path.chmod(0)
    with pytest.raises(SourceUnreadable, match="cannot be read: Permission denied"):
        numbered(path)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=30), max_size=30))
def test_lines_give_back_what_was_written(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("lines") / "x.txt"
    path.write_bytes(("\n".join(["", *texts]) + "\n").encode())
    assert [text for _, text in reading.lines(path)][1:] == texts


def test_lines_longer_than_a_chunk_are_whole(tmp_path):
    texts = ["a" * 300_000, "b" * 5, "é" * 400_000]
    path = write(tmp_path / "long.txt", "\n".join(texts).encode())
    assert [text for _, text in reading.lines(path)] == texts


def test_a_json_document_that_is_none_says_what_it_looks_like(tmp_path):
    with pytest.raises(SourceUnreadable, match=r"is not a whole JSON document: .*looks like an HTML or XML page"):
        reading.json_document(write(tmp_path / "x.json", b"<!DOCTYPE html><html>429 Too Many Requests</html>"))
    with pytest.raises(SourceUnreadable, match="is not a whole JSON document"):
        reading.json_document(write(tmp_path / "y.json", b"[" * 200_000))


# --- the tally


def tallied(path: Path, rows: int, bad: int, *, dropped: int = 0, limit: float = 0.01, each: bool = True):
    tally = reading.Tally(source(path, licence="CC0"), limit)
    file = tally.file(path)
    file.rows, file.dropped = rows, dropped
    for number in range(bad):
        file.bad(number + 1, f"{number}\nis\tbad")
    return tally.close(each=each)


@pytest.mark.parametrize(("rows", "bad", "dropped"), [(99, 1, 0), (100, 0, 0), (9, 1, 90), (1, 0, 0)])
def test_bad_lines_up_to_the_limit_are_counted(tmp_path, rows, bad, dropped):
    path = write(tmp_path / "x", b"some")
    (file,) = tallied(path, rows, bad, dropped=dropped)
    assert (file.rows, file.rejected, file.dropped, len(file.examples)) == (rows, bad, dropped, bad)
    assert (file.bytes, file.licence, file.kind, file.format) == (4, "CC0", "egress", "cidr")


@pytest.mark.parametrize(("rows", "bad", "limit"), [(98, 2, 0.01), (99, 1, 0.0), (0, 5, 0.5)])
def test_past_the_limit_the_source_fails_with_the_first_examples(tmp_path, rows, bad, limit):
    path = write(tmp_path / "x", b"some")
    with pytest.raises(TooManyBadLines) as fault:
        tallied(path, rows, bad, limit=limit)
    message = str(fault.value)
    assert message.startswith(f"source 'edge': {bad} of {rows + bad} lines cannot be read")
    assert f"{path}:1: 0 is bad" in message
    assert "\n" not in message


def test_five_examples_are_kept_and_none_is_long(tmp_path):
    file = reading.FileTally(tmp_path)
    for number in range(20):
        file.bad(number, "x" * 9999)
    assert [example.line for example in file.examples] == [0, 1, 2, 3, 4]
    assert file.rejected == 20
    assert max(len(example.reason) for example in file.examples) == reading.REASON_CHARACTERS


@pytest.mark.parametrize(("dropped", "told"), [(0, "has no rows"), (7, "all its 7 rows lie in special-purpose space")])
def test_a_list_that_shrank_to_nothing_fails(tmp_path, dropped, told):
    with pytest.raises(SourceUnreadable, match=told):
        tallied(write(tmp_path / "x", b"# a comment"), rows=0, bad=0, dropped=dropped)


def test_an_empty_page_among_full_ones_may_be(tmp_path):
    first, second = write(tmp_path / "1", b"x"), write(tmp_path / "2", b"y")
    tally = reading.Tally(source(first, second), 0.01)
    tally.file(first).rows = 1
    tally.file(second)
    assert [file.rows for file in tally.close(each=False)] == [1, 0]
    with pytest.raises(SourceUnreadable, match="has no rows"):
        tally.close(each=True)


# --- what day it is

COMMENTS = [
    ("# AWS (AS16509) Geofeed, lastupdated (rfc3339): 2026-08-22T16:53:12+00:00", "2026-08-22"),
    ("# Last update: Sat, 22 Aug 2026 03:00:29 +0200", "2026-08-22"),
    ("# Airnity Geofeed, last updated  2025-11-14", "2025-11-14"),
    ("; Generated: 2024-02-29 01:02", "2024-02-29"),
    ("# Updated 16 November 2015", "2015-11-16"),
    ("# date = 05-Mar-2025", "2025-03-05"),
    ("# Updated 2025-02-30", None),
    ("# seen since 2010-01-01", None),
    ("# candidates of 2010-01-01", None),
    ("# 2026-08-22", None),
    ("# last updated", None),
    ("", None),
]


@pytest.mark.parametrize(("comment", "day"), COMMENTS, ids=[row[0] for row in COMMENTS])
def test_the_day_in_a_comment(comment, day):
    assert reading.date_in_comment(comment) == (datetime.date.fromisoformat(day) if day else None)


def test_a_file_is_dated_as_configured_else_inside_else_by_its_time(tmp_path):
    path = write(tmp_path / "x", b"x")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    inside, configured = datetime.date(2025, 1, 2), datetime.date(2024, 5, 6)
    assert reading.date_of(source(path, dated=configured), path, inside) == configured
    assert reading.date_of(source(path), path, inside) == inside
    assert reading.date_of(source(path), path, None) == datetime.date(2023, 11, 14)
