"""The in-memory snapshot against brute force: what holds an address, and what a range reaches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns.errors import SnapshotError
from mipdns.index.memory import BATCH_ROWS, from_verdicts
from mipdns.index.snapshot import Snapshot
from mipdns.net import ADDRESS_MAX, V4_FIRST, V4_LAST, parse_range
from mipdns.vocabulary import Class, Verdict

# Edges where a 128-bit number line cut in halves could go wrong.
EDGES = [0, 1, (1 << 64) - 1, 1 << 64, V4_FIRST - 1, V4_FIRST, V4_LAST, V4_LAST + 1, ADDRESS_MAX - 1, ADDRESS_MAX]


def verdict(text: str, confidence: int = 80, classes: int = 1, asn: int | None = None) -> Verdict:
    return Verdict(*parse_range(text), confidence, classes, None, None, 1, asn, "2026-11-20")


addresses = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, 40).map(lambda low: V4_FIRST + low),
    st.builds(lambda high, low: high << 64 | low, st.integers(0, 6), st.integers(0, 6)),
    st.integers(0, ADDRESS_MAX),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Verdict]:
    """Sorted disjoint verdicts: pairs of neighbouring cuts, some of which touch."""
    cuts = sorted(draw(st.sets(addresses, max_size=40)))
    made = []
    for first, following in pairwise([*cuts, ADDRESS_MAX + 1]):
        if not draw(st.booleans()):
            continue
        last = draw(st.sampled_from([first, following - 1]))
        made.append(
            Verdict(
                first,
                last,
                draw(st.integers(1, 100)),
                draw(st.integers(1, 255)),
                draw(st.none() | st.integers(1, 9)),
                None,
                draw(st.integers(0, 8191)),
                draw(st.none() | st.just(64500)),
                "2026-11-20",
            )
        )
    return made


def brute_find(made: Sequence[Verdict], address: int) -> Verdict | None:
    return next((row for row in made if row.first <= address <= row.last), None)


def brute_reaches(made: Sequence[Verdict], first: int, last: int, floor: int, classes: int) -> bool:
    return any(
        row.first <= last and row.last >= first and row.confidence >= floor and (not classes or row.classes & classes)
        for row in made
    )


@given(made=rows(), asked=st.lists(addresses, max_size=20))
def test_finds_what_brute_force_finds(made: list[Verdict], asked: list[int]) -> None:
    snapshot: Snapshot = from_verdicts(made, 7)
    assert (len(snapshot), snapshot.serial) == (len(made), 7)
    around = [edge + step for row in made for edge in row[:2] for step in (-1, 0, 1) if 0 <= edge + step <= ADDRESS_MAX]
    for address in asked + around:
        assert snapshot.find(address) == brute_find(made, address)


@given(
    made=rows(),
    ends=st.lists(st.tuples(addresses, addresses), min_size=1, max_size=20),
    floor=st.integers(1, 101),
    classes=st.sampled_from([0, *map(int, Class)]),
)
def test_reaches_what_brute_force_reaches(
    made: list[Verdict], ends: list[tuple[int, int]], floor: int, classes: int
) -> None:
    snapshot = from_verdicts(made, 7)
    for first, last in map(sorted, ends):
        assert snapshot.reaches(first, last, floor, classes) == brute_reaches(made, first, last, floor, classes)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1 << 32), size=st.sampled_from([63, 64, 65, 127, 4095, 4096, 4097, 9000]))
def test_reaches_across_blocks_of_every_level(seed: int, size: int) -> None:
    """One loud row among thousands of quiet ones is found from every range that holds it, and from no other."""
    chance = random.Random(seed)
    loud = chance.randrange(size)
    made = [
        Verdict(V4_FIRST + 2 * at, V4_FIRST + 2 * at, 90 if at == loud else 10, 8 if at == loud else 1, *_REST)
        for at in range(size)
    ]
    snapshot = from_verdicts(made, 7)
    for _ in range(200):
        first, last = sorted(chance.randrange(-2, 2 * size + 2) for _ in "ab")
        expected = first <= 2 * loud <= last
        assert snapshot.reaches(V4_FIRST + first, V4_FIRST + last, 50, 0) == expected
        assert snapshot.reaches(V4_FIRST + first, V4_FIRST + last, 1, 8) == expected


_REST = (None, None, 1, None, "2026-11-20")


def test_an_empty_build_holds_nothing() -> None:
    snapshot = from_verdicts([], 1)
    assert len(snapshot) == 0
    assert snapshot.find(V4_FIRST) is None
    assert not snapshot.reaches(0, ADDRESS_MAX, 1, 0)
    assert not snapshot.reaches(0, ADDRESS_MAX, 1, Class.TOR)


def test_the_whole_number_line_may_be_one_row() -> None:
    everything = Verdict(0, ADDRESS_MAX, 1, 1, *_REST)
    snapshot = from_verdicts([everything], 1)
    for address in EDGES:
        assert snapshot.find(address) == everything
        assert snapshot.reaches(address, address, 1, Class.CGNAT)
        assert not snapshot.reaches(address, address, 2, 0)


DISORDER = {
    "unsorted": (verdict("8.8.8.8"), verdict("1.1.1.1")),
    "twice": (verdict("8.8.8.8"), verdict("8.8.8.8")),
    "overlapping": (verdict("8.8.8.0/24"), verdict("8.8.8.255-8.8.9.1")),
    "nested": (verdict("8.8.8.0/24"), verdict("8.8.8.8")),
    "backwards": (verdict("8.8.8.8")._replace(last=V4_FIRST),),
    "beyond 128 bits": (Verdict(1, ADDRESS_MAX + 1, 1, 1, *_REST),),
    "before 0": (Verdict(-1, 1, 1, 1, *_REST),),
    "confidence 0": (verdict("8.8.8.8", 0),),
    "confidence 101": (verdict("8.8.8.8", 101),),
    "class beyond 8 bits": (verdict("8.8.8.8", 1, 256),),
    "confidence is no number": (verdict("8.8.8.8")._replace(confidence="high"),),  # type: ignore[arg-type]  # the point
}


@pytest.mark.parametrize("made", DISORDER.values(), ids=DISORDER)
def test_refuses_rows_that_are_no_sorted_disjoint_verdicts(made: tuple[Verdict, ...]) -> None:
    with pytest.raises(SnapshotError):
        from_verdicts(made, 1)


def test_refuses_disorder_between_two_batches() -> None:
    made = [Verdict(V4_FIRST + at, V4_FIRST + at, 1, 1, *_REST) for at in range(BATCH_ROWS)]
    with pytest.raises(SnapshotError, match=r"0\.0\.15\.255 overlaps"):
        from_verdicts([*made, made[-1]], 1)


@pytest.mark.parametrize("serial", [0, -1, 1 << 32])
def test_refuses_a_serial_that_no_soa_can_carry(serial: int) -> None:
    with pytest.raises(SnapshotError, match="serial"):
        from_verdicts([], serial)
