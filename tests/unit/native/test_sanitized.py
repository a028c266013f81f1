"""What the loop's threads share, under sanitizers: `loop_check.c` holds the claims, this compiles and runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parents[2] / "mipdns" / "native"
SOURCES = [HERE / "loop_check.c", *(NATIVE / f"{name}.c" for name in ("udp", "queue", "epoch"))]


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_the_loop_under_a_sanitizer(tmp_path: Path, sanitizer: str) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    program = tmp_path / "loop_check"
    command = ["gcc", "-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", f"-fsanitize={sanitizer}"]
    command += ["-fno-sanitize-recover=all", f"-I{NATIVE}", *map(str, SOURCES), "-lpthread", "-o", str(program)]
    subprocess.run(command, check=True)
    # Thread sanitizer needs the same address layout at every start; `setarch -R` gives it where the kernel's differs.
    options = {"TSAN_OPTIONS": "halt_on_error=1"}
    done = subprocess.run(
        ["setarch", "-R", str(program)] if shutil.which("setarch") else [str(program)],
        env=os.environ | options,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
