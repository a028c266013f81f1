"""Who asks, as plain data: everything about a query that is not in its bytes."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Peer(NamedTuple):
    """The asking side of one query, and the moment.

    transport: `udp` or `tcp`. address: the client's 4 or 16 address bytes (an IPv4-mapped one as 4).
    now: unix seconds, for server cookies (RFC 9018 §4.3). cookie_secrets: one or two 16-byte secrets, the first
    makes new cookies. under_load: ask for a valid cookie before answering over UDP (RFC 7873 §5.2.3).
    """

    transport: Literal["udp", "tcp"]
    address: bytes
    now: int
    cookie_secrets: tuple[bytes, ...]
    under_load: bool = False
