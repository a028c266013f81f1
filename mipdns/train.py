"""Learning a scorecard from loads whose truth is known.

In: databases that `mipdns load` wrote, and what each address truly is. Out: units with evidence and truth.
"""

from __future__ import annotations

import csv
import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from mipdns import net
from mipdns.evidence import CONTEXT_COLUMNS, NETWORK_TYPES, UNIT_COLUMNS, Assertion, Route
from mipdns.inference import space
from mipdns.inference.pieces import measured_rows
from mipdns.inference.scorecard import Scorecard
from mipdns.inference.space import Origins
from mipdns.inference.training.sample import Sample
from mipdns.vocabulary import CLASS_NAMES, Class, Signal


def truth_of(path: Path) -> dict[int, tuple[bool, int, int]]:
    found = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            key = net.unit_key(net.parse_range(row["prefix"])[0])
            bits = 0
            for name in row["class"].split("+"):
                bits |= int(CLASS_NAMES[name]) if name else 0
            found[key] = (row["multi_user"] == "1", int(row["users"]), bits)
    return found


def read_sample(database: Path, truth: Path, card: Scorecard) -> Sample:
    known = truth_of(truth)
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute("SELECT * FROM observation ORDER BY first")
        names = [one[0] for one in cursor.description]
        rows = cursor.fetchall()
        declared_of = dict(connection.execute("SELECT asn, declared FROM network"))
        said = [
            Assertion(
                net.from_blob(low), net.from_blob(high), origin, Signal(signal), stance, Class(classes),
                datetime.date.fromisoformat(observed), datetime.date.fromisoformat(expires), bool(exact), source, detail,
            )
            for low, high, origin, signal, stance, classes, observed, expires, exact, source, detail in connection.execute(
                "SELECT first, last, origin, signal, stance, class, observed, expires, exact, source, detail FROM assertion ORDER BY id"
            )
        ]
        (as_of,) = connection.execute("SELECT as_of FROM build ORDER BY id DESC LIMIT 1").fetchone()
    place = {name: at for at, name in enumerate(names)}
    key = np.array([net.unit_key(net.from_blob(row[place["first"]])) for row in rows], dtype=np.uint64)
    order = np.argsort(key)
    rows = [rows[at] for at in order.tolist()]
    key = key[order]
    asn = np.array([row[place["asn"]] or 0 for row in rows], dtype=np.int64)
    kinds = {name: at for at, name in enumerate(NETWORK_TYPES)}
    declared = np.array([kinds.get(declared_of.get(row[place["asn"]]), -1) for row in rows], dtype=np.int8)
    traffic = np.array([kinds.get(row[place["traffic"]], -1) for row in rows], dtype=np.int8)
    columns = {
        name: np.array([np.nan if row[place[name]] is None else row[place[name]] for row in rows], dtype=np.float32)
        for name in [*UNIT_COLUMNS, *CONTEXT_COLUMNS]
    }
    origins = Origins([])
    ground = space.survey(said, origins, {"special": net.SPECIAL, "excluded": []}, card, datetime.date.fromisoformat(as_of))
    pieces = measured_rows(key, asn, ground, origins, net.SPECIAL)
    unit, first = np.unique(pieces.unit, return_index=True)
    sets = np.zeros(len(key), dtype=np.int64)
    sets[unit] = pieces.heard[first]
    truth_rows = [known.get(one) for one in key.tolist()]
    have = np.array([one is not None for one in truth_rows], dtype=bool)
    shared = np.array([bool(one and one[0]) for one in truth_rows])
    users = np.array([one[1] if one else 0 for one in truth_rows], dtype=np.int64)
    classes = np.array([one[2] if one else 0 for one in truth_rows], dtype=np.int16)
    sample = Sample(np.zeros(len(key), np.int64), key, asn, declared, traffic, columns, sets, list(ground.heard), shared, users, classes)
    return sample if have.all() else sample.take(np.flatnonzero(have))
