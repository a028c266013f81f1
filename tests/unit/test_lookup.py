"""What cannot even be asked for is told in one line."""

from __future__ import annotations

import pytest

from mipdns import net
from mipdns.errors import LookupFailed
from mipdns.lookup import lookup


@pytest.mark.parametrize("sub_list", ["a..b", ".a", "x" * 64])
def test_a_name_that_is_none(sub_list: str):
    with pytest.raises(LookupFailed, match="is no domain name"):
        lookup(net.parse_address("192.0.2.1"), ("127.0.0.1", 9), "mip.internal", sub_list)
