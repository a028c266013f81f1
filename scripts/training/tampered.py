"""How often a load tells of a list that names at random, and how far from being told of the honest ones are.

In: databases of loads of made worlds, by path (`scripts/train` leaves some). Out: a table. The one rule: a list that
is made here names units that logs saw, each with the same chance, beside what the world's own sources say.

    PYTHONPATH=. .venv/bin/python scripts/training/tampered.py build/training/*/mip.db
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mipdns import inference, net, store
from mipdns.evidence import NETWORK_TYPES, Assertion, ObservationTable
from mipdns.inference import crowd, features
from mipdns.inference.bearing import ERRORS, Bearing, Tried
from mipdns.inference.scorecard import MEASURED, Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.trust import learn
from mipdns.store.bulk import read_bulk
from mipdns.vocabulary import Class, Signal

SHARES = (0.5, 0.25, 0.1, 0.03)
TAMPERED = "tor"
"""The list to which random units are added, where a world has it."""


class Load(NamedTuple):
    """What a load kept. declared: index into NETWORK_TYPES of each unit's AS, -1 unknown."""

    build: store.Build
    said: list[Assertion]
    tables: list[ObservationTable]
    declared: list[NDArray[np.int8]]


def read(database: Path) -> Load:
    with read_bulk(database) as bulk:
        tables = list(bulk.observations())
        types = {
            one.asn: NETWORK_TYPES.index(one.network.declared)
            for one in bulk.networks()
            if one.network and one.network.declared
        }
    declared = [np.array([types.get(asn, -1) for asn in table.asn.tolist()], dtype=np.int8) for table in tables]
    return Load(store.latest_build(database), store.assertions(database), tables, declared)


def tried(load: Load, said: Sequence[Assertion], card: Scorecard) -> dict[str, Tried]:
    """What a load that heard this would find of each source. Made worlds are seen within days: nothing has aged."""
    bearing = Bearing(said, card, learn((), said, card, Origins([]).split))
    for table, declared in zip(load.tables, load.declared, strict=True):
        nobody = np.zeros(len(table.key), dtype=np.int64)
        measured = crowd.measure(table.columns, card, MEASURED)
        way, rhythm = features.way_of(table.columns), crowd.rhythm(table.columns, card.rules)
        facts = crowd.Facts(measured, declared, table.traffic, nobody, way, rhythm)
        bearing.add(table.key, table.asn, facts, table.columns, load.build.prior)
    return bearing.tried()


def random_list(load: Load, source: str, share: float, seed: int) -> Iterator[Assertion]:
    """Each unit that logs saw, with the chance `share`, called an exit of Tor."""
    rng = np.random.default_rng(seed)
    day = load.build.as_of
    for table in load.tables:
        for key in table.key[rng.random(len(table.key)) < share].tolist():
            yield Assertion(
                *net.unit_range(key), "list.tor", Signal.LIST, "shared", Class.TOR, day, day, False, source, "made"
            )


def main(databases: Sequence[Path]) -> None:
    card = inference.shipped_scorecard()
    found: dict[str, list[Tried | None]] = defaultdict(list)
    for seed, database in enumerate(databases):
        load = read(database)
        for source, one in tried(load, load.said, card).items():
            found[source].append(one)
        for share in SHARES:
            for name, others in (("at random", []), (f"{TAMPERED}, and random", load.said)):
                source = TAMPERED if others else "at random"
                said = [*others, *random_list(load, source, share, seed)]
                found[f"{name}: {share:.0%} of units"].append(tried(load, said, card).get(source))
    print(
        f"{len(databases)} loads\n  tried   told  nearest  farthest  list: difference and {ERRORS:g} errors, of `right`"
    )
    for name, every in sorted(found.items()):
        judged = [one for one in every if one]
        uppers = sorted((one.difference + ERRORS * one.error) / one.right for one in judged)
        ends = f"{uppers[0]:+9.2f} {uppers[-1]:+9.2f}" if uppers else " " * 19
        print(f"{len(judged):7d} {sum(one.unsupported for one in judged):6d} {ends}  {name}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
