"""What `mipdns feedback` refuses, in one line, before anything is written."""

from __future__ import annotations

import datetime
import getpass
from pathlib import Path

import pytest

from mipdns import feedback, net, store
from mipdns.errors import FeedbackError

RANGE = net.parse_range("51.15.7.0/24")


def today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def test_a_day_that_has_not_come_is_refused_and_today_is_not(tmp_path: Path):
    database = tmp_path / "mip.db"
    with pytest.raises(FeedbackError, match="has not come yet"):
        feedback.say(database, RANGE, confirmed=True, observed=today() + datetime.timedelta(2))
    assert not database.exists()
    feedback.say(database, RANGE, confirmed=True, who="me", observed=today())
    [label] = store.labels(database)
    assert (label.who, label.confirmed) == ("me", True)


@pytest.mark.parametrize("fault", [KeyError("uid not found"), OSError("no username")])
def test_a_user_without_a_name_must_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception):
    def nobody() -> str:
        raise fault

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(FeedbackError, match="say who with --who"):
        feedback.say(tmp_path / "mip.db", RANGE, confirmed=True)
    feedback.say(tmp_path / "mip.db", RANGE, confirmed=True, who="me")


def test_nobody_speaks_of_half_the_internet(tmp_path: Path):
    with pytest.raises(FeedbackError, match="wider than a /8"):
        feedback.say(tmp_path / "mip.db", net.parse_range("50.0.0.0/7"), confirmed=False, who="me")
