"""A server that says nothing of itself: NSID and the CHAOS names can be switched off (RFC 5001, RFC 4892)."""

from __future__ import annotations

import pytest

from tests.behaviour.message import NSID, Reply, read_reply
from tests.behaviour.table import CROWD, CROWD_A, ask_edns, with_opt
from tests.e2e import servers
from tests.exchange import ask_tcp, ask_udp
from tests.small import write_build
from tests.wire.packets import opt, option, query


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("silent")
    write_build(folder / "mip.db")
    with servers.start(servers.write_config(folder, nsid="-", version="-")) as server:
        yield server


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp])
@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
def test_nothing_is_told(silent, ask, family):
    where = silent.addresses[family]
    answer = ask(ask_edns(CROWD, option(NSID)), *where)
    assert read_reply(answer) == with_opt(CROWD_A)
    for name in ("id.server", "hostname.bind", "version.server", "version.bind"):
        answer = ask(query(name, "TXT", "CH", edns=opt()), *where)
        assert read_reply(answer) == with_opt(Reply("REFUSED", aa=False), "EDE=18")
