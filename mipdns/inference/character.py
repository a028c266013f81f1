"""What kind of sharing it is, and by how many: classes and users ranges. In: what was seen and heard. Out: arrays.

The one rule: what somebody says of an address is taken over; what nobody says is guessed from the traffic, and only
from a confidence on at which the guess is worth more than `other` and one user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns.evidence import NETWORK_TYPES
from mipdns.inference.crowd import Facts
from mipdns.inference.scorecard import CORROBORATING, Scorecard
from mipdns.inference.voices import Heard
from mipdns.vocabulary import CLASS_NAMES, Class, Signal

UNKNOWN = -1
"""A users bound that is not known."""

MOBILE, BUSINESS, EDUCATION, HOSTING = map(NETWORK_TYPES.index, ("mobile", "business", "education", "hosting"))


class Character(NamedTuple):
    """classes: `Class` bits, at least one. users_low, users_high: people in a day, UNKNOWN where not known."""

    classes: NDArray[np.int16]
    users_low: NDArray[np.int64]
    users_high: NDArray[np.int64]


def of_units(
    columns: Mapping[str, NDArray[np.float32]],
    facts: Facts,
    confidence: NDArray[np.int16],
    heard: Sequence[Heard],
    card: Scorecard,
) -> Character:
    """The character of measured units. columns: `UNIT_COLUMNS`. heard: what `facts.sets` counts in."""
    shared = confidence >= card.rules.class_floor
    said = np.array([one.classes for one in heard], dtype=np.int16)[facts.sets]
    hinted = np.array([one.hinted for one in heard], dtype=np.int16)[facts.sets]
    guessed = np.where(hinted > 0, hinted, _guess(columns, facts, confidence, card))
    classes = np.where(said > 0, said, np.where(shared, guessed, Class.OTHER)).astype(np.int16)
    low, high = _counted_users(columns, card)
    for bits in np.unique(classes[shared]):
        range_ = _class_users(int(bits), card)
        if range_:
            low[classes == bits] = np.maximum(low[classes == bits], range_[0])
            high[classes == bits] = np.maximum(high[classes == bits], range_[1])
    lowest, highest = _powers_of_two(low, high, card.users.highest)
    certain = confidence >= card.rules.listed
    return Character(classes, np.where(certain, lowest, 1), np.where(shared, highest, 1))


def of_sets(heard: Sequence[Heard], confidence: NDArray[np.int16], card: Scorecard) -> Character:
    """The character of ranges that no log saw, one row for each set of voices."""
    shared = confidence >= card.rules.class_floor
    said = np.array([one.classes or (one.hinted if some else 0) for one, some in zip(heard, shared, strict=True)])
    ranges = [_class_users(int(bits), card) if some else None for bits, some in zip(said, shared, strict=True)]
    return Character(
        np.where(said > 0, said, Class.OTHER).astype(np.int16),
        np.where(
            confidence < card.rules.listed,
            np.array([1 if range_ else UNKNOWN for range_ in ranges], dtype=np.int64),
            np.array([range_[0] if range_ else UNKNOWN for range_ in ranges], dtype=np.int64),
        ),
        np.array([range_[1] if range_ else UNKNOWN for range_ in ranges], dtype=np.int64),
    )


def _guess(
    columns: Mapping[str, NDArray[np.float32]], facts: Facts, confidence: NDArray[np.int16], card: Scorecard
) -> NDArray[np.int16]:
    """The class that the traffic and the network around suggest."""
    measured = facts.measured
    types = np.where(facts.traffic >= 0, facts.traffic, facts.declared)
    crowd = (confidence >= card.rules.listed) | (sum(measured[kind] for kind in CORROBORATING) > 0)
    return np.select(
        [
            measured[Signal.FORWARDED] > 0,
            (types == MOBILE) | (columns["mobile_share"] >= card.traffic_types.mobile_share),
            types == HOSTING,
            (types == BUSINESS) | (types == EDUCATION),
            crowd,
        ],
        [Class.PROXY, Class.MOBILE, Class.VPN, Class.CAMPUS, Class.CGNAT],
        default=Class.OTHER,
    ).astype(np.int16)


def _counted_users(
    columns: Mapping[str, NDArray[np.float32]], card: Scorecard
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds from counts: each agent, fingerprint and forwarded client bounds the people that may be behind it."""
    rules = card.users
    agents, forwarded, tls, ports = (
        np.nan_to_num(columns[name].astype(np.float64), nan=0.0)
        for name in ("agents_day_max", "forwarded_day_max", "tls_day_max", "ports_hour_max")
    )
    low = np.maximum.reduce([agents * rules.agents_low, forwarded * rules.forwarded_low, tls * rules.tls_low])
    high = np.maximum.reduce([agents * rules.agents_high, forwarded * rules.forwarded_high, ports * rules.ports_high])
    return np.maximum(low, 2.0), np.maximum(high, 2.0)


def _class_users(bits: int, card: Scorecard) -> tuple[int, int] | None:
    """The widest of the ranges that the classes alone suggest, None where they suggest nothing."""
    ranges = [range_ for name, range_ in card.users.classes.items() if bits & CLASS_NAMES[name]]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def _powers_of_two(
    low: NDArray[np.float64], high: NDArray[np.float64], highest: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both bounds rounded outwards to powers of two, at least one octave wide, so that neighbours can merge."""
    wide = np.minimum(high, highest)
    low = np.exp2(np.floor(np.log2(np.minimum(low, wide / 2.0).clip(min=1.0))))
    return low.astype(np.int64), np.exp2(np.ceil(np.log2(wide.clip(min=2.0)))).astype(np.int64)
