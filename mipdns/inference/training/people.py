"""How many people: ranges that hold the truth often enough and are as narrow as they can be.

In: units whose people are known, and a scorecard. Out: the scorecard with `users` learnt. The one rule: of all the
ranges that cover the truth as often as asked, the narrowest are taken.
"""

from __future__ import annotations

from itertools import product

import msgspec
import numpy as np

from mipdns.inference import character, crowd
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.training.sample import Sample, around, facts
from mipdns.vocabulary import CLASS_NAMES

COVERED = 0.88
"""Asked on the units learnt from, so that 0.80 is left on others."""
TAILS = (0.02, 0.05, 0.08, 0.12, 0.16)
AGENTS_HIGH = (2.0, 4.0, 6.0, 8.0, 12.0)
PORTS_HIGH = (0.05, 0.25)
UNITS_MIN = 100


def learn_people(sample: Sample, card: Scorecard) -> Scorecard:
    """The scorecard with ranges of users by class and factors on counts; as it was where too little is known."""
    columns = around(sample, card)
    known = facts(sample, card, columns)
    total = crowd.weigh(known, crowd.Heards(sample.heard), card, card.prior)
    asked = np.flatnonzero(sample.known & sample.shared & (sample.users > 0) & (total.confidence >= card.rules.listed))
    if len(asked) < UNITS_MIN:
        return card
    some = {name: values[asked] for name, values in columns.items()}
    few, confidence, users = known.take(asked), total.confidence[asked], sample.users[asked]
    best, narrowest = card, np.inf
    for tail, agents_high, ports_high in product(TAILS, AGENTS_HIGH, PORTS_HIGH):
        classes = dict(card.users.classes)
        for name, bit in CLASS_NAMES.items():
            of_class = users[sample.classes[asked] & int(bit) > 0]
            if name in classes and len(of_class) >= UNITS_MIN:
                low, high = np.quantile(of_class, [tail, 1.0 - tail])
                classes[name] = (2 ** max(int(np.log2(low)), 1), 2 ** int(np.ceil(np.log2(high))))
        told = msgspec.structs.replace(card.users, classes=classes, agents_high=agents_high, ports_high=ports_high)
        tried = msgspec.structs.replace(card, users=told)
        found = character.of_units(some, few, confidence, sample.heard, tried)
        covered = float(np.mean((found.users_low <= users) & (users <= found.users_high)))
        width = float(np.mean(np.log2(found.users_high / found.users_low)))
        if covered >= COVERED and width < narrowest:
            best, narrowest = tried, width
    return best
