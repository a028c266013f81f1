"""What a listing says: the data of its A and TXT records.

In: an address, the verdict that holds it, the list's rule. Out: record data in wire form. The one rule: an A answer is
always in 127.0.0.0/16 and a TXT answer is one string of at most 255 printable ASCII characters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mipdns.answer.lists import Rule, level_code
from mipdns.net import enclosing_prefix, format_prefix
from mipdns.vocabulary import Class, Signal, Verdict, names

TXT_MAX: Final = 255
TEST_TEXT: Final = "v=mip1; test"


def point_a(address: int) -> bytes:
    """A test point answers itself: 127.0.C.S is the last four bytes of its own address."""
    return (address & 0xFFFFFFFF).to_bytes(4, "big")


def verdict_a(verdict: Verdict, rule: Rule) -> bytes:
    """127.0.C.S: class bits and confidence; in `bits` 127.0.C.T."""
    last = level_code(verdict.confidence) if rule.bits else verdict.confidence
    return bytes((127, 0, verdict.classes & 0xFF, last))


def point_txt() -> bytes:
    """The text of every test point."""
    return _string(TEST_TEXT)


def verdict_txt(address: int, verdict: Verdict) -> bytes:
    """The verdict in words, for this address."""
    return _string(verdict_text(address, verdict))


def verdict_text(address: int, verdict: Verdict) -> str:
    """`v=mip1; conf=87; …`: keys in fixed order, absent ones left out, the last dropped until 255 characters hold it.

    `net` is the widest prefix that holds the address and lies inside the verdict's range, in the family's own length.
    """
    before, after = text_around_net(verdict)
    net = format_prefix(*enclosing_prefix(address, verdict.first, verdict.last))
    return before + net + next(cut for cut in after if len(before) + len(net) + len(cut) <= TXT_MAX)


def text_around_net(verdict: Verdict) -> tuple[str, tuple[str, ...]]:
    """What stands before the network, and what after it: whole, without its last key, and so on down to nothing.

    None of it depends on the address. What stands before, and any network, always fit in 255 characters together.
    """
    keys = ["v=mip1", f"conf={verdict.confidence}"]
    if classes := _class_text(verdict.classes & 0xFF):
        keys.append(f"class={classes}")
    if verdict.users_low is not None and verdict.users_high is not None:
        keys.append(f"users={verdict.users_low}-{verdict.users_high}")
    after = [""]
    if verdict.asn is not None:
        after.append(f"{after[-1]}; asn={verdict.asn}")
    if sources := _signal_text(verdict.sources):
        after.append(f"{after[-1]}; src={sources}")
    if verdict.observed:
        after.append(f"{after[-1]}; seen={verdict.observed}")
    return "; ".join([*keys, "net="]), tuple(reversed(after))


@lru_cache(maxsize=256)
def _class_text(classes: int) -> str:
    return ",".join(names(Class(classes)))


@lru_cache(maxsize=1 << 14)
def _signal_text(signals: int) -> str:
    return ",".join(names(Signal(signals)))


def _string(text: str) -> bytes:
    """One character-string (RFC 1035 §3.3)."""
    return bytes((len(text),)) + text.encode("ascii")
