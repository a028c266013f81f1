"""DNS cookies in the interoperable form (RFC 7873, RFC 9018), so that servers of one anycast set accept each other's.

In: the COOKIE option of a query, the client's address, the time, the secrets. Out: the option to answer with, and
whether the client proved its address. The one rule: everything is computed, nothing is remembered.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final, NamedTuple

from mipdns.answer.peer import Peer

CLIENT_SIZE: Final = 8
SERVER_SIZE: Final = 16
PAST_S: Final = 3600
FUTURE_S: Final = 300
RENEW_S: Final = 1800
"""RFC 9018 §4.3: a cookie counts from one hour ago to five minutes ahead, and is renewed after half an hour."""

_VERSION_1: Final = b"\1\0\0\0"
_WORD: Final = 0xFFFFFFFFFFFFFFFF


class CookieReply(NamedTuple):
    """option: the data to send back, client and server cookie. valid: the client held a server cookie of ours."""

    option: bytes
    valid: bool


def check_cookie(cookie: bytes, peer: Peer) -> CookieReply | None:
    """Judge the data of a COOKIE option, 8 or 16 to 40 bytes; None where the server has no secret.

    A valid server cookie that is young and made with the first secret is sent back as it is, any other replaced. A
    server cookie of another length or version is none of ours: not valid, but no error (RFC 7873 §5.2.3).
    """
    if not peer.cookie_secrets:
        return None
    client, server = cookie[:CLIENT_SIZE], cookie[CLIENT_SIZE:]
    if len(server) == SERVER_SIZE and server[0] == 1:
        age_s = _serial_difference(peer.now, int.from_bytes(server[4:8], "big"))
        if -FUTURE_S <= age_s <= PAST_S:
            for number, secret in enumerate(peer.cookie_secrets):
                if compare_digest(_hash(client, server[:8], peer.address, secret), server[8:]):
                    keep = number == 0 and age_s <= RENEW_S
                    return CookieReply(cookie if keep else client + make_server_cookie(client, peer), True)
    return CookieReply(client + make_server_cookie(client, peer), False)


def make_server_cookie(client: bytes, peer: Peer) -> bytes:
    """The 16-byte server cookie for a client cookie (RFC 9018 §4): version 1, zeros, the time, a hash over all."""
    head = _VERSION_1 + (peer.now & 0xFFFFFFFF).to_bytes(4, "big")
    return head + _hash(client, head, peer.address, peer.cookie_secrets[0])


def _hash(client: bytes, head: bytes, address: bytes, secret: bytes) -> bytes:
    """RFC 9018 §4.4. The reserved bytes are hashed as they came: they need not be zero (§4.2)."""
    return siphash24(secret, client + head + address)


def _serial_difference(now: int, then: int) -> int:
    """How many seconds `then` lies before `now` on the 32-bit circle of RFC 1982, -2**31 to 2**31 - 1."""
    return ((now - then + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def siphash24(key: bytes, data: bytes) -> bytes:
    """SipHash-2-4 (Aumasson and Bernstein, 2012) of any data under a 16-byte key: 8 bytes, least significant first."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    state = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    padded = data + bytes(7 - len(data) % 8) + bytes((len(data) & 0xFF,))
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v0, v1, v2, v3 = _rounds(2, state[0], state[1], state[2], state[3] ^ word)
        state = (v0 ^ word, v1, v2, v3)
    v0, v1, v2, v3 = _rounds(4, state[0], state[1], state[2] ^ 0xFF, state[3])
    return (v0 ^ v1 ^ v2 ^ v3).to_bytes(8, "little")


def _rounds(count: int, v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    for _ in range(count):
        v0 = v0 + v1 & _WORD
        v2 = v2 + v3 & _WORD
        v1 = _rotate(v1, 13) ^ v0
        v3 = _rotate(v3, 16) ^ v2
        v0 = _rotate(v0, 32)
        v2 = v2 + v1 & _WORD
        v0 = v0 + v3 & _WORD
        v1 = _rotate(v1, 17) ^ v2
        v3 = _rotate(v3, 21) ^ v0
        v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> 64 - bits) & _WORD
