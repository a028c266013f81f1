"""The two forms of the answer under one face: `respond` in Python, and C with Python for what is rare.

Each is called like `mipdns.answer.respond`. What a server answers over UDP is one of these two.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import pytest

from mipdns import native
from mipdns.answer import Peer, Zones, respond
from mipdns.index.memory import compile_bytes
from mipdns.index.snapshot import Snapshot
from mipdns.vocabulary import Verdict
from tests.small import SERIAL, VERDICTS

if TYPE_CHECKING:
    from mipdns.native._native import Served


class Respond(Protocol):
    """The signature of `mipdns.answer.respond`."""

    def __call__(self, packet: bytes, snapshot: Snapshot | None, zones: Zones, peer: Peer) -> bytes | None: ...


def index_bytes(verdicts: Iterable[Verdict] = VERDICTS, serial: int = SERIAL) -> bytes:
    """An index file of these verdicts."""
    return compile_bytes(verdicts, serial)


def need_native() -> None:
    """Skip the test that calls this where the compiled form is not there; in CI that is a failure."""
    if not native.available():
        message = "the compiled form is not there: no C compiler, or MIPDNS_NO_EXTENSIONS is set"
        if os.environ.get("CI") and not os.environ.get(native.SWITCH):
            pytest.fail(message)
        pytest.skip(message)


class NativeForm:
    """The C form over one index. rare: how many packets it has handed to Python."""

    def __init__(self, index: bytes) -> None:
        from mipdns.native import _native  # noqa: PLC0415 it may not be there

        self._native = _native
        self._index = index
        self._served: list[tuple[Zones, Sequence[bytes], Served]] = []
        self.rare = 0

    def answer(self, packet: bytes, zones: Zones, peer: Peer) -> object:
        """Bytes, None, or RARE."""
        return self._native.answer(self._served_for(zones, peer.cookie_secrets), packet, peer)

    def respond(self, packet: bytes, snapshot: Snapshot | None, zones: Zones, peer: Peer) -> bytes | None:
        """As a server answers: what is rare, and everything while there is no index, in Python."""
        answer = self.answer(packet, zones, peer) if snapshot else self._native.RARE
        if answer is self._native.RARE:
            self.rare += 1
            return respond(packet, snapshot, zones, peer)
        assert answer is None or isinstance(answer, bytes)
        return answer

    def _served_for(self, zones: Zones, secrets: Sequence[bytes]) -> Served:
        for known, held, served in self._served:
            if known is zones and held == secrets:
                return served
        self._served.append((zones, secrets, self._native.Served(zones, self._index, secrets)))
        return self._served[-1][2]
