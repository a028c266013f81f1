"""What is true: read from files, made of words, disjoint in the end."""

from __future__ import annotations

import math

import pytest

from mipdns import net
from mipdns.columns import blobs
from mipdns.errors import SourceError, SourceUnreadable, TooManyBadLines
from mipdns.validation.truth import Word, arrange, read_truth
from mipdns.vocabulary import Class


def word(text: str, *, shared: bool = True) -> Word:
    return Word(*net.parse_range(text), shared, 0, math.nan)


def read(tmp_path, text: str) -> list[Word]:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    return read_truth(path)


def test_the_simulators_truth_and_partners_files_are_both_truth(tmp_path):
    ours = read(
        tmp_path, "prefix,verdict,class,users,kind\n51.15.0.0/32,confirm,cgnat+mobile,76,pool\n51.15.0.1,deny,,,home\n"
    )
    assert [(one.shared, one.classes, one.users) for one in ours[:1]] == [(True, Class.CGNAT | Class.MOBILE, 76.0)]
    assert (ours[1].shared, ours[1].classes, math.isnan(ours[1].users)) == (False, 0, True)
    theirs = read(tmp_path, "# told us\nwho,observed,verdict,prefix,class\nnoc,2026-09-22,deny,51.15.0.0/24,\n")
    assert theirs[0][:3] == (*net.parse_range("51.15.0.0/24"), False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("prefix,verdict\n", "holds no statement"),
        ("prefix,class\n51.15.0.0/24,vpn\n", "no column 'verdict'"),
        ("51.15.0.0/24,confirm\n", "no column 'prefix'"),
        ("# ours\nprefix,verdict,Prefix\n51.15.0.0/24,deny,51.16.0.0/24\n", "line 2: .*'prefix' 2 times"),
        ("prefix,verdict,users,users\n51.15.0.0/24,deny,1,2\n", "line 1: .*'users' 2 times"),
    ],
)
def test_a_file_that_is_no_truth(tmp_path, text, words):
    with pytest.raises(SourceUnreadable, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "line", ["51.15.0.0/24,perhaps,", "51.15.0.0/33,deny,", "51.15.0.0,deny", "51.15.0.0,deny,home"]
)
def test_a_few_bad_lines_are_passed_over_and_many_are_not(tmp_path, line):
    good = [f"51.15.{number}.1,deny," for number in range(200)]
    assert len(read(tmp_path, "\n".join(["prefix,verdict,class", *good, line]))) == 200
    with pytest.raises(TooManyBadLines, match="1 of 2 lines cannot be read: line 3"):
        read(tmp_path, "\n".join(["prefix,verdict,class", good[0], line]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prefix,verdict\n51.15.0.0/24,deny\r,home\n", "1 of 1 lines cannot be read: line 2: is not CSV"),
        ("prefix,verdict,note\n51.15.0.0/24,deny," + 200_000 * "a" + "\n", "line 2: is not CSV: .*limit"),
        ("prefix,verdict\r51.15.0.0/24,deny\r51.16.0.0/24,deny\r", "line 1: is not CSV: new-line"),
    ],
)
def test_what_is_no_csv_is_told_by_line(tmp_path, text, words):
    (tmp_path / "truth.csv").write_bytes(text.encode())
    with pytest.raises(SourceError, match=words):
        read_truth(tmp_path / "truth.csv")


def test_a_column_that_nobody_reads_may_stand_twice(tmp_path):
    assert len(read(tmp_path, "prefix,verdict,note,note\n51.15.0.0/24,deny,a,b\n")) == 1


@pytest.mark.parametrize("users", ["-5", "0", "0.9", "inf", "-inf", "nan", "many"])
def test_users_are_a_number_of_people_or_not_told(tmp_path, users):
    with pytest.raises(TooManyBadLines, match=f"line 2: users '{users}' is not a number of people, 1 or more"):
        read(tmp_path, f"prefix,verdict,users\n51.15.0.0/24,confirm,{users}\n")


@pytest.mark.parametrize(("users", "number"), [("1", 1.0), (" 76 ", 76.0), ("2.5", 2.5)])
def test_users_are_taken_as_they_are(tmp_path, users, number):
    assert read(tmp_path, f"prefix,verdict,users\n51.15.0.0/24,confirm,{users}\n")[0].users == number


def told(words: list[Word]) -> list[tuple[str, bool, bool]]:
    truth = arrange(words)
    rows = zip(truth.first.tolist(), truth.last.tolist(), truth.shared.tolist(), truth.wide.tolist(), strict=True)
    return [
        (net.format_range(net.unit_range(first)[0], net.unit_range(last)[1]), shared, wide)
        for first, last, shared, wide in rows
    ]


def test_the_narrowest_word_speaks_and_of_two_on_one_range_the_later():
    assert told([word("51.15.0.0/30"), word("51.15.0.2", shared=False), word("51.15.0.0/30")]) == [
        ("51.15.0.0/31", True, True),
        ("51.15.0.2", False, False),
        ("51.15.0.3", True, False),
    ]
    assert told([word("51.15.0.0"), word("51.15.0.0", shared=False)]) == [("51.15.0.0", False, False)]


def test_special_purpose_space_is_left_out():
    assert told([word("10.0.0.0/8"), word("2001:4860::/64")]) == [("2001:4860::/64", True, False)]
    assert told([]) == []


def test_an_exact_address_is_looked_up_exactly():
    truth = arrange([word("2001:4860::7")])
    assert blobs(truth.address) == [net.to_blob(net.parse_address("2001:4860::7"))]
