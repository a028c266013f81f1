"""The guard on change: what it counts, what it lets pass, and that a refused build leaves everything as it was."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import strategies as st

from mipdns import store
from mipdns.errors import SnapshotTooDifferent
from mipdns.net import V4_FIRST
from mipdns.vocabulary import Verdict
from tests.unit.store.made import contents, verdict

V6_FIRST = 0x2001 << 112
LOW_64 = (1 << 64) - 1


def singles(start: int, count: int, confidence: int = 80) -> list[Verdict]:
    row = verdict("8.8.8.8", confidence, asn=None)
    return [row._replace(first=at, last=at) for at in range(start, start + count)]


def v6_units(count: int) -> list[Verdict]:
    firsts = [V6_FIRST + (at << 64) for at in range(count)]
    return [verdict("8.8.8.8", asn=None)._replace(first=first, last=first | LOW_64) for first in firsts]


def replace(path: Path, verdicts: Iterable[Verdict], change_max: float | None = 0.5) -> store.Build:
    return store.regenerate(path, contents(verdicts), change_max=change_max)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mip.db"


BASE = V4_FIRST + (8 << 24)
OLD = singles(BASE, 10_000) + v6_units(10_000)

CHANGES: dict[str, tuple[list[Verdict], str | None]] = {
    "nothing": (OLD, None),
    "half of IPv4 goes": (OLD[5_000:], None),
    "one more than half goes": (OLD[5_001:], "of 10000 listed IPv4 addresses the new build loses 5001, and it gains 0"),
    "half comes": (OLD[:10_000] + singles(BASE + 10_000, 5_000) + OLD[10_000:], None),
    "one more than half comes": (OLD[:10_000] + singles(BASE + 10_000, 5_001) + OLD[10_000:], "gains 5001"),
    "all moves": (singles(BASE + 10_000, 10_000) + OLD[10_000:], "loses 10000, and it gains 10000"),
    "all becomes one range": ([OLD[0]._replace(last=BASE + 9_999), *OLD[10_000:]], None),
    "most falls below the floor": (singles(BASE, 10_000, 49) + OLD[10_000:], "loses 10000"),
    "most of IPv6 goes": (OLD[:14_999], r"of 10000 listed IPv6 /64s the new build loses 5001"),
    "a /128 stands for its /64": (OLD[:10_000] + [row._replace(last=row.first) for row in OLD[10_000:]], None),
    "nothing is left": ([], "loses 10000"),
}


@pytest.mark.parametrize(("new", "says"), CHANGES.values(), ids=CHANGES)
def test_what_it_refuses_and_what_it_lets_pass(path: Path, new: list[Verdict], says: str | None) -> None:
    serial = replace(path, OLD).serial
    if says is None:
        assert replace(path, new).serial > serial
        return
    with pytest.raises(SnapshotTooDifferent, match=says) as told:
        replace(path, new)
    assert "--force" in str(told.value)
    assert str(path) in str(told.value)
    assert store.latest_build(path).serial == serial
    assert list(store.verdict_rows(path)) == OLD
    assert replace(path, new, change_max=None).serial > serial


def test_a_small_build_may_change_at_will(path: Path) -> None:
    replace(path, singles(BASE, 9_999))
    replace(path, [])
    replace(path, OLD)


def test_a_first_load_is_no_change(path: Path) -> None:
    replace(path, OLD, change_max=0.0)
    replace(path, OLD, change_max=0.0)


edges = st.one_of(
    st.integers(0, 30).map(lambda at: BASE + at),
    st.builds(lambda high, low: V6_FIRST + (high << 64) + low, st.integers(0, 5), st.integers(0, 3)),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Verdict]:
    cuts = sorted(draw(st.sets(edges, max_size=24)))
    row = verdict("8.8.8.8", asn=None)
    pairs = list(zip(cuts[0::2], cuts[1::2], strict=False))
    return [row._replace(first=first, last=last) for first, last in pairs if last < V6_FIRST or first >= V6_FIRST]


def units(made: list[Verdict]) -> tuple[set[int], set[int]]:
    v4 = {address for row in made if row.first < V6_FIRST for address in range(row.first, row.last + 1)}
    return v4, {unit for row in made if row.first >= V6_FIRST for unit in range(row.first >> 64, (row.last >> 64) + 1)}
