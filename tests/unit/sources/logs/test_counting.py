"""Counting: the SQL against brute force in plain Python, column by column; sensors; windows."""

from __future__ import annotations

import csv
import datetime
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipdns import config, net
from mipdns.evidence import UNIT_COLUMNS, LogEvidence
from mipdns.sources.logs.counting import embedded
from mipdns.sources.logs.counting import window as windows
from mipdns.sources.logs.counting.coverage import day_number
from tests.chunks import whole
from tests.unit.sources.logs.bench import features, read
from tests.unit.sources.logs.oracle import Hit, all_features, profile

MONDAY = day_number(datetime.date(2026, 11, 16))
KINDS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0": ("firefox/linux", False, False),
    "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0": ("firefox/linux", False, False),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.6 "
    "Mobile/15E148 Safari/604.1": ("safari/ios", False, True),
    "curl/8.5.0": ("crawler", True, False),
    "Googlebot/2.1 (+http://www.google.com/bot.html)": ("crawler", True, False),
}
CLIENTS = ["9.9.9.1", "9.9.9.2", "9.9.8.1", "2a00:1:2:3::1", "2a00:1:2:3::2", "2a00:1:2:4::1"]
FIELDS = ("seconds", "client", "port", "agent", "tls", "forwarded", "score")
COLUMNS = {"time": "seconds", "client": "client"}
OPTIONAL = {"port": "port", "agent": "agent", "ja4": "tls", "forwarded": "forwarded", "bot_score": "score"}


def write(folder: Path, hits: Sequence[Hit], told: dict[str, set[str]] | None = None) -> list[config.Logs]:
    """One CSV file a source. told: of each source the columns that it has beside time and client; default all."""
    sources = []
    for sensor, name in sorted({(hit.sensor, hit.source) for hit in hits}):
        path = folder / f"{name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(FIELDS)
            writer.writerows(
                [getattr(hit, field) for field in FIELDS] for hit in hits if (hit.sensor, hit.source) == (sensor, name)
            )
        kept = {ours: theirs for ours, theirs in OPTIONAL.items() if told is None or theirs in told[name]}
        sources.append(
            config.Logs(
                name=name,
                format="csv",
                path=str(path),
                sensor="" if sensor == name else sensor,
                columns={**COLUMNS, **kept},  # type: ignore[dict-item]  # the keys are columns
            )
        )
    return sources


def told_by(hits: Sequence[Hit], told: dict[str, set[str]]) -> list[Hit]:
    """The hits as sources tell them that have only these columns."""
    seen = []
    for hit in hits:
        unknown = {
            field: None for field in ("port", "agent", "tls", "forwarded", "score") if field not in told[hit.source]
        }
        seen.append(hit._replace(**unknown))  # type: ignore[arg-type]  # all of these may be None
    return seen


def profiled(evidence: LogEvidence) -> dict[tuple[str, bool, int], tuple[float, ...]]:
    table = whole(evidence).profile
    return {
        (net.format_address(net.unit_range(int(key))[0]), bool(weekend), int(hour)): tuple(map(float, sums))
        for key, weekend, hour, *sums in zip(*table, strict=True)
    }


def compare(evidence: LogEvidence, expected: dict[str, dict[str, float]]) -> None:
    found = features(evidence)
    assert set(found) == set(expected)
    for client, columns in expected.items():
        for name in UNIT_COLUMNS:
            assert found[client][name] == pytest.approx(columns[name], rel=1e-6, nan_ok=True), (client, name)


def whole_days(hits: Sequence[Hit]) -> set[tuple[str, int]]:
    """By definition: the sensor saw something, and each hour of the day lies between its first and last hour."""
    full = set()
    for sensor in {hit.sensor for hit in hits}:
        hours = [hit.hour for hit in hits if hit.sensor == sensor]
        for day in {hour // 24 for hour in hours}:
            if min(hours) <= 24 * day and 24 * day + 23 <= max(hours):
                full.add((sensor, day))
    return full


agents = st.sampled_from([*KINDS, ""])
moments = st.builds(
    lambda day, hour, second: (MONDAY + day) * 86400 + hour * 3600 + second,
    st.integers(0, 6),
    st.sampled_from([0, 1, 2, 12, 23]),
    st.integers(0, 3599),
)
hits_of_any_kind = st.builds(
    lambda place, *values: Hit(*place, *values),
    st.sampled_from([("one", "a"), ("one", "b"), ("c", "c"), ("d", "d")]),
    st.sampled_from(CLIENTS),
    moments,
    st.one_of(st.none(), st.sampled_from([1, 255, 256, 257, 40000, 40001, 65535])),
    agents,
    st.sampled_from(["", "t1", "t2"]),
    st.sampled_from(["", "unnamed", "7.7.7.1", "7.7.7.2", "2a00::7"]),
    st.one_of(st.none(), st.integers(1, 99)),
)
tellings = st.fixed_dictionaries(
    {name: st.sets(st.sampled_from(["port", "agent", "tls", "forwarded", "score"])) for name in "abcd"}
)


@given(st.lists(hits_of_any_kind, min_size=1, max_size=80), tellings, st.integers(1, 3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_column_is_what_brute_force_counts(hits: list[Hit], told: dict[str, set[str]], parts: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "ROWS_LEAST", 1)
        patch.setattr(embedded, "BYTES_A_ROW", parts * (1 << 30) // len(hits))
        patch.setattr(windows, "ROWS_LEAST", 1)
        patch.setattr(windows, "BYTES_A_ROW", parts * (1 << 30) // len(hits))
        evidence, files = read(Path(folder), *write(Path(folder), hits, told))
    assert sum(file.rows for file in files) == len(hits)
    assert evidence.as_of == datetime.date(1970, 1, 1) + datetime.timedelta(days=max(hit.day for hit in hits))
    window = range(day_number(evidence.as_of) - 6, day_number(evidence.as_of) + 1)
    seen = [hit for hit in told_by(hits, told) if hit.day in window]
    full = whole_days(hits)
    compare(evidence, all_features(seen, full, KINDS.__getitem__))
    assert profiled(evidence) == {
        place: tuple(map(float, sums)) for place, sums in profile(seen, full, KINDS.__getitem__).items()
    }
    assert evidence.complete_days == len({day for _, day in full if day in window})


def test_units_are_sorted_and_know_their_last_day(tmp_path: Path) -> None:
    hits = [Hit("a", "a", client, (MONDAY + day) * 86400) for day, client in enumerate(reversed(CLIENTS))]
    evidence, _ = read(tmp_path, *write(tmp_path, hits))
    keys = whole(evidence).units.key.tolist()
    assert keys == sorted({net.unit_key(net.parse_address(client)) for client in CLIENTS})
    newest = {net.unit_key(hit.address): 0 for hit in hits}
    for hit in hits:
        newest[net.unit_key(hit.address)] = max(newest[net.unit_key(hit.address)], hit.day)
    assert whole(evidence).units.last_day.tolist() == [newest[key] for key in keys]


def sensed(folder: Path, hits: Sequence[Hit]) -> dict[str, float]:
    evidence, _ = read(folder, *write(folder, hits))
    return features(evidence)["9.9.9.1"]


def test_sources_of_one_sensor_count_once_and_sensors_add_up(tmp_path: Path) -> None:
    noon = MONDAY * 86400 + 43200
    same = [Hit("web", "conn", "9.9.9.1", noon, port) for port in (1000, 1001, 1002)]
    same += [Hit("web", "http", "9.9.9.1", noon + 1, port, "curl/8.5.0") for port in (1000, 1001) * 4]
    alone = sensed(tmp_path, same)
    assert (alone["requests_hour_max"], alone["ports_hour_max"], alone["agents_hour_max"]) == (8, 3, 1)
    other = [hit._replace(sensor="shop", source="shop") for hit in same]
    both = sensed(tmp_path, same + other)
    assert (both["requests_hour_max"], both["ports_hour_max"], both["agents_hour_max"]) == (8 + 11, 3, 1)


def test_ports_are_of_one_address_and_addresses_of_the_unit(tmp_path: Path) -> None:
    noon = MONDAY * 86400 + 43200
    hits = [Hit("a", "a", f"2a00:1:2:3::{host:x}", noon, port) for host in range(1, 6) for port in range(host)]
    evidence, _ = read(
        tmp_path, *write(tmp_path, [hit._replace(port=hit.port + 1000) for hit in hits if hit.port is not None])
    )
    (unit,) = features(evidence).values()
    assert (unit["ports_hour_max"], unit["addresses_day_max"], unit["requests_hour_max"]) == (5, 5, 15)


def test_distinct_counts_are_not_summed_over_days(tmp_path: Path) -> None:
    hits = [
        Hit("a", "a", "9.9.9.1", (MONDAY + day) * 86400, 2000 + port, agent)
        for day in range(4)
        for port, agent in enumerate(list(KINDS)[: 2 + day % 2])
    ]
    unit = sensed(tmp_path, hits)
    assert (unit["ports_hour_max"], unit["agents_day_max"], unit["agents_day_median"]) == (3, 3, 2.5)


def test_the_window_ends_with_as_of_and_leaves_out_what_is_older(tmp_path: Path) -> None:
    hits = [Hit("a", "a", "9.9.9.1", (MONDAY + day) * 86400, 1000 + day) for day in range(10)]
    sources = write(tmp_path, hits)
    evidence, (file,) = read(tmp_path, *sources)
    assert (evidence.as_of, evidence.first_day) == (datetime.date(2026, 11, 25), datetime.date(2026, 11, 19))
    assert features(evidence)["9.9.9.1"]["days"] == 7
    assert (file.rows, file.rejected, evidence.lines_outside) == (10, 0, 3)
    evidence, _ = read(tmp_path, *sources, as_of=datetime.date(2026, 11, 17), window_days=1)
    assert (evidence.as_of, evidence.first_day) == (datetime.date(2026, 11, 17), datetime.date(2026, 11, 17))
    assert whole(evidence).units.last_day.tolist() == [MONDAY + 1]
    assert evidence.lines_outside == 9


def test_a_source_that_mostly_lies_outside_the_window_is_named(tmp_path: Path) -> None:
    hits = [Hit("live", "live", "9.9.9.1", (MONDAY + day) * 86400) for day in range(30)]
    hits += [Hit("edge", "edge", "9.9.9.2", (MONDAY + day) * 86400) for day in (-40, 66)]
    sources = write(tmp_path, hits)
    evidence, _ = read(tmp_path, *sources)
    assert (evidence.lines_outside, evidence.outside) == (25, (("edge", 100),))
    evidence, _ = read(tmp_path, *sources, as_of=datetime.date(2026, 11, 22))
    assert evidence.outside == (("edge", 100), ("live", 76))


def test_an_agent_that_is_missing_is_none_and_one_that_is_not_logged_is_unknown(tmp_path: Path) -> None:
    noon = MONDAY * 86400 + 43200
    unit = sensed(tmp_path, [Hit("a", "a", "9.9.9.1", noon, None, "", "", "")])
    assert (unit["agents_day_max"], unit["tls_day_max"], unit["forwarded_share"]) == (0, 0, 0)
    assert math.isnan(unit["agent_top_share"])
    assert math.isnan(unit["ports_hour_max"])
    (tmp_path / "b.csv").write_text(f"seconds,client\n{noon},9.9.9.1\n")
    bare = config.Logs(name="b", format="csv", path=str(tmp_path / "b.csv"), columns=COLUMNS)  # type: ignore[arg-type]  # the keys are columns
    evidence, _ = read(tmp_path, bare)
    known = {name for name, value in features(evidence)["9.9.9.1"].items() if not math.isnan(value)}
    assert known == {"days", "requests_day_max", "requests_hour_max", "addresses_day_max"}
