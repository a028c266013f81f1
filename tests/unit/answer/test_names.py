"""Labels as addresses: one spelling each, both families, every length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.answer.names import read_nibbles, read_octets
from mipdns.net import ADDRESS_MAX, V4_FIRST, V4_LAST, parse_range, reverse_name


def labels(text: str) -> list[bytes]:
    return text.encode().split(b".") if text else []


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("4.3.2.1", "1.2.3.4/32"), ("3.2.1", "1.2.3.0/24"), ("2.1", "1.2.0.0/16"), ("0", "0.0.0.0/8")],
)
def test_octets(text: str, prefix: str):
    assert read_octets(labels(text)) == parse_range(prefix)


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("1.0.0.2", "2001::/16"), ("2", "2000::/4"), ("f", "f000::/4"), ("b.1", "1b00::/8")],
)
def test_nibbles(text: str, prefix: str):
    assert read_nibbles(labels(text)) == parse_range(prefix)


def test_no_labels_are_everything():
    assert read_octets([]) == (V4_FIRST, V4_LAST)
    assert read_nibbles([]) == (0, ADDRESS_MAX)


@pytest.mark.parametrize(
    "text", ["256", "01", "00", "+1", "-1", " 1", "1 ", "1_0", "0x1", "a", "١", "1.2.3.4.5", "", "1e1"]
)
def test_not_octets(text: str):
    assert read_octets([label.encode() for label in text.split(".")]) is None


@pytest.mark.parametrize("text", ["g", "10", "", "A", "_", "-", "1.2.x", "0.0.00", ".".join("0" * 33)])
def test_not_nibbles(text: str):
    """Upper case is lowered before, with the rest of the name."""
    assert read_nibbles([label.encode() for label in text.split(".")]) is None


@given(st.integers(V4_FIRST, V4_LAST))
def test_full_ipv4_name_is_its_address(address: int):
    assert read_octets(labels(reverse_name(address))) == (address, address)


@given(st.integers(0, ADDRESS_MAX))
def test_full_ipv6_name_is_its_address(address: int):
    assert read_nibbles(list(reversed([digit.encode() for digit in f"{address:032x}"]))) == (address, address)
