"""Tables of columns as rows and back, for tests that look at rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from mipdns.columns import halves
from mipdns.evidence import ObservationTable, Part, VerdictTable
from mipdns.vocabulary import Verdict

EPOCH = datetime.date(1970, 1, 1)


def verdicts(table: VerdictTable) -> list[Verdict]:
    """The rows of a table."""
    rows = zip(*(column.tolist() for column in table), strict=True)
    return [
        Verdict(
            first_high << 64 | first_low,
            last_high << 64 | last_low,
            confidence,
            classes,
            None if low < 0 else low,
            None if high < 0 else high,
            sources,
            asn or None,
            (EPOCH + datetime.timedelta(observed)).isoformat(),
        )
        for (first_high, first_low), (
            last_high,
            last_low,
        ), confidence, classes, low, high, sources, asn, observed in rows
    ]


def table(rows: Iterable[Verdict]) -> VerdictTable:
    """The inverse of `verdicts`."""
    columns = list(zip(*rows, strict=True)) or [()] * 9

    def numbers(values: Iterable[int | None], unknown: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.array([unknown if one is None else int(one) for one in values], dtype=np.int64)

    first, last, confidence, classes, low, high, sources, asn, observed = columns
    days = [(datetime.date.fromisoformat(day) - EPOCH).days for day in observed]
    return VerdictTable(
        halves(list(first)),
        halves(list(last)),
        numbers(confidence, 0),
        numbers(classes, 0),
        numbers(low, -1),
        numbers(high, -1),
        numbers(sources, 0),
        numbers(asn, 0),
        numbers(days, 0),
    )


def nothing_observed() -> ObservationTable:
    """No unit."""
    empty = np.empty(0)
    return ObservationTable(
        empty.astype(np.uint64), empty.astype(np.int32), empty.astype(np.int64), empty.astype(np.int8), {}
    )


def parts(
    rows: Iterable[Verdict], observations: ObservationTable | None = None, *, batch_rows: int = 5000
) -> Iterator[Part]:
    """A build in parts, made as they are asked for; the observations stand in the first."""
    rows = iter(rows)
    seen = observations or nothing_observed()
    while batch := list(islice(rows, batch_rows)):
        yield Part(table(batch), seen)
        seen = nothing_observed()
    yield Part(table([]), seen)
