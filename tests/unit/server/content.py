"""What a server serves in unit tests: the small build, the shipped zone, one known cookie secret."""

from __future__ import annotations

from mipdns.answer import Identity
from mipdns.index.memory import from_verdicts
from mipdns.server.content import Content
from mipdns.zonefile import read_zones
from tests.e2e.servers import ZONES
from tests.small import SERIAL, VERDICTS

SECRET = bytes(range(16))


def small_content() -> Content:
    """The same as a server would read from a database and a folder."""
    return Content(from_verdicts(VERDICTS, SERIAL), read_zones(ZONES, Identity()), (SECRET,))
