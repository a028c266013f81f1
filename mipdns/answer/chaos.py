"""What the server says of itself in class CHAOS (RFC 4892): four TXT names, each of which can be off.

In: a question of class CH. Out: an `Outcome`. The one rule: no other name or type is answered.
"""

from __future__ import annotations

from typing import Final

from mipdns.answer import edns, wire
from mipdns.answer.encode import QUESTION_NAME, Outcome
from mipdns.answer.query import Question
from mipdns.answer.zone import Identity, Name, said

_NSID_NAMES: Final[frozenset[Name]] = frozenset([(b"id", b"server"), (b"hostname", b"bind")])
_VERSION_NAMES: Final[frozenset[Name]] = frozenset([(b"version", b"server"), (b"version", b"bind")])


def answer_chaos(question: Question, identity: Identity) -> Outcome:
    """TXT or ANY at a known name that is on: its text, TTL 0. All else is REFUSED, as prohibited or as not ours."""
    if question.labels in _NSID_NAMES:
        text = said(identity.nsid)
    elif question.labels in _VERSION_NAMES:
        text = said(identity.version)
    else:
        return Outcome(wire.REFUSED, extended_error=edns.NOT_AUTHORITATIVE)
    if not text or question.qtype not in (wire.TXT, wire.ANY):
        return Outcome(wire.REFUSED, extended_error=edns.PROHIBITED)
    rdata = bytes((len(text),)) + text
    return Outcome(wire.NOERROR, True, answer=(wire.record(QUESTION_NAME, wire.TXT, 0, rdata, wire.CH),))
