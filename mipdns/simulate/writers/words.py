"""What people say, and what is true: an ISP partner's words (a source), and `truth.csv` (never a source)."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

from mipdns.simulate.kinds import KIND_NUMBER, KINDS
from mipdns.simulate.population import World
from mipdns.simulate.writers.files import Written, write_csv
from mipdns.simulate.writers.rows import prefix_text

TRUTH_COLUMNS = ("prefix", "verdict", "class", "users", "kind")


def write_truth(path: Path, world: World) -> Written:
    """Every active unit once: is it shared (`confirm` or `deny`), as what (`cgnat+mobile`, empty if not), by how many
    people on a day, as of the last day.

    The truth is about the address, not about who was seen. `kind` is the simulator's own word. The loader never reads
    this file.
    """
    units = world.units
    now = np.flatnonzero(units.until >= world.days - 1)
    rows = zip(units.key[now].tolist(), units.kind[now].tolist(), units.users[now].tolist(), strict=True)
    verdicts = ["confirm" if kind.multi_user else "deny" for kind in KINDS]
    return write_csv(
        path,
        TRUTH_COLUMNS,
        ((prefix_text(key), verdicts[kind], KINDS[kind].classes, users, KINDS[kind].name) for key, kind, users in rows),
    )


def write_partner(path: Path, world: World, as_of: datetime.date, rng: np.random.Generator) -> Written:
    """Words of partners on a small share of units: confirmations and denials, a few of them wrong.

    An ISP speaks of all its addresses of a kind: some networks are spoken of much, most not at all.
    """
    units, errors = world.units, world.plan.errors
    spoken_of = np.isin(
        units.kind,
        [KIND_NUMBER[name] for name in ("household", "household6", "cgnat", "mobile", "lone_office", "campus")],
    )
    rows = np.flatnonzero(spoken_of & (units.until >= world.days - 1))
    most = max(2, round(len(units.key) * errors.partner_space))
    turn = rng.permutation(len(world.networks))
    chosen = np.sort(rows[np.lexsort((rng.random(len(rows)), turn[units.network[rows]]))][:most])
    wrong = rng.random(len(chosen)) < errors.partner_wrong
    age_days = rng.integers(0, 60, len(chosen)).tolist()
    words = []
    for row, is_wrong, age in zip(chosen.tolist(), wrong.tolist(), age_days, strict=True):
        kind = KINDS[int(units.kind[row])]
        confirmed = kind.multi_user != is_wrong
        classes = (kind.classes or "cgnat") if confirmed else ""
        who = f"noc@{world.networks[int(units.network[row])].domain}"
        observed = as_of - datetime.timedelta(days=age)
        words.append((prefix_text(int(units.key[row])), "confirm" if confirmed else "deny", classes, observed, who))
    return write_csv(path, ("prefix", "verdict", "class", "observed", "who"), words)
