"""The tree is the design: what stands at the top, what the scripts may be, and what serving never loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

TOP_LEVEL = {
    "README.md",
    "pyproject.toml",
    "mipdns",
    "zones",
    "tests",
    "scripts",
    "docs",
    "LICENSE",
    "CHANGELOG.md",
    ".ci",
    ".gitignore",
}

LOADER_LIBRARIES = ("sqlite_utils", "duckdb", "numpy", "zstandard", "sklearn", "datasette")


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return listing.stdout.splitlines()


def test_the_top_level_holds_what_the_design_names():
    assert {path.split("/")[0] for path in tracked()} - TOP_LEVEL == set()


@pytest.mark.parametrize("folder", ["scripts", ".ci"])
def test_scripts_are_executable_and_stop_at_the_first_fault(folder):
    for path in (REPOSITORY / folder).rglob("*"):
        text = path.read_text("utf-8") if path.is_file() and not path.suffix else ""
        if text.startswith("#!"):
            assert path.stat().st_mode & 0o111, path
            assert text.startswith("#!/usr/bin/env bash\n"), path
            assert "\nset -euo pipefail\n" in text, path


@pytest.mark.parametrize("module", ["mipdns.server", "mipdns.answer", "mipdns.index.snapshot", "mipdns.cli"])
def test_serving_loads_no_library_of_the_loader(module):
    """In an interpreter of its own: pytest has long loaded them here."""
    program = f"import sys, {module}; print(*sorted(set({LOADER_LIBRARIES!r}) & set(sys.modules)))"
    command = [sys.executable, "-W", "error", "-c", program]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
