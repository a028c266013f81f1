"""Monotone step functions that add up, fitted by penalised logistic regression.

In: for each term the bin that each unit falls into, the truth, and weights. Out: the height of every step. The one
rule: a term that must rise never falls, whatever the data of a small bin say.

The loss is the weighted mean log-loss plus a ridge: half of `ridge` times the squares of the heights of the steps, each
weighed by its share of the units. So a term is centred where its units are, and of two terms that tell the same each
carries half. Steps are written as a start and increments, which are bounded by 0 on the side that monotony demands;
L-BFGS-B (Byrd, Lu, Nocedal, Zhu 1995) takes such bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

Monotone = Literal["rising", "falling", "free"]
Anchor = Literal["first", "last", "none"]
TURNED: dict[Monotone, Monotone] = {"rising": "falling", "falling": "rising", "free": "free"}
BASE = 0.1
"""What the heights of a base cost of what others do: without, few units could drive it anywhere."""
STIFF = 20.0
"""Eighty times what the log-loss can gain there, so that next to nothing is left to cut off."""
Floats = NDArray[np.float64]


class Steps(NamedTuple):
    """One term. bins: each unit's step, -1 where the term is silent. size: how many steps. monotone: as in the card.

    anchor: the step that says nothing and so stays 0: the first, the last, or none. base: heights cost next to nothing,
    so that it takes up what all others have in common, and they are centred. low, high: the least and the most
    that a height may be. A free term keeps both. Of a monotone term of which a step is held heights beyond cost half of
    `STIFF` times their square. Any other rising one keeps `high`, a falling one `low`, and the other bound only where
    that one is not given: with both, whoever asks cuts the heights off afterwards.
    """

    bins: NDArray[np.int64]
    size: int
    monotone: Monotone
    anchor: Anchor = "none"
    base: bool = False
    low: float = -math.inf
    high: float = math.inf


class Fit(NamedTuple):
    """heights: of each term's steps. start: the log-odds where every term is silent. loss: mean log-loss."""

    heights: list[Floats]
    start: float
    loss: float


def fit(
    terms: Sequence[Steps],
    shared: NDArray[np.bool_],
    weight: Floats,
    offset: Floats,
    *,
    ridge: float,
    start: float | None = None,
    iterations: int = 1000,
) -> Fit:
    """Fit all terms together. offset: log-odds that each unit has beside them. start: fixed, or None to fit it too.

    iterations: where the loss is still falling after so many, what is reached by then is taken.
    """
    last = [_from_last(term) for term in terms]
    terms = [_turned(term) if turn else term for term, turn in zip(terms, last, strict=True)]
    size = len(shared)
    begins = np.cumsum([0, *(term.size for term in terms)])
    columns = int(begins[-1])
    rows_of, columns_of = [], []
    for begin, term in zip(begins, terms, strict=False):
        speaking = np.flatnonzero(term.bins >= 0)
        rows_of.append(speaking)
        columns_of.append(begin + term.bins[speaking])
    at, column = np.concatenate(rows_of), np.concatenate(columns_of)
    design = csr_matrix((np.ones(len(at)), (at, column)), shape=(size, columns))
    turned = design.T.tocsr()
    share = weight / weight.sum()
    mass = turned @ share
    cost = ridge * mass * np.repeat([BASE if term.base else 1.0 for term in terms], [term.size for term in terms])
    sign = np.where(shared, 1.0, -1.0)
    bounds = [bound for term in terms for bound in _bounds(term)]
    bounds.append((None, None) if start is None else (start, start))
    slices = [slice(begin, begin + term.size) for begin, term in zip(begins, terms, strict=False)]
    soft = np.repeat([term.monotone != "free" and term.anchor != "none" for term in terms], [t.size for t in terms])
    stiff = STIFF * mass * soft
    low, high = (np.repeat(ends, [t.size for t in terms]) for ends in ([t.low for t in terms], [t.high for t in terms]))
    stairs = [one for one, term in zip(slices, terms, strict=True) if term.monotone != "free"]

    def heights(parameters: Floats) -> Floats:
        steps = parameters[:-1].copy()
        for one in stairs:
            steps[one] = np.cumsum(parameters[one])
        return steps

    def loss(parameters: Floats) -> tuple[float, Floats]:
        steps = heights(parameters)
        odds = design @ steps + offset + parameters[-1]
        beyond = steps - steps.clip(low, high)
        margin = sign * odds
        value = float(np.sum(share * np.logaddexp(0.0, -margin)))
        value += 0.5 * float(np.sum(cost * steps * steps) + np.sum(stiff * beyond * beyond))
        slope = -share * sign / (1.0 + np.exp(margin.clip(-700, 700)))
        by_step = turned @ slope + cost * steps + stiff * beyond
        for one in stairs:
            by_step[one] = np.cumsum(by_step[one][::-1])[::-1]
        return value, np.append(by_step, slope.sum())

    first = np.zeros(columns + 1)
    first[-1] = start or 0.0
    found = minimize(
        loss,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": iterations, "ftol": 1e-8, "gtol": 1e-7, "maxfun": 3 * iterations},
    )
    steps = heights(found.x)
    odds = design @ steps + offset + found.x[-1]
    mean = float(np.sum(share * np.logaddexp(0.0, -sign * odds)))
    found_heights = [steps[one][::-1] if turn else steps[one] for one, turn in zip(slices, last, strict=True)]
    return Fit(found_heights, float(found.x[-1]), mean)


def _from_last(term: Steps) -> bool:
    """Whether a term is counted from its last step: where that is the one that is held at 0 or within a bound."""
    bound = term.high if term.monotone == "rising" else -term.low if term.monotone == "falling" else math.inf
    return term.anchor == "last" or (term.anchor == "none" and bound < math.inf)


def _bounds(term: Steps) -> list[tuple[float | None, float | None]]:
    """What each parameter may be: of a free term the heights, of another the first height and the increments."""
    within = (None if term.low == -math.inf else term.low, None if term.high == math.inf else term.high)
    first = within if term.anchor == "none" else (0.0, 0.0)
    if term.monotone == "free":
        return [first, *[within] * (term.size - 1)]
    return [first, *[(0.0, None) if term.monotone == "rising" else (None, 0.0)] * (term.size - 1)]


def _turned(term: Steps) -> Steps:
    """The same term counted from its last step, which is then the first."""
    bins = np.where(term.bins >= 0, term.size - 1 - term.bins, -1)
    return term._replace(bins=bins, monotone=TURNED[term.monotone])
