"""The same table asked of Knot and NSD, which serve an export of the same build: answer by answer, whole.

What differs must stand in `differences`, with the place in docs/differences.md that explains it, and what stands there
must differ.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import dns.exception
import dns.message
import dns.name
import pytest

from mipdns.export import export_zone
from mipdns.net import parse_range
from tests import peers
from tests.behaviour.differences import EXPLAINED, Difference
from tests.behaviour.message import Reply, read_reply
from tests.behaviour.table import Row
from tests.behaviour.test_table import ASKED, ROWS, TRANSPORTS
from tests.conftest import REPOSITORY
from tests.e2e import servers
from tests.exchange import SILENCE_S
from tests.oracle import every_list
from tests.small import SERIAL, VERDICTS, write_build
from tests.wire.world import IDENTITY, ORIGIN, ZONES

pytestmark = pytest.mark.peers

PEERS = {"Knot": peers.knot, "NSD": peers.nsd}

# A master file has a record for each IPv4 address of each list: half a million addresses in one range are too many.
TOO_WIDE = parse_range("104.16.0.0/13")
EXPORTED = [row for row in VERDICTS if (row.first, row.last) != TOO_WIDE]


def lists_asked() -> list[str]:
    """The lists that some row's name lies in."""
    origin = dns.name.from_text(ORIGIN)
    known = every_list(50)
    asked = {""}
    for row in ROWS:
        try:
            name = dns.message.from_wire(row.query, ignore_trailing=True, question_only=True).question[0].name
        except (dns.exception.DNSException, IndexError):
            continue
        if name.is_subdomain(origin):
            labels = [label.decode("latin-1").lower() for label in name.relativize(origin).labels]
            asked |= {".".join(labels[-size:]) for size in (1, 2)} & set(known)
    return sorted(asked)


@pytest.fixture(scope="module")
def zone_text() -> str:
    text = io.StringIO()
    export_zone(EXPORTED, ZONES.by_origin[b"mip", b"internal"], SERIAL, text, lists=lists_asked())
    return text.getvalue()


@pytest.fixture(scope="module")
def exported_from(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """Our server over the verdicts that the peers have."""
    folder = tmp_path_factory.mktemp("exported")
    write_build(folder / "mip.db", EXPORTED)
    with servers.start(servers.write_config(folder, **IDENTITY._asdict())) as server:
        yield server


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest, zone_text: str, tmp_path_factory: pytest.TempPathFactory):
    serve = PEERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with serve(folder, {ORIGIN: zone_text}, nsid=IDENTITY.nsid, version=IDENTITY.version) as running:
        yield running


def reply(row: Row, transport: str, address: str, port: int) -> Reply | str:
    packet = TRANSPORTS[transport](row.query, address, port, SILENCE_S * 3)
    if packet is None:
        return "silence"
    try:
        return read_reply(packet)
    except dns.exception.DNSException:
        return "unreadable"


def explanations(peer: str, row: Row, transport: str) -> list[Difference]:
    return [entry for entry in EXPLAINED if entry.names(peer, transport, f"{row.line}: {row.title}")]


@pytest.mark.parametrize(
    ("row", "transport"), ASKED, ids=[f"{row.line}: {row.title}-{transport}" for row, transport in ASKED]
)
def test_same_answer_or_an_explained_one(peer, exported_from, row, transport):
    ours = reply(row, transport, *exported_from.addresses[0])
    theirs = reply(row, transport, "127.0.0.1", peer.port)
    known = explanations(peer.name, row, transport)
    if theirs == ours:
        assert known == [], "no longer differs"
    else:
        said = theirs.rcode if isinstance(theirs, Reply) else theirs
        assert [entry.theirs for entry in known] == [said], f"ours: {ours}\ntheirs: {theirs}"


@pytest.mark.parametrize("entry", EXPLAINED, ids=lambda entry: f"{entry.anchor}-{entry.peer}-{entry.theirs}")
def test_every_pattern_names_a_row(entry):
    named = [f"{row.line}: {row.title}" for row, transport in ASKED if transport in entry.transports]
    for pattern in entry.rows:
        assert any(entry._replace(rows=(pattern,)).names(entry.peer, entry.transports[0], row) for row in named), (
            pattern
        )


def test_docs_explain_each_difference_and_no_other():
    page = (REPOSITORY / "docs" / "differences.md").read_text("utf-8")
    section = page.partition("## Knot and NSD\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (.+)$", section, re.MULTILINE)) == {entry.anchor for entry in EXPLAINED}
