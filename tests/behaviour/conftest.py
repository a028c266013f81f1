"""The server that the table is asked of: one for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import peers
from tests.behaviour.table import NSID_TEXT, TCP_IDLE_S, VERSION_TEXT

ZONES = Path(__file__).parent / "zones"


@pytest.fixture(scope="package")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Peer]:
    serve = f'nsid = "{NSID_TEXT}"\nversion = "{VERSION_TEXT}"\ntcp_idle_s = {TCP_IDLE_S}'
    with peers.mipdns(tmp_path_factory.mktemp("behaviour"), ZONES, serve=serve) as server:
        yield server
