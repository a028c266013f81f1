"""Days that add up: what is kept between loads gives what counting everything anew would give."""

from __future__ import annotations

import datetime
import gzip
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pytest

from mipdns import config
from mipdns.errors import SourceError, TooManyBadLines
from mipdns.evidence import FileRead, LogEvidence
from mipdns.progress import silent
from mipdns.sources.logs import read_logs
from mipdns.sources.logs.counting import embedded
from mipdns.sources.logs.counting.coverage import day_number
from mipdns.sources.logs.counting.embedded import Embedded
from mipdns.sources.logs.ingest import ingest
from mipdns.sources.logs.manifest import Manifest
from mipdns.sources.logs.workplace import Workplace
from tests.chunks import whole
from tests.unit.sources.logs.bench import NOW, features, read_whole

MONDAY = day_number(datetime.date(2026, 11, 16))
CLIENTS = ["9.9.9.1", "9.9.9.2", "9.9.8.1", "198.41.0.4", "2a00:1:2:3::1", "2a00:1:2:4::1"]
AGENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:154.0) Gecko/20100101 Firefox/154.0", ""]
HEAD = "time,client,port,agent\n"


class Site(NamedTuple):
    """A folder of logs and the work folder beside it, and what the loads of a test read and counted."""

    folder: Path
    read: list[str]
    counted: list[int]

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def source(self, name: str = "web", **keys: Any) -> config.Logs:
        columns = {"time": "time", "client": "client", "port": "port", "agent": "agent"}
        return config.Logs(
            **{"name": name, "format": "csv", "path": str(self.logs / "*.csv*"), "columns": columns, **keys}
        )

    def load(self, *sources: config.Logs, **keys: Any) -> tuple[LogEvidence, list[FileRead]]:
        self.read.clear()
        self.counted.clear()
        keys = {"work": str(self.folder / "work"), "threads": 1, **keys}
        return read_whole(sources or [self.source()], config.Load(**keys))

    def fresh(self, *sources: config.Logs, **keys: Any) -> tuple[LogEvidence, list[FileRead]]:
        """A load that remembers nothing."""
        work = self.folder / "fresh"
        try:
            return self.load(*sources, work=str(work), **keys)
        finally:
            shutil.rmtree(work)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site(tmp_path, [], [])
    found.logs.mkdir()
    count = Embedded.count

    def watched_ingest(connection: Any, source: Any, files: Any, *args: Any, **keys: Any) -> Iterator[Any]:
        found.read.extend(numbered.file.path.name for numbered in files)
        return ingest(connection, source, files, *args, **keys)

    def watched_count(engine: Embedded, share: Any) -> None:
        found.counted.append(share.day - MONDAY)
        count(engine, share)

    monkeypatch.setattr("mipdns.sources.logs.load.ingest", watched_ingest)
    monkeypatch.setattr(Embedded, "count", watched_count)
    return found


def rows(day: int, count: int = 40, *, seed: int = 0, hours: Sequence[int] = range(24)) -> str:
    """Lines of one day, in order of time."""
    draw = random.Random(f"{day} {seed}")
    times = sorted((MONDAY + day) * 86400 + draw.choice(hours) * 3600 + draw.randrange(3600) for _ in range(count))
    return "".join(
        f"{time},{draw.choice(CLIENTS)},{draw.randrange(1024, 1064)},{draw.choice(AGENTS)}\n" for time in times
    )


def told(evidence: LogEvidence) -> dict[str, Any]:
    """All that evidence says, for comparing."""
    chunk = whole(evidence)
    return {
        "units": {name: {k: str(v) for k, v in columns.items()} for name, columns in features(evidence).items()},
        "last_day": chunk.units.last_day.tolist(),
        "profile": [np.asarray(column).tolist() for column in chunk.profile],
        "rest": evidence[1:],
    }


def test_day_by_day_is_everything_at_once(site: Site) -> None:
    for day in range(10):
        # A log is rotated some hours after midnight, and what came late to the day before stands at its head.
        (site.logs / f"{day:02}.csv").write_text(HEAD + rows(day - 1, 5, seed=1, hours=[22, 23]) + rows(day))
        evidence, _ = site.load(window_days=4)
        assert site.read == [f"{day:02}.csv"]
        assert set(site.counted) <= {day - 2, day - 1, day}
        assert told(evidence) == told(site.fresh(window_days=4)[0])


def test_a_load_without_news_reads_and_counts_nothing(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0) + rows(1))
    first, files = site.load()
    again, files_again = site.load()
    assert (site.read, site.counted) == ([], [])
    assert told(first) == told(again)
    assert files == files_again


def test_what_comes_late_recounts_its_day_whole_and_no_other(site: Site) -> None:
    for day in range(3):
        (site.logs / f"{day}.csv").write_text(HEAD + rows(day))
    site.load()
    (site.logs / "late.csv").write_text(HEAD + rows(1, seed=7))
    evidence, _ = site.load()
    assert (site.read, site.counted) == (["late.csv"], [1])
    assert told(evidence) == told(site.fresh()[0])


def test_a_rotated_packed_log_is_the_one_it_was(site: Site) -> None:
    content = (HEAD + rows(0)).encode()
    (site.logs / "a.csv").write_bytes(content)
    before, _ = site.load()
    (site.logs / "a.csv").rename(site.logs / "a.csv.1.csv")
    site.load()
    assert (site.read, site.counted) == ([], [])
    (site.logs / "a.csv.1.csv").unlink()
    (site.logs / "a.csv.gz").write_bytes(gzip.compress(content))
    after, (file,) = site.load()
    assert (site.read, site.counted) == ([], [])
    assert told(before) == told(after)
    assert (Path(file.file).name, file.bytes) == ("a.csv.gz", len(gzip.compress(content)))


def test_a_log_that_rotated_away_counts_until_its_days_expire(site: Site) -> None:
    (site.logs / "0.csv").write_text(HEAD + rows(0))
    (site.logs / "1.csv").write_text(HEAD + rows(1))
    whole_week, files = site.load(window_days=3)
    (site.logs / "0.csv").unlink()
    still, files_still = site.load(window_days=3)
    assert told(whole_week) == told(still)
    assert {Path(file.file).name for file in files_still} == {"0.csv", "1.csv"} == {Path(f.file).name for f in files}
    for day in (2, 3, 4):
        (site.logs / f"{day}.csv").write_text(HEAD + rows(day))
        evidence, files = site.load(window_days=3)
    assert {Path(file.file).name for file in files} == {"1.csv", "2.csv", "3.csv", "4.csv"}
    assert told(evidence) == told(site.fresh(window_days=3)[0])
    days = {path.name[:10] for path in (site.folder / "work" / "evidence" / "days").iterdir()}
    assert days == {"2026-11-18", "2026-11-19", "2026-11-20"}


def test_a_log_that_has_grown_stands_in_for_what_it_was(site: Site) -> None:
    (site.logs / "other.csv").write_text(HEAD + rows(0, seed=3))
    text = HEAD + rows(0)
    for piece in (rows(1, hours=[0, 1]), rows(1, hours=[2, 3]), "2026-11-17T23:"):
        text += piece
        (site.logs / "a.csv").write_text(text)
        evidence, files = site.load(bad_lines_max=0.5)
        assert site.read == sorted(site.read) and "a.csv" in site.read
        assert told(evidence) == told(site.fresh(bad_lines_max=0.5)[0])
        assert len(files) == 2


def test_a_log_that_grew_and_was_rotated_between_two_loads_counts_once(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0, hours=range(12)))
    site.load()
    (site.logs / "a.csv.1.csv").write_text(HEAD + rows(0, hours=range(12)) + rows(0, hours=range(12, 24)))
    (site.logs / "a.csv").write_text(HEAD + rows(1))
    evidence, files = site.load()
    assert told(evidence) == told(site.fresh()[0])
    assert len(files) == 2


@pytest.mark.parametrize(
    ("new", "kept"), [(rows(1), True), (rows(0, seed=5), False)], ids=["the next day", "the same day, corrected"]
)
def test_another_log_under_the_name_of_one(site: Site, new: str, kept: bool) -> None:
    source = site.source(path=str(site.logs / "a.csv"))
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    site.load(source)
    (site.logs / "a.csv").write_text(HEAD + new)
    evidence, files = site.load(source)
    assert len(files) == (2 if kept else 1)
    if kept:
        (site.logs / "gone.csv").write_text(HEAD + rows(0))
        source = site.source()
    assert told(evidence)["units"] == told(site.fresh(source)[0])["units"]


def test_one_content_counts_once_whoever_names_it(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    alone, _ = site.load()
    (site.logs / "copy.csv").write_text(HEAD + rows(0))
    both, files = site.load()
    assert told(alone) == told(both)
    assert [file.rows for file in files] == [40, 0]
    twice, files = site.load(site.source(), site.source("again", sensor="elsewhere"))
    assert told(alone) == told(twice)
    assert [file.rows for file in files] == [40, 0, 0, 0]
    other_columns = {"time": "time", "client": "client"}
    apart, _ = site.load(site.source(), site.source("again", columns=other_columns))
    assert (
        whole(apart).units.columns["requests_day_max"].sum() == 2 * whole(alone).units.columns["requests_day_max"].sum()
    )


CHANGES: list[dict[str, Any]] = [
    {"sensor": "web1"},
    {"columns": {"time": "time", "client": "client", "port": "port"}},
    {"ours": ("9.9.9.1",)},
    {"name": "site"},
]


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(change)) for change in CHANGES])
def test_a_changed_configuration_is_read_anew(site: Site, change: dict[str, Any]) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    site.load()
    evidence, files = site.load(site.source(**change))
    assert site.read == ["a.csv"]
    assert told(evidence) == told(site.fresh(site.source(**change))[0])
    assert len(files) == 1


def test_a_source_that_points_elsewhere_leaves_nothing_behind(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    site.load()
    (site.folder / "b.csv").write_text(HEAD + rows(0, seed=9))
    source = site.source(path=str(site.folder / "b.csv"))
    evidence, _ = site.load(source)
    assert told(evidence) == told(site.fresh(source)[0])


def test_what_another_version_read_is_read_anew_and_what_it_counted_is_counted_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    site.load()
    monkeypatch.setattr("mipdns.sources.logs.holdings.reader_version", lambda: "later")
    site.load()
    assert (site.read, site.counted) == (["a.csv"], [0])
    monkeypatch.setattr("mipdns.sources.logs.counting.days.counter_version", lambda: "later")
    site.load()
    assert (site.read, site.counted) == ([], [0])


def test_the_window_may_move_back(site: Site) -> None:
    for day in range(9):
        (site.logs / f"{day}.csv").write_text(HEAD + rows(day))
        site.load(window_days=2)
    back = {"window_days": 3, "as_of": datetime.date(2026, 11, 18)}
    evidence, _ = site.load(**back)
    assert told(evidence) == told(site.fresh(**back)[0])
    forth, _ = site.load(window_days=2)
    assert told(forth) == told(site.fresh(window_days=2)[0])


def test_a_clock_that_is_wrong_for_a_while_costs_nothing_that_is_kept(site: Site) -> None:
    (site.logs / "0.csv").write_text(HEAD + rows(0))
    before, _ = site.load(window_days=2)
    (site.logs / "0.csv").unlink()
    (site.logs / "1.csv").write_text(HEAD + rows(1))
    expected = told(site.load(window_days=2)[0])
    for now in (datetime.date(2001, 1, 1), datetime.date(2098, 1, 1)):
        load = config.Load(work=str(site.folder / "work"), window_days=2)
        with read_logs([site.source()], load, silent, now=now):
            pass
    # one that is set far ahead by hand shows nothing, and loses nothing
    site.load(window_days=2, as_of=datetime.date(2027, 6, 1))
    assert told(site.load(window_days=2)[0]) == expected
    assert before.as_of == datetime.date(2026, 11, 16)


def test_a_file_with_too_many_bad_lines_leaves_nothing_behind(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    expected, _ = site.load()
    (site.logs / "b.csv").write_text(HEAD + rows(0, seed=4) + "x,y,z,w\n" * 40)
    with pytest.raises(TooManyBadLines, match=r"b\.csv:42"):
        site.load()
    with pytest.raises(TooManyBadLines, match=r"b\.csv:42"):
        site.load()
    assert site.read == []
    (site.logs / "b.csv").unlink()
    assert told(site.load()[0]) == told(expected)


class Cut(Exception):
    """The process died here."""


def cuts(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Die at the moment with that number at which something is about to become true, or has just become so."""
    left = [after]

    def moment() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Cut

    def dying(method: Any) -> Any:
        def called(*args: Any, **keys: Any) -> Any:
            moment()
            result = method(*args, **keys)
            moment()
            return result

        return called

    for method in (
        "add",
        "update",
        "forget",
        "accept",
        "drop_segment",
        "replace_segment",
        "drop_day",
        "plan_day",
        "counted",
    ):
        monkeypatch.setattr(Manifest, method, dying(getattr(Manifest, method)))
    monkeypatch.setattr(Workplace, "publish", dying(Workplace.publish))


def test_whenever_a_load_dies_the_next_one_goes_on(site: Site) -> None:
    """Every moment at which a load changes what it keeps, one after the other, in a site with all kinds of news."""

    def before() -> None:
        for path in site.logs.iterdir():
            path.unlink()
        (site.logs / "0.csv").write_text(HEAD + rows(0))
        (site.logs / "1.csv").write_text(HEAD + rows(1, hours=range(6)))
        (site.logs / "2.csv").write_text(HEAD + rows(1, seed=2))

    def news() -> None:
        (site.logs / "1.csv").write_text(HEAD + rows(1, hours=range(6)) + rows(1, hours=range(6, 24)))
        (site.logs / "3.csv").write_text(HEAD + rows(2) + rows(3))
        (site.logs / "2.csv").rename(site.logs / "2.csv.1.csv")

    work = site.folder / "work"
    before()
    site.load(window_days=3)
    shutil.copytree(work, site.folder / "saved")
    news()
    expected = told(site.fresh(window_days=3)[0])
    for moment in range(1000):
        shutil.rmtree(work)
        shutil.copytree(site.folder / "saved", work)
        with pytest.MonkeyPatch.context() as patch:
            cuts(patch, moment)
            patch.setattr(embedded, "ROWS_LEAST", 1)
            patch.setattr(embedded, "BYTES_A_ROW", (1 << 30) // 25)
            try:
                site.load(window_days=3)
            except Cut:
                pass
            else:
                break
        evidence, _ = site.load(window_days=3)
        assert told(evidence) == expected, moment
        assert not (work / "evidence" / "scratch").exists()
    assert moment > 20


def test_it_resumes_at_the_file_and_at_the_share(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mipdns.sources.logs.scan.BATCH_FILES", 1)
    for day in range(4):
        (site.logs / f"{day}.csv").write_text(HEAD + rows(day))
    with pytest.MonkeyPatch.context() as patch:
        cuts(patch, 4 + 4)  # two files published and added
        with pytest.raises(Cut):
            site.load()
    with pytest.MonkeyPatch.context() as patch:
        cuts(patch, 2 * (2 * 2 + 1 + 4 + 2 * 2))  # the other two; accepted; four days planned; two shares
        with pytest.raises(Cut):
            site.load()
    assert site.read == ["2.csv", "3.csv"]
    site.load()
    assert (site.read, site.counted) == ([], [2, 3])


def spoil_manifest(evidence: Path) -> None:
    (evidence / "manifest.db").write_bytes(b"SQLite format 3\0" + bytes(5000))


def spoil_schema(evidence: Path) -> None:
    with closing(sqlite3.connect(evidence / "manifest.db")) as connection:
        connection.execute("PRAGMA user_version = 99")


def lose_hits(evidence: Path) -> None:
    for path in (evidence / "hits").iterdir():
        path.unlink()


def cut_hits(evidence: Path) -> None:
    for path in (evidence / "hits").iterdir():
        path.write_bytes(path.read_bytes()[:-20])


def lose_days(evidence: Path) -> None:
    shutil.rmtree(next((evidence / "days").iterdir()))


def cut_days(evidence: Path) -> None:
    path = next((evidence / "days").rglob("hour_count.parquet"))
    path.write_bytes(path.read_bytes()[:-20])


def lose_all(evidence: Path) -> None:
    shutil.rmtree(evidence)


def litter(evidence: Path) -> None:
    (evidence / "hits" / "77.parquet").write_text("x")
    (evidence / "days" / "2026-11-16-x-0").mkdir()
    (evidence / "scratch").mkdir()
    (evidence.parent / "logs-dead").mkdir()


@pytest.mark.parametrize(
    "spoil", [spoil_manifest, spoil_schema, lose_hits, cut_hits, lose_days, cut_days, lose_all, litter]
)
def test_a_spoilt_work_folder_costs_a_recount_and_nothing_else(site: Site, spoil: Any) -> None:
    for day in range(2):
        (site.logs / f"{day}.csv").write_text(HEAD + rows(day))
    expected = told(site.load()[0])
    spoil(site.folder / "work" / "evidence")
    assert told(site.load()[0]) == expected
    names = {path.name for path in (site.folder / "work" / "evidence" / "days").iterdir()}
    assert len(names) == 2
    assert {path.name for path in (site.folder / "work").iterdir()} == {"evidence"}


def test_two_loads_at_once(site: Site) -> None:
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    load = config.Load(work=str(site.folder / "work"))
    with read_logs([site.source()], load, silent, now=NOW) as (evidence, _):
        assert evidence is not None
        with pytest.raises(SourceError, match="another load is counting in it; wait for it"):
            site.load()
        assert len(whole(evidence).units.key)
    site.load()


def test_a_file_that_is_replaced_while_it_is_read_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site.logs / "a.csv"
    path.write_text(HEAD + rows(0))

    def rotate(*args: Any) -> None:
        path.rename(site.folder / "away")
        path.write_text(HEAD + rows(1))

    monkeypatch.setattr("mipdns.sources.logs.ingest.stage", rotate)
    with pytest.raises(SourceError, match=r"a\.csv: was replaced while it was read"):
        site.load()


def test_agents_are_capped_and_that_is_told(site: Site) -> None:
    time = MONDAY * 86400
    lines = "".join(f"{time + at % 7000},9.9.9.1,1024,program/{at}\n" for at in range(66_000))
    (site.logs / "a.csv").write_text(HEAD + lines + f"{time},9.9.9.2,1024,program\n")
    evidence, _ = site.load()
    assert features(evidence)["9.9.9.1"]["agents_day_max"] == 65_536
    assert evidence.agents_capped == 1


def test_evidence_is_as_documented(site: Site) -> None:
    """Every table of a day is sorted by unit, and its columns are those that the page tells."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "evidence.md").read_text("utf-8")
    (site.logs / "a.csv").write_text(HEAD + rows(0))
    site.load()
    evidence = site.folder / "work" / "evidence"
    files = [*evidence.glob("days/*/*.parquet"), *evidence.glob("hits/*.parquet")]
    assert len(files) == 4
    with duckdb.connect() as connection:
        for path in files:
            units = connection.execute("SELECT unit FROM read_parquet(?)", [str(path)]).fetchall()
            assert units == sorted(units)
            for name, *_ in connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall():
                assert f"`{name}`" in page, (path.name, name)
