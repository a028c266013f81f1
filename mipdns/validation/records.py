"""How far each source is believed, and whose words moved that. In: what a load learnt and was told. Out: plain data.

The one rule: the weights are the load's own (`inference.trust`), for a word said today, so that what people's words and
a source's extent took from it stands apart from what age took.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from mipdns.evidence import Assertion, Belief
from mipdns.inference import Scorecard, Trust
from mipdns.inference.scorecard import POINTS
from mipdns.inference.trust import EVERYWHERE, weight
from mipdns.vocabulary import Signal

NETWORKS_MAX = 10


def records(
    beliefs: Sequence[Belief], said: Iterable[Assertion], card: Scorecard, as_of: datetime.date
) -> list[dict[str, Any]]:
    """A row for each source and kind of word whose weight is another than the scorecard's: what it claims and weighs,
    in log-odds; how many labels bore it out (`right`) and contradicted it (`wrong`), one a /24 or /48; the share of
    what it names that can be true, None for all; and the networks where it weighs otherwise, the most changed first,
    of which there may be more (`networks_changed`) than rows.
    """
    trust = Trust.of(beliefs)
    words: dict[tuple[str, str], Assertion] = {}
    for one in said:
        if one.signal is not Signal.PARTNER and not card.assertions[one.origin].datacentre:
            words.setdefault((one.source, one.origin), one._replace(observed=as_of))
    rows = []
    for (source, origin), word in sorted(words.items()):

        def weighs(asn: int, word: Assertion = word) -> float:
            return weight(word, asn, card, as_of, trust) / POINTS

        right, wrong = trust.records.get((source, EVERYWHERE), (0, 0))
        networks = [
            {"asn": asn, "right": borne, "wrong": denied, "weighs": weighs(asn)}
            for (name, asn), (borne, denied) in sorted(trust.records.items())
            if name == source and asn != EVERYWHERE
        ]
        claimed, everywhere = card.assertions[origin].points / POINTS, weighs(EVERYWHERE)
        if everywhere == claimed and all(row["weighs"] == claimed for row in networks):
            continue
        networks.sort(key=lambda row: (abs(row["weighs"] - claimed), row["right"] + row["wrong"]), reverse=True)
        rows.append(
            {
                "source": source,
                "origin": origin,
                "claims": claimed,
                "weighs": everywhere,
                "right": right,
                "wrong": wrong,
                "plausible": trust.doubted.get((source, origin)),
                "networks": networks[:NETWORKS_MAX],
                "networks_changed": sum(row["weighs"] != claimed for row in networks),
            }
        )
    return sorted(rows, key=lambda row: abs(row["claims"] - row["weighs"]), reverse=True)
