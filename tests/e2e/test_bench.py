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
