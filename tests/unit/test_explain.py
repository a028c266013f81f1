"""What is told of an address when what was measured of it was not kept."""

from __future__ import annotations

import json

import pytest

from mipdns import net, store
from mipdns.answer.lists import SUB_LISTS, make_lists
from mipdns.errors import UnknownEvidence
from mipdns.evidence import FEEDBACK, Kept
from mipdns.explain import as_document, as_text, explain
from mipdns.inference import judge
from tests.unit.inference import people
from tests.unit.inference.build import AS_OF, CARD, assertion, logs, route
from tests.unit.store.made import contents, file_read

UNITS = {f"51.15.7.{last}": people.CGNAT for last in (10, 12, 13, 20, 30)} | {"51.15.9.9": people.QUIET}
ROUTES = [route("51.15.0.0/16", 64500)]


@pytest.mark.parametrize(
    ("address", "all_kept", "listed_kept", "none_kept"),
    [
        ("51.15.7.10", "agents_day_max", "agents_day_max", "rule.unkept"),
        ("51.15.9.9", "prior", "rule.unkept", "rule.unkept"),
        ("51.15.7.15", "rule.pool", "rule.pool", "rule.pool"),
        ("51.15.11.1", "list.vpn", "list.vpn", "list.vpn"),
    ],
)
def test_what_was_not_kept_is_told_as_that(tmp_path, address, all_kept, listed_kept, none_kept):
    said = [assertion("51.15.11.1", "list.vpn")]
    told: list[tuple[Kept, str]] = [("all", all_kept), ("listed", listed_kept), ("none", none_kept)]
    for kept, origin in told:
        path = tmp_path / f"{kept}.db"
        judgement = judge(logs(UNITS), ROUTES, [], said, scorecard=CARD, as_of=AS_OF, observations=kept)
        made = contents(assertions=judgement.assertions, prior=CARD.prior)
        store.regenerate(path, made._replace(parts=judgement.parts, conclude=judgement.conclude))
        explained = explain(path, net.parse_address(address))
        assert explained.verdict is not None
        assert explained.explanation is not None
        assert origin in {term.origin for term in explained.explanation.terms}
        assert explained.explanation.confidence == explained.verdict.confidence
        if origin in ("rule.unkept", "rule.pool"):
            why = "not kept" if origin == "rule.unkept" else "only its pool speaks"
            with pytest.raises(UnknownEvidence, match=f"{address}: .*{why}.*, so nothing can be left out"):
                explain(path, net.parse_address(address), ["ports"])
        else:
            assert explain(path, net.parse_address(address), ["ports"]).without
        assert ("not kept" in as_text(explained)) == (origin == "rule.unkept")
        listed = explained.verdict.confidence >= 50
        assert ("listed since 2026-09-22" in as_text(explained)) == listed
        assert as_document(explained)["listed_since"] == ("2026-09-22" if listed else None)


@pytest.mark.parametrize(
    ("address", "origin"), [("51.15.7.10", "agents_day_max"), ("51.15.7.15", "rule.pool"), ("51.15.11.1", None)]
)
@pytest.mark.parametrize("kept", ["all", "none"])
def test_what_has_faded_is_told_as_said_and_moves_nothing(tmp_path, address, origin, kept):
    faded = assertion("51.15.0.0/20", "list.tor", age_days=90, life_days=200)
    judgement = judge(logs(UNITS), ROUTES, [], [faded], scorecard=CARD, as_of=AS_OF, observations=kept)
    made = contents(assertions=judgement.assertions, prior=CARD.prior)
    store.regenerate(tmp_path / "mip.db", made._replace(parts=judgement.parts, conclude=judgement.conclude))
    explained = explain(tmp_path / "mip.db", net.parse_address(address))
    if origin is None:
        assert explained.verdict is None
        assert "no source that is believed speaks of it" in as_text(explained)
        return
    assert explained.verdict is not None
    assert explained.explanation is not None
    told = {term.origin for term in explained.explanation.terms}
    assert ("rule.unkept" if kept == "none" and origin != "rule.pool" else origin) in told
    assert "list.tor" not in told
    assert explained.explanation.confidence == explained.verdict.confidence
    assert [one.origin for one in explained.assertions] == ["list.tor"]


def made(tmp_path, said=(), units=UNITS, routes=ROUTES, files=()):
    """A database of a load; files: kinds of its sources."""
    judgement = judge(logs(units), routes, [], said, scorecard=CARD, as_of=AS_OF)
    read = [file_read(kind, kind) for kind in files]
    contents_ = contents(assertions=judgement.assertions, prior=CARD.prior, files=read)
    store.regenerate(tmp_path / "mip.db", contents_._replace(parts=judgement.parts, conclude=judgement.conclude))
    return tmp_path / "mip.db"


@pytest.mark.parametrize(
    ("routes", "files", "told"),
    [
        (ROUTES, ["routes"], ", AS64500"),
        (ROUTES[:0], ["logs", "routes"], ", no AS announces it,"),
        (ROUTES[:0], ["logs"], ", AS unknown: no routes are loaded,"),
    ],
)
def test_nobody_announces_only_what_routes_do_not_name(tmp_path, routes, files, told):
    explained = explain(made(tmp_path, routes=routes, files=files), net.parse_address("51.15.7.10"))
    assert told in as_text(explained)


@pytest.mark.parametrize(
    ("sources", "who"),
    [([FEEDBACK], "a person"), (["isp"], "a partner"), (["isp", FEEDBACK], "a partner or a person")],
)
def test_who_speaks_through_feedback_is_a_person(tmp_path, sources, who):
    said = [assertion("51.15.7.10", "partner.deny")._replace(source=source) for source in sources]
    explained = explain(made(tmp_path, said), net.parse_address("51.15.7.10"), ["ports"])
    text = as_text(explained)
    assert f"partner.deny: {who} denies that it is shared [" in text
    assert f"rule.partner: {who}'s word outweighs" in text
    document = json.dumps(as_document(explained))
    assert document.count(f': "{who} denies') == 2, "with all evidence and without some"


@pytest.mark.parametrize(
    ("confidence", "floor", "told"),
    [
        (1, 50, "listed in all. and t01. only"),
        (24, 50, "listed in all. and t01. to t24. only"),
        (25, 50, "listed in all., bits. and t01. to t25. only"),
        (50, 50, None),
        (50, 60, "floor of 60, so listed in all., bits. and t01. to t50. only"),
        (1, 1, None),
    ],
)
def test_below_the_floor_it_is_told_which_lists_have_it(tmp_path, confidence, floor, told):
    explained = explain(made(tmp_path), net.parse_address("51.15.7.10"))
    assert explained.verdict is not None
    verdict = explained.verdict._replace(confidence=confidence)
    text = as_text(explained._replace(verdict=verdict), floor)
    assert (told is None) == ("floor" not in text)
    assert (told or "") in text
    having = {
        labels[0].decode() for labels, rule in make_lists(floor, SUB_LISTS).items() if labels and rule.admits(verdict)
    }
    named = {"all"} | {"bits"} & having | {f"t{at:02}" for at in range(1, confidence + 1)}
    assert told is None or having == named, "as the lists have it"
