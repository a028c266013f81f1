"""The compiled form is there where it must be, and can be switched off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mipdns import native
from tests.conftest import REPOSITORY
from tests.forms import need_native

LOADED = "from mipdns import native; print(native.available())"


def run(program: str, **environment: str) -> str:
    command = [sys.executable, "-W", "error", "-c", program]
    inherited = {name: value for name, value in os.environ.items() if name != native.SWITCH}
    run = subprocess.run(
        command, cwd=REPOSITORY, env=inherited | environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


def test_ci_tests_the_compiled_form():
    """Without this a broken build would leave every native test skipped and green."""
    need_native()
    from mipdns.native import _native  # noqa: PLC0415 it may not be there

    assert _native.__file__.endswith(".so")
    assert run(LOADED) == "True"


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_switch_turns_it_off(value):
    assert run(LOADED, MIPDNS_NO_EXTENSIONS=value) == "False"


def test_asking_loads_nothing():
    program = "import sys, mipdns.native as n; n.available(); print('mipdns.native._native' in sys.modules)"
    assert run(program) == "False"
