"""The tables as SQLite sees them: strict, with keys that hold, and columns that are the evidence's."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from sqlite_utils import Database

from mipdns import store
from mipdns.errors import StoreError, StoreMissing, StoreVersion
from mipdns.store import schema
from mipdns.store.observed import observed
from mipdns.store.version import APPLICATION_ID, SCHEMA_VERSION
from tests.unit.store.made import FEATURES, contents, everything, label, verdict


@pytest.fixture
def connection(tmp_path):
    store.regenerate(tmp_path / "mip.db", everything())
    with closing(sqlite3.connect(tmp_path / "mip.db")) as connection:
        yield connection


def test_every_table_is_strict(connection):
    strict = dict(
        connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
    )
    ours = {"verdict", "observation", "assertion", "network", "source", "build", "label", "class", "signal", "belief"}
    assert ours <= strict.keys()
    assert all(strict[name] for name in ours)


def test_foreign_keys_lead_somewhere(connection):
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    links = {
        (table, row[2])
        for table in ("verdict", "observation", "assertion", "source")
        for row in connection.execute(f"PRAGMA foreign_key_list({table})")
    }
    assert links == {
        ("verdict", "network"), ("observation", "network"), ("observation", "build"), ("assertion", "signal"),
        ("source", "build"),
    }  # fmt: skip


def test_observation_has_the_columns_of_the_evidence(connection):
    columns = [row[1] for row in connection.execute("PRAGMA table_info(observation)")]
    later = ["agent_requests_day_max", "agent_hours_day_max"]  # of schema 10: what is added stands at the end
    assert columns[6:] == [*(name for name in FEATURES if name not in later), *later]
    seen = [row[1] for row in connection.execute("PRAGMA table_info(observations)")]
    assert seen[9:] == columns[6:]


def test_the_file_says_whose_it_is(connection):
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert len(schema.migrations.applied(Database(connection))) == SCHEMA_VERSION


GOOD = (b"\0" * 15 + b"\1", b"\0" * 15 + b"\2", 50, 1, 1, 2, 0, None, "2026-09-22")


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (0, b"\1\2\3\4"),
        (0, "0123456789abcdef"),
        (1, b"\0" * 16),
        (2, 0),
        (2, 101),
        (2, "many"),
        (3, 0),
        (3, 256),
        (4, -1),
        (5, 0),
        (8, "22.9."),
    ],
)
def test_a_verdict_that_breaks_a_rule_is_refused_by_sqlite_itself(connection, at, value):
    insert = "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    connection.execute(insert, GOOD)
    connection.rollback()
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(insert, (*GOOD[:at], value, *GOOD[at + 1 :]))


def older(path):
    """A database of schema 1: tables, and no views yet."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.migrations.apply(Database(connection), stop_before="0002_views")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO label VALUES (1, ?, ?, 1, 0, '2026-01-01', 'someone', 'feedback', '2026-01-01T00:00:00')",
            GOOD[:2],
        )


def test_an_older_schema_is_brought_up_to_date_by_a_load_and_keeps_its_labels(tmp_path):
    path = tmp_path / "mip.db"
    older(path)
    with pytest.raises(StoreMissing, match="holds no build yet; run `mipdns load`"):
        store.latest_build(path)
    assert [kept.who for kept in store.labels(path)] == ["someone"]
    store.regenerate(path, contents([verdict("51.15.7.0/24")]))
    assert store.latest_build(path).verdicts == 1
    assert [kept.who for kept in store.labels(path)] == ["someone"]
    with closing(sqlite3.connect(path)) as connection:
        assert len(connection.execute("SELECT * FROM verdicts").fetchall()) == 1


def test_features_that_an_older_schema_lacks_are_missing_and_the_others_are_read(tmp_path):
    path = tmp_path / "mip.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.migrations.apply(Database(connection), stop_before="0005_exposure")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 4")
        connection.execute(
            "INSERT INTO build VALUES (1, 1, '2026-09-22T00:00:00Z', '2026-09-22T00:00:00Z', '2026-09-22', 7, 'm', 0.3,"
            " 0, 0, 0, '{}', NULL, '[]')"
        )
        connection.execute(
            "INSERT INTO observation (build, first, last, last_day, requests_day_max) VALUES (1, ?, ?, ?, 9)",
            (*GOOD[:2], "2026-09-22"),
        )
    columns = observed(path).units.columns
    assert columns["requests_day_max"].tolist() == [9.0]
    assert np.isnan(columns["requests_typical"]).all()


def test_a_load_that_fails_leaves_an_older_schema_as_it_was(tmp_path):
    path = tmp_path / "mip.db"
    older(path)

    def broken():
        yield verdict("51.15.7.0/24")
        raise RuntimeError("a bug upstream")

    with pytest.raises(RuntimeError, match="upstream"):
        store.regenerate(path, contents(broken()))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM label").fetchone() == (1,)


def newer(path):
    store.regenerate(path, contents())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def foreign(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")


def not_sqlite(path):
    path.write_text("first,last,confidence\n" * 1000)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (newer, StoreVersion, "made by a newer mipdns"),
        (foreign, StoreError, "not one of mipdns"),
        (not_sqlite, StoreError, "not a SQLite database"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(tmp_path, make, error, says):
    path = tmp_path / "other.db"
    make(path)
    before = path.read_bytes()
    for use in (
        lambda: store.latest_build(path),
        lambda: list(store.verdict_rows(path)),
        lambda: store.labels(path),
        lambda: store.regenerate(path, contents()),
        lambda: store.add_label(path, label("51.15.7.0/24")),
    ):
        with pytest.raises(error, match=says) as raised:
            use()
        assert str(path) in str(raised.value)
    assert path.read_bytes() == before


def test_a_file_of_no_bytes_is_as_good_as_none(tmp_path):
    path = tmp_path / "mip.db"
    path.touch()
    with pytest.raises(StoreMissing, match="run `mipdns load`"):
        store.latest_build(path)
    assert store.regenerate(path, contents()).verdicts == 0
