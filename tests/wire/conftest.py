"""Every test of this folder runs on both forms: Python, and C with Python for what is rare."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mipdns.answer import respond
from tests.forms import NativeForm, Respond, index_bytes, need_native
from tests.wire.world import Form


@pytest.fixture(scope="session")
def native_form() -> NativeForm:
    """The C form over the small build that `world.SNAPSHOT` holds."""
    need_native()
    return NativeForm(index_bytes())


@pytest.fixture(autouse=True, params=["python", "native"])
def form(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set the form that `world.ask` and `world.send` ask."""
    chosen: Respond = respond
    if request.param == "native":
        chosen = request.getfixturevalue("native_form").respond
    Form.respond = staticmethod(chosen)
    yield
    Form.respond = staticmethod(respond)
