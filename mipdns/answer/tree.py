"""Where a name stands in a list's tree: at a listed address, on the way to one, or nowhere.

In: the labels before a list's name, its rule, a snapshot. Out: what is listed there, and whether the name exists. The
one rule: a list is one tree for both families, so a name is read as octets and as nibbles, and exists if either leads
to something that this very list holds (RFC 8020, RFC 4592 §2.2.2).
"""

from __future__ import annotations

from typing import NamedTuple

from mipdns.answer import testpoints
from mipdns.answer.lists import Rule
from mipdns.answer.names import V4_LABELS, V6_LABELS, read_nibbles, read_octets
from mipdns.index.snapshot import Snapshot
from mipdns.vocabulary import Verdict


class Listing(NamedTuple):
    """A listed address; verdict is None for a test point."""

    address: int
    verdict: Verdict | None


def find_listing(labels: tuple[bytes, ...], rule: Rule, snapshot: Snapshot) -> Listing | None:
    """The listed address whose full name this is, an IPv4 one under either of its two names (RFC 4291 §2.5.5.2)."""
    if len(labels) == V4_LABELS:
        span = read_octets(labels)
    elif len(labels) == V6_LABELS:
        span = read_nibbles(labels)
    else:
        return None
    if span is None:
        return None
    address = span[0]
    if testpoints.FIRST <= address <= testpoints.LAST:
        return Listing(address, None) if testpoints.is_test_point(rule, address) else None
    verdict = snapshot.find(address)
    return Listing(address, verdict) if verdict and rule.admits(verdict) else None


def exists(labels: tuple[bytes, ...], rule: Rule, snapshot: Snapshot) -> bool:
    """Whether anything of the list lies beneath a name that is not listed itself. A list's own name always exists."""
    if not labels:
        return True
    for span in (read_octets(labels) if len(labels) < V4_LABELS else None, read_nibbles(labels)):
        if span and span[0] != span[1]:
            if testpoints.reaches_test_point(rule, *span):
                return True
            if snapshot.reaches(*span, rule.floor, rule.classes):
                return True
    return False
