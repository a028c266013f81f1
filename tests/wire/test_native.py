"""What the native form may leave to Python, and nothing else: whatever is rare costs a hand-over and can be dropped."""

from __future__ import annotations

import pytest

from tests.forms import NativeForm
from tests.wire.cases import APEX, CASES, CHAOS, Case
from tests.wire.malformed import PACKETS, TSIG_RECORDS, Malformed
from tests.wire.packets import opt, option, query
from tests.wire.world import LOADED, TCP, UDP, ZONES

pytestmark = pytest.mark.parametrize("form", ["native"], indirect=True)

NATIVE_NAMES = {"1.ns1.mip.internal", "ns1.all.mip.internal"}
"""Near a name server, but ordinary names of the tree."""

UNREAD = "a key that points at itself"
"""A TSIG record whose owner cannot be read is not known for one."""

RARE_CASES = [case for case in (*APEX, *CHAOS) if case.name not in NATIVE_NAMES]
OPTIONS = [b"", opt(), opt(option(3)), opt(option(10, bytes(8))), opt(option(65001, b"x"))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.qtype} {case.qclass}")
def test_only_the_apex_hosts_and_chaos_are_rare(case: Case, native_form: NativeForm):
    for edns in OPTIONS:
        for peer in (UDP, LOADED._replace(cookie_secrets=())):
            answer = native_form.answer(query(case.name, case.qtype, case.qclass, edns=edns), ZONES, peer)
            assert isinstance(answer, bytes) == (case not in RARE_CASES)


@pytest.mark.parametrize("row", PACKETS, ids=lambda row: row.title)
def test_of_malformed_packets_only_signed_ones_are_rare(row: Malformed, native_form: NativeForm):
    answer = native_form.answer(row.packet, ZONES, UDP)
    assert (answer is None or isinstance(answer, bytes)) == (row not in TSIG_RECORDS or row.title == UNREAD)


def test_tcp_is_pythons(native_form: NativeForm):
    assert repr(native_form.answer(query("7.7.15.51.mip.internal"), ZONES, TCP)) == "RARE"
