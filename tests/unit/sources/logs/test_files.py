"""Files: whole and of the right kind, or one clear line; every line accounted for with its number."""

from __future__ import annotations

import datetime
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from mipdns import config
from mipdns.errors import SourceError, SourceMissing, SourceUnreadable, TooManyBadLines
from mipdns.evidence import BadLine
from mipdns.progress import silent
from mipdns.sources.logs import read_logs
from tests.chunks import whole
from tests.unit.sources.logs.bench import NOW, features, read, read_whole

LINE = '{} - - [20/Nov/2026:{:02}:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64)"\n'
CONTENT = "".join(LINE.format(f"9.9.{at // 250}.{at % 250}", at % 24) for at in range(5000)).encode()


def combined(path: Path | tuple[Path, ...], name: str = "web", **keys: Any) -> config.Logs:
    paths = (path,) if isinstance(path, Path) else path
    return config.Logs(name=name, format="combined", path=tuple(map(str, paths)), **keys)


def pack_plain(data: bytes) -> tuple[str, bytes]:
    return "a.log", data


def pack_gzip(data: bytes) -> tuple[str, bytes]:
    return "a.log.gz", gzip.compress(data, 1)


def pack_gzip_members(data: bytes) -> tuple[str, bytes]:
    half = len(data) // 2
    return "a.LOG.GZ", gzip.compress(data[:half]) + gzip.compress(data[half:])


def pack_zstd(data: bytes) -> tuple[str, bytes]:
    return "a.log.zst", zstandard.compress(data)


def pack_zstd_frames(data: bytes) -> tuple[str, bytes]:
    half = len(data) // 2
    return "a.log.zst", zstandard.compress(data[:half]) + zstandard.compress(data[half:])


PACKINGS = [pack_plain, pack_gzip, pack_gzip_members, pack_zstd, pack_zstd_frames]


@pytest.mark.parametrize("pack", PACKINGS)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_every_packing_reads_the_same(tmp_path: Path, pack: Callable[[bytes], tuple[str, bytes]], ends: bytes) -> None:
    name, stored = pack(b"\xef\xbb\xbf" + CONTENT.replace(b"\n", ends))
    path = tmp_path / name
    path.write_bytes(stored)
    evidence, files = read(tmp_path, combined(path))
    assert len(whole(evidence).units.key) == 5000
    (file,) = files
    assert (file.rows, file.rejected, file.dropped, file.examples) == (5000, 0, 0, ())
    assert (file.digest, file.bytes) == (hashlib.sha256(stored).hexdigest(), len(stored))
    assert (file.source, file.kind, file.format, file.file) == ("web", "logs", "combined", str(path))
    assert file.dated == evidence.as_of == datetime.date(2026, 11, 20)


def test_right_after_a_rotation_the_newest_log_is_empty(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(b"")
    (tmp_path / "access.log.1").write_bytes(CONTENT)
    _, files = read(tmp_path, combined(tmp_path / "access.log*"))
    assert [(file.file, file.rows) for file in files] == [(str(tmp_path / "access.log.1"), 5000)]


def no_such(folder: Path) -> config.Logs:
    return combined(folder / "absent.log")


def no_match(folder: Path) -> config.Logs:
    return combined(folder / "*.none")


def made(name: str, stored: bytes, **keys: Any) -> Callable[[Path], config.Logs]:
    def make(folder: Path) -> config.Logs:
        (folder / name).write_bytes(stored)
        return config.Logs(name="web", path=str(folder / name), **{"format": "combined", **keys})

    return make


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


GZIP, ZSTD = gzip.compress(CONTENT), zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT)
ZEEK = b"#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tproto\tconn_state\n1795176000\t9.9.9.9\ttcp\tSF\n"
COLUMNS = {"time": "t", "client": "c"}

FAULTS: list[tuple[str, Callable[[Path], config.Logs], type[SourceError], list[str]]] = [
    ("missing", no_such, SourceMissing, ["absent.log", "no such file"]),
    ("no match", no_match, SourceMissing, ["*.none"]),
    ("empty", made("a.log", b""), SourceUnreadable, ["a.log", "is empty"]),
    ("empty gzip", made("a.log.gz", gzip.compress(b"")), SourceUnreadable, ["a.log.gz", "is empty"]),
    ("only blank lines", made("a.log", b"\n\n\r\n"), SourceUnreadable, ["a.log", "is empty"]),
    ("truncated gzip", made("a.log.gz", GZIP[:-20]), SourceUnreadable, ["a.log.gz", "truncated"]),
    ("gzip without its end", made("a.log.gz", GZIP[:-4]), SourceUnreadable, ["a.log.gz", "truncated"]),
    ("gzip of wrong sum", made("a.log.gz", flipped(GZIP, len(GZIP) - 7)), SourceUnreadable, ["a.log.gz", "damaged"]),
    ("truncated zstd", made("a.log.zst", ZSTD[: len(ZSTD) // 2]), SourceUnreadable, ["a.log.zst", "truncated"]),
    ("zstd without its end", made("a.log.zst", ZSTD[:-4]), SourceUnreadable, ["a.log.zst", "truncated"]),
    ("damaged zstd", made("a.log.zst", flipped(ZSTD, len(ZSTD) // 2)), SourceUnreadable, ["a.log.zst", "damaged"]),
    ("plain named gz", made("a.log.gz", CONTENT), SourceUnreadable, ["a.log.gz", "not gzip"]),
    ("gz named plain", made("a.log", GZIP), SourceUnreadable, ["a.log", "gzip inside"]),
    ("utf-16", made("a.log", CONTENT.decode().encode("utf-16")), SourceUnreadable, ["a.log", "UTF-16"]),
    ("json as combined", made("a.log", b'{"a": 1}\n' * 9), TooManyBadLines, ["a.log:1", "9 of 9", "combined"]),
    ("combined as logpush", made("a.log", CONTENT, format="logpush"), TooManyBadLines, ["a.log:1", "JSON"]),
    ("noise", made("a.log", bytes(range(1, 256)) * 99), TooManyBadLines, ["a.log:"]),
    ("conn as http", made("c.log", ZEEK, format="zeek-http"), SourceUnreadable, ["c.log", "'conn'", "zeek-http"]),
    (
        "conn as http, JSON",
        made("c.log", b'{"ts":1,"id.orig_h":"9.9.9.9","proto":"tcp","conn_state":"SF"}', format="zeek-http"),
        SourceUnreadable,
        ["c.log", "Zeek http", "conn_state"],
    ),
    (
        "Zeek's own name for JSON",
        made("c.log", b'{"_path":"dns","ts":1,"id.orig_h":"9.9.9.9"}', format="zeek-conn"),
        SourceUnreadable,
        ["c.log", "'dns'", "zeek-conn"],
    ),
    (
        "no needed column",
        made("c.log", ZEEK.replace(b"conn_state", b"x"), format="zeek-conn"),
        SourceUnreadable,
        ["c.log", "conn_state", "id.orig_h"],
    ),
    ("no Zeek log", made("c.log", CONTENT, format="zeek-conn"), SourceUnreadable, ["c.log", "no Zeek log"]),
    ("no flow log", made("c.log", CONTENT, format="nfdump"), SourceUnreadable, ["c.log", "ts", "nfdump -o csv"]),
    ("vpc without start", made("c.log", b"srcaddr protocol\n", format="vpcflow"), SourceUnreadable, ["'start'"]),
    ("combined as vpcflow", made("c.log", CONTENT, format="vpcflow"), TooManyBadLines, ["c.log:1", "fields"]),
    (
        "csv without column",
        made("c.csv", b"t,who\n1795176000,9.9.9.9\n", format="csv", columns=COLUMNS),
        SourceUnreadable,
        ["c.csv", "'c'", "columns.client", "'t', 'who'"],
    ),
    ("no parquet", made("c.parquet", CONTENT, format="parquet", columns=COLUMNS), SourceUnreadable, ["c.parquet"]),
    ("empty parquet", made("c.parquet", b"", format="parquet", columns=COLUMNS), SourceUnreadable, ["is empty"]),
]


@pytest.mark.parametrize(("make", "error", "told"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_bad_file_is_one_clear_line(
    tmp_path: Path, make: Callable[[Path], config.Logs], error: type[SourceError], told: list[str]
) -> None:
    source = make(tmp_path)
    with pytest.raises(error) as caught:
        read_whole([source], config.Load(work=str(tmp_path / "work")))
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for word in told:
        assert word in message
    assert not [path for path in (tmp_path / "work").rglob("*.parquet") if path.is_file()]


def test_parquet_truncated_and_without_column(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1795176000 AS t, '9.9.9.9' AS who FROM range(9)) TO '{path}' (FORMAT parquet)"
        )
    source = config.Logs(name="p", format="parquet", path=str(path), columns={"time": "t", "client": "c"})
    with pytest.raises(SourceUnreadable, match=r"t\.parquet.*'c' \(columns.client\); there are 't', 'who'"):
        read_whole([source], config.Load(work=str(tmp_path / "work")))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceUnreadable, match=r"t\.parquet"):
        read_whole([source], config.Load(work=str(tmp_path / "work")))


def test_nothing_is_read_before_all_files_are_looked_over(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(CONTENT)
    said: list[str] = []
    with pytest.raises(SourceMissing):
        read_whole(
            [combined(tmp_path / "a.log"), combined(tmp_path / "absent.log", "late")],
            config.Load(work=str(tmp_path / "work")),
            progress=lambda stage, _: said.append(stage),
        )
    assert said == []
    assert not (tmp_path / "work").exists()


def test_no_sources_no_evidence(tmp_path: Path) -> None:
    with read_logs([], config.Load(work=str(tmp_path / "work")), silent, now=NOW) as told:
        assert told == (None, [])


def test_globs_repeat_no_file_and_names_are_no_patterns(tmp_path: Path) -> None:
    for at, name in enumerate(["a.log", "b.log", "b[1].log", "b1.log", "c*.log", "it's.log"]):
        (tmp_path / name).write_text(LINE.format(f"9.9.9.{at}", 3) * (at + 1))
    paths = (tmp_path / "*.log", tmp_path / "b*.log", tmp_path / "b[1].log", tmp_path / "a.log")
    evidence, files = read(tmp_path, combined(paths))
    assert [(Path(file.file).name, file.rows) for file in files] == [
        ("a.log", 1), ("b.log", 2), ("b1.log", 4), ("b[1].log", 3), ("c*.log", 5), ("it's.log", 6),
    ]  # fmt: skip
    counted = {client: unit["requests_day_max"] for client, unit in features(evidence).items()}
    assert counted == {f"9.9.9.{at}": at + 1 for at in range(6)}


def test_bad_lines_have_their_numbers(tmp_path: Path) -> None:
    good = [LINE.format("9.9.9.9", 3).encode()] * 1000
    wrong = {7: b"seven\n", 9: b"n\xffne\n", 400: b"\n", 500: b"five hundred\n", 501: b"\xc3(\n", 999: b"late\n"}
    wrong[900] = b"x" * (3 << 20) + b"\n"
    content = b"".join(wrong.get(number, line) for number, line in enumerate(good, 1)) + good[0][:40]
    for ends in (b"\n", b"\r\n"):
        path = tmp_path / "a.log"
        path.write_bytes(content.replace(b"\n", ends))
        _, (file,) = read(tmp_path, combined(path))
        assert (file.rows, file.rejected) == (993, 7)
        assert [(example.line, example.reason) for example in file.examples] == [
            (7, "not in combined format"),
            (9, "not UTF-8 text"),
            (500, "not in combined format"),
            (501, "not UTF-8 text"),
            (900, "longer than 2 MiB"),
        ]
        assert {example.file for example in file.examples} == {str(path)}


def test_csv_bad_lines_have_their_numbers(tmp_path: Path) -> None:
    rows = ["t,c,a"] + ["1795176000,9.9.9.9,x"] * 400
    rows[3], rows[5], rows[9], rows[20] = "never,9.9.9.9,x", "1795176000", "", "1795176000,nobody,x"
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows) + "\n")
    source = config.Logs(name="s", format="csv", path=str(path), columns={"time": "t", "client": "c", "agent": "a"})
    _, (file,) = read(tmp_path, source)
    assert (file.rows, file.rejected) == (396, 3)
    assert [example.line for example in file.examples] == [4, 6, 21]


def test_bad_lines_pass_the_limit_or_not(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(LINE.format("9.9.9.9", 3) * 99 + "bad\n")
    _, (file,) = read(tmp_path, combined(path))
    assert file.examples == (BadLine(str(path), 100, "not in combined format"),)
    path.write_text(LINE.format("9.9.9.9", 3) * 98 + "bad\n")
    with pytest.raises(TooManyBadLines, match=r"'web': 1 of 99 lines.*a\.log:99: not in combined format"):
        read(tmp_path, combined(path))
    read(tmp_path, combined(path), bad_lines_max=0.02)


def test_the_limit_is_of_each_source(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format("9.9.9.9", 3) * 1000)
    (tmp_path / "b.log").write_text(LINE.format("9.9.9.9", 3) * 10 + "bad\n")
    both = (tmp_path / "a.log", tmp_path / "b.log")
    _, files = read(tmp_path, combined(both))
    assert [file.rejected for file in files] == [0, 1]
    with pytest.raises(TooManyBadLines, match="'second'"):
        read(tmp_path, combined(both[0]), combined(both[1], "second"))


def test_special_space_is_dropped_and_not_bad(tmp_path: Path) -> None:
    clients = ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "100.64.0.1", "9.9.9.9"]
    (tmp_path / "a.log").write_text("".join(LINE.format(client, 3) for client in clients))
    evidence, (file,) = read(tmp_path, combined(tmp_path / "a.log"))
    assert (file.rows, file.dropped, file.rejected) == (1, 6, 0)
    assert list(features(evidence)) == ["9.9.9.9"]


def test_nothing_left_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format("10.0.0.1", 3) * 3)
    evidence, (file,) = read(tmp_path, combined(tmp_path / "a.log"))
    assert len(whole(evidence).units.key) == len(whole(evidence).profile.hour) == 0
    assert (file.rows, file.dropped, evidence.as_of) == (0, 3, datetime.date(2026, 11, 20))


def test_zeek_of_a_quiet_hour_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_bytes(ZEEK[: ZEEK.index(b"17951")] + b"#close\t2026-11-20-13-00-00\n")
    source = config.Logs(
        name="z", format="zeek-conn", path=str(tmp_path / "conn.log"), dated=datetime.date(2026, 11, 1)
    )
    evidence, (file,) = read(tmp_path, source)
    assert (file.rows, file.rejected, evidence.as_of, file.dated) == (0, 0, NOW, datetime.date(2026, 11, 1))


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(CONTENT)
    said: list[tuple[str, float]] = []
    load = config.Load(work=str(tmp_path / "work"))
    read_whole([combined(tmp_path / "a.log")], load, progress=lambda stage, done: said.append((stage, done)))
    for stage in ("read logs", "count logs"):
        shares = [done for name, done in said if name == stage]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(CONTENT)
    with pytest.raises(SourceError, match=r"\[load\] memory = '2MiB'"):
        read(tmp_path, combined(tmp_path / "a.log"), memory="2MiB")
