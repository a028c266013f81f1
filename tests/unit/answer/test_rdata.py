"""What a listing says, for any verdict there can be."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns.answer.lists import Rule
from mipdns.answer.rdata import point_a, point_txt, verdict_a, verdict_text, verdict_txt
from mipdns.net import ADDRESS_MAX, V4_FIRST, V4_LAST, format_address, parse_address, parse_range
from mipdns.vocabulary import Verdict

KEYS = ["v", "conf", "class", "users", "net", "asn", "src", "seen"]
FULL = Verdict(*parse_range("51.15.7.0/24"), 87, 65, 64, 128, 515, 64500, "2026-11-20")
ADDRESS = parse_address("51.15.7.9")


@st.composite
def verdicts(draw: st.DrawFn) -> tuple[int, Verdict]:
    """Any verdict of one family, and an address in it."""
    low, high = draw(st.sampled_from([(V4_FIRST, V4_LAST), (V4_LAST + 1, ADDRESS_MAX)]))
    first, address, last = sorted(draw(st.lists(st.integers(low, high), min_size=3, max_size=3)))
    users = st.none() | st.integers(0, 2**40)
    asn = st.none() | st.integers(1, 2**32 - 1)
    return address, Verdict(
        first=first,
        last=last,
        confidence=draw(st.integers(1, 100)),
        classes=draw(st.integers(1, 255)),
        users_low=draw(users),
        users_high=draw(users),
        sources=draw(st.integers(0, 8191)),
        asn=draw(asn),
        observed=draw(st.sampled_from(["2026-11-20", ""])),
    )


def test_the_contracts_example():
    assert verdict_text(ADDRESS, FULL) == (
        "v=mip1; conf=87; class=cgnat,mobile; users=64-128; net=51.15.7.0/24; asn=64500; src=ports,agents,trace; "
        "seen=2026-11-20"
    )


@pytest.mark.parametrize(
    ("less", "gone"),
    [
        (FULL._replace(users_low=None), "users=64-128; "),
        (FULL._replace(users_high=None), "users=64-128; "),
        (FULL._replace(asn=None), "asn=64500; "),
        (FULL._replace(sources=0), "src=ports,agents,trace; "),
        (FULL._replace(observed=""), "; seen=2026-11-20"),
    ],
)
def test_what_is_not_known_is_left_out(less: Verdict, gone: str):
    assert verdict_text(ADDRESS, less) == verdict_text(ADDRESS, FULL).replace(gone, "")


def test_what_does_not_fit_goes_from_the_end():
    """All classes, all signals, a wide IPv6 prefix and large numbers: 255 characters do not hold them."""
    wide = Verdict(
        *parse_range("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0/112"), 100, 255, 2**40, 2**41, 8191, 2**32 - 1, "2026-11-20"
    )  # fmt: skip
    text = verdict_text(wide.first, wide)
    assert text.endswith("; asn=4294967295")
    assert len(text) <= 255


@given(verdicts())
def test_txt_is_one_string_of_printable_ascii_with_keys_in_order(drawn: tuple[int, Verdict]):
    address, verdict = drawn
    rdata = verdict_txt(address, verdict)
    assert rdata[0] == len(rdata) - 1 <= 255
    text = rdata[1:].decode("ascii")
    assert re.fullmatch(r"[ -~]+", text)
    keys = [part.partition("=")[0] for part in text.split("; ")]
    assert keys == [key for key in KEYS if key in keys]
    assert text.startswith(f"v=mip1; conf={verdict.confidence}; class=")


@given(verdicts())
def test_net_is_the_widest_prefix_of_the_range_that_holds_the_address(drawn: tuple[int, Verdict]):
    address, verdict = drawn
    found = re.search(r"net=([^;]+)", verdict_text(address, verdict))
    assert found
    network = ip_network(found[1])
    low, high = ip_address(format_address(verdict.first)), ip_address(format_address(verdict.last))
    assert ip_address(format_address(address)) in network
    assert low <= network[0]  # type: ignore[operator]  # one family
    assert network[-1] <= high  # type: ignore[operator]
    if network.prefixlen:
        wider = network.supernet()
        assert wider[0] < low or wider[-1] > high  # type: ignore[operator]


@given(verdicts())
def test_a_is_in_127_0_and_never_an_error_code(drawn: tuple[int, Verdict]):
    _, verdict = drawn
    assert verdict_a(verdict, Rule(50)) == bytes((127, 0, verdict.classes, verdict.confidence))
    assert verdict_a(verdict, Rule(25, bits=True))[:3] == bytes((127, 0, verdict.classes))


def test_test_points_answer_themselves():
    assert point_a(parse_address("127.0.5.85")) == bytes((127, 0, 5, 85))
    assert point_txt() == b"\x0cv=mip1; test"
