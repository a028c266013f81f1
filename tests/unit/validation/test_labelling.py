"""Labels: whose word counts where, what it weighs, and that the page tells the table."""

from __future__ import annotations

import datetime
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import net
from mipdns.evidence import Label
from mipdns.inference.voices import widened
from mipdns.validation.labelling import KINDS, WITNESSES, kind_of, silence_of, words
from mipdns.validation.truth import Word, arrange
from mipdns.vocabulary import Class, Signal
from tests.conftest import REPOSITORY
from tests.unit.inference.build import AS_OF, CARD, SIGNALS, assertion
from tests.unit.inference.worlds import assertions, ranges


def word(text: str, *, confirmed: bool, age_days: int = 2) -> Label:
    """What a partner says."""
    observed = AS_OF - datetime.timedelta(age_days)
    return Label(*net.parse_range(text), confirmed, Class(0), observed, "noc", "isp")


def told(found: list[Word]) -> list[tuple[str, bool, str]]:
    return [(net.format_range(one.first, one.last), one.shared, one.origin) for one in found]


def made(said=(), labels=(), kinds=KINDS) -> list[Word]:
    return words(said, labels, kinds, CARD, AS_OF)


def test_the_page_shows_each_number():
    page = (REPOSITORY / "docs" / "validation.md").read_text("utf-8").splitlines()
    for origin, one in WITNESSES.items():
        says = "shared" if one.shared else "not shared"
        assert f"| `{origin}` | {says} | {one.trust:g} | {one.reason} | {one.source} |" in page
    assert sum(line.startswith("| `") and line.count("|") == 6 and "hared | 0." in line for line in page) == len(
        WITNESSES
    )


def test_every_origin_has_a_place_and_says_what_its_weight_says():
    assert set(WITNESSES) == set(CARD.assertions)
    for origin, one in WITNESSES.items():
        assert one.shared == (CARD.assertions[origin].weight > 0)
        assert 0 < one.trust <= 1
        assert kind_of(origin) in KINDS
        assert silence_of([kind_of(origin)]).signals == {SIGNALS[kind_of(origin)]}
        assert one.trust <= WITNESSES["partner.confirm"].trust == WITNESSES["partner.deny"].trust


A, B = "51.15.7.9", "51.15.7.10"
WIDE = "51.15.7.8/30"
LEFT, RIGHT = "51.15.7.8", "51.15.7.10/31"
CASES = {
    "one word": ([assertion(A, "list.tor")], [], [(A, True, "list.tor")]),
    "two single addresses stay two": (
        [assertion(A, "trace.direct"), assertion(B, "trace.direct")],
        [],
        [(A, False, "trace.direct"), (B, False, "trace.direct")],
    ),
    "those who agree are as good as the better": (
        [assertion(A, "names.tor"), assertion(A, "list.tor")],
        [],
        [(A, True, "list.tor")],
    ),
    "a VPN in a data centre": (
        [assertion(WIDE, "list.hosting"), assertion(A, "list.vpn")],
        [],
        [
            (LEFT, False, "list.hosting"),
            (A, True, "list.vpn"),
            (RIGHT, False, "list.hosting"),
        ],
    ),
    "trust before narrowness": (
        [assertion(WIDE, "list.tor"), assertion(A, "names.access")],
        [],
        [(LEFT, True, "list.tor"), (A, True, "list.tor"), (RIGHT, True, "list.tor")],
    ),
    "a partner above all": (
        [assertion(A, "list.tor"), assertion(A, "trace.cgnat")],
        [word(A, confirmed=False)],
        [(A, False, "partner.deny")],
    ),
    "of partners the narrower": (
        [],
        [word(A, confirmed=False, age_days=9), word(WIDE, confirmed=True)],
        [(LEFT, True, "partner.confirm"), (A, False, "partner.deny"), (RIGHT, True, "partner.confirm")],
    ),
    "of one range the newer": (
        [],
        [word(A, confirmed=True, age_days=9), word(A, confirmed=False)],
        [(A, False, "partner.deny")],
    ),
    "equal ones that disagree cancel out": ([], [word(A, confirmed=True), word(A, confirmed=False)], []),
    "also names": ([assertion(A, "names.proxy"), assertion(A, "names.static")], [], []),
    "who cancels out leaves nothing to the less trusted": (
        [assertion(A, "list.tor")],
        [word(A, confirmed=True), word(A, confirmed=False)],
        [],
    ),
    "an IPv6 name speaks of the whole /64": (
        [assertion("2001:4860::7", "names.access", exact=False)],
        [],
        [("2001:4860::/64", False, "names.access")],
    ),
    "a partner's assertion is his label": ([assertion(A, "partner.confirm")], [], []),
}


@pytest.mark.parametrize(("said", "labels", "expected"), CASES.values(), ids=CASES)
def test_whose_word_counts(said, labels, expected):
    assert told(made(said, labels)) == expected
    assert told(made(said[::-1], labels[::-1])) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_only_those_who_are_asked_speak(kind):
    said = [assertion(A, origin) for origin in WITNESSES if not origin.startswith("partner")]
    found = made(said, [word(A, confirmed=True)], [kind])
    assert {kind_of(one.origin) for one in found} == {kind}
    assert silence_of([kind]).signals == {SIGNALS[kind]}


@pytest.mark.parametrize(
    ("origin", "age_days", "expected"),
    [
        ("list.tor", 0, 0.85),
        ("list.tor", 7, 0.85),  # fresh_days
        ("list.tor", 21, 0.425),
        ("list.tor", 35, 0.2125),
        ("names.access", 7 + 365, 0.3),
        ("list.tor", -30, 0.85),  # dated later than the day judged from
        ("list.tor", 7 + 14 * 20, None),
    ],
)
def test_trust_ages_as_evidence_does(origin, age_days, expected):
    found = made([assertion(A, origin, age_days=age_days, life_days=4000)])
    assert [one.trust for one in found] == ([] if expected is None else [pytest.approx(expected)])


@pytest.mark.parametrize(("age_days", "counts"), [(180, True), (181, False), (3000, False)])
def test_what_people_said_long_ago_is_no_truth(age_days, counts):
    """Nor is it evidence: `sources.ages`."""
    assert bool(made(labels=[word(A, confirmed=False, age_days=age_days)])) == counts
    newer = made(labels=[word(A, confirmed=False, age_days=age_days), word("51.15.0.0/16", confirmed=True)])
    assert [one.shared for one in newer] == ([True, False, True] if counts else [True])


def test_a_source_that_names_half_the_internet_makes_no_label():
    said = [assertion(f"{octet}.0.0.0/8", "list.tor") for octet in range(30, 60)]
    fine = assertion(A, "list.tor")._replace(source="another")
    assert told(made([*said, fine])) == [(A, True, "list.tor")]
    (only,) = made([assertion("30.0.0.0/16", "list.tor")])
    assert only.trust == 0.85


def test_of_labels_nobody_knows_how_many_use_it():
    (one,) = made([assertion(A, "list.tor")])
    assert math.isnan(one.users)
    assert one.classes == Class.TOR
    truth = arrange([one])
    assert (truth.shared.tolist(), truth.wide.tolist()) == ([True], [False])


def test_without_anybody_nothing_is_known():
    assert made() == []
    assert made([assertion(A, "list.tor")], [word(A, confirmed=True)], []) == []


@st.composite
def labels(draw):
    first, last = draw(ranges())
    told = word(A, confirmed=draw(st.booleans()), age_days=draw(st.integers(0, 2)))
    return told._replace(first=first, last=last)


@given(st.lists(assertions(), max_size=8), st.lists(labels(), max_size=4), st.sets(st.sampled_from(KINDS)))
def test_at_every_border_the_word_is_the_one_that_the_rule_gives(said, spoken, kinds):
    """Brute force: all who speak of one address, ranked by the words of the rule."""
    found = made(said, spoken, kinds)
    for one, other in pairwise(found):
        assert one.first <= one.last < other.first <= other.last
    claims = [
        (one.first, one.last, "partner.confirm" if one.confirmed else "partner.deny", one.observed)
        for one in spoken
        if "partner" in kinds
    ]
    for one in said:
        if one.signal is not Signal.PARTNER and kind_of(one.origin) in kinds:
            claims.append((*widened(one), one.origin, one.observed))
    borders = {edge + step for first, last, *_ in claims for edge in (first, last) for step in (-1, 0, 1)}
    for address in borders:
        over = [one for one in claims if one[0] <= address <= one[1]]
        rank = min(
            ((-WITNESSES[origin].trust, last - first, -day.toordinal()) for first, last, origin, day in over),
            default=None,
        )
        verdicts = {
            WITNESSES[origin].shared
            for first, last, origin, day in over
            if (-WITNESSES[origin].trust, last - first, -day.toordinal()) == rank
        }
        expected = verdicts.pop() if len(verdicts) == 1 else None
        here = [one.shared for one in found if one.first <= address <= one.last]
        assert here == ([] if expected is None else [expected])
