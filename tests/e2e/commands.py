"""The command line, run as its users run it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 600.0


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "mipdns", "--config", str(config), *arguments]


def mipdns(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever it says."""
    return subprocess.run(command(config, *arguments), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def must(config: Path, *arguments: str) -> str:
    """Run a command that must succeed, and return what it printed."""
    done = mipdns(config, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
