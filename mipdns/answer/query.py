"""A query taken apart: header, question, EDNS and TSIG.

In: any bytes. Out: a `Query`, or None for what must not be answered at all. The one rule: whatever is wrong with the
rest, the parts that could be read are kept, so that an error can echo the question and carry an OPT record.
"""

from __future__ import annotations

from typing import NamedTuple

from mipdns.answer import wire
from mipdns.answer.edns import Edns, read_edns


class Question(NamedTuple):
    """The one question. wire: its bytes as sent, letter case and all. labels: lower-cased, left to right."""

    wire: bytes
    labels: tuple[bytes, ...]
    qtype: int
    qclass: int


class Tsig(NamedTuple):
    """What an error to a signed query must repeat (RFC 8945 §4.2): key and algorithm as wire names, time and fudge."""

    key: bytes
    algorithm: bytes
    time_and_fudge: bytes
    original_id: bytes


class Query(NamedTuple):
    """What is asked.

    question: None unless exactly one stands there and could be read. sound: whether all sections could be read to
    their end. Bytes after the last record are ignored.
    """

    header: wire.Header
    question: Question | None
    edns: Edns | None
    tsig: Tsig | None
    sound: bool


def parse(packet: bytes) -> Query | None:
    """The packet as a query; None if it has no whole header or is itself a response (RFC 8906 §3.1.4). Never raises."""
    if len(packet) < wire.HEADER_SIZE:
        return None
    header = wire.read_header(packet)
    if header.flags & wire.QR:
        return None
    cursor = wire.Cursor(packet, wire.HEADER_SIZE)
    extras = _Extras()
    question = None
    sound = True
    try:
        for _ in range(header.questions):
            question = _read_question(cursor)
        _read_records(cursor, header.answers + header.authorities, header.additionals, extras)
    except wire.WireFault:
        sound = False
    return Query(
        header,
        question if header.questions == 1 else None,
        extras.edns,
        extras.tsig,
        sound,
    )


class _Extras:
    """What the additional section holds beyond data; filled while reading, so that it survives a later fault."""

    edns: Edns | None = None
    tsig: Tsig | None = None


def _read_question(cursor: wire.Cursor) -> Question:
    start = cursor.at
    labels = cursor.plain_name()
    qtype, qclass = cursor.number(2), cursor.number(2)
    return Question(cursor.packet[start : cursor.at], tuple([label.lower() for label in labels]), qtype, qclass)


def _read_records(cursor: wire.Cursor, before: int, additional: int, extras: _Extras) -> None:
    """Read the other sections: `before` records of answer and authority, then `additional` ones. Raises WireFault.

    OPT and TSIG may stand in the additional section only, once each, TSIG last (RFC 6891 §6.1.1, RFC 8945 §5.1).
    """
    last = before + additional - 1
    for number in range(before + additional):
        start = cursor.at
        cursor.skip_name()
        rtype, rclass, ttl, size = cursor.record_head()
        if rtype not in (wire.OPT, wire.TSIG):
            cursor.take(size)
        elif number < before:
            raise wire.WireFault("an OPT or TSIG record outside the additional section")
        elif rtype == wire.OPT:
            if extras.edns:
                raise wire.WireFault("a second OPT record")
            extras.edns = read_edns(rclass, ttl, b"")  # an answer carries OPT even if this record's data is cut off
            extras.edns = read_edns(rclass, ttl, cursor.take(size))
            if cursor.packet[start] != 0:
                raise wire.WireFault("an OPT record whose owner is not the root")
        elif number == last and rclass == wire.CLASS_ANY and ttl == 0:
            extras.tsig = _read_tsig(wire.owner_name(cursor.packet, start), cursor.take(size))
        else:
            raise wire.WireFault("a TSIG record that is not last, or not of class ANY and TTL 0")


def _read_tsig(key: bytes, rdata: bytes) -> Tsig:
    """The data of a TSIG record (RFC 8945 §4.2), checked whole. Raises WireFault."""
    cursor = wire.Cursor(rdata)
    algorithm = wire.encode_name(cursor.plain_name())
    time_and_fudge = cursor.take(8)
    cursor.take(cursor.number(2))
    original_id = cursor.take(2)
    cursor.take(2)
    cursor.take(cursor.number(2))
    if cursor.at != len(rdata):
        raise wire.WireFault("bytes after the end of a TSIG record's data")
    return Tsig(key, algorithm, time_and_fudge, original_id)
