"""Partners' words as labels, and labels as assertions."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from mipdns import config, net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.evidence import Label
from mipdns.sources import truth
from mipdns.vocabulary import Class, Signal

HEADER = "prefix,verdict,class,observed,who"
GOOD = "1.2.3.0/24,confirm,cgnat+mobile,2026-09-22,isp"


def load(folder: Path, text: str, bad_lines_max: float = 0.0, **more):
    path = folder / "truth.csv"
    path.write_bytes(text.encode())
    return truth.read(config.Truth(name="t", path=str(path), **more), bad_lines_max=bad_lines_max)


def label(confirmed: bool = True, day: str = "2026-09-22", who: str = "isp", text: str = "1.2.3.0/24") -> Label:
    return Label(*net.parse_range(text), confirmed, Class.CGNAT, datetime.date.fromisoformat(day), who, "t")


def row(text: str, confirmed: bool, classes: Class, day: str, who: str) -> Label:
    return Label(*net.parse_range(text), confirmed, classes, datetime.date.fromisoformat(day), who, "t")


ROWS = [
    (GOOD, row("1.2.3.0/24", True, Class.CGNAT | Class.MOBILE, "2026-09-22", "isp")),
    ("9.9.9.9,deny,,2026-01-02,abuse@x", row("9.9.9.9", False, Class(0), "2026-01-02", "abuse@x")),
    (" 2a00::/56 , CONFIRM , VPN , 2026-01-02 ,", row("2a00::/56", True, Class.VPN, "2026-01-02", "t")),
    (
        '1.2.3.4-1.2.3.9,deny,,2026-01-02,"A, B"\r',
        row("1.2.3.4-1.2.3.9", False, Class(0), "2026-01-02", "A, B"),
    ),
]


@pytest.mark.parametrize(("line", "expected"), ROWS)
def test_good_rows(tmp_path, line, expected):
    assert load(tmp_path, f"{HEADER}\n{line}\n").records == [expected]


def test_columns_in_any_order_and_comments(tmp_path):
    lines = [
        "# from the partner",
        "Who,Observed,Class,Verdict,Prefix",
        "",
        "isp,2026-09-22,cgnat+mobile,confirm,1.2.3.0/24",
    ]
    assert load(tmp_path, "\r\n".join(lines)).records == [ROWS[0][1]]


HEADERS = [
    ("prefix,verdict,class,observed", "has no column 'who'"),
    ("net,verdict,class,observed,who", "has no column 'prefix'"),
    ("prefix;verdict;class;observed;who", "has no column 'prefix'"),
    (GOOD, "has no column 'prefix'"),
    (HEADER + ",note", "has column 'note' which is unknown"),
    (HEADER + ",who", "has column 'who' twice"),
    ("<html>", "looks like an HTML or XML page"),
]


@pytest.mark.parametrize(("header", "told"), HEADERS, ids=[row[1] for row in HEADERS])
def test_a_wrong_header_names_the_column(tmp_path, header, told):
    with pytest.raises(SourceUnreadable) as fault:
        load(tmp_path, f"{header}\n{GOOD}\n")
    assert told in str(fault.value)
    assert str(fault.value).startswith(f"{tmp_path / 'truth.csv'}: the header has ")


@pytest.mark.parametrize("text", [HEADER, HEADER + "\n", "# nothing\n", "\n\n"])
def test_a_file_without_rows_fails(tmp_path, text):
    with pytest.raises(SourceUnreadable, match="has no rows"):
        load(tmp_path, text)


BAD = [
    ("1.2.3.1/24,confirm,,2026-09-22,isp", "host bits set"),
    ("0.0.0.0/0,deny,,2026-09-22,isp", "wider than a /8"),
    ("1.2.3.0/24,maybe,,2026-09-22,isp", "verdict 'maybe' is neither confirm nor deny"),
    ("1.2.3.0/24,confirm,nat,2026-09-22,isp", "class 'nat' is none of cgnat, vpn, proxy"),
    ("1.2.3.0/24,confirm,hosting,2026-09-22,isp", "class 'hosting' is none of"),
    ("1.2.3.0/24,confirm,,22.9.2026,isp", "observed '22.9.2026' is not a day such as 2026-09-22"),
    ("1.2.3.0/24,confirm,,,isp", "observed '' is not a day"),
    ("1.2.3.0/24,confirm,,2226-09-22,isp", "observed 2226-09-22 has not come yet"),
    ("1.2.3.0/24,confirm,,2026-09-22", "has 4 columns, not 5"),
    ("1.2.3.0/24,confirm,,2026-09-22,isp,more", "has 6 columns, not 5"),
    ("example.com,confirm,,2026-09-22,isp", "'example.com' is not an IP address"),
]


@pytest.mark.parametrize(("line", "why"), BAD, ids=[row[1] for row in BAD])
def test_bad_rows(tmp_path, line, why):
    (file,) = load(tmp_path, f"{HEADER}\n{GOOD}\n{line}\n", bad_lines_max=0.5).files
    assert (file.rows, file.rejected, file.examples[0].line) == (1, 1, 3)
    assert why in file.examples[0].reason
    with pytest.raises(TooManyBadLines, match=r"truth\.csv:3: "):
        load(tmp_path, f"{HEADER}\n{GOOD}\n{line}\n")


def test_special_purpose_space_is_cut_out(tmp_path):
    read = load(tmp_path, f"{HEADER}\n10.0.0.0/8,confirm,,2026-09-22,isp\n198.51.96.0/20,deny,,2026-09-22,isp\n")
    assert [net.format_range(one.first, one.last) for one in read.records] == [
        "198.51.96.0/22",
        "198.51.101.0-198.51.111.255",
    ]
    assert (read.files[0].rows, read.files[0].dropped) == (1, 1)


def test_a_row_keeps_its_own_day(tmp_path):
    read = load(tmp_path, f"{HEADER}\n{GOOD}\n", dated=datetime.date(2020, 1, 1))
    assert read.records[0].observed == datetime.date(2026, 9, 22)
    assert read.files[0].dated == datetime.date(2020, 1, 1)
    assert load(tmp_path, f"{HEADER}\n{GOOD}\n").files[0].dated == datetime.date(2026, 9, 22)


@pytest.mark.parametrize(
    ("confirmed", "origin", "stance", "classes", "detail"),
    [
        (True, "partner.confirm", "shared", Class.CGNAT, "confirmed by isp"),
        (False, "partner.deny", "single", Class(0), "denied by isp"),
    ],
)
def test_a_label_as_assertion(confirmed, origin, stance, classes, detail):
    (one,) = truth.assertions([label(confirmed)])
    assert (one.origin, one.stance, one.classes, one.detail) == (origin, stance, classes, detail)
    assert (one.signal, one.exact, one.source) == (Signal.PARTNER, False, "t")
    assert one.expires == datetime.date(2026, 9, 22) + datetime.timedelta(180)


SPEAKERS = [
    ("the newest word", [label(True, "2026-09-01"), label(False, "2026-09-02")], ["partner.deny"]),
    ("in whatever order", [label(False, "2026-09-02"), label(True, "2026-09-01")], ["partner.deny"]),
    ("of one day the later", [label(True), label(False)], ["partner.deny"]),
    ("each speaker's", [label(True, who="a"), label(False, who="b")], ["partner.confirm", "partner.deny"]),
    ("each range's", [label(True), label(False, text="1.2.3.0/25")], ["partner.confirm", "partner.deny"]),
]


@pytest.mark.parametrize(("law", "labels", "expected"), SPEAKERS, ids=[row[0] for row in SPEAKERS])
def test_of_one_speaker_on_one_range_the_newest_word_counts(law, labels, expected):
    assert [one.origin for one in truth.assertions(labels)] == expected


def test_a_day_at_the_end_of_the_calendar_does_not_overflow():
    (one,) = truth.assertions([label(day="9999-12-31")])
    assert one.expires == datetime.date.max
