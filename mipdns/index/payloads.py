"""What a row says beside its bounds, kept once for all rows that say it. In: columns of packed numbers, batch by batch.
Out: the number of each row's payload, and at the end the sections PAYLOAD and TEXT.

The one rule: a row costs no Python arithmetic. Its facts are packed into 24 bytes by SQLite and by array slices, and
those bytes are the key of one dictionary, in C where that is there; texts are made once a payload, at the end.
"""

from __future__ import annotations

import datetime
import struct
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from mipdns import native
from mipdns.answer.rdata import text_around_net
from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.vocabulary import Verdict

USERS_UNKNOWN: Final = 0xFFFFFFFF
"""Stands for NULL in a packed column of users."""

_KEY: Final = struct.Struct("<BBHIIIq")
_UNKNOWN_DAY: Final = -1
_DAY_MAX: Final = 0xFFFF
_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()


class Facts(NamedTuple):
    """Columns of a batch. Both are 64 bits a row, so that SQLite can pack them.

    judged: confidence, class in bits 8 to 15, sources in 16 to 31, AS number in 32 to 63, 0 if it has none.
    users: users_low, users_high in bits 32 to 63, each USERS_UNKNOWN if unknown. observed: ISO dates.
    """

    judged: array[int]
    users: array[int]
    observed: Sequence[str]


def pack(verdict: Verdict) -> tuple[int, int, str]:
    """One row of `Facts`, as signed numbers. Raises SnapshotError where a number does not fit."""
    _, _, confidence, classes, low, high, sources, asn, observed = verdict
    sound = 1 <= confidence <= 100 and 1 <= classes <= 0xFF and 0 <= sources <= 0xFFFF
    sound = sound and (asn is None or 1 <= asn <= 0xFFFFFFFF)
    if not (sound and all(users is None or 0 <= users < USERS_UNKNOWN for users in (low, high))):
        raise SnapshotError(f"a verdict holds a number out of bounds (confidence: 1 to 100): {verdict}")
    users = [USERS_UNKNOWN if known is None else known for known in (low, high)]
    judged = confidence | classes << 8 | sources << 16 | (asn or 0) << 32
    return _signed(judged), _signed(users[0] | users[1] << 32), observed


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


class _Numbers(Protocol):
    """Numbers for keys of 24 bytes, in the order in which they are first met."""

    def __len__(self) -> int: ...

    def number(self, keys: bytes) -> bytes:
        """The keys' numbers, 32 bits each."""
        ...

    def in_order(self) -> Iterable[bytes]:
        """All keys, by their numbers."""
        ...


class DictNumbers:
    """The form in Python."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, keys: bytes) -> bytes:
        """As `_Numbers.number`."""
        each = struct.unpack(f"{_KEY.size}s" * (len(keys) // _KEY.size), keys)
        numbers = self._numbers
        try:
            return array("I", list(map(numbers.__getitem__, each))).tobytes()
        except KeyError:
            return array("I", [numbers.setdefault(key, len(numbers)) for key in each]).tobytes()

    def in_order(self) -> Iterable[bytes]:
        """As `_Numbers.in_order`."""
        return self._numbers


def _numbers() -> _Numbers:
    if not native.available():
        return DictNumbers()
    from mipdns.native._native import Numbers  # noqa: PLC0415 absent where nothing was compiled

    return Numbers()


class Payloads:
    """Numbers payloads in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: _Numbers = _numbers()
        self._days: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, facts: Facts) -> array[int]:
        """The payload number of each row, unsigned 32 bits. Raises SnapshotError for a date that is none."""
        count = len(facts.judged)
        columns = array("q", bytes(_KEY.size * count))
        columns[0::3] = facts.judged
        columns[1::3] = facts.users
        columns[2::3] = self._day_numbers(facts.observed)
        return array("I", self._numbers.number(columns.tobytes()))

    def _day_numbers(self, observed: Sequence[str]) -> array[int]:
        try:
            return array("q", list(map(self._days.__getitem__, observed)))
        except KeyError:
            self._days |= {text: _day(text) for text in {*observed} - self._days.keys()}
            return array("q", list(map(self._days.__getitem__, observed)))

    def sections(self) -> tuple[bytes, bytes]:
        """PAYLOAD and TEXT."""
        texts = _Texts()
        records = bytearray()
        days = {day: text for text, day in self._days.items()}
        for key in self._numbers.in_order():
            records += _record(key, days, texts)
        return bytes(records), b"".join(texts.pieces)


class _Texts:
    """The pool of texts: each once, one after the other."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._at: dict[bytes, int] = {}
        self._end = 0

    def put(self, text: bytes) -> int:
        """Where the text starts."""
        at = self._at.get(text)
        if at is None:
            at = self._at[text] = self._end
            self.pieces.append(text)
            self._end += len(text)
        return at


def _record(key: bytes, days: dict[int, str], texts: _Texts) -> bytes:
    confidence, classes, sources, asn, low, high, day = _KEY.unpack(key)
    users_low, users_high = (None if users == USERS_UNKNOWN else users for users in (low, high))
    verdict = Verdict(0, 0, confidence, classes, users_low, users_high, sources, asn or None, days[day])
    before, after = text_around_net(verdict)
    known = (
        layout.USERS_LOW_KNOWN * (users_low is not None)
        | layout.USERS_HIGH_KNOWN * (users_high is not None)
        | layout.ASN_KNOWN * (asn > 0)
        | layout.OBSERVED_KNOWN * (day != _UNKNOWN_DAY)
    )
    without_seen = after[1 if verdict.observed else 0]
    without_src = after[-2 if verdict.asn else -1]
    return layout.PAYLOAD.pack(
        *(confidence, classes, known),
        *(len(before), len(after[0]), len(without_seen), len(without_src), 0),
        *(texts.put(before.encode("ascii")), texts.put(after[0].encode("ascii"))),
        *(users_low or 0, users_high or 0, sources, max(day, 0), asn),
    )


@lru_cache(maxsize=4096)
def unpack(record: bytes) -> tuple[int, int, int | None, int | None, int, int | None, str]:
    """A record of PAYLOAD as what a `Verdict` says after its bounds."""
    confidence, classes, known, _, _, _, _, _, _, _, low, high, sources, day, asn = layout.PAYLOAD.unpack(record)
    return (
        confidence,
        classes,
        low if known & layout.USERS_LOW_KNOWN else None,
        high if known & layout.USERS_HIGH_KNOWN else None,
        sources,
        asn if known & layout.ASN_KNOWN else None,
        datetime.date.fromordinal(_EPOCH + day).isoformat() if known & layout.OBSERVED_KNOWN else "",
    )


def _day(text: str) -> int:
    """Days since 1970-01-01, until 2149-06-06; _UNKNOWN_DAY for an empty text."""
    if not text:
        return _UNKNOWN_DAY
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise SnapshotError(f"a verdict was observed on {text!r}, which is no date; run `mipdns load`") from None
    number = day.toordinal() - _EPOCH
    if day.isoformat() != text or not 0 <= number <= _DAY_MAX:
        raise SnapshotError(f"a verdict was observed on {text!r}, which is not from 1970 to 2149; run `mipdns load`")
    return number
