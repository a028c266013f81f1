"""Where Knot 3.2.6 and NSD 4.6.1 (Debian 12) answer otherwise than we do, each with the place that explains it.

An entry holds for every row that one of its patterns names, over its transports; a row it names that does not differ is
as wrong as a row that differs and is not named.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

BOTH = ("udp", "tcp")


class Difference(NamedTuple):
    """anchor: a heading of docs/differences.md. theirs: their response code, `silence`, or `unreadable`.

    rows: patterns that match `line: title`.
    """

    anchor: str
    peer: str
    theirs: str
    rows: tuple[str, ...]
    transports: tuple[str, ...] = BOTH

    def names(self, peer: str, transport: str, row: str) -> bool:
        return (
            peer == self.peer
            and transport in self.transports
            and any(fnmatchcase(row, pattern) for pattern in self.rows)
        )


def _of_both(anchor: str, theirs: str, *rows: str, transports: tuple[str, ...] = BOTH) -> list[Difference]:
    return [Difference(anchor, peer, theirs, rows, transports) for peer in ("Knot", "NSD")]


_LONG_OR_COMPRESSED = (
    "RFC 1035: a name of 256 bytes",
    "RFC 1035: a label of 64 bytes",
    "RFC 1035: a label of a reserved kind",
    "RFC 1035: a pointer *",
)
_CUT_QUESTIONS = (
    "elsewhere: a header that promises a question",
    "elsewhere: a name cut off",
    "elsewhere: a type cut off",
    "elsewhere: a class cut off",
    "elsewhere: all ones",
)
_BAD_SUBNETS = (
    "RFC 7871: an unknown family",
    "RFC 7871: a length past the family's",
    "RFC 7871: too few bytes",
    "RFC 7871: too many bytes",
    "RFC 7871: bits beyond the length",
    "RFC 7871: a scope in a query",
    "RFC 7871: cut off",
)

EXPLAINED: list[Difference] = [
    *_of_both(
        "wildcards",
        "NOERROR",
        "RFC 8020: 31 nibbles: *",
        "RFC 8020: 33 nibbles: *",
        "spellings: a letter that is no nibble",
        "spellings: two nibbles in a label",
    ),
    Difference("any-at-the-apex", "Knot", "NOERROR", ("apex: ANY at the apex: *", "RFC 8482: ANY at the apex")),
    *_of_both("class-any", "NOERROR", "elsewhere: class ANY: *"),
    *_of_both("transfers", "NOTIMP", "elsewhere: a name outside the zones: * AXFR IN", transports=("udp",)),
    *_of_both("transfers", "NOTAUTH", "elsewhere: a name outside the zones: * AXFR IN", transports=("tcp",)),
    *_of_both("transfers", "NOTIMP", "elsewhere: AXFR is refused: *", transports=("udp",)),
    *_of_both("transfers", "NOTAUTH", "elsewhere: AXFR is refused: 7.*", transports=("tcp",)),
    *_of_both("transfers", "NOTAUTH", "elsewhere: IXFR is refused: 7.*"),
    Difference("transfers", "Knot", "NOTAUTH", ("elsewhere: AXFR is refused: mip.*",), ("tcp",)),
    Difference("transfers", "Knot", "NOTAUTH", ("elsewhere: IXFR is refused: mip.*",)),
    *_of_both("transfers", "NOTIMP", "RFC 8914: a transfer is prohibited", transports=("udp",)),
    Difference("transfers", "Knot", "NOTAUTH", ("RFC 8914: a transfer is prohibited",), ("tcp",)),
    Difference("transfers", "Knot", "NOTIMP", ("RFC 5001: other types of it: * AXFR CH",)),
    *_of_both("meta-types", "NOERROR", "elsewhere: * is no question: 7.*", "RFC 8906: T* as question"),
    *_of_both("meta-types", "NOERROR", "RFC 8906: OPT as question", "RFC 6891: at FORMERR"),
    *_of_both("meta-types", "REFUSED", "elsewhere: * is no question: www.*"),
    Difference("type-0", "Knot", "NOTIMP", ("RFC 8906: type 0", "RFC 5782: TYPE0 of a listed name is NODATA: *")),
    *_of_both("chaos", "NOERROR", "RFC 5001: who answers: * TXT CH"),
    Difference("chaos", "NSD", "NOERROR", ("RFC 5001: who answers: * ANY CH",)),
    Difference("chaos", "Knot", "REFUSED", ("RFC 5001: who answers: * ANY CH",)),
    Difference("silence", "Knot", "silence", (*_LONG_OR_COMPRESSED, *_CUT_QUESTIONS, "RFC 9619: two questions")),
    Difference(
        "silence",
        "NSD",
        "silence",
        ("RFC 8906: opcode *, header alone", "RFC 9619: no question", "elsewhere: a header that promises a question"),
        ("tcp",),
    ),
    Difference("no-question", "NSD", "NOERROR", ("RFC 9619: no question, with OPT",)),
    Difference("no-question", "Knot", "FORMERR", ("RFC 9619: no question, for a cookie",)),
    Difference(
        "what-a-query-must-not-hold",
        "NSD",
        "FORMERR",
        ("RFC 1035: records in the answer section of a query", "RFC 8906: a response code in the query"),
    ),
    Difference(
        "what-a-query-must-not-hold",
        "Knot",
        "FORMERR",
        ("RFC 8906: bytes after the question", "RFC 8906: a record's worth of bytes after OPT"),
    ),
    *_of_both("opt-in-errors", "FORMERR", "RFC 6891: two of them", "RFC 6891: an option *"),
    Difference("opt-in-errors", "NSD", "FORMERR", ("RFC 6891: an owner that is not the root", "RFC 7873: * bytes")),
    Difference("opt-in-errors", "NSD", "NOTIMP", ("RFC 6891: at NOTIMP",)),
    Difference("opt-in-errors", "Knot", "FORMERR", ("RFC 6891: version 255 with options unreadable",)),
    Difference("opt-in-errors", "Knot", "NOERROR", ("RFC 6891: an owner that is not the root",)),
    Difference("cookies", "Knot", "BADCOOKIE", ("RFC 7873: a client cookie", "RFC 7873: a foreign cookie *"), ("udp",)),
    Difference("cookies", "Knot", "BADCOOKIE", ("RFC 7873: at an error",), ("udp",)),
    *_of_both("keepalive", "NOERROR", "RFC 7766: keepalive over TCP", transports=("tcp",)),
    Difference("client-subnet", "NSD", "NOERROR", _BAD_SUBNETS),
    Difference(
        "client-subnet",
        "Knot",
        "NOERROR",
        (*("RFC 7871: IPv4", "RFC 7871: IPv6", "RFC 7871: none told"), *_BAD_SUBNETS[4:6]),
    ),
    Difference("client-subnet", "Knot", "unreadable", ("RFC 7871: too many bytes",)),
    Difference("notify-and-update", "Knot", "NOTAUTH", ("apex: NOTIFY", "apex: UPDATE")),
    Difference("notify-and-update", "NSD", "REFUSED", ("apex: NOTIFY",)),
]
