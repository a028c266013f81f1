"""The cursor never leaves the packet, and what is written can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.answer.wire import Cursor, Header, WireFault, encode_name, owner_name, read_header, record

LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=4).filter(lambda each: sum(map(len, each)) < 240)


@given(st.binary(max_size=64), st.integers(0, 64), st.sampled_from(["plain_name", "skip_name", "record_head", "rest"]))
def test_cursor_stays_inside(packet: bytes, at: int, method: str):
    cursor = Cursor(packet, min(at, len(packet)))
    try:
        getattr(cursor, method)()
    except WireFault:
        return
    assert at <= cursor.at <= len(packet) or at > len(packet)


@given(LABELS)
def test_names_read_back(labels: list[bytes]):
    packet = encode_name(labels)
    assert Cursor(packet).plain_name() == labels
    assert owner_name(packet, 0) == packet
    skipped = Cursor(packet + b"x")
    skipped.skip_name()
    assert skipped.at == len(packet)


def test_owner_follows_pointers_backwards_only():
    packet = bytes(12) + b"\3net\0" + b"\2db\xc0\x0c" + b"\1a\xc0\x11"
    assert owner_name(packet, 22) == b"\1a\2db\3net\0"
    for target in (22, 23, 26, 11, 0):
        with pytest.raises(WireFault):
            owner_name(packet[:24] + bytes((0xC0, target)), 22)


def test_long_chains_of_pointers_end():
    """Each pointer points two bytes back: as many steps as the packet has pairs, not more."""
    chain = b"".join((0xC000 | max(at - 2, 12)).to_bytes(2, "big") for at in range(14, 16000, 2))
    assert owner_name(bytes(12) + b"\0\0" + chain, 15990) == b"\0"


def test_header_and_record_are_rfc_1035s():
    header = Header(0x1234, 0x8500, 1, 2, 3, 4)
    assert header.pack().hex() == "123485000001000200030004"
    assert read_header(header.pack()) == header
    assert record(b"\xc0\x0c", 1, 300, b"\x7f\0\0\2").hex() == "c00c000100010000012c00047f000002"
