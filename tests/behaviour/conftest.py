"""The server that the table is asked of: one of each form for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import servers
from tests.small import write_build
from tests.wire.world import IDENTITY


@pytest.fixture(scope="package", params=servers.FORMS)
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    folder = tmp_path_factory.mktemp("behaviour")
    write_build(folder / "mip.db")
    with servers.only(request.param), servers.start(servers.write_config(folder, **IDENTITY._asdict())) as server:
        yield server
