"""Sources to copies: what is taken, what stays, what is remembered."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import re
import threading
from pathlib import Path

import pytest

from mipdns import config
from mipdns.errors import SourceUnreadable
from mipdns.fetch import Fetched, Limits, copies, fetch, read_state, standing
from mipdns.fetch.transfer import Client
from mipdns.fetch.ways import PAGE_PAUSE_S, PAGE_ROWS
from tests.unit.fetch.far_end import Asked, answer, far_end

LIMITS = Limits(timeout_s=1.0, deadline_s=10.0, attempts=1, bytes_max=1 << 20, unpacked_max=1 << 22)
NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
LIST = b"192.0.2.1\n" * 50
OTHER = b"192.0.2.2\n" * 50


def source(far_url: str | tuple[str, ...], path: Path | tuple[str, ...], **keys) -> config.Egress:
    where = path if isinstance(path, tuple) else str(path)
    return config.Egress(name="list", format="cidr", class_="vpn", url=far_url, path=where, **keys)


def once(one: config.Source, *, pauses: list[float] | None = None, now=NOW, taste=None, force=False) -> Fetched:
    quick = Client(LIMITS, sleep=(pauses if pauses is not None else []).append)
    (fetched,) = fetch([one], LIMITS, now=now, client=quick, taste=taste, force=force)
    return fetched


def later(**ago: float) -> datetime.datetime:
    return NOW + datetime.timedelta(**ago)


def test_a_new_copy_and_what_is_remembered_of_it(tmp_path):
    path = tmp_path / "deep" / "list.txt"
    with far_end(answer(LIST, ETag='"1"', Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT")) as far:
        told = once(source(far.url(), path))
        assert told == Fetched("list", far.url(), path, "new", 500, 0.0, "")
        state = read_state(path)
        assert (state.url, state.etag, state.bytes, state.unpacked_bytes) == (far.url(), '"1"', 500, 500)
    assert path.read_bytes() == LIST
    assert (state.fetched, state.changed, state.failures) == (NOW, NOW, 0)
    assert state.sha256 == copies.digest(path)
    assert (
        datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).isoformat() == "2026-11-21T10:00:00+00:00"
    )
    assert {entry.name for entry in path.parent.iterdir()} == {"list.txt", ".list.txt.fetch.json"}


def test_a_copy_is_readable_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        with far_end(answer(LIST)) as far:
            once(source(far.url(), tmp_path / "list"))
    finally:
        os.umask(before)
    assert (tmp_path / "list").stat().st_mode & 0o777 == 0o640


def test_what_did_not_change_is_not_sent_again(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST, ETag='"1"', Last_Modified="then"), answer(b"", 304)) as far:
        once(source(far.url(), path))
        os.utime(path, (0, 0))
        told = once(source(far.url(), path), now=later(hours=5))
        assert (told.outcome, told.age_hours) == ("unchanged", 0.0)
        assert (far.asked[1].headers["if-none-match"], far.asked[1].headers["if-modified-since"]) == ('"1"', "then")
    state = read_state(path)
    assert (state.etag, state.changed, state.fetched) == ('"1"', NOW, later(hours=5))
    assert path.stat().st_mtime > 0, "a list that is confirmed speaks of today"


def test_the_same_bytes_again_are_no_change(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST)) as far:
        once(source(far.url(), path))
        first = path.stat().st_ino
        assert once(source(far.url(), path), now=later(hours=1)).outcome == "unchanged"
    assert path.stat().st_ino == first
    assert read_state(path).changed == NOW


@pytest.mark.parametrize("touch", [Path.unlink, lambda path: path.write_bytes(b"192.0.2.9\n")])
def test_a_copy_that_was_touched_is_fetched_whole(tmp_path, touch):
    path = tmp_path / "list"
    with far_end(answer(LIST, ETag='"1"')) as far:
        once(source(far.url(), path))
        touch(path)
        assert once(source(far.url(), path, fetch_every_hours=0)).outcome == "new"
        assert "if-none-match" not in far.asked[1].headers
    assert path.read_bytes() == LIST


def test_conditions_belong_to_their_address(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST, ETag='"1"')) as far:
        once(source(far.url(), path))
        once(source(far.url("/elsewhere"), path))
        assert "if-none-match" not in far.asked[1].headers


def test_a_damaged_state_is_none(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST, ETag='"1"')) as far:
        once(source(far.url(), path))
        copies.state_path(path).write_bytes(b'{"url": 7')
        assert once(source(far.url(), path)).outcome == "new"


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (answer(b"", 404), "it answers 404"),
        (answer(b"<html>Sorry</html>"), "HTML or XML page"),
        (answer(b""), "it is empty"),
        (answer(LIST, length=600), "ends after 500 of 600"),
        (answer(LIST[:240]), "shrunk from 500 to 240 bytes"),
        (answer(gzip.compress(bytes(8 << 20))), "more bytes than unpacked_max"),
        (answer(b"", 304), "it answers 304"),
        (answer(b"", 302, Location="/list"), "redirects more than"),
    ],
)
def test_a_last_good_copy_stays_and_is_stale(tmp_path, play, words):
    path = tmp_path / "list"
    with far_end(answer(LIST), play) as far:
        once(source(far.url(), path))
        told = once(source(far.url(), path), now=later(hours=30))
        assert (told.outcome, told.age_hours, told.bytes) == ("stale", 30.0, 500)
        assert words in told.fault
        state = read_state(path)
        assert (state.failures, state.failed_since, state.fetched) == (1, later(hours=30), NOW)
        again = once(source(far.url(), path), now=later(hours=31))
        assert (again.outcome, read_state(path).failures, read_state(path).failed_since) == (
            "stale",
            2,
            later(hours=30),
        )
        (shown,) = standing([source(far.url(), path)])
        assert (shown["state"], shown["failures"]) == ("stale", 2)
    assert path.read_bytes() == LIST
    assert not list(tmp_path.glob(".part-*"))


def test_a_success_forgets_the_failures(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST), answer(b"", 404), answer(OTHER)) as far:
        one = source(far.url(), path)
        assert [once(one).outcome for _ in range(3)] == ["new", "stale", "new"]
        assert (read_state(path).failures, read_state(path).fault, standing([one])[0]["state"]) == (0, "", "good")


def test_without_a_copy_a_fault_is_a_failure(tmp_path):
    with far_end(answer(b"", 404)) as far:
        told = once(source(far.url(), tmp_path / "list"))
        assert (told.outcome, told.fault, told.age_hours) == ("failed", "it answers 404", None)
        assert standing([source(far.url(), tmp_path / "list")])[0]["state"] == "never fetched"


@pytest.mark.parametrize(("hours", "outcome"), [(47, "stale"), (49, "failed")])
def test_a_copy_may_be_too_old(tmp_path, hours, outcome):
    with far_end(answer(LIST), answer(b"", 404)) as far:
        one = source(far.url(), tmp_path / "list", max_age_days=2)
        once(one)
        assert once(one, now=later(hours=hours)).outcome == outcome


@pytest.mark.parametrize(("hours", "state"), [(10, "stale"), (14, "too old"), (23, "too old"), (37, "too old")])
def test_status_and_fetch_agree_on_what_is_too_old(tmp_path, hours, state):
    now = datetime.datetime.now(datetime.UTC)
    with far_end(answer(LIST), answer(b"", 404)) as far:
        one = source(far.url(), tmp_path / "list", max_age_days=0.5)
        once(one, now=now - datetime.timedelta(hours=hours))
        told = once(one, now=now)
    (shown,) = standing([one])
    assert (told.outcome, shown["state"]) == ("stale" if state == "stale" else "failed", state)
    assert shown["age_hours"] == pytest.approx(told.age_hours, abs=0.2)


def test_status_knows_the_age_of_a_copy_that_somebody_put_there(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(LIST)
    os.utime(path, (path.stat().st_mtime - 50 * 3600,) * 2)
    with far_end(answer(b"", 404)) as far:
        one = source(far.url(), path, max_age_days=2)
        assert standing([one])[0]["state"] == "good"
        assert once(one, now=datetime.datetime.now(datetime.UTC)).outcome == "failed"
    (shown,) = standing([one])
    assert (shown["state"], shown["age_hours"]) == ("too old", 50.0)


def test_a_copy_that_somebody_put_there_is_as_old_as_its_file(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(LIST)
    os.utime(path, (later(hours=-10).timestamp(),) * 2)
    with far_end(answer(b"", 404)) as far:
        told = once(source(far.url(), path))
    assert (told.outcome, told.age_hours) == ("stale", 10.0)


@pytest.mark.parametrize(("hours", "asked"), [(5.9, 1), (6.1, 2), (-1, 2)])
def test_a_far_end_is_left_alone_for_a_while(tmp_path, hours, asked):
    with far_end(answer(LIST)) as far:
        one = source(far.url(), tmp_path / "list", fetch_every_hours=6)
        once(one)
        assert once(one, now=later(hours=hours)).outcome == ("recent" if asked == 1 else "unchanged")
        assert len(far.asked) == asked


def test_a_failure_is_tried_again_at_once(tmp_path):
    with far_end(answer(LIST), answer(b"", 404), answer(OTHER)) as far:
        one = source(far.url(), tmp_path / "list", fetch_every_hours=6)
        told = [once(one, now=later(hours=hours)).outcome for hours in (0, 7, 7.1)]
        assert told == ["new", "stale", "new"]


def test_a_wish_to_be_left_alone_is_kept(tmp_path):
    with far_end(answer(LIST), answer(b"", 429, Retry_After="7200"), answer(OTHER)) as far:
        one = source(far.url(), tmp_path / "list")
        told = [once(one, now=later(hours=hours)) for hours in (0, 1, 2.9, 3.1)]
        assert [each.outcome for each in told] == ["new", "stale", "stale", "new"]
        assert "it asked not to be asked before 2026-11-22 15:00 UTC" in told[2].fault
        assert len(far.asked) == 3


def test_force_asks_for_the_whole_and_takes_what_has_shrunk(tmp_path):
    path = tmp_path / "list"
    with far_end(answer(LIST, ETag='"1"'), answer(LIST[:100])) as far:
        one = source(far.url(), path, fetch_every_hours=6)
        once(one)
        assert once(one, force=True).outcome == "new"
        assert "if-none-match" not in far.asked[1].headers
    assert path.read_bytes() == LIST[:100]


def test_what_its_reader_refuses_is_not_taken(tmp_path):
    path = tmp_path / "list.txt"

    def taste(one: config.Source, temporary: Path) -> None:
        assert one.paths == (str(temporary),)
        if b"192.0.2.2" in temporary.read_bytes():
            raise SourceUnreadable(f"{temporary}:1: no")

    with far_end(answer(LIST), answer(OTHER)) as far:
        assert once(source(far.url(), path), taste=taste).outcome == "new"
        told = once(source(far.url(), path), taste=taste)
    assert (told.outcome, told.fault) == ("stale", "what came cannot be used: list.txt:1: no")
    assert path.read_bytes() == LIST


@pytest.mark.parametrize(("name", "packed"), [("list.gz", True), ("list", False)])
@pytest.mark.parametrize(
    "play", [answer(LIST), answer(gzip.compress(LIST)), answer(gzip.compress(LIST), Content_Encoding="gzip")]
)
def test_a_copy_is_packed_as_its_name_says(tmp_path, name, packed, play):
    with far_end(play) as far:
        assert once(source(far.url(), tmp_path / name)).outcome == "new"
    stored = (tmp_path / name).read_bytes()
    assert (gzip.decompress(stored) if packed else stored) == LIST


def test_several_addresses_and_several_sources(tmp_path):
    together = threading.Barrier(2, timeout=10)

    def meets(asked: Asked, _: object) -> bytes:
        if asked.target == "/1":
            together.wait()  # both sources' first addresses are asked at once
        return answer(b"", 404) if asked.target == "/2" else answer(LIST)

    with far_end(meets) as far:
        urls = (far.url("/1"), far.url("/2"))
        sources = [source(urls, (str(tmp_path / f"{n}-1"), str(tmp_path / f"{n}-2"))) for n in "ab"]
        told = fetch(sources, LIMITS, now=NOW)
    assert [(each.path.name, each.outcome) for each in told] == [
        ("a-1", "new"),
        ("a-2", "failed"),
        ("b-1", "new"),
        ("b-2", "failed"),
    ]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with far_end(answer(LIST)) as far:
        told = once(source(far.url(), tmp_path / "file" / "list"))
    assert (told.outcome, told.fault.partition(";")[0]) == (
        "failed",
        f"{tmp_path / 'file'}: the copy cannot be kept: File exists",
    )


def test_what_a_crash_left_is_removed_in_time(tmp_path):
    old, young = tmp_path / ".part-abc-list", tmp_path / ".part-def-list"
    for leftover in (old, young):
        leftover.write_bytes(b"half")
    os.utime(old, (0, 0))
    with far_end(answer(LIST)) as far:
        once(source(far.url(), tmp_path / "list"))
    assert (old.exists(), young.exists()) == (False, True)


def test_a_secret_is_needed_and_never_told(tmp_path, monkeypatch):
    with far_end(answer(b"", 403)) as far:
        one = source(far.url(), tmp_path / "list", authorization="Key $MIPDNS_TEST_KEY")
        monkeypatch.delenv("MIPDNS_TEST_KEY", raising=False)
        told = once(one)
        assert told.fault == "it answers 403 ($MIPDNS_TEST_KEY is not set)"
        monkeypatch.setenv("MIPDNS_TEST_KEY", "s3cret")
        told = once(one)
        assert [asked.headers.get("authorization") for asked in far.asked] == [None, "Key s3cret"]
    assert "s3cret" not in str(told) + copies.state_path(tmp_path / "list").read_text()


# The other ways of an address.

LOG = b"# Format: 1\n1\t1700000000\t2023/11/a.pfx2as.gz\n"
LOG += b"3\t1700200000\t2023/11/c.pfx2as.gz\n2\t1700100000\t2023/11/b.pfx2as.gz\n"
TABLE = b"192.0.2.0\t24\t64500\n" * 10


def test_the_newest_of_a_log(tmp_path):
    path = tmp_path / "routes.pfx2as.gz"

    def plays(asked: Asked, _: object) -> bytes:
        return answer(LOG) if asked.target.endswith(".log") else answer(gzip.compress(TABLE))

    with far_end(plays) as far:
        one = config.Routes(
            name="r", format="pfx2as", preset="caida-pfx2as", url=far.url("/x/pfx2as-creation.log"), path=str(path)
        )
        assert [once(one).outcome, once(one).outcome] == ["new", "unchanged"]
        asked = ["/x/pfx2as-creation.log", "/x/2023/11/c.pfx2as.gz", "/x/pfx2as-creation.log"]
        assert [each.target for each in far.asked] == asked
    assert gzip.decompress(path.read_bytes()) == TABLE


@pytest.mark.parametrize("log", [b"", b"# nothing yet\n", b"1\t2\t../../etc/passwd\n", b"<html>", b"1 2 a.gz\n"])
def test_a_log_that_names_nothing(tmp_path, log):
    with far_end(answer(log)) as far:
        one = config.Routes(
            name="r", format="pfx2as", preset="caida-pfx2as", url=far.url(), path=str(tmp_path / "r.gz")
        )
        assert "it is no log of files" in once(one).fault


def pages(rows: list[object], each: int):
    def play(asked: Asked, _: object) -> bytes:
        skip = int(re.findall(r"skip=(\d+)", asked.target)[0])
        return answer(json.dumps({"data": rows[skip : skip + each], "meta": {}}).encode())

    return play


def test_pages_are_put_together_whatever_their_length(tmp_path):
    rows: list[object] = [{"asn": number, "name": "é"} for number in range(25)]
    path = tmp_path / "net.json"
    pauses: list[float] = []
    with far_end(pages(rows, 10)) as far:
        one = config.PeeringDB(name="p", preset="peeringdb", url=far.url("/net?fields=asn"), path=str(path))
        assert once(one, pauses=pauses).outcome == "new"
        targets = [f"/net?fields=asn&limit={PAGE_ROWS}&skip={skip}" for skip in (0, 10, 20, 25)]
        assert [each.target for each in far.asked] == targets
    assert json.loads(path.read_bytes()) == {"data": rows}
    assert pauses == [PAGE_PAUSE_S] * 3


@pytest.mark.parametrize("page", [b"[]", b'{"data": 7}', b"<html>", b'{"message": "slow down"}'])
def test_pages_that_are_none(tmp_path, page):
    with far_end(answer(page)) as far:
        one = config.PeeringDB(name="p", preset="peeringdb", url=far.url(), path=str(tmp_path / "p"))
        assert "page 1 is not {'data': […]}" in once(one).fault


def test_pages_without_end_are_too_large(tmp_path):
    with far_end(answer(b'{"data": ["' + b"x" * 400_000 + b'"]}')) as far:
        one = config.PeeringDB(name="p", preset="peeringdb", url=far.url(), path=str(tmp_path / "p"))
        assert "its pages are of more bytes than bytes_max" in once(one).fault


@pytest.mark.parametrize(
    ("start", "stop", "asked"),
    [
        (None, None, "start=1795219200&stop=1795305599"),  # the day before
        (datetime.date(2026, 11, 1), None, "start=1793491200&stop=1795305599"),
        (datetime.date(2026, 11, 1), datetime.date(2026, 11, 2), "start=1793491200&stop=1793663999"),
    ],
)
def test_whole_days_of_a_measurement(tmp_path, start, stop, asked):
    with far_end(answer(b'{"from": ""}\n')) as far:
        one = config.Atlas(
            name="a",
            preset="ripe-atlas",
            url=far.url("/{measurement}/results/?format=txt"),
            path=str(tmp_path / "a"),
            measurement=5051,
            start=start,
            stop=stop,
        )
        assert once(one).outcome == "new"
        assert far.asked[0].target == f"/5051/results/?format=txt&{asked}"
