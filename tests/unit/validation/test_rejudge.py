"""Judging again gives what was served; what made a label does not score it."""

from __future__ import annotations

import math
from typing import get_args

import msgspec
import numpy as np
import pytest

from mipdns import net, store
from mipdns.config import Source
from mipdns.errors import UnknownEvidence, ValidationError
from mipdns.evidence import CONTEXT_COLUMNS, UNIT_COLUMNS
from mipdns.explain import as_text as as_words
from mipdns.explain import explain
from mipdns.inference.scorecard import MEASURED
from mipdns.sources.truth import assertions as words_as_assertions
from mipdns.store.bulk import read_bulk
from mipdns.validation.page import page
from mipdns.validation.rejudge import Census, Judge, told
from mipdns.validation.report import Plan
from mipdns.validation.truth import Word, arrange
from mipdns.validation.units import REGIONS, drawn, gather
from mipdns.validation.validate import as_text, validate
from mipdns.vocabulary import Signal
from mipdns.whatif import COUNTED, Silence, silence
from tests.unit.inference import people
from tests.unit.inference.build import assertion
from tests.unit.validation.world import CARD, file, label, write

UNITS = {
    "51.15.7.9": people.CGNAT,
    "51.15.7.10": people.QUIET,
    "51.15.9.1": people.CGNAT,
    "51.16.0.1": people.QUIET,
    "51.17.0.1": people.CGNAT,
    "51.17.0.9": people.CGNAT_WITHOUT_AGENT,
    "2001:4860::": people.CGNAT,
    "2001:4860:0:1::": people.QUIET,
}
SAID = [
    assertion("51.15.7.9", "trace.cgnat")._replace(source="atlas"),
    assertion("51.15.7.10", "trace.direct")._replace(source="atlas"),
    assertion("51.16.0.0/24", "list.vpn")._replace(source="vpn"),
    assertion("51.16.0.0/24", "list.hosting")._replace(source="clouds"),
    assertion("51.17.0.1", "names.static")._replace(source="names"),
    assertion("2001:4860::/64", "list.relay")._replace(source="relay"),
    assertion("2001:4860:0:1::7", "list.tor")._replace(source="tor"),
]
EVERYWHERE = [Word(*net.parse_range(text), True, 0, 8.0) for text in ("51.15.0.0/16", "51.16.0.0/15", "2001:4860::/32")]
KINDS = [
    ("edge", "logs"),
    ("www", "logs"),
    ("atlas", "atlas"),
    ("tor", "egress"),
    ("vpn", "egress"),
    ("pdb", "peeringdb"),
]
FEW = Plan(draws=20)


@pytest.fixture
def database(tmp_path):
    build = write(tmp_path / "mip.db", UNITS, SAID, files=[file(name, kind) for name, kind in KINDS])
    assert build.scores is not None
    assert sum(build.scores["histogram"]) == len(UNITS)  # type: ignore[call-overload]  # a list of counts
    return tmp_path / "mip.db"


def gathered(database, words=EVERYWHERE):
    with read_bulk(database) as bulk:
        return gather(arrange(words), bulk)


def judge(database, units) -> Judge:
    build, said = store.latest_build(database), store.assertions(database)
    with read_bulk(database) as bulk:
        census = Census(drawn(bulk, 1000, 1), said, CARD, as_of=build.as_of, prior=build.prior)
    return Judge(units, said, CARD, as_of=build.as_of, census=census)


def test_units_in_a_wide_range_are_those_that_logs_saw(database):
    units = gathered(database)
    assert set(units.key.tolist()) == {net.unit_key(net.parse_address(text)) for text in UNITS}
    assert len(units.key) == len(UNITS)
    assert units.seen.all()
    assert set(units.asn.tolist()) == {64500, 64501, 64502, 64503}
    of_a = units.asn == 64500
    assert set(units.region[of_a].tolist()) == {REGIONS.index("Europe")}
    assert set(units.region[~of_a].tolist()) == {-1}


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("2001:4860::/64 deny, 2001:4860::5 deny", [False]),
        ("2001:4860::/64 deny, 2001:4860::5 confirm", [False, True]),
        ("2001:4860::5 deny, 2001:4860::6 deny, 2001:4860::7 confirm", [False, True]),
        ("2001:4860::/47 deny", [False, False]),
        ("2001:4860::/47 deny, 2001:4860::5 confirm", [False, True, False]),
        ("2001:4860::/47 deny, 2001:4860:0:1::5 deny, 2001:4860:0:1::8 deny", [False, False]),
        ("2001:4860:9::5 deny, 2001:4860:9::6 deny, 2001:4860:9::7 confirm", [False, True]),
    ],
)
def test_addresses_inside_a_64_are_one_unit(database, said, counted):
    """Twice only where the truth says both, and then seen both times if logs saw it."""
    pairs = [one.split() for one in said.split(", ")]
    words = [Word(*net.parse_range(text), verdict == "confirm", 0, math.nan) for text, verdict in pairs]
    units = gathered(database, words)
    assert units.shared.tolist() == counted
    assert set(units.seen.tolist()) == {"2001:4860:9::" not in said}


def test_judging_again_with_everything_is_what_was_served(database):
    units = gathered(database)
    again = judge(database, units).confidence()
    served = [store.find_verdict(database, net.unit_range(key)[0]) for key in units.key.tolist()]
    assert again.tolist() == units.confidence.tolist() == [one.confidence for one in served if one]


def test_single_units_that_no_log_saw_are_looked_up_and_judged(database):
    words = [Word(*net.parse_range(text), True, 0, 8.0) for text in ("51.16.0.77", "2001:4860:0:1::7", "8.8.8.8")]
    units = gathered(database, words)
    again = judge(database, units).confidence()
    assert units.seen.tolist() == [False, False, True]
    assert units.confidence.tolist()[:2] == again.tolist()[:2] == [0, units.confidence[1]]
    assert units.confidence[2] == again[2] > 90, "the Tor exit, exact to the address"


def test_what_made_a_label_does_not_score_it(tmp_path):
    """Turned round, the traces move nothing but the labels."""
    scores = []
    for number, (one, other) in enumerate([("trace.cgnat", "trace.direct"), ("trace.direct", "trace.cgnat")]):
        said = [assertion("51.15.7.9", one), assertion("51.15.9.1", other), *SAID[2:]]
        write(tmp_path / f"{number}.db", UNITS, said)
        units = gathered(tmp_path / f"{number}.db")
        found = judge(tmp_path / f"{number}.db", units)
        scores.append(found.confidence(Silence(frozenset({Signal.TRACE}))).tolist())
        served = units.confidence.tolist()
        assert served != scores[-1]
    assert scores[0] == scores[1]


def test_partners_are_judged_without_their_word(tmp_path):
    labels = [label("51.15.7.10", confirmed=True), label("51.15.9.1", confirmed=False)]
    write(tmp_path / "mip.db", UNITS, [*words_as_assertions(labels), *SAID[2:]], labels)
    write(tmp_path / "other.db", UNITS, SAID[2:])
    (part,) = validate(tmp_path / "mip.db", plan=FEW)["sets"]
    assert (part["name"], part["without"], part["units"], part["shared"]) == ("partners", ["partner"], 2, 1)
    silent = store.find_verdict(tmp_path / "other.db", net.parse_address("51.15.7.10"))
    assert silent is not None
    assert sum(row["units"] for row in part["reliability"]["served"]) == 2
    told = [row["told"] for row in part["reliability"]["served"] if row["units"]]
    assert pytest.approx(silent.confidence / 100) in told


def test_a_file_that_partners_wrote_is_judged_without_them(tmp_path):
    labels = [label("51.15.7.10", confirmed=True), label("51.15.9.1", confirmed=False)]
    write(tmp_path / "mip.db", UNITS, [*words_as_assertions(labels), *SAID[2:]], labels)
    copied, other = tmp_path / "copied.csv", tmp_path / "other.csv"
    copied.write_text("prefix,verdict\n51.15.7.10,confirm\n51.15.9.1,deny\n")
    other.write_text("prefix,verdict\n51.15.7.10,deny\n51.15.9.1,confirm\n")
    (part,) = validate(tmp_path / "mip.db", copied, plan=FEW)["sets"]
    assert (part["judged"], part["without"]) == ("again", ["partner"])
    (part,) = validate(tmp_path / "mip.db", other, plan=FEW)["sets"]
    assert (part["judged"], part["without"]) == ("as served", [])


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        ([], []),
        (["ports", "tls"], ["ports", "tls"]),
        (["atlas"], ["atlas"]),
        (["egress"], ["tor", "vpn"]),
        (["tor"], ["tor"]),
        (["feedback"], ["feedback"]),
        (["pdb"], ["network", "pdb"]),
        (["names"], ["names"]),
    ],
)
def test_names_of_signals_sources_and_kinds(names, left_out):
    assert told(silence(names, [*KINDS, ("names", "ptr")])) == left_out


def test_all_logs_or_none():
    assert silence(["logs"], KINDS).signals == {*MEASURED, Signal.TRAFFIC}
    assert silence(["edge", "www"], KINDS).signals == {*MEASURED, Signal.TRAFFIC}
    assert silence(["edge"], [("edge", "logs")]).signals == {*MEASURED, Signal.TRAFFIC}
    with pytest.raises(UnknownEvidence, match="counted together"):
        silence(["edge"], KINDS)
    with pytest.raises(UnknownEvidence, match="nothing here goes by 'atlsa'; there are addresses, agents, atlas"):
        silence(["atlsa"], KINDS)


@pytest.mark.parametrize("name", ["routes", "ranges"])
def test_which_network_an_address_is_in_cannot_be_left_out(name):
    with pytest.raises(UnknownEvidence, match=f"{name}: routes say which network"):
        silence([name], [*KINDS, ("ranges", "routes")])


@pytest.mark.parametrize("kind", [cls.__struct_config__.tag for cls in get_args(Source)])
def test_every_kind_is_a_name_whether_it_is_there_or_not(tmp_path, kind):
    """As every signal is: what is asked of many builds is answered for each."""
    assert silence([kind], []).sources == frozenset()
    write(tmp_path / "mip.db", UNITS)
    told = explain(tmp_path / "mip.db", net.parse_address("51.15.7.9"), [kind])
    assert told.without and told.explanation
    if kind not in ("logs", "peeringdb"):  # they are counted, whoever is named as the source
        assert told.without.terms == told.explanation.terms
        assert f"without {kind}\n" + " " * 25 + "nothing that speaks of it" in as_words(told)


NAMES = ["ports", "agents", "tls", "shape", "forwarded", "addresses", "neighbours", "traffic"]
"""Of the signals that are counted, and of the network type that traffic shows."""
SOURCES = [["logs"], ["edge", "www"], ["pdb"], ["atlas"]]


@pytest.mark.parametrize("names", [*([name] for name in NAMES), NAMES[:-1], NAMES, *SOURCES])
def test_left_out_here_is_what_explain_tells(database, names):
    units = gathered(database)
    found = judge(database, units).confidence(silence(names, KINDS)).tolist()
    told = [explain(database, net.unit_range(key)[0], names).without for key in units.key.tolist()]
    nothing = round(100 * CARD.prior)  # what is told of a unit of which nothing is left; it would have no verdict
    assert [percent or nothing for percent in found] == [one.confidence for one in told if one]


@pytest.mark.parametrize("signal", sorted(set(COUNTED) & set(MEASURED)))
def test_how_much_came_is_known_whatever_is_left_out(database, signal):
    """Terms of visits lie on what the load sees as a whole: without them an address in ten thousand looks like any."""
    for text in ("51.15.7.9", "51.15.7.10"):
        rest = explain(database, net.parse_address(text), [(signal.name or "").lower()]).without
        assert rest is not None
        assert {"visits", "exposure", "requests_relative"} & {term.origin for term in rest.terms}, text


def test_a_signal_is_left_out_as_by_a_log_that_does_not_tell_it(tmp_path):
    untold = dict.fromkeys(COUNTED[Signal.AGENTS], math.nan)
    write(tmp_path / "told.db", UNITS)
    write(tmp_path / "untold.db", {text: {**columns, **untold} for text, columns in UNITS.items()})
    units, served = gathered(tmp_path / "told.db"), gathered(tmp_path / "untold.db")
    alone = Silence(frozenset({Signal.AGENTS, Signal.NEIGHBOURS, Signal.TRAFFIC}))
    around = Silence(frozenset({Signal.NEIGHBOURS, Signal.TRAFFIC}))
    found = judge(tmp_path / "told.db", units).confidence(alone)
    assert found.tolist() == judge(tmp_path / "untold.db", served).confidence(around).tolist()
    assert found.tolist() != judge(tmp_path / "told.db", units).confidence(around).tolist()


def test_every_column_but_how_much_and_when_belongs_to_a_signal():
    shape = {"days", "requests_day_max", "requests_hour_max", "hours_day_max", "night_share"}
    shape |= {
        "agent_requests_day_max",
        "agent_hours_day_max",
        "requests_lesser",
        "requests_typical",
        "days_logged",
        "hours_lesser",
        "seen_once",
    }  # of the load, and of nobody
    assert {*UNIT_COLUMNS, *CONTEXT_COLUMNS} - shape == {name for counted in COUNTED.values() for name in counted}


def test_the_ablation_leaves_out_all_that_speaks_and_tells_who_moved_nothing(tmp_path):
    files = [file(name, kind) for name, kind in [*KINDS, ("clouds", "egress"), ("far", "egress"), ("ranges", "routes")]]
    far = assertion("60.0.0.0/24", "list.vpn")._replace(source="far")
    unsure = {"51.17.3.1": people.QUIET}  # of a business: others are sure without what an AS declares
    write(tmp_path / "mip.db", UNITS | unsure, [*SAID, far], files=files)
    (tmp_path / "truth.csv").write_text(
        "prefix,verdict\n51.15.0.0/16,confirm\n51.16.0.0/15,deny\n2001:4860::/32,deny\n"
    )
    document = validate(tmp_path / "mip.db", tmp_path / "truth.csv", plan=FEW)
    ablation = document["sets"][0]["ablation"]
    rows = {(row["kind"], row["name"]): row for row in ablation["left_out"]}
    counted = {(signal.name or "").lower() for signal in [*MEASURED, Signal.NETWORK, Signal.TRAFFIC]}
    assert {name for kind, name in rows if kind == "signal"} == {*counted, "trace", "list", "names"}
    sources = {"atlas", "clouds", "far", "names", "relay", "tor", "vpn"}
    assert {name for kind, name in rows if kind == "source"} == sources
    assert {name for kind, name in rows if kind not in ("signal", "source")} == {"logs", "peeringdb"}
    units = gathered(tmp_path / "mip.db")
    base = judge(tmp_path / "mip.db", units).confidence()
    for kind in ("logs", "peeringdb"):
        without = judge(tmp_path / "mip.db", units).confidence(silence([kind], KINDS))
        known = [percent or round(100 * CARD.prior) for percent in without.tolist()]
        moved = sum(one != other for one, other in zip(known, base.tolist(), strict=True))
        assert rows[kind, kind]["units_moved"] == moved > 0
    still = rows["source", "far"]
    assert (still["units_moved"], still["roc_auc"]["value"], still["ece"]["value"]) == (0, 0.0, 0.0)
    shown = page(document)
    moved_nothing = [row["name"] for row in ablation["left_out"] if not row["units_moved"]]
    assert f"No unit was moved by {', '.join(moved_nothing)}." in shown
    assert "without trace:" in shown
    assert "without far:" not in shown
    assert "without logs:" not in shown, "beside it no other bar would be seen"
    assert f"Without all logs AUC changes by {rows['logs', 'logs']['roc_auc']['value']:+.3f}" in shown


def test_what_is_silent_already_is_left_out_once(database):
    """Judged without logs, or without PeeringDB, there is nothing more of it to leave out."""
    truth = database.parent / "truth.csv"
    truth.write_text("prefix,verdict\n51.15.7.9,confirm\n51.16.0.1,deny\n2001:4860::,deny\n")
    document = validate(database, truth, without=["logs", "pdb", "vpn"], plan=FEW)
    rows = {(row["kind"], row["name"]) for row in document["sets"][0]["ablation"]["left_out"]}
    assert {name for kind, name in rows if kind != "source"} == {"trace", "list", "names"}
    assert ("source", "vpn") not in rows and ("source", "tor") in rows


def test_without_logs_only_what_is_said_is_left(database):
    units = gathered(database)
    found = judge(database, units).confidence(silence(["logs"], KINDS))
    texts = ("51.15.7.9", "51.15.7.10", "51.16.0.1", "51.17.0.1", "2001:4860::")
    spoken_of = [net.unit_key(net.parse_address(text)) for text in texts]
    np.testing.assert_array_equal(found > 0, np.isin(units.key, spoken_of))


@pytest.mark.parametrize("kept", ["listed", "none"])
def test_what_was_not_kept_is_not_judged_again(tmp_path, kept, monkeypatch):
    write(tmp_path / "mip.db", UNITS, SAID, observations=kept)
    (tmp_path / "truth.csv").write_text("prefix,verdict\n51.15.7.9,confirm\n51.15.7.10,deny\n")
    monkeypatch.setattr("mipdns.validation.validate.Judge", None)
    document = validate(tmp_path / "mip.db", tmp_path / "truth.csv", plan=FEW)
    assert document["sets"][0]["units"] == 2
    assert document["sets"][0]["ablation"]["left_out"] == []
    assert "0 units judged again" in page(document)
    assert "truth.csv: 2 units" in as_text(document)
    for truth, without in ((None, []), (tmp_path / "truth.csv", ["trace"])):
        with pytest.raises(ValidationError, match="was not kept"):
            validate(tmp_path / "mip.db", truth, without=without, plan=FEW)


def test_what_is_left_out_is_told(database, tmp_path):
    lines = [
        "51.15.7.9,confirm",
        "51.15.7.10,deny",
        "8.8.8.8,confirm",
        *(f"51.17.0.{last},deny" for last in range(200)),
    ]
    (tmp_path / "truth.csv").write_text("\n".join(["prefix,verdict", *lines, "51.16.0.1,perhaps", ""]))
    document = validate(database, tmp_path / "truth.csv", plan=FEW)
    assert document["lines_unread"] == 1
    assert document["sets"][0]["without_verdict"] == {"shared": 1, "single": 198}
    text, shown = as_text(document), page(document)
    assert "1 lines of the truth cannot be read" in text
    assert "left out, since they have no verdict: 1 shared units, 198 others" in text
    assert "1 lines of the truth cannot be read and are left out." in shown
    assert "Of 1 shared units and 198 others there is no verdict" in shown
    (tmp_path / "all.csv").write_text("prefix,verdict\n51.15.7.9,confirm\n51.15.7.10,deny\n")
    everything = as_text(validate(database, tmp_path / "all.csv", plan=FEW))
    assert "left out" not in everything and "cannot be read" not in everything


def test_what_a_truth_says_both_ways_is_told_and_the_later_line_counts(database, tmp_path):
    lines = ["51.15.7.9,deny", "51.15.7.10,deny", "51.15.0.0/16,deny", "51.15.7.9/32,confirm", "51.15.7.10,deny"]
    (tmp_path / "truth.csv").write_text("\n".join(["prefix,verdict", *lines]))
    document = validate(database, tmp_path / "truth.csv", plan=FEW)
    assert (document["contradicted"], document["sets"][0]["shared"]) == (1, 1)
    told = "1 ranges of the truth are both confirmed and denied; the later line counts"
    assert told in as_text(document) and f"{told}." in page(document)


@pytest.mark.parametrize(("verdicts", "one_sided"), [("cc", True), ("dd", True), ("cd", False)])
def test_a_truth_of_one_kind_is_told(database, tmp_path, verdicts, one_sided):
    """Of units chosen by the truth nobody can ask whether what was told came true."""
    said = [{"c": "confirm", "d": "deny"}[letter] for letter in verdicts]
    (tmp_path / "truth.csv").write_text(f"prefix,verdict\n51.15.7.9,{said[0]}\n51.15.7.10,{said[1]}\n")
    document = validate(database, tmp_path / "truth.csv", plan=FEW)
    assert document["sets"][0]["one_sided"] == one_sided
    assert ("one kind only" in as_text(document)) == one_sided
    assert ("one kind only" in page(document)) == one_sided


@pytest.mark.parametrize(("shared", "others", "few"), [(29, 40, True), (30, 30, False), (40, 1, True), (0, 40, False)])
def test_units_too_few_to_tell_are_told(tmp_path, shared, others, few):
    told = {f"51.15.{at // 50}.{at % 50}": "confirm" if at < shared else "deny" for at in range(shared + others)}
    write(tmp_path / "mip.db", dict.fromkeys(told, people.CGNAT), [])
    (tmp_path / "truth.csv").write_text("prefix,verdict\n" + "".join(f"{one},{said}\n" for one, said in told.items()))
    document = validate(tmp_path / "mip.db", tmp_path / "truth.csv", plan=FEW)
    (part,) = document["sets"]
    assert (part["units"], part["shared"], part["too_few"]) == (shared + others, shared, few)
    for text in (as_text(document), page(document)):
        assert (f"{shared} shared and {others} other units: fewer than 30 of a kind are too few to tell" in text) == few


def test_other_weights_than_the_loads_are_told(database):
    other = msgspec.structs.replace(CARD, name="<other>")
    told = "served was judged by " + CARD.name
    document = validate(database, plan=FEW, card=other)
    assert told in as_text(document) and "by <other>" in as_text(document)
    assert told in page(document) and "by &lt;other&gt;" in page(document)
    assert told not in as_text(validate(database, plan=FEW, card=CARD))


def test_nothing_to_compare_with(tmp_path):
    write(tmp_path / "mip.db", UNITS, SAID[2:])
    with pytest.raises(ValidationError) as told:
        validate(tmp_path / "mip.db")
    assert "no address that the evidence knows has a label (no traceroute and no partner or feedback" in str(told.value)
    assert str(told.value).endswith("--truth (columns prefix,verdict), or use --labels list,names")
    with pytest.raises(ValidationError, match=r"has a label \(no partner or feedback speaks of one\).*--labels trace,"):
        validate(tmp_path / "mip.db", labels=["partner"])
    (tmp_path / "truth.csv").write_text("prefix,verdict\n8.8.8.8,deny\n")
    with pytest.raises(ValidationError, match=r"truth\.csv speaks of no address that the evidence"):
        validate(tmp_path / "mip.db", tmp_path / "truth.csv")


def test_a_list_is_doubted_for_all_that_it_names_and_not_for_what_it_names_here(tmp_path):
    poison = [assertion(f"{first}.{second}.0.0/16", "list.vpn") for first in range(40, 80) for second in range(256)]
    said = [*SAID, *(one._replace(source="poison") for one in poison)]
    write(tmp_path / "mip.db", UNITS, said, files=[file("edge", "logs"), file("poison", "egress")])
    units = gathered(tmp_path / "mip.db")
    again = judge(tmp_path / "mip.db", units)
    assert again.confidence().tolist() == units.confidence.tolist()
    assert again.confidence(Silence(sources=frozenset({"poison"}))).tolist() == units.confidence.tolist()
