"""Arithmetic on addresses, ranges and names, against the standard library and brute force."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mipdns import net
from mipdns.errors import AddressError

v4 = st.integers(net.V4_FIRST, net.V4_LAST)
addresses = st.one_of(v4, st.integers(0, net.ADDRESS_MAX), st.integers(0x2 << 124, (0x4 << 124) - 1))
small = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))


def spans(size: int) -> st.SearchStrategy[net.Range]:
    """Ranges of at most `size` addresses, anywhere on the line."""
    return st.tuples(addresses, st.integers(0, size - 1)).map(
        lambda pair: (pair[0], min(pair[0] + pair[1], net.ADDRESS_MAX))
    )


# --- text


@given(addresses)
def test_an_address_survives_its_text(address):
    assert net.parse_address(net.format_address(address)) == address


@given(addresses)
def test_the_text_is_the_standard_librarys(address):
    text = net.format_address(address)
    if net.is_v4(address):
        assert text == str(ipaddress.IPv6Address(address).ipv4_mapped)
    else:
        assert text == str(ipaddress.IPv6Address(address))


@given(spans(1 << 70))
@example((0, net.ADDRESS_MAX))
@example((net.V4_FIRST, net.V4_LAST))
def test_a_range_survives_its_text(span):
    assume(net.is_v4(span[0]) == net.is_v4(span[1]))
    assert net.parse_range(net.format_range(*span)) == span


@given(addresses)
def test_a_blob_is_sixteen_bytes_and_comes_back(address):
    assert len(net.to_blob(address)) == 16
    assert net.from_blob(net.to_blob(address)) == address


@given(addresses, addresses)
def test_blobs_order_as_addresses_do(one, other):
    assert (net.to_blob(one) < net.to_blob(other)) == (one < other)


SAME = [
    ("1.2.3.4", "::ffff:1.2.3.4"),
    ("1.2.3.4", "::FFFF:102:304"),
    ("1.2.3.0/24", "::ffff:1.2.3.0/120"),
    ("1.2.3.0/24", " 1.2.3.0-1.2.3.255 "),
    ("1.2.3.4", "1.2.3.4/32"),
    ("2a00::", "2a00:0:0::/128"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_one_range(one, other):
    assert net.parse_range(one) == net.parse_range(other)


BAD = [
    "",
    " ",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4 5",
    "+1.2.3.4",
    "1.2.3.-4",
    "0x1.2.3.4",
    "１.2.3.4",
    "::1%eth0",
    "fe80::1%1/64",
    ":::",
    "1::2::3",
    "12345::",
    "example.com",
    "1.2.3.4/",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/+8",
    "1.2.3.4/255.255.255.0",
    "1.2.3.0/٢٤",
    "1.2.3.1/24",
    "2a00::1/64",
    "2a00::/129",
    "1.2.3.9-1.2.3.4",
    "1.2.3.4-",
    "-1.2.3.4",
    "1.2.3.4-2a00::",
    "1.2.3.0/24-1.2.4.0/24",
    "[::1]",
    "1.2.3.4\n5",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_range(text):
    with pytest.raises(AddressError) as fault:
        net.parse_range(text)
    assert "\n" not in str(fault.value)


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_an_address_error(text):
    try:
        first, last = net.parse_range(text)
    except AddressError:
        return
    assert 0 <= first <= last <= net.ADDRESS_MAX


@given(addresses)
def test_the_reversed_name_is_the_standard_librarys(address):
    if net.is_v4(address):
        pointer = ipaddress.IPv4Address(address & 0xFFFFFFFF).reverse_pointer.removesuffix(".in-addr.arpa")
    else:
        pointer = ipaddress.IPv6Address(address).reverse_pointer.removesuffix(".ip6.arpa")
    assert net.reverse_name(address) == pointer


# --- prefixes


@given(spans(1 << 90))
@example((0, net.ADDRESS_MAX))
@example((net.ADDRESS_MAX, net.ADDRESS_MAX))
@example((net.V4_FIRST, net.V4_LAST))
def test_prefixes_are_the_fewest(span):
    found = [(network, network + (1 << (128 - length)) - 1) for network, length in net.prefixes(*span)]
    expected = ipaddress.summarize_address_range(ipaddress.IPv6Address(span[0]), ipaddress.IPv6Address(span[1]))
    assert found == [(int(one.network_address), int(one.broadcast_address)) for one in expected]


@given(small, st.integers(0, 60))
def test_the_enclosing_prefix_is_the_widest(span, address):
    assume(span[0] <= address <= span[1])
    network, length = net.enclosing_prefix(address, *span)
    widest = max(
        size
        for bits in range(7)
        if span[0] <= address >> bits << bits and (address | ((size := 1 << bits) - 1)) <= span[1]
    )
    assert 1 << (128 - length) == widest
    assert network <= address < network + widest


def test_the_enclosing_prefix_of_everything():
    assert net.enclosing_prefix(5, 0, net.ADDRESS_MAX) == (0, 0)
    first, last = net.parse_range("51.15.0.0/16")
    assert net.format_prefix(*net.enclosing_prefix(first + 300, first, last)) == "51.15.0.0/16"
    assert net.format_prefix(*net.enclosing_prefix(first + 300, first + 1, last)) == "51.15.1.0/24"


# --- sets of ranges


def members(ranges: list[net.Range]) -> set[int]:
    return {address for first, last in ranges for address in range(first, last + 1)}


@given(st.lists(small, max_size=12))
def test_merged_ranges_are_the_same_addresses_and_do_not_touch(ranges):
    merged = net.merge_ranges(ranges)
    assert members(merged) == members(ranges)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(merged))


@given(small, st.lists(small, max_size=12))
def test_subtract_leaves_what_no_hole_holds(span, holes):
    left = list(net.subtract(span[0], span[1], net.merge_ranges(holes)))
    assert members(left) == members([span]) - members(holes)
    assert left == sorted(left)


@given(small, st.lists(small, max_size=12))
def test_subtract_takes_holes_that_touch(span, holes):
    disjoint = [(address, address) for address in sorted(members(holes))]
    assert members(list(net.subtract(span[0], span[1], disjoint))) == members([span]) - members(holes)


# --- special-purpose space

IANA = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32
192.0.0.9/32 192.0.0.10/32 192.0.0.170/31 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
::1/128 ::/128 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128
2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16
2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 ff00::/8 ::ffff:10.0.0.0/104
"""
"""The IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast."""


@pytest.mark.parametrize("text", IANA.split())
def test_the_registries_are_special_to_the_edge(text):
    assert list(net.subtract(*net.parse_range(text), net.SPECIAL)) == []


PUBLIC = """
1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0
192.0.1.0 192.0.3.0 192.88.98.255 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.114.0
223.255.255.255 2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2003:: 2620:4f:8001:: 2a00::1
3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000:: 3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_space_is_not_special(text):
    assert not net.is_special(net.parse_address(text))


@pytest.mark.parametrize(
    "text", ["4000::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::", "::fffe:1.2.3.4", "::1:0:0:0"]
)
def test_what_lies_outside_global_unicast_is_special(text):
    assert net.is_special(net.parse_address(text))


def test_special_ranges_are_sorted_and_disjoint():
    assert net.merge_ranges(net.SPECIAL) == net.SPECIAL


@given(addresses)
def test_special_is_where_a_special_range_is(address):
    assert net.is_special(address) == any(first <= address <= last for first, last in net.SPECIAL)


# --- units

unicast = st.one_of(v4, st.integers(0x2 << 124, (0x4 << 124) - 1))


@given(unicast)
def test_a_units_key_gives_back_the_unit(address):
    assert net.unit_range(net.unit_key(address)) == net.unit(address)


@given(unicast, unicast)
def test_unit_keys_order_as_units_do(one, other):
    assert (net.unit_key(one) < net.unit_key(other)) == (net.unit(one) < net.unit(other))
    assert net.unit_key(one) < 1 << 64


NEIGHBOURS = [
    ("1.2.3.4", "1.2.3.0"),
    ("1.2.3.0", "1.2.3.0"),
    ("2a00:1:2:3::4", "2a00:1:2::"),
    ("2a00:1:2::", "2a00:1:2::"),
]


@pytest.mark.parametrize(("address", "first"), NEIGHBOURS)
def test_a_neighbourhood_is_a_24_or_a_48(address, first):
    key = net.neighbourhood_key(net.unit_key(net.parse_address(address)))
    assert net.unit_range(key)[0] == net.parse_address(first)
