"""The benchmarks run: a short one, whose times nobody looks at, counts what it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import peers

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.mark.peers
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a benchmark gives the server and dnsperf a core each")
def test_both_servers_find_the_same(tmp_path):
    """Half of the queries are listed; the measured servers must agree on that, or the comparison is of nothing."""
    peers.program("dnsperf")
    peers.program("rbldnsd")
    command = [sys.executable, "scripts/bench/answers.py", "--work", str(tmp_path / "work")]
    command += ["--listings", "1000", "--rounds", "1", "--seconds", "1", "--server", "mipdns", "--server", "rbldnsd"]
    tmp_path.chmod(0o755)
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["answers"]
    assert set(told["medians"]) == {"mipdns", "rbldnsd"}
    for name, figures in told["medians"].items():
        assert figures["found_share"] == pytest.approx(0.5, abs=0.02), name
        assert figures["queries_per_s"] > 0


@pytest.mark.parametrize(
    ("script", "options", "told"),
    [
        ("judging", ["--units", "2000"], {"units": 1900, "verdicts": 1900, "rss_mib": 1}),
        ("store", ["--rows", "2000", "--loads", "2", "--observed"], {"rows": 2000, "listed": 900, "file_mib": 0.1}),
    ],
)
def test_the_benchmarks_of_the_loader_count_what_they_should(tmp_path, script, options, told):
    """At least so many units, rows, listings, and so much memory and file."""
    command = [sys.executable, f"scripts/bench/{script}.py", *options]
    command += ["--work", str(tmp_path)] if script == "store" else []
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)[script]
    assert len(figures) == (2 if script == "store" else 1)
    for row in figures:
        assert {name: row[name] >= least for name, least in told.items()} == dict.fromkeys(told, True)


def test_loading_and_bare_sql_count_the_same_units(tmp_path):
    command = [sys.executable, "scripts/bench/load.py", "--rows", "20000", "--beside", "20000", "--work", str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [side["format"] for side in told["aggregation"]] == ["parquet", "logpush"]
    for side in told["aggregation"]:
        assert side["ours"]["units"] == side["bare"]["units"] > 900
    (size,) = told["memory"]
    assert size["units"] == told["aggregation"][0]["ours"]["units"]
    assert size["peak_mib"] > 0
