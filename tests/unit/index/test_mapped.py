"""The index against brute force: what holds an address, what a range reaches, and that a verdict comes back whole."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipdns.answer.rdata import verdict_text
from mipdns.errors import SnapshotError
from mipdns.index import layout
from mipdns.index.memory import from_verdicts
from mipdns.index.snapshot import Snapshot
from mipdns.index.tables import BATCH_ROWS
from mipdns.net import ADDRESS_MAX, V4_FIRST, V4_LAST, is_v4, parse_range
from mipdns.vocabulary import Class, Verdict

LOW_64 = (1 << 64) - 1

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
    """Sorted disjoint verdicts of one family each: pairs of neighbouring cuts, some of which touch."""
    cuts = sorted(draw(st.sets(addresses, max_size=40)) | {V4_FIRST, V4_LAST + 1})
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
                draw(st.none() | st.integers(0, 0xFFFFFFFE)),
                draw(st.none() | st.sampled_from([0, 9, 0xFFFFFFFE])),
                draw(st.integers(0, 0xFFFF)),
                draw(st.none() | st.sampled_from([1, 64500, 0xFFFFFFFF])),
                draw(st.sampled_from(["", "1970-01-01", "2026-11-20", "2149-06-06"])),
            )
        )
    return made


def brute_find(made: Sequence[Verdict], address: int) -> Verdict | None:
    return next((row for row in made if row.first <= address <= row.last), None)


def assert_same(found: Verdict | None, expected: Verdict | None, address: int) -> None:
    """The very verdict, save that one of IPv6 may have been cut where a /64 ends, which no answer shows."""
    if found is None or expected is None:
        assert found is expected
        return
    assert found[2:] == expected[2:]
    assert expected.first <= found.first <= address <= found.last <= expected.last
    assert verdict_text(address, found) == verdict_text(address, expected)
    whole = (expected.first & LOW_64, expected.last & LOW_64) == (0, LOW_64)
    if is_v4(address) or whole or expected.first >> 64 == expected.last >> 64:
        assert found == expected


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
        assert_same(snapshot.find(address), brute_find(made, address), address)


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


@pytest.mark.parametrize("step", [1 << 65, 2], ids=["wide", "narrow"])
@pytest.mark.parametrize("size", [15, 16, 17, 255, 256, 257, 5000])
def test_finds_in_tables_of_every_height(step: int, size: int) -> None:
    start, length = 0x2001 << 112, step >> 1
    made = [Verdict(start + at * step, start + at * step + length - 1, 1 + at % 100, 1, *_REST) for at in range(size)]
    snapshot = from_verdicts(made, 7)
    for at in {*range(0, size, 7), 0, 1, size - 1}:
        for address in (made[at].first - 1, made[at].first, made[at].last, made[at].last + 1):
            assert snapshot.find(address) == (made[at] if made[at].first <= address <= made[at].last else None)


def test_the_sample_holds_the_key_of_every_line_then_every_16th_and_so_on() -> None:
    wide = [Verdict(at << 64, at << 64 | LOW_64, 50, 1, *_REST) for at in range(1 << 20, (1 << 20) + 600)]
    snapshot = from_verdicts(wide, 7)
    entry = layout.SECTION_ENTRY.unpack_from(snapshot.buffer, layout.SECTIONS_AT + 16 * layout.Section.V6_SAMPLE)
    section = snapshot.buffer[entry[0] : sum(entry)]
    keys = [row.first >> 64 for row in wide][:: layout.V6_LINE.entries]
    for level in layout.sample_levels(len(wide)):
        stored = struct.unpack_from(f"<{level.stride // 8}Q", section, level.at)
        assert [*stored] == keys + [LOW_64] * (len(stored) - len(keys))
        height = len(keys)
        keys = keys[::16]
    assert 1 < height <= layout.FANOUT


def test_an_empty_build_holds_nothing() -> None:
    snapshot = from_verdicts([], 1)
    assert len(snapshot) == 0
    assert snapshot.find(V4_FIRST) is None
    assert not snapshot.reaches(0, ADDRESS_MAX, 1, 0)
    assert not snapshot.reaches(0, ADDRESS_MAX, 1, Class.TOR)


def test_a_whole_family_may_be_one_row() -> None:
    families = [
        Verdict(0, V4_FIRST - 1, 1, 1, *_REST),
        Verdict(V4_FIRST, V4_LAST, 1, 1, *_REST),
        Verdict(V4_LAST + 1, ADDRESS_MAX, 1, 1, *_REST),
    ]
    snapshot = from_verdicts(families, 1)
    for address in EDGES:
        assert_same(snapshot.find(address), brute_find(families, address), address)
        assert snapshot.reaches(address, address, 1, Class.CGNAT)
        assert not snapshot.reaches(address, address, 2, 0)


def test_a_row_cut_at_64s_is_one_range_still() -> None:
    """Head, middle and tail together hold what the row held, and their number is not the build's."""
    row = verdict("2001:db8:0:1::5-2001:db8:0:4::9")
    snapshot = from_verdicts([row], 1)
    assert len(snapshot) == 1
    assert (snapshot.header.v6_entries, snapshot.header.n6_entries) == (2, 4)
    for address in (row.first, row.first | LOW_64, (row.first | LOW_64) + 1, row.last & ~LOW_64, row.last):
        assert_same(snapshot.find(address), row, address)
    assert snapshot.find(row.first - 1) is snapshot.find(row.last + 1) is None


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
    "from IPv6 into IPv4": (Verdict(0, V4_FIRST, 1, 1, *_REST),),
    "from IPv4 into IPv6": (Verdict(V4_LAST, V4_LAST + 1, 1, 1, *_REST),),
    "around IPv4": (Verdict(0, ADDRESS_MAX, 1, 1, *_REST),),
    "sources beyond 16 bits": (verdict("8.8.8.8")._replace(sources=1 << 16),),
    "AS number 0": (verdict("8.8.8.8", asn=0),),
    "users beyond 32 bits": (verdict("8.8.8.8")._replace(users_high=1 << 32),),
    "observed before 1970": (verdict("8.8.8.8")._replace(observed="1969-12-31"),),
    "observed on no day": (verdict("8.8.8.8")._replace(observed="2026-02-30"),),
    "confidence is no number": (verdict("8.8.8.8")._replace(confidence="high"),),  # type: ignore[arg-type]  # the point
}


@pytest.mark.parametrize("made", DISORDER.values(), ids=DISORDER)
def test_refuses_rows_that_are_no_sorted_disjoint_verdicts(made: tuple[Verdict, ...]) -> None:
    with pytest.raises(SnapshotError):
        from_verdicts(made, 1)


def test_refuses_disorder_between_two_batches() -> None:
    made = [Verdict(V4_FIRST + at, V4_FIRST + at, 1, 1, *_REST) for at in range(BATCH_ROWS)]
    with pytest.raises(SnapshotError, match=r"0\.0\.3\.255 overlaps"):
        from_verdicts([*made, made[-1]], 1)


@pytest.mark.parametrize("serial", [0, -1, 1 << 32])
def test_refuses_a_serial_that_no_soa_can_carry(serial: int) -> None:
    with pytest.raises(SnapshotError, match="serial"):
        from_verdicts([], serial)
