"""An answer written: header, question as asked, sections, OPT, TSIG.

In: a query and an `Outcome`. Out: bytes. The one rule: equal input gives equal bytes, so that another implementation
can be compared with this one byte by byte. The form is fixed:

- Header: ID and opcode as asked, QR, AA where we are authoritative, TC where data was cut, RD as asked; RA, Z, AD and
  CD are 0 (RFC 4035 §3.1.6).
- The question is repeated byte for byte, or left out where none could be read.
- Compression is used for owner names only: C0 0C, the question's name, for every record of the answer section; and for
  the SOA of a negative answer a pointer to the origin's place within the question's name. All else is written in full.
- Additional section: glue in the zone's order, then OPT, then TSIG. Options of OPT in the order of their codes.
- What does not fit loses first all glue, without a word, then all of answer and authority, with TC; a TSIG record whose
  names are absurdly long is left out too. Question and OPT always fit: they are at most 454 bytes with the header.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mipdns.answer import wire
from mipdns.answer.query import Query

QUESTION_NAME: Final = b"\xc0\x0c"
"""A pointer to the question's name, which stands right behind the header."""

TCP_SIZE: Final = 0xFFFF


class Outcome(NamedTuple):
    """What is decided: response code, AA, the sections' records in wire form, and the extended error, if any."""

    rcode: int
    authoritative: bool = False
    answer: tuple[bytes, ...] = ()
    authority: tuple[bytes, ...] = ()
    glue: tuple[bytes, ...] = ()
    extended_error: int | None = None


def origin_pointer(qname: tuple[bytes, ...], origin_labels: int) -> bytes:
    """A pointer to where the last `origin_labels` labels of the question's name begin."""
    before = sum(len(label) + 1 for label in qname[: len(qname) - origin_labels])
    return (0xC000 | wire.HEADER_SIZE + before).to_bytes(2, "big")


def encode(query: Query, outcome: Outcome, meta: tuple[bytes, ...], size_limit: int) -> bytes:
    """The message, at most `size_limit` bytes. meta: OPT and TSIG records, in this order."""
    question = query.question.wire if query.question else b""
    room = size_limit - wire.HEADER_SIZE - len(question) - sum(map(len, meta))
    if room < 0:
        meta, room = meta[:-1], room + len(meta[-1])
    sections = (outcome.answer, outcome.authority, outcome.glue)
    truncated = False
    required = sum(map(len, outcome.answer)) + sum(map(len, outcome.authority))
    if required > room:
        sections, truncated = ((), (), ()), True
    elif required + sum(map(len, outcome.glue)) > room:
        sections = (outcome.answer, outcome.authority, ())
    flags = wire.QR | query.header.flags & (wire.OPCODE | wire.RD) | outcome.rcode & 0xF
    if outcome.authoritative:
        flags |= wire.AA
    if truncated:
        flags |= wire.TC
    answer, authority, glue = sections
    counts = (1 if question else 0, len(answer), len(authority), len(glue) + len(meta))
    header = wire.Header(query.header.id, flags, *counts)
    return b"".join((header.pack(), question, *answer, *authority, *glue, *meta))
