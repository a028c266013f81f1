"""Whose words stay and whose are replaced."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from mipdns import net, store
from mipdns.errors import AddressError, StoreBusy, StoreMissing
from mipdns.evidence import FEEDBACK
from tests.unit.store.made import contents, file_read, label


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mip.db"


def mine(text, **facts):
    return label(text, source=FEEDBACK, **facts)


def test_feedback_may_come_before_the_first_load(path):
    store.add_label(path, mine("51.15.7.0/24"))
    assert store.labels(path) == [mine("51.15.7.0/24")]
    with pytest.raises(StoreMissing, match="holds no build yet"):
        store.latest_build(path)
    store.regenerate(path, contents())
    assert store.labels(path) == [mine("51.15.7.0/24")]


def test_the_later_word_of_one_person_on_one_day_counts(path):
    store.add_label(path, mine("51.15.7.0/24"))
    store.add_label(path, mine("51.15.7.0/24", confirmed=False))
    store.add_label(path, mine("51.15.7.0/24", who="somebody else"))
    store.add_label(path, mine("51.15.7.0/24", day=21))
    assert store.labels(path) == [
        mine("51.15.7.0/24", confirmed=False),
        mine("51.15.7.0/24", who="somebody else"),
        mine("51.15.7.0/24", day=21),
    ]


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/8", "192.0.2.1", "127.0.0.2", "0.0.0.0/0", "100.64.0.0-100.64.0.1", "2001:db8::/64", "::1", "::/0"],
)
def test_special_space_is_refused(path, text):
    with pytest.raises(AddressError, match="special-purpose space"):
        store.add_label(path, mine(text))
    assert not path.exists()


def test_what_is_no_range_is_refused(path):
    good = mine("51.15.7.0/24")
    for bad in (
        good._replace(last=good.first - 1),
        good._replace(last=net.parse_address("2a01::")),
        good._replace(last=1 << 128),
    ):
        with pytest.raises(AddressError, match="not a range of one family"):
            store.add_label(path, bad)


def load(path, *labels, sources=("partner",)):
    store.regenerate(path, contents(labels=list(labels), files=[file_read(name, "truth") for name in sources]))


def test_a_truth_source_says_what_it_says_now(path):
    store.add_label(path, mine("51.15.7.0/24"))
    load(
        path,
        label("51.15.7.0/24"),
        label("51.15.8.0/24"),
        label("51.15.9.0/24", source="other"),
        sources=("partner", "other"),
    )
    load(path, label("51.15.8.0/24"), label("51.15.10.0/24"))
    assert {(net.format_range(kept.first, kept.last), kept.source) for kept in store.labels(path)} == {
        ("51.15.7.0/24", FEEDBACK),
        ("51.15.8.0/24", "partner"),
        ("51.15.9.0/24", "other"),
        ("51.15.10.0/24", "partner"),
    }


def test_a_truth_source_that_says_nothing_any_more_is_forgotten(path):
    load(path, label("51.15.7.0/24"))
    load(path)
    assert store.labels(path) == []


def test_the_same_word_said_again_keeps_its_time(path):
    def added():
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT id, added FROM label").fetchall()

    load(path, label("51.15.7.0/24"), label("51.15.7.0/24"))
    before = added()
    assert len(before) == 1
    load(path, label("51.15.7.0/24"))
    assert added() == before


def test_feedback_given_during_a_load_is_not_lost_by_what_the_load_read_before(path):
    store.add_label(path, mine("51.15.7.0/24"))
    read_at_the_start = store.labels(path)
    store.add_label(path, mine("51.15.8.0/24"))
    load(path, *read_at_the_start)
    assert len(store.labels(path)) == 2


def test_feedback_waits_for_a_load_and_then_says_so(path):
    store.regenerate(path, contents())

    def during():
        with pytest.raises(StoreBusy, match="try again when it is done"):
            store.add_label(path, mine("51.15.7.0/24"), busy_s=0.05)
        return
        yield

    store.regenerate(path, contents(during()))
    store.add_label(path, mine("51.15.7.0/24"))
    assert len(store.labels(path)) == 1
