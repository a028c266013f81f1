"""What cannot even be asked for is told in one line."""

from __future__ import annotations

import pytest

from mipdns import net
from mipdns.errors import LookupFailed
from mipdns.lookup import check_list, lookup


@pytest.mark.parametrize("sub_list", ["a..b", ".a", "x" * 64])
def test_a_name_that_is_none(sub_list: str):
    with pytest.raises(LookupFailed, match="is no domain name"):
        lookup(net.parse_address("192.0.2.1"), ("127.0.0.1", 9), "mip.internal", sub_list)


@pytest.mark.parametrize("name", ["", "all", "bits", "t01", "T80", "t100", "cgnat", "t80.cgnat"])
def test_a_list_that_a_zone_may_have(name: str):
    check_list(name)


@pytest.mark.parametrize("name", ["nonsense", "t0", "t101", "cgnat.t80", "bits.cgnat", "all.all", "."])
def test_a_slip_of_the_pen_is_no_list(name: str):
    with pytest.raises(LookupFailed, match="there is no list"):
        check_list(name)
