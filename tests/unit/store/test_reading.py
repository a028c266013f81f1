"""What went in comes out: every record, by address, and the views as text."""

from __future__ import annotations

import datetime
import ipaddress
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net, store
from mipdns.errors import StoreError, StoreMissing
from mipdns.evidence import Belief
from mipdns.store.observed import observed
from mipdns.vocabulary import Class
from tests.unit.store.made import AS_OF, FEATURES, NETWORKS, ROWS, assertion, contents, everything, file_read, verdict


def at(text):
    return net.parse_address(text)


@pytest.fixture
def path(tmp_path):
    store.regenerate(tmp_path / "mip.db", everything())
    return tmp_path / "mip.db"


def test_the_build(path):
    build = store.latest_build(path)
    assert (build.as_of, build.window_days, build.model, build.prior) == (AS_OF, 7, "hand-2026.1", 0.3)
    assert (build.counts, build.scores) == ({"special": 3}, {"brier": 0.08, "labels": 2})
    assert [name for name, _ in build.stages] == ["read relay", "survey", "judge", "write"]
    assert (build.verdicts, build.listed_v4, build.listed_v6) == (2, 256, 0)
    started, finished = map(datetime.datetime.fromisoformat, (build.started, build.finished))
    assert started.utcoffset() == datetime.timedelta(0)
    assert started < finished


def test_evidence_comes_with_what_the_load_learnt_of_its_sources(tmp_path):
    learnt = [Belief("relay", 0, "", 3, 1, 1.0), Belief("relay", 64500, "", 2, 1, 1.0)]
    store.regenerate(tmp_path / "mip.db", contents(beliefs=learnt))
    assert observed(tmp_path / "mip.db").beliefs == learnt


def test_verdicts_come_back_in_order(path):
    assert list(store.verdict_rows(path)) == ROWS


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("51.15.7.0", 87),
        ("51.15.7.255", 87),
        ("::ffff:51.15.7.8", 87),
        ("51.15.6.255", None),
        ("51.15.8.0", None),
        ("2a01:4f8::ffff", 40),
        ("2a01:4f8:0:1::", None),
        ("0.0.0.0", None),
        ("ffff::", None),
    ],
)
def test_find_verdict(path, text, confidence):
    found = store.find_verdict(path, at(text))
    assert (found.confidence if found else None) == confidence


def test_observations_by_any_address_of_the_unit(path):
    seen = store.observation_at(path, at("2a01:4f8::dead"))
    assert seen is not None
    assert (seen.first, seen.last) == net.parse_range("2a01:4f8::/64")
    assert (seen.asn, seen.traffic, seen.last_day) == (64500, "mobile", AS_OF)
    assert list(seen.features) == [FEATURES[0], *FEATURES[2:]]
    assert seen.features[FEATURES[3]] == float(np.float32(2.3)), "the number that was judged, not the one that is shown"
    other = store.observation_at(path, at("51.15.7.10"))
    assert other is not None
    assert (other.asn, other.traffic) == (None, "residential")
    assert store.observation_at(path, at("51.15.7.11")) is None


def test_assertions_that_count_for_an_address(tmp_path):
    said = [
        assertion("51.0.0.0/8"), assertion("51.15.7.9"), assertion("51.15.7.10"), assertion("2a01:4f8::7", exact=True),
        assertion("2a01:4f8::8"), assertion("2a01:4f8:0:1::/64"),
    ]  # fmt: skip
    store.regenerate(tmp_path / "mip.db", contents(assertions=said))

    def found(text):
        return store.assertions_at(tmp_path / "mip.db", at(text))

    assert found("51.15.7.9") == said[:2]
    assert found("51.1.1.1") == said[:1]
    assert found("52.0.0.0") == []
    assert found("2a01:4f8::7") == said[3:5]
    assert found("2a01:4f8::1") == [said[4]]


def test_networks(path):
    known = store.network_of(path, 64500)
    assert known == NETWORKS[0]
    named = store.network_of(path, 64501)
    assert named is not None
    assert named.network is not None
    assert (named.network.name, named.network.declared, named.inferred) == ("Example Hosting", None, None)
    assert store.network_of(path, 64502) is None


def test_every_as_that_is_referred_to_has_a_row(tmp_path):
    path = tmp_path / "mip.db"
    store.regenerate(path, contents([verdict("51.15.7.0/24", asn=64999), verdict("51.15.8.0/24", asn=None)]))
    bare = store.network_of(path, 64999)
    assert bare is not None
    assert (bare.network, bare.inferred, bare.units) == (None, None, 0)


def test_sources_and_their_first_bad_lines(path):
    assert store.sources(path) == [file_read(), file_read("partner", "truth")]


def test_labels(path):
    assert sorted(store.labels(path)) == sorted(everything().labels)


def test_no_database(tmp_path):
    for read in (store.latest_build, store.labels, store.sources, lambda path: list(store.verdict_rows(path))):
        with pytest.raises(StoreMissing, match="no such database; run `mipdns load`"):
            read(tmp_path / "mip.db")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match=r"folder .* does not exist"):
        store.regenerate(tmp_path / "absent" / "mip.db", contents())
    with pytest.raises(StoreError, match="a folder"):
        store.latest_build(tmp_path)


def test_a_path_with_every_awkward_character(tmp_path):
    path = tmp_path / "a b?mode=memory#50%.db"
    store.regenerate(path, contents([verdict("51.15.7.0/24")]))
    assert path.exists()
    assert len(list(store.verdict_rows(path))) == 1


def test_a_stream_that_is_left_early_closes_its_connection(path):
    with closing(store.verdict_rows(path)) as rows:
        next(rows)
    assert store.regenerate(path, contents()).verdicts == 0


def test_a_build_and_its_rows_are_of_one_snapshot(path):
    with store.read_build(path) as (build, rows):
        store.regenerate(path, contents([verdict("51.15.9.0/24")]), busy_s=0.1)
        assert list(rows) == ROWS
    assert store.latest_build(path).serial > build.serial


ADDRESSES = st.one_of(st.integers(0, 2**32 - 1).map(lambda v4: net.V4_FIRST | v4), st.integers(0, net.ADDRESS_MAX))


@given(st.lists(ADDRESSES, min_size=1, max_size=8, unique=True), st.integers(1, 255), st.integers(0, 8191))
def test_views_show_addresses_and_names_as_text(tmp_path_factory, addresses, classes, signals):
    path = tmp_path_factory.mktemp("views") / "mip.db"
    rows = [verdict("51.15.7.9", classes=classes)._replace(first=a, last=a, sources=signals) for a in sorted(addresses)]
    store.regenerate(path, contents(rows))
    with closing(sqlite3.connect(path)) as connection:
        shown = connection.execute("SELECT first, last, class, sources FROM verdicts").fetchall()
        names = dict(connection.execute("SELECT name, bit FROM signal").fetchall())
    assert [at(first) for first, *_ in shown] == sorted(addresses)
    for first, last, class_text, sources_text in shown:
        assert first == last
        assert first == (ipaddress.ip_address(first).exploded)
        assert sum(Class[name.upper()] for name in class_text.split("+")) == classes
        assert sum(names[name] for name in (sources_text or "").split("+") if name) == signals


def test_the_other_views(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        seen = [dict(row) for row in connection.execute("SELECT * FROM observations")]
        said = [dict(row) for row in connection.execute("SELECT * FROM assertions")]
        labels = [dict(row) for row in connection.execute("SELECT * FROM labels")]
        differ = [dict(row) for row in connection.execute("SELECT * FROM disagreements")]
    assert [row["first"] for row in seen] == ["51.15.7.9", "51.15.7.10", "2a01:04f8:0000:0000:0000:0000:0000:0000"]
    assert [row["confidence"] for row in seen] == [87, 87, 40]
    assert {(row["window_first"], row["window_last"]) for row in seen} == {("2026-09-16", "2026-09-22")}
    assert [(row["signal"], row["class"], row["exact"]) for row in said] == [("list", "relay", 0), ("list", "relay", 1)]
    assert {(row["verdict"], row["class"], row["confidence"]) for row in labels} == {
        ("confirm", "cgnat", 87),
        ("deny", "cgnat", 40),
    }
    assert [(row["asn"], row["declared"], row["inferred"]) for row in differ] == [(64500, "residential", "mobile")]


def test_reading_loads_nothing_that_writes():
    code = (
        "import sys; from mipdns import store; store.latest_build, store.verdict_rows, store.read_build; "
        "print(sorted({'sqlite_utils', 'numpy', 'duckdb'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"


def test_a_snapshot_reads_one_build_whatever_is_loaded_meanwhile(path):
    address = net.parse_address("51.15.7.9")
    with store.snapshot(path) as kept:
        store.regenerate(path, contents([verdict("51.15.9.0/24")]), busy_s=0.1)
        verdict_ = store.find_verdict(kept, address)
        assert verdict_ is not None
        assert (store.latest_build(kept).verdicts, verdict_.confidence) == (2, 87)
        assert len(store.sources(kept)) == 2
        assert store.observation_at(kept, address) is not None
        assert len(store.assertions_at(kept, address)) == 1
        assert store.network_of(kept, 64500) is not None
        assert store.listed_since(kept, address) == AS_OF
    assert store.find_verdict(path, address) is None
