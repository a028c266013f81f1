"""Learn the shipped scorecard from made worlds, and measure it on others.

In: options. Out: mipdns/inference/scorecard.json, and a table. The one rule: the same options and versions give the
same file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import numpy as np
import scipy
import sklearn
import worlds
from joblib import Parallel, delayed
from measures import COLUMNS, FORMS, measure, of_trees, row, spread

from mipdns.inference import parse_scorecard
from mipdns.inference.population import ALL_SHARED
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.training.ceiling import boosted_trees, matrix
from mipdns.inference.training.learning import learn, weights
from mipdns.inference.training.people import learn_people
from mipdns.inference.training.sample import Sample, as_told, join, shares
from mipdns.inference.training.text import card_text
from mipdns.train import read_sample
from mipdns.validation.truth import read_truth

CARD = Path("mipdns/inference/scorecard.json")


@click.command(help=__doc__)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/training"), show_default=True)
@click.option(
    "--worlds", "count", default=320, show_default=True, help="Of one log, to learn from; and half as many of several."
)
@click.option("--units", default=5000, show_default=True, help="Active units of each.")
@click.option("--measured", default=4, show_default=True, help="Worlds of each kind to measure on.")
@click.option("--measured-units", default=50_000, show_default=True, help="Active units of each of those.")
@click.option("--evaluate", is_flag=True, help="Only measure the scorecard that is there.")
@click.option("--out", type=click.Path(path_type=Path), default=CARD, show_default=True)
def main(folder: Path, count: int, units: int, measured: int, measured_units: int, evaluate: bool, out: Path) -> None:
    """As the module says."""
    started = time.monotonic()
    card = before = parse_scorecard(CARD.read_text("utf-8"), str(CARD))
    trees = None
    if not evaluate:
        learnt = worlds.learnt(count, units)
        sample = join([_told(one) for one in _samples(learnt, folder, card)])
        _say(f"{len(sample.key)} units of {len(learnt)} worlds", started)
        card = learn(sample, card)
        _say(f"{len(card.terms)} terms", started)
        card = learn_people(sample, card)
        everything = np.ones(len(sample.key), dtype=np.bool_)
        trees = boosted_trees(sample, weights(sample, ALL_SHARED, everything), card)
        _say("boosted trees", started)
    click.echo(COLUMNS)
    found: dict[str, dict[str, float]] = {}
    others = worlds.measured(measured, measured_units)
    for world, other in zip(others, _samples(others, folder, card), strict=True):
        found_shares = shares(other, card)
        told = as_told(other, found_shares.all)
        seen = measure(told, card, found_shares.unspoken)
        if trees is not None:
            seen |= of_trees(trees.predict_proba(matrix(told, card))[:, 1], told, found_shares.all)
        found[world.name] = seen
        click.echo(row(world.name, seen))
    for line in spread(found):
        click.echo(line)
    if not evaluate:
        made = {
            "command": f"scripts/train --worlds {count} --units {units} --measured {measured}"
            f" --measured-units {measured_units}",
            "worlds": len(learnt),
            "units": len(sample.key),
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
            "measured": {
                name: {column: value for column, value in seen.items() if column in FORMS}
                for name, seen in found.items()
            },
        }
        card = msgspec.structs.replace(card, name=named(card, before), trained=made)
        out.write_text(card_text(card), "utf-8")
        _say(f"{out} is written", started)


def named(card: Scorecard, before: Scorecard) -> str:
    """The name of a scorecard: that of the one before if both weigh alike, else one with the next number."""
    if msgspec.structs.replace(card, name=before.name, trained=before.trained) == before:
        return before.name
    return f"trained-{int(before.name.removeprefix('trained-')) + 1}"


def _samples(made: list[worlds.Made], folder: Path, card: Scorecard) -> Iterator[Sample]:
    """Of each world; those that are not there yet are made first, one a core."""
    for place in Parallel(n_jobs=-1)(delayed(worlds.loaded)(world, folder) for world in made):
        yield read_sample(place / "mip.db", read_truth(place / "truth.csv"), card)


def _told(sample: Sample) -> Sample:
    """As if the load had been told what is true of all its units."""
    return as_told(sample, float(sample.shared[sample.known].mean()))


def _say(text: str, started: float) -> None:
    print(f"{time.monotonic() - started:6.0f} s: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
