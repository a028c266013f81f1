"""Every row of the table, asked of our server over UDP and TCP, IPv4 and IPv6."""

from __future__ import annotations

import pytest

from tests.behaviour import listing_rows, protocol_rows
from tests.behaviour.message import frame, read_reply
from tests.behaviour.table import LINES, Row
from tests.exchange import ANSWER_S, SILENCE_S, ask_tcp, ask_udp

ROWS = protocol_rows.ROWS + listing_rows.ROWS
TRANSPORTS = {"udp": ask_udp, "tcp": ask_tcp}
ASKED = [(row, transport) for row in ROWS for transport in TRANSPORTS if row.transport in ("", transport)]


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize(
    ("row", "transport"), ASKED, ids=[f"{row.line}: {row.title}-{transport}" for row, transport in ASKED]
)
def test_row(ours, row: Row, transport: str, family: int):
    address, port = ours.addresses[family]
    answer = TRANSPORTS[transport](row.query, address, port, ANSWER_S if row.expect else SILENCE_S)
    assert (answer and read_reply(answer)) == row.expect
    if answer:
        assert frame(answer) == frame(row.query)._replace(never=0)


def test_every_line_has_rows():
    assert {row.line for row in ROWS} == set(LINES)


def test_no_two_rows_have_the_same_name():
    names = [(row.line, row.title, row.transport) for row in ROWS]
    assert [name for name in names if names.count(name) > 1] == []
