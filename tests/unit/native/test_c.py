"""The C files as such: no warning, nothing for the analyser, no Python in them, clean under valgrind, within budget."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.forms import index_bytes
from tests.fuzz.making import SEEDS

NATIVE = REPOSITORY / "mipdns" / "native"
SOURCES = sorted(path for path in NATIVE.glob("*.c") if path.name != "_native.c")
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-c", "-o", "/dev/null"]

sys.path.insert(0, str(REPOSITORY / "scripts" / "bench"))  # programs, not a package


def need(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_gcc_and_its_analyser_are_silent(source: Path):
    need("gcc")
    done = subprocess.run(["gcc", *FLAGS, "-fanalyzer", str(source)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_clang_is_silent(source: Path):
    need("clang")
    done = subprocess.run(["clang", *FLAGS, str(source)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("source", [*SOURCES, *sorted(NATIVE.glob("*.h"))], ids=lambda path: path.name)
def test_no_python_in_c(source: Path):
    text = source.read_text("utf-8")
    assert "Python.h" not in text
    assert "PyObject" not in text


def test_the_extension_is_built_from_every_file():
    """What is not declared is neither compiled anew when it changes nor in the source distribution."""
    [extension] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["ext-modules"]
    declared = {REPOSITORY / path for path in (*extension["sources"], *extension["depends"])}
    assert declared == {*SOURCES, *NATIVE.glob("*.h"), *NATIVE.glob("*.pyx")}


@pytest.mark.peers
def test_valgrind_is_silent_on_the_tables(tmp_path: Path):
    need("valgrind")
    import instructions  # noqa: PLC0415 found only through the path above

    (tmp_path / "index").write_bytes(index_bytes())
    instructions.write_frames(tmp_path / "packets", iter(SEEDS))
    command = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full", str(instructions.compile_replay(tmp_path))]
    command += [str(tmp_path / "index"), str(tmp_path / "packets"), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.peers
def test_an_answer_stays_within_its_instructions():
    need("valgrind")
    import instructions  # noqa: PLC0415 found only through the path above

    assert instructions.count() <= instructions.budget() * (1 + instructions.TOLERANCE)
