"""A source that cannot be taken in ends the load in one clear line, and what was there before stays as it was."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.commands import mipdns

TOR = '[[source]]\nname = "tor"\nkind = "egress"\nformat = "cidr"\nclass = "tor"\npath = "tor.txt"\n'
GOOD_LINE = '9.9.9.9 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64)"\n'


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return mipdns(folder / "mipdns.toml", *arguments)


def source(kind: str, form: str, path: str, extra: str = "") -> str:
    return f'[[source]]\nname = "second"\nkind = "{kind}"\nformat = "{form}"\npath = "{path}"\n{extra}'


def truncated_gzip(folder: Path) -> str:
    whole = gzip.compress(b"".join(GOOD_LINE.replace("9.9.9.9", f"9.9.{i}.9").encode() for i in range(200)))
    (folder / "access.log.gz").write_bytes(whole[: len(whole) // 2])
    return source("logs", "combined", "access.log.gz")


def empty(folder: Path) -> str:
    (folder / "access.log").write_bytes(b"")
    return source("logs", "combined", "access.log")


def missing(folder: Path) -> str:
    return source("logs", "combined", "absent.log")


def glob_without_match(folder: Path) -> str:
    return source("logs", "combined", "logs/*.gz")


def wrong_column(folder: Path) -> str:
    (folder / "a.csv").write_text("when,ip\n2026-11-20T10:00:00Z,9.9.9.9\n")
    return source("logs", "csv", "a.csv", 'columns = { time = "when", client = "address" }\n')


def wrong_truth_column(folder: Path) -> str:
    (folder / "truth.csv").write_text("prefix,opinion,class,observed,who\n9.9.9.0/24,confirm,,2026-11-20,isp\n")
    return source("truth", "csv", "truth.csv")


def wrong_kind(folder: Path) -> str:
    (folder / "net.json").write_text('{"data": [{"id": 1, "asn": 64500, "ix_id": 3, "speed": 1000}]}')
    return source("peeringdb", "api", "net.json")


def list_as_log(folder: Path) -> str:
    (folder / "list.txt").write_text("9.9.9.0/24\n9.9.8.0/24\n")
    return source("logs", "logpush", "list.txt")


def zeek_of_another_path(folder: Path) -> str:
    (folder / "dns.log").write_text(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\n#types\ttime\tstring\taddr\tport\n1713484832.7\tC1\t9.9.9.9\t1234\n"
    )
    return source("logs", "zeek-conn", "dns.log")


def too_many_bad_lines(folder: Path) -> str:
    (folder / "access.log").write_text(GOOD_LINE * 50 + "what is this\n" * 3)
    return source("logs", "combined", "access.log")


def noise(folder: Path) -> str:
    (folder / "list.txt").write_bytes(bytes(range(256)) * 40)
    return source("egress", "cidr", "list.txt", 'class = "vpn"\n')


CASES: list[tuple[Callable[[Path], str], list[str]]] = [
    (truncated_gzip, ["access.log.gz", "truncated"]),
    (empty, ["access.log", "empty"]),
    (missing, ["absent.log", "no such file"]),
    (glob_without_match, ["logs/*.gz", "no file matches"]),
    (wrong_column, ["a.csv", "address"]),
    (wrong_truth_column, ["truth.csv", "verdict"]),
    (wrong_kind, ["net.json"]),
    (list_as_log, ["list.txt"]),
    (zeek_of_another_path, ["dns.log", "dns", "conn"]),
    (too_many_bad_lines, ["access.log:51", "3 of 53"]),
    (noise, ["list.txt"]),
]


@pytest.mark.parametrize(("make", "told"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_a_bad_source_is_one_clear_line_and_the_old_build_stays(
    tmp_path: Path, make: Callable[[Path], str], told: list[str]
) -> None:
    (tmp_path / "tor.txt").write_text("9.9.9.9\n")
    (tmp_path / "mipdns.toml").write_text(TOR)
    assert run(tmp_path, "load").returncode == 0
    before = run(tmp_path, "export", "csv").stdout
    assert "9.9.9.9" in before

    (tmp_path / "mipdns.toml").write_text(TOR + make(tmp_path))
    done = run(tmp_path, "load")

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in told:
        assert word in done.stderr
    assert run(tmp_path, "export", "csv").stdout == before
