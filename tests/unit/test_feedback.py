"""What `mipdns feedback` refuses, in one line, before anything is written; and how a word is taken back."""

from __future__ import annotations

import datetime
import getpass
from pathlib import Path

import pytest
from click.testing import CliRunner

from mipdns import feedback, net, store
from mipdns.cli import main
from mipdns.errors import FeedbackError, StoreMissing

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


def test_who_said_it_takes_it_back_and_nobody_elses_word_goes(tmp_path: Path):
    database = tmp_path / "mip.db"
    days = [today() - datetime.timedelta(number) for number in range(3)]
    for day in days:
        feedback.say(database, RANGE, confirmed=day == days[0], who="me", observed=day)
    feedback.say(database, RANGE, confirmed=True, who="you")
    feedback.say(database, net.parse_range("51.15.7.0/25"), confirmed=True, who="me")
    store.add_label(database, store.labels(database)[0]._replace(source="isp"))
    before = store.labels(database)
    assert feedback.forget(database, RANGE, who="me", observed=days[1]) == [
        f"me says that 51.15.7.0/24 is not used by many ({days[1]})"
    ]
    assert len(feedback.forget(database, RANGE, who="me")) == 2
    left = store.labels(database)
    assert left == [one for one in before if (one.who, one.first, one.last, one.source) != ("me", *RANGE, "feedback")]
    assert len(left) == 3
    with pytest.raises(FeedbackError, match=r"me has said nothing of 51\.15\.7\.0/24; these did: you \("):
        feedback.forget(database, RANGE, who="me")
    with pytest.raises(FeedbackError, match=rf"you has said nothing of .* on {days[2]}; these did: you"):
        feedback.forget(database, RANGE, who="you", observed=days[2])
    assert store.labels(database) == left


def test_nothing_is_forgotten_where_nothing_is_kept(tmp_path: Path):
    with pytest.raises(StoreMissing):
        feedback.forget(tmp_path / "mip.db", RANGE, who="me")
    assert not (tmp_path / "mip.db").exists()


def test_a_word_is_taken_back_on_the_command_line(tmp_path: Path):
    config = tmp_path / "mipdns.toml"
    config.write_text("")
    said = ["--config", str(config), "feedback"]
    assert CliRunner().invoke(main, [*said, "deny", "51.15.7.0/24", "--who", "me"]).exit_code == 0
    told = CliRunner().invoke(main, [*said, "forget", "51.15.7.0/24", "--who", "me", "--class", "vpn"])
    assert told.exit_code == 2
    told = CliRunner().invoke(main, [*said, "forget", "51.15.7.0/24", "--who", "me"])
    assert told.output == (
        f"forgotten: me says that 51.15.7.0/24 is not used by many ({today()}); the next load goes without it\n"
    )
    assert store.labels(tmp_path / "mip.db") == []
