"""What the wire tables are asked of: the shipped zone, a small build, and a client whose clock stands still."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mipdns.answer import Identity, Peer, Zones, respond
from mipdns.index.snapshot import Snapshot
from mipdns.net import parse_address
from mipdns.vocabulary import Verdict
from mipdns.zonefile import read_zones
from tests.forms import Respond
from tests.small import SERIAL, VERDICTS

ZONES_FOLDER = Path(__file__).resolve().parents[2] / "zones"
IDENTITY = Identity(nsid="ns1.test", version="mipdns test", tcp_idle_s=12.5)
ORIGIN = "mip.internal"

NOW = 1_760_000_600
SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
OLD_SECRET = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")
CLIENT = bytes([192, 0, 2, 1])

UDP = Peer("udp", CLIENT, NOW, (SECRET, OLD_SECRET))
TCP = UDP._replace(transport="tcp")
LOADED = UDP._replace(under_load=True)


class BruteSnapshot:
    """A build that is asked by looking at every row: fills `index.snapshot.Snapshot`, right by being obvious."""

    def __init__(self, verdicts: Sequence[Verdict] = VERDICTS, serial: int = SERIAL) -> None:
        self._verdicts = verdicts
        self._serial = serial

    @property
    def serial(self) -> int:
        return self._serial

    def __len__(self) -> int:
        return len(self._verdicts)

    def find(self, address: int) -> Verdict | None:
        return next((row for row in self._verdicts if row.first <= address <= row.last), None)

    def reaches(self, first: int, last: int, floor: int, classes: int) -> bool:
        return any(
            row.first <= last
            and first <= row.last
            and row.confidence >= floor
            and (not classes or bool(row.classes & classes))
            for row in self._verdicts
        )


SNAPSHOT = BruteSnapshot()


def zones(identity: Identity = IDENTITY) -> Zones:
    """The zone as shipped."""
    return read_zones(ZONES_FOLDER, identity)


ZONES = zones()


class Form:
    """Which form of the answer is asked; `conftest` sets it for each test."""

    respond: Respond = staticmethod(respond)


def send(packet: bytes, peer: Peer = UDP, snapshot: Snapshot | None = SNAPSHOT, served: Zones = ZONES) -> bytes | None:
    """What the form under test answers."""
    return Form.respond(packet, snapshot, served, peer)


def ask(packet: bytes, peer: Peer = UDP, snapshot: Snapshot | None = SNAPSHOT, served: Zones = ZONES) -> bytes:
    """The answer to a packet that must have one."""
    answer = send(packet, peer, snapshot, served)
    assert answer is not None
    return answer


def v6(address: str) -> str:
    """The 32 reversed nibbles of an IPv6 address; an IPv4 one becomes its IPv4-mapped form."""
    return ".".join(reversed(f"{parse_address(address):032x}"))
