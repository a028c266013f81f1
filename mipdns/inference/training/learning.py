"""From units with their truth to a scorecard. In: a `Sample` and the scorecard to start from. Out: a scorecard.

The one rule: what is learnt is what traffic and the network around weigh. Voices and rules are taken over as they are,
and units on which a voice speaks that may list alone teach nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from mipdns.columns import neighbourhoods
from mipdns.evidence import NETWORK_TYPES
from mipdns.inference import crowd, features
from mipdns.inference.crowd import HOSTING
from mipdns.inference.features import CONNECTIONS, OFTEN, SEEN, TOLD, WAYS
from mipdns.inference.population import Population, shows_many
from mipdns.inference.scorecard import (
    FEWEST,
    OWN,
    POINTS,
    Calibration,
    FeatureTerm,
    NetworkTerms,
    PriorShare,
    Scorecard,
    TypeTerm,
    probability_points,
)
from mipdns.inference.training import additive, calibration
from mipdns.inference.training.additive import Floats, Steps
from mipdns.inference.training.design import CANDIDATES, FIXED, NEIGHBOURS, Candidate
from mipdns.inference.training.sample import Sample, around, as_told, facts, score, shares, silent

RIDGE = 2e-3
UNITS_MIN = 120
"""A step is learnt from so many units at least, or joins its neighbour."""
WAY_UNITS_MIN = 5000
"""A way of seeing units has a calibration of its own from so many on: with few knots it would rank next to nothing."""
DECIMALS = 2
UNITS_MAX = 400_000
"""A fit takes so many units at most, drawn evenly: of a quarter of them two draws differ by 0.2 in some worlds."""
ROUNDS = 2
"""How often the neighbours are looked at anew."""
FOLDS = 8
"""Each is fitted with as much effort as the whole: half-finished sums are smaller, and would be stretched too far."""
SIDE_BY_SIDE = 100_000
"""Units from which on folds are learnt on all cores: of fewer it takes longer to tell the cores than to learn."""
NOTHING_COUNTS = PriorShare(0.0, 0.0, 0.0)
Columns = dict[str, NDArray[np.float32]]


class Design(NamedTuple):
    """A candidate as it is fitted: its edges after small steps were joined, and each unit's step."""

    candidate: Candidate
    edges: tuple[float, ...]
    steps: Steps


def weights(sample: Sample, prior: float, among: NDArray[np.bool_]) -> Floats:
    """Of the known units among some, 0 for the others. Each world counts by the root of the trust in the labels of its
    units, and in each a share of `prior` of those units is shared. Within a world each unit counts by that trust.
    """
    weight = np.zeros(len(sample.key))
    for world in range(_worlds(sample)):
        here = sample.known & among & (sample.world == world)
        shared, trust = sample.shared[here], sample.trust[here]
        share = float(trust[shared].sum() / trust.sum()) if trust.any() else 0.0
        if 0.0 < share < 1.0:
            balanced = np.where(shared, prior / share, (1.0 - prior) / (1.0 - share))
            weight[here] = balanced * trust / np.sqrt(trust.sum())
    mean = float(weight.mean()) or 1.0
    return weight / mean


def learn(sample: Sample, card: Scorecard, *, context: bool = True) -> Scorecard:
    """The scorecard with terms, context and calibration learnt from the sample. context: else it stays as it is."""
    weight = weights(sample, card.prior, silent(sample))
    sums = _held_out(sample, weight, card, context)
    said = said_aside(sample) + probability_points(card.prior) / POINTS
    way = features.way_of(sample.columns)
    lines = _with_knots(sums / POINTS, sample.shared, weight, said, way, dict(card.calibration))
    worth = np.choose(way, [crowd.calibrated(sums, line) for line in lines.values()]) / POINTS + said
    many = shows_many(np.rint(worth * POINTS).astype(np.int64), way, sample.columns)
    lines = _with_errors(many, sample.shared, weight, way, lines)
    if _worlds(sample) >= 2 * FOLDS:
        card = msgspec.structs.replace(card, calibration=lines)
        lines = _with_prior_shares(sample, worth, many, weight > 0, card)
    lines = _beside_requests(lines, np.bincount(way[weight > 0], minlength=len(lines)))
    learnt = msgspec.structs.replace(fit(sample, weight, card, context), calibration=lines)
    return centred(sample, learnt) if _worlds(sample) >= 2 * FOLDS else learnt


def _held_out(sample: Sample, weight: Floats, card: Scorecard, context: bool) -> NDArray[np.int64]:
    """What terms and context add up to for each unit, as learnt from the other folds."""
    fold = folds(sample)

    def of_fold(number: int) -> NDArray[np.int64]:
        out, kept = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        return traffic_points(sample.take(out), fit(sample.take(kept), weight[kept], card, context))

    cores = -1 if len(sample.key) >= SIDE_BY_SIDE else 1
    sums = np.zeros(len(sample.key), dtype=np.int64)
    for number, found in enumerate(Parallel(n_jobs=cores)(delayed(of_fold)(number) for number in range(FOLDS))):
        sums[fold == number] = found
    return sums


def _with_knots(
    sums: Floats,
    shared: NDArray[np.bool_],
    weight: Floats,
    said: Floats,
    way: NDArray[np.int8],
    lines: dict[str, Calibration],
) -> dict[str, Calibration]:
    """The lines with their knots. Ways of few units take those of all of which logs tell the same, moved up or down as
    a whole to where their own units are.
    """
    learnt = dict(lines)
    for number, name in enumerate(lines):
        here = (weight > 0) & (way == number)
        every = _alike(way, number, weight)
        summed, true = calibration.knots(sums[every], shared[every], weight[every], said[every])
        if len(summed) < 2:
            continue
        line = msgspec.structs.replace(lines[name], summed=tuple(summed), true=tuple(true))
        if np.any(every != here) and np.bincount(shared[here], minlength=2).min() >= UNITS_MIN:
            worth = crowd.calibrated(np.rint(sums[here] * POINTS).astype(np.int64), line) / POINTS + said[here]
            whole = [Steps(np.zeros(len(worth), dtype=np.int64), 1, "free")]
            (moved,) = additive.fit(whole, shared[here], weight[here], worth, ridge=RIDGE, start=0.0).heights
            line = msgspec.structs.replace(line, true=calibration.within([one + float(moved[0]) for one in true]))
        learnt[name] = line
    return learnt


def _with_prior_shares(
    sample: Sample, odds: Floats, many: NDArray[np.bool_], used: NDArray[np.bool_], card: Scorecard
) -> dict[str, Calibration]:
    """The card's lines with how much of what sets a world's share of shared units apart counts beside what traffic
    shows, the same for all that were seen as often and name agents. The share is the one that a load finds: where it is
    taken for too large, so is much of the middle. Where it finds none, it is the one that somebody may tell, the true
    one.

    odds: held-out log-odds, as if the card's prior were shared in each world. many: `population.shows_many` of them.
    used: the units whose share is meant.
    """
    lines = card.calibration
    way, world = features.way_of(sample.columns)[used], sample.world[used]
    once = features.values("seen_once", sample.columns)[used]
    margin, sign = odds[used], np.where(sample.shared[used], 1.0, -1.0)
    found = np.full(_worlds(sample), card.prior)
    for number in np.unique(world).tolist():
        here = world == number
        asked = Population(card, float(once[here][way[here].argmin()]))
        told = float(np.average(sample.shared[used][here], weights=sample.trust[used][here]))
        asked.add(many[used][here], way[here], np.empty(0, dtype=np.int16))
        found[number] = asked.shares().unspoken if asked.tells else asked.shares(told).unspoken
    shift = (np.log(found / (1.0 - found)) - np.log(card.prior / (1.0 - card.prior)))[world]
    counts = np.bincount(world, sample.trust[used])
    weight = sample.trust[used] / np.sqrt(counts[world])
    pieces = np.column_stack([np.minimum(shift + FEWEST, 0.0), shift.clip(-FEWEST, 0.0), np.maximum(shift, 0.0)])

    def best(here: NDArray[np.bool_]) -> PriorShare:
        def loss(parts: Floats) -> tuple[float, Floats]:
            against = sign[here] * (margin[here] + pieces[here] @ parts)
            pull = weight[here] * sign[here] * expit(-against)
            return float(weight[here] @ np.logaddexp(0.0, -against)), -(pull @ pieces[here])

        found = minimize(loss, np.full(3, 0.8), jac=True, bounds=[(0.0, 1.0)] * 3, method="L-BFGS-B").x
        return PriorShare(*(round(float(part), DECIMALS) + 0.0 for part in found))

    learnt = dict(lines)
    for alike in _seen_alike():
        here = np.isin(way, alike)
        if here.sum() >= WAY_UNITS_MIN:
            part = best(here)
            learnt |= {WAYS[one]: msgspec.structs.replace(lines[WAYS[one]], prior_share=part) for one in alike}
    return learnt


def centred(sample: Sample, card: Scorecard) -> Scorecard:
    """The scorecard with each line of its calibration moved as a whole down to where units of that way truly are, in
    worlds that find their share themselves, as loads do. None is moved up: who is served too high is harmed, and a
    household between crowds stands near 50. Connections tell of no share, and stay where the card's prior is true.
    """
    margin, weight = np.zeros(len(sample.key)), np.zeros(len(sample.key))
    way = np.zeros(len(sample.key), dtype=np.int8)
    for number in range(_worlds(sample)):
        at = np.flatnonzero(sample.world == number)
        one = sample.take(at)
        found = shares(one, card)
        told = as_told(one, found.all)
        margin[at] = score(told, card, found.unspoken).unlimited / POINTS
        way[at] = features.way_of(told.columns)
        counts = one.known & silent(one)
        weight[at] = np.where(counts, one.trust / np.sqrt(max(one.trust[counts].sum(), 1.0)), 0.0)
    lines = dict(card.calibration)
    for number, (name, line) in enumerate(card.calibration.items()):
        here = (way == number) & (weight > 0)
        if not name.startswith(CONNECTIONS) and here.sum() >= WAY_UNITS_MIN:
            whole = [Steps(np.zeros(int(here.sum()), dtype=np.int64), 1, "free")]
            (moved,) = additive.fit(
                whole, sample.shared[here], weight[here], margin[here], ridge=0.0, start=0.0
            ).heights
            true = calibration.within([one + min(float(moved[0]), 0.0) for one in line.true])
            lines[name] = msgspec.structs.replace(line, true=true)
    return msgspec.structs.replace(card, calibration=lines)


def _beside_requests(lines: dict[str, Calibration], units: NDArray[np.int64]) -> dict[str, Calibration]:
    """The lines with those of units that only connect where others come with requests: what share of the others is
    shared says nothing of them. units: learnt from, by line; of too few, as connections alone.
    """
    alone, beside = CONNECTIONS
    size = len(SEEN)
    known = units[TOLD.index(beside) * size :][:size].sum() >= WAY_UNITS_MIN
    return lines | {
        f"{beside}, {seen}": msgspec.structs.replace(
            lines[f"{beside if known else alone}, {seen}"], prior_share=NOTHING_COUNTS
        )
        for seen in SEEN
    }


def _with_errors(
    many: NDArray[np.bool_],
    shared: NDArray[np.bool_],
    weight: Floats,
    way: NDArray[np.int8],
    lines: dict[str, Calibration],
) -> dict[str, Calibration]:
    """The lines with how often shared units and others are taken for shared, which tells of a load how many are.

    Connections alone tell it too differently from world to world to be asked: where habits are others, all homes look
    like crowds. Ways of few units take the errors of all that were seen as often, whatever logs tell of them.
    """

    def often(here: NDArray[np.bool_]) -> float:
        return round(float(np.average(many[here], weights=weight[here])), 3) if weight[here].any() else 0.0

    learnt = dict(lines)
    for number, (name, line) in enumerate(lines.items()):
        here = _seen_as_often(np.where(weight > 0, way, -1), number)
        sides = np.bincount(shared[here], minlength=2)
        if not name.startswith(CONNECTIONS) and sides.min() >= UNITS_MIN:
            caught, mistaken = often(here & shared), often(here & ~shared)
            usual = round(float(np.average(shared[here], weights=weight[here])), 3)
            learnt[name] = msgspec.structs.replace(line, usual=usual, caught=caught, mistaken=mistaken)
    return learnt


def _alike(way: NDArray[np.int8], number: int, weight: Floats) -> NDArray[np.bool_]:
    """The units that a way is learnt from: its own, or where those are too few those of the same logs told as much, or
    of all logs told as much.
    """
    for together in (1, OFTEN):
        here: NDArray[np.bool_] = (weight > 0) & (way // together == number // together)
        if here.sum() >= WAY_UNITS_MIN:
            return here
    told: NDArray[np.bool_] = (weight > 0) & (way // len(SEEN) == number // len(SEEN))
    return told


def _seen_as_often(way: NDArray[np.integer], number: int) -> NDArray[np.bool_]:
    """The units seen in a way or, where those are too few, all that name agents and were seen as often, whatever else
    logs tell of them. way: -1 for units that are left out.
    """
    here: NDArray[np.bool_] = way == number
    if here.sum() < WAY_UNITS_MIN:
        here = np.isin(way, next(alike for alike in _seen_alike() if number in alike))
    return here


def _seen_alike() -> list[list[int]]:
    """The ways of units that name agents, by how often they were seen, whatever else logs tell of them; those of units
    that only connect each for itself.
    """
    asking = TOLD.index(CONNECTIONS[0]) * len(SEEN)
    return [list(range(often, asking, len(SEEN))) for often in range(len(SEEN))] + [
        [at] for at in range(asking, len(WAYS))
    ]


def _worlds(sample: Sample) -> int:
    return int(sample.world.max(initial=-1)) + 1


def folds(sample: Sample) -> NDArray[np.int64]:
    """Which fold each unit belongs to: whole worlds, or whole ASes where there are few worlds (of units without one a
    /24 or /48); drawn once.

    Those whose logs tell the same are dealt out in turn, so that each fold is learnt from logs of every kind.
    """
    few = _worlds(sample) < 2 * FOLDS
    networks = np.where(sample.asn > 0, sample.asn, -1 - neighbourhoods(sample.key).astype(np.int64))
    _, group = np.unique(networks if few else sample.world, return_inverse=True)
    groups = int(group.max(initial=0)) + 1
    told = np.bincount(group * len(TOLD) + features.told_of(sample.columns), minlength=groups * len(TOLD))
    order = np.lexsort((np.random.default_rng(groups).permutation(groups), told.reshape(groups, -1).argmax(axis=1)))
    place = np.empty(groups, dtype=np.int64)
    place[order] = np.arange(groups)
    found: NDArray[np.int64] = place[group] % FOLDS
    return found


def traffic_points(sample: Sample, card: Scorecard) -> NDArray[np.int64]:
    """The sum of all terms and the context, before calibration, without the prior."""
    return crowd.traffic_sum(facts(sample, card, around(sample, card)), crowd.Heards(sample.heard), card)


def said_aside(sample: Sample) -> Floats:
    """Log-odds of names and other words that do not list alone."""
    return np.array([(one.names + one.aside) / POINTS for one in sample.heard])[sample.sets]


def _around_it(sample: Sample, card: Scorecard) -> Floats:
    """Log-odds of the network around, as the scorecard has them."""
    alone = crowd.Facts({}, sample.declared, sample.traffic, sample.sets)
    return crowd.traffic_sum(alone, crowd.Heards(sample.heard), card) / POINTS


def fit(sample: Sample, weight: Floats, card: Scorecard, learn_context: bool) -> Scorecard:
    """The scorecard with terms and context learnt, and its calibration as it was."""
    start = probability_points(card.prior) / POINTS
    fixed = sum((crowd.term_points(term, sample.columns) for term in FIXED), np.zeros(len(sample.key))) / POINTS
    said = said_aside(sample) + start + fixed
    columns = dict(sample.columns)
    own = [_design(one, columns) for one in CANDIDATES]
    context = _context(sample) if learn_context else []
    said = said if learn_context else said + _around_it(sample, card)
    card = _with_terms(card, own, _run(own, [], sample, weight, start + fixed)[0])
    for _ in range(ROUNDS):
        columns = around(sample, card)
        near = [_design(one, columns) for one in NEIGHBOURS]
        heights, around_heights = _run([*own, *near], context, sample, weight, said)
        card = _with_terms(card, [*own, *near], heights)
        card = _with_context(card, around_heights) if context else card
    # Other terms of its own make other neighbours of a unit: with those that stay, what stands around is fitted last.
    columns = around(sample, card)
    near = [_design(one, columns) for one in NEIGHBOURS]
    kept = heights[: len(own)]
    of_its_own = sum(crowd.measure(columns, card, OWN).values()) / POINTS - fixed
    heights, around_heights = _run(near, context, sample, weight, said + of_its_own)
    card = _with_terms(card, [*own, *near], [*kept, *heights])
    return _with_context(card, around_heights) if context else card


def _run(
    designs: Sequence[Design], context: Sequence[Steps], sample: Sample, weight: Floats, said: Floats
) -> tuple[list[Floats], list[Floats]]:
    """The heights of terms and of context. said: log-odds beside them, the prior included."""
    used = np.flatnonzero(weight > 0)
    if len(used) > UNITS_MAX:
        used = np.sort(np.random.default_rng(UNITS_MAX).choice(used, UNITS_MAX, replace=False))
    steps = [one._replace(bins=one.bins[used]) for one in (*(design.steps for design in designs), *context)]
    fit = additive.fit(steps, sample.shared[used], weight[used], said[used], ridge=RIDGE, start=0.0)
    return fit.heights[: len(designs)], fit.heights[len(designs) :]


def _design(candidate: Candidate, columns: Columns) -> Design:
    """The candidate over these units, with steps of few units joined to the next."""
    found = features.values(candidate.feature, columns)
    speaks = ~np.isnan(found)
    for name, bounds in candidate.when.items():
        speaks &= features.within(features.values(name, columns), bounds)
    spoken = found[speaks]
    edges: list[float] = []
    for edge in candidate.edges:
        below = spoken < edge
        inside = below.sum() - (spoken < edges[-1]).sum() if edges else below.sum()
        if inside >= UNITS_MIN and (~below).sum() >= UNITS_MIN:
            edges.append(edge)
    bins = np.where(speaks, np.searchsorted(edges, found, side="right"), -1)
    steps = Steps(
        bins, len(edges) + 1, candidate.monotone, candidate.anchor, candidate.base, candidate.least, candidate.most
    )
    return Design(candidate, tuple(edges), steps)


def _context(sample: Sample) -> list[Steps]:
    """What the AS declares, what its traffic shows, and data centres, which count once (rule 1)."""
    listed = np.array([one.datacentre is not None for one in sample.heard])[sample.sets]
    centre = ((sample.declared == HOSTING) | (sample.traffic == HOSTING)) & ~listed
    size = len(NETWORK_TYPES)
    return [
        Steps(np.where(sample.declared == HOSTING, -1, sample.declared).astype(np.int64), size, "free"),
        Steps(np.where(sample.traffic == HOSTING, -1, sample.traffic).astype(np.int64), size, "free"),
        Steps(np.where(centre, 0, -1), 1, "free"),
    ]


def _with_terms(card: Scorecard, designs: Sequence[Design], heights: Sequence[Floats]) -> Scorecard:
    terms = [
        term for design, height in zip(designs, heights, strict=True) if (term := _term(design, height)) is not None
    ]
    return msgspec.structs.replace(card, terms=(*terms, *FIXED))


def _term(design: Design, height: Floats) -> FeatureTerm | None:
    """The term with steps of one height joined; None if it says nothing."""
    one = design.candidate
    rounded = [round(max(min(float(value), one.most), one.least), DECIMALS) + 0.0 for value in height]
    edges = [edge for at, edge in enumerate(design.edges) if rounded[at + 1] != rounded[at]]
    kept = [rounded[0], *(rounded[at + 1] for at, edge in enumerate(design.edges) if rounded[at + 1] != rounded[at])]
    if not edges:
        if not kept[0] or not design.edges:
            return None
        edges, kept = [design.edges[0]], [kept[0]] * 2
    return FeatureTerm(
        one.feature,
        one.signal,
        tuple(edges),
        tuple(kept),
        one.monotone,
        one.reason,
        (*one.source, "worlds"),
        dict(one.when),
    )


def _with_context(card: Scorecard, heights: Sequence[Floats]) -> Scorecard:
    declared, traffic, centre = heights
    hosting = min(round(float(centre[0]), DECIMALS), 0.0)

    def types(old: TypeTerm, found: Floats) -> TypeTerm:
        kinds = {kind: round(float(found[at]), DECIMALS) + 0.0 for at, kind in enumerate(NETWORK_TYPES)}
        kinds["hosting"] = hosting
        source = (*(name for name in old.source if name not in ("judgement", "worlds")), "worlds")
        return msgspec.structs.replace(old, **kinds, source=source)

    network = NetworkTerms(types(card.network.declared, declared), types(card.network.traffic, traffic))
    return msgspec.structs.replace(card, network=network)
