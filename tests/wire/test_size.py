"""How much is sent to whom: 512 bytes without EDNS, at most 1,232 with it, everything over TCP (RFC 6891 §6.2.5)."""

from __future__ import annotations

from pathlib import Path

import dns.flags
import dns.rcode
import pytest

from mipdns.answer import Zones
from mipdns.zonefile import read_zones
from tests.wire.packets import opt, option, query, read
from tests.wire.world import IDENTITY, TCP, UDP, ZONES, ZONES_FOLDER, ask, v6

LONG_ORIGIN = ".".join(["x" * 63, "y" * 63, "z" * 46, "mi"])
RELAY = "2a02:26f7:c001:2::17"


def wide(folder: Path, servers: int) -> Zones:
    """A zone with the longest origin there can be and so many name servers of two addresses each."""
    text = (ZONES_FOLDER / "mip.internal.toml").read_text("utf-8").replace("mip.internal", LONG_ORIGIN)
    for number in range(2, servers + 1):
        addresses = f'["192.0.2.{number}", "2001:db8::{number}"]'
        text += f'[[nameserver]]\nname = "ns{number}.{LONG_ORIGIN}"\naddresses = {addresses}\n'
    (folder / "wide.toml").write_text(text, "utf-8")
    return read_zones(folder, IDENTITY)


def test_glue_goes_without_a_word(tmp_path: Path):
    """RFC 2181 §9: TC only where required data was cut. Three servers' names fit, their addresses do not."""
    served = wide(tmp_path, 3)
    asked = query(LONG_ORIGIN, "NS", edns=opt(size=1232))
    small, whole = read(ask(asked, UDP, served=served)), read(ask(asked, TCP, served=served))
    assert (len(whole.answer[0]), sum(map(len, whole.additional))) == (3, 6)
    assert small.answer == whole.answer
    assert (small.additional, small.edns) == ([], 0)
    assert not (small.flags | whole.flags) & dns.flags.TC


@pytest.mark.parametrize(("size", "limit"), [(0, 512), (100, 512), (512, 512), (1232, 1232), (65535, 1232)])
def test_truncation_empties_the_sections_and_keeps_opt(tmp_path: Path, size: int, limit: int):
    answer = ask(query(LONG_ORIGIN, "NS", edns=opt(option(3), size=size)), UDP, served=wide(tmp_path, 9))
    assert len(answer) <= limit
    message = read(answer)
    assert message.flags & dns.flags.TC
    assert message.flags & dns.flags.AA
    assert (message.answer, message.authority, message.additional, message.edns) == ([], [], [], 0)


def test_without_edns_512_bytes_and_over_tcp_all(tmp_path: Path):
    served = wide(tmp_path, 9)
    asked = query(LONG_ORIGIN, "NS")
    assert ask(asked, UDP, served=served)[3:12].hex() == "000001000000000000"
    assert len(read(ask(asked, TCP, served=served)).answer[0]) == 9


def test_longest_name_is_answered(tmp_path: Path):
    """32 nibbles, a threshold, a class and the longest origin make a question of 255 bytes."""
    served = wide(tmp_path, 1)
    hit = query(f"{v6(RELAY)}.t88.relay.{LONG_ORIGIN}", "TXT")
    assert len(read(ask(hit, served=served)).answer) == 1
    longest = query(f"{v6(RELAY)}.t100.campus.{LONG_ORIGIN}", "TXT")
    assert len(longest) == 12 + 255 + 4
    assert read(ask(longest, TCP, served=served)).rcode() == dns.rcode.NXDOMAIN
    cut = read(ask(longest, UDP, served=served))
    assert (cut.rcode(), bool(cut.flags & dns.flags.TC), cut.authority) == (dns.rcode.NXDOMAIN, True, [])


@pytest.mark.parametrize("qtype", ["A", "TXT", "AAAA", "ANY", "NS", "SOA"])
def test_usual_answers_fit_into_512(qtype: str):
    for name in (
        "7.7.15.51.mip.internal",
        "x.mip.internal",
        "mip.internal",
        "ns1.mip.internal",
        "2.0.0.127.mip.internal",
    ):
        answer = ask(query(name, qtype), served=ZONES)
        assert len(answer) <= 512
        assert not read(answer).flags & dns.flags.TC
