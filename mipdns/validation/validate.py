"""A validation from beginning to end. In: a database, perhaps a file of truth. Out: one document of plain data.

The one rule: whoever reads the document can see what each part was judged without, and on how many units it rests.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import inference, store
from mipdns.errors import ValidationError
from mipdns.evidence import OBSERVATIONS_LEFT_OUT, Assertion, Label
from mipdns.inference import Scorecard
from mipdns.store import Build
from mipdns.store.bulk import Bulk, read_bulk
from mipdns.validation import bootstrap, drift, labelling, metrics, report, truth
from mipdns.validation.records import records
from mipdns.validation.rejudge import Census, Judge, speaking, told
from mipdns.validation.report import Plan
from mipdns.validation.truth import Word
from mipdns.validation.units import Units, drawn, gather
from mipdns.vocabulary import SIGNAL_NAMES, Signal, names
from mipdns.whatif import NOBODY, SAID_BY, Silence, silence

VERSION = 1
ABLATED_UNITS_MAX = 200_000
"""Judging again is done for at most so many units for each piece of evidence, drawn at random."""
ABLATION_DRAWS = 200
CENSUS_UNITS = 100_000
"""Of so many units of the load the share of shared ones is found again, to a quarter of a percent."""
TOLD_MIN = 0.1
"""People are told of a source's weight from such a change on, in log-odds; the document has every one."""
TELLING_MIN = 30
"""Of fewer units of a kind, shared or other, shares cannot be told: where none of 30 is found, a tenth may be."""

Kinds = Sequence[tuple[str, str]]
"""Name and kind of the source of each file."""
LABELS = ("trace", "partner")
"""What is compared with unless something else is asked for: lists and names are evidence more often than truth."""
SET_NAMES = {"trace": "traceroutes", "partner": "partners", "list": "published lists", "names": "reverse names"}
SPEAKERS = {"trace": "traceroute", "partner": "partner or feedback", "list": "list", "names": "reverse name"}


def validate(
    database: Path,
    truth_file: Path | None = None,
    *,
    labels: Sequence[str] = LABELS,
    without: Sequence[str] = (),
    plan: Plan | None = None,
    card: Scorecard | None = None,
) -> dict[str, Any]:
    """Compare what a build says with truth.

    truth_file: of statements (`truth.read_truth`). Without it, a set for each kind of `labels`: what traceroutes show,
    judged without traceroutes, and so on. without: further evidence to judge without. card: the weights of the load; by
    default those shipped.

    Raises StoreError, SourceError for the file, UnknownEvidence for a name in `without`, ValidationError where there is
    nothing to compare with, or units are to be judged again of which nothing was kept.
    """
    plan = plan or Plan()
    build, said, people = store.latest_build(database), store.assertions(database), store.labels(database)
    kinds = [(file.source, file.kind) for file in store.sources(database)]
    asked = silence(without, kinds)
    card = card or inference.shipped_scorecard()
    sets: list[tuple[str, list[Word], Silence]]
    unread, contradicted = 0, 0
    if truth_file is not None:
        words, bad, contradicted = truth.read_statements(truth_file)
        unread = len(bad)
        copied = _copied(words, people)
        sets = [(truth_file.name, words, _and(asked, Signal.PARTNER) if copied else asked)]
    else:
        sets = [
            (
                SET_NAMES[kind],
                labelling.words(said, people, {kind}, card, build.as_of),
                _and(asked, SIGNAL_NAMES[kind]),
            )
            for kind in labels
        ]
    left_out = build.counts.get(OBSERVATIONS_LEFT_OUT, 0)
    if left_out and any(words and silent != NOBODY for _, words, silent in sets):
        raise ValidationError(
            f"{database}: what was measured of {left_out} units was not kept ([load] observations), so they cannot be "
            "judged again without what made a label; compare what is served, with --truth FILE alone"
        )
    with read_bulk(database) as bulk:
        counted = drawn(bulk, CENSUS_UNITS, plan.seed)
        again = _Again(said, kinds, build, card, Census(counted, said, card, as_of=build.as_of, prior=build.prior))
        parts = [_part(name, words, silent, bulk, again, plan) for name, words, silent in sets if words]
        document = {
            "version": VERSION,
            "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "build": {
                "serial": build.serial,
                "finished": build.finished,
                "as_of": str(build.as_of),
                "model": build.model,
                "prior": build.prior,
                "verdicts": build.verdicts,
                "listed_ipv4": build.listed_v4,
                "listed_ipv6_64s": build.listed_v6,
            },
            "scorecard": card.name,
            "note": _note(build.model, card.name),
            "draws": plan.draws,
            "seed": plan.seed,
            "sets": [part for part in parts if part is not None],
            "lines_unread": unread,
            "contradicted": contradicted,
            "sources": records(store.beliefs(database), said, card, build.as_of),
            "drift": drift.drift(bulk),
            "space": drift.space(bulk),
        }
    if not document["sets"]:
        raise ValidationError(f"{database}: nothing to validate against: {_nothing(truth_file, labels)}")
    return document


def _nothing(truth_file: Path | None, labels: Sequence[str]) -> str:
    """Why there is nothing to compare with, and what to do."""
    if truth_file is not None:
        return f"{truth_file} speaks of no address that the evidence knows"
    others = [kind for kind in labelling.KINDS if kind not in labels]
    use = f", or use --labels {','.join(others)}" if others else ""
    silent = " and no ".join(SPEAKERS[kind] for kind in labels)
    return (
        f"no address that the evidence knows has a label (no {silent} speaks of one); name a file of what is true with "
        f"--truth (columns prefix,verdict){use}"
    )


def as_text(document: dict[str, Any]) -> str:
    """The few numbers that a person asks for first, and what is not in them."""
    lines = [*of_truth(document), *filter(None, [document["note"]])]
    for part in document["sets"]:
        again = f", judged again without {', '.join(part['without'])}" if part["without"] else ""
        lines.append(
            f"{part['name']}: {part['units']} units, {part['shared']} shared, {part['networks']} networks{again}"
        )
        if part["too_few"]:
            lines.append(f"  {too_few(part)}")
        if any(missing := part["without_verdict"].values()):
            shared, single = missing
            lines.append(f"  left out, since {_why(part)}: {shared} shared units, {single} others")
        if part["one_sided"]:
            lines.append("  the truth knows one kind only, so calibration and precision below mean nothing")
        lines += [f"  {_WORDS[key]:<28} {_told(number)}" for key, number in part["overall"].items()]
        for row in part["thresholds"]:
            name = f"at {row['at']}: precision, recall"
            lines.append(f"  {name:<28} {_told(row['precision'])}   {_told(row['recall'])}")
    changed: dict[str, list[dict[str, Any]]] = {}
    for row in document["sources"]:
        if _most(row) >= TOLD_MIN:
            changed.setdefault(row["source"], []).append(row)
    lines += (_believed(first, len(rest)) for first, *rest in changed.values())  # of each source what changed most
    if document["drift"]:
        moved = document["drift"]
        lines.append(
            f"drift since build {moved['before']['serial']}: {moved['stability']:.3f} ({moved['reading']}), IPv4 "
            f"addresses across {moved['floor']}: {moved['gained'][0]} up, {moved['lost'][0]} down"
        )
    return "\n".join(lines)


def of_truth(document: dict[str, Any]) -> list[str]:
    """What a file of truth says that cannot be taken as it stands."""
    unread, contradicted = document["lines_unread"], document["contradicted"]
    told = [f"{unread} lines of the truth cannot be read and are left out"] if unread else []
    if contradicted:
        told.append(f"{contradicted} ranges of the truth are both confirmed and denied; the later line counts")
    return told


def too_few(part: dict[str, Any]) -> str:
    """What a set of too few units cannot tell."""
    shared = part["shared"]
    return (
        f"{shared} shared and {part['units'] - shared} other units: fewer than {TELLING_MIN} of a kind are too few to "
        "tell; the numbers may be chance, whatever their intervals"
    )


def _note(served: str, here: str) -> str:
    """What to mind where a build was judged by other weights than those at hand."""
    if served == here:
        return ""
    return f"what is served was judged by {served}; what is judged again here, and each evidence's worth, by {here}"


def _why(part: dict[str, Any]) -> str:
    return "they have no verdict" if part["judged"] == "as served" else "nothing else speaks of them"


def _most(row: dict[str, Any]) -> float:
    weights: list[float] = [row["weighs"], *(one["weighs"] for one in row["networks"])]
    return max(abs(weighs - float(row["claims"])) for weighs in weights)


def _believed(row: dict[str, Any], others: int = 0) -> str:
    """What became of the weight of a source's words, and where most. others: kinds of its words that changed too."""
    told = f"{row['source']} ({row['origin']}) weighs {row['weighs']:+.2f} instead of {row['claims']:+.2f}"
    if row["plausible"] is not None:
        told += f"; {100 * row['plausible']:.1f} % of what it names can be true"
    if row["right"] or row["wrong"]:
        told += f"; people: {row['right']} times right, {row['wrong']} wrong"
    if row["networks"]:
        most = row["networks"][0]
        told += f"; in AS{most['asn']} {most['weighs']:+.2f} ({most['right']} right, {most['wrong']} wrong)"
        told += f" and {row['networks_changed'] - 1} more" * (row["networks_changed"] > 1)
    return told + (f"; and {others} more kind{'s' * (others > 1)} of its words" if others else "")


_WORDS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "ece": "calibration error",
    "ece_equal_mass": "  in bins of equal mass",
    "worst_served_bin": "worst served bin, 200 units",
}


def _told(number: dict[str, float | None]) -> str:
    if number["value"] is None:
        return "not defined"
    range_ = "" if number["low"] is None else f" ({number['low']:.3f} to {number['high']:.3f})"
    return f"{number['value']:.3f}{range_}"


def _and(silent: Silence, signal: Signal) -> Silence:
    return silent._replace(signals=silent.signals | {signal})


def _both(one: Silence, other: Silence) -> Silence:
    return Silence(one.signals | other.signals, one.sources | other.sources)


def _copied(words: list[Word], labels: list[Label]) -> bool:
    """Whether a file says mostly what partners told the build: then their word made it. Some coincide by chance."""
    known = {(label.first, label.last, label.confirmed) for label in labels}
    return 2 * sum((word.first, word.last, word.shared) in known for word in words) > len(words)


class _Again(NamedTuple):
    """What is needed to judge units of a build again. kinds: name and kind of the source of each file."""

    said: Sequence[Assertion]
    kinds: Kinds
    build: Build
    card: Scorecard
    census: Census

    def judge(self, units: Units) -> Judge:
        """Who judges them."""
        return Judge(units, self.said, self.card, as_of=self.build.as_of, census=self.census)


def _part(
    name: str, words: list[Word], silent: Silence, bulk: Bulk, again: _Again, plan: Plan
) -> dict[str, Any] | None:
    """One set of truth; None where nothing but what made it speaks of any of its units."""
    everything = gather(truth.arrange(words), bulk)
    as_served = silent == NOBODY
    confidence = everything.confidence if as_served else again.judge(everything).confidence(silent)
    spoken = confidence > 0
    if not spoken.any():
        return None
    units = everything.take(spoken)
    described = report.describe(units, confidence[spoken], plan)
    return {
        "name": name,
        "judged": "as served" if as_served else "again",
        "without": told(silent),
        "prior": again.census.prior(silent),
        "statements": len(words),
        "without_verdict": {
            "shared": int((everything.shared & ~spoken).sum()),
            "single": int((~everything.shared & ~spoken).sum()),
        },
        "one_sided": described["shared"] in (0, described["units"]),
        "too_few": any(
            0 < kind < TELLING_MIN for kind in (described["shared"], described["units"] - described["shared"])
        ),
        **described,
        # What is served knows what made the labels: it may only be held against truth from elsewhere.
        "users": report.users(units, plan) if as_served else None,
        "classes": report.classes(units, plan) if as_served else None,
        "ablation": _ablation(units, silent, again, plan),
    }


def _ablation(units: Units, silent: Silence, again: _Again, plan: Plan) -> dict[str, Any]:
    """What each signal and each source is worth: metrics without it less metrics with it.

    as_served: share of units that judging again, with nothing left out, gives what is served. Those it does not are
    covered by the pool rule, differ inside a /64, or had a source whose record people's words had changed. Where the
    build did not keep what it measured, nothing can be judged again and there are no rows.
    """
    if again.build.counts.get(OBSERVATIONS_LEFT_OUT):
        return {"units": 0, "as_served": None, "roc_auc": None, "ece": None, "left_out": []}
    if len(units.key) > ABLATED_UNITS_MAX:
        chosen = np.random.default_rng(plan.seed).choice(len(units.key), ABLATED_UNITS_MAX, replace=False)
        units = units.take(np.sort(chosen))
    judge = again.judge(units)
    networks = report.networks_of(units)
    width = metrics.equal_width(report.WIDTH_BINS)
    numbers: dict[str, bootstrap.Metric] = {
        "roc_auc": metrics.roc_auc,
        "ece": lambda counts: metrics.calibration_error(counts, width),
    }

    def judged(hush: Silence) -> NDArray[np.int64]:
        confidence = judge.confidence(hush)
        prior = round(100 * again.census.prior(hush))
        return np.where(confidence > 0, confidence, prior)  # where nothing is left to speak, that is what is known

    def measured(confidence: NDArray[np.int64]) -> tuple[dict[str, float], dict[str, metrics.Counts]]:
        counts = metrics.histograms(confidence, units.shared)
        clusters = bootstrap.clusters(networks, confidence, units.shared)
        draws = bootstrap.sampled(clusters, numbers, number=min(plan.draws, ABLATION_DRAWS), seed=plan.seed)
        return {name: float(metric(counts)) for name, metric in numbers.items()}, draws

    base = judged(silent)
    with_all, base_draws = measured(base)
    rows = []
    for kind, name, hush in _left_out(again.said, again.kinds, silent):
        confidence = judged(hush)
        moved = int((confidence != base).sum())
        left, draws = measured(confidence) if moved else (with_all, base_draws)
        row: dict[str, Any] = {"kind": kind, "name": name, "units_moved": moved}
        for key in numbers:
            (range_,) = bootstrap.intervals(draws[key] - base_draws[key])
            row[key] = report.number(left[key] - with_all[key], range_)
        rows.append(row)
    rows.sort(key=lambda row: row["roc_auc"]["value"] or 0.0)
    return {
        "units": len(units.key),
        "as_served": float(np.mean(judge.confidence() == units.confidence)),
        **{key: report.plain(value) for key, value in with_all.items()},
        "left_out": rows,
    }


def _left_out(said: Sequence[Assertion], kinds: Kinds, silent: Silence) -> list[tuple[str, str, Silence]]:
    """Kind, name and silence of all that speaks in the build and is not silent yet, in turn.

    What comes as a whole is a kind: log sources are counted together, and of PeeringDB's a network has one type.
    """
    measured = [signal for signal in Signal if signal not in SAID_BY.values()]
    signals = [signal for signal in [*measured, *speaking(said)] if signal not in silent.signals]
    telling = {one.source for one in said if one.signal not in silent.signals}
    telling |= {name for name, kind in kinds if kind in SAID_BY and SAID_BY[kind] not in silent.signals}
    whole = [kind for kind in ("logs", "peeringdb") if kind in {kind for _, kind in kinds}]
    hushed = [(kind, _both(silent, silence([kind], kinds))) for kind in whole]
    return [
        *(("signal", names(signal)[0], _and(silent, signal)) for signal in signals),
        *(
            ("source", name, silent._replace(sources=silent.sources | {name}))
            for name in sorted(telling - silent.sources)
        ),
        *((kind, kind, hush) for kind, hush in hushed if hush.signals != silent.signals),
    ]
