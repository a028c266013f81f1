"""What people say, and what is true: an ISP partner's words (a source), and `truth.csv` (never a source)."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.plan import NETWORKS, WorldPlan
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_csv
from mipdns.simulate.writers.rows import prefix_text

TRUTH_COLUMNS = ("prefix", "multi_user", "class", "users", "kind")


def write_truth(path: Path, world: World) -> Written:
    """Every active unit once: is it shared (1 or 0), as what (`cgnat+mobile`, empty if not), by how many in a day.

    `kind` is the simulator's own word. The loader never reads this file.
    """
    rows = zip(world.units.key.tolist(), world.units.kind.tolist(), world.units.users.tolist(), strict=True)
    return write_csv(
        path,
        TRUTH_COLUMNS,
        (
            (prefix_text(key), int(KINDS[kind].multi_user), KINDS[kind].classes, users, KINDS[kind].name)
            for key, kind, users in rows
        ),
    )


def write_partner(path: Path, world: World, plan: WorldPlan, as_of: datetime.date, rng: np.random.Generator) -> Written:
    """Words of partners on a small share of units: confirmations and denials, a few of them wrong."""
    units = world.units
    spoken_of = np.isin(
        units.kind,
        [KIND_NUMBER[name] for name in ("household", "household6", "cgnat", "mobile", "lone_office", "campus")],
    )
    chosen = np.flatnonzero(spoken_of)
    count = max(2, round(len(units.key) * plan.partner_words))
    chosen = np.sort(rng.permutation(chosen)[:count])
    wrong = rng.random(len(chosen)) < plan.partner_errors
    age_days = rng.integers(0, 60, len(chosen)).tolist()
    rows = []
    for row, is_wrong, age in zip(chosen.tolist(), wrong.tolist(), age_days, strict=True):
        kind = KINDS[int(units.kind[row])]
        confirmed = kind.multi_user != is_wrong
        classes = (kind.classes or "cgnat") if confirmed else ""
        who = f"noc@{NETWORKS[int(units.network[row])].domain}"
        observed = as_of - datetime.timedelta(days=age)
        rows.append((prefix_text(int(units.key[row])), "confirm" if confirmed else "deny", classes, observed, who))
    return write_csv(path, ("prefix", "verdict", "class", "observed", "who"), rows)
