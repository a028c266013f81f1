"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No test passes or fails by the clock, on a busy machine least of all.
settings.register_profile("untimed", deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "untimed")

# A shell starts what it runs in the background with SIGINT ignored, and whatever that starts inherits it; here programs
# are told to stop as a terminal tells them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: `$MIPDNS_REAL_DATA`, else `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("MIPDNS_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "README.md").is_file():
        pytest.skip(f"no real data at {folder}; set MIPDNS_REAL_DATA")
    return folder
