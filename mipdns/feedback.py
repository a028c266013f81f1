"""A person's word on a range, kept as a label: the next load turns it into evidence."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Iterable
from pathlib import Path

from mipdns import net, store
from mipdns.evidence import FEEDBACK, Label
from mipdns.vocabulary import CLASS_NAMES, Class


def say(
    database: Path,
    prefix: net.Range,
    *,
    confirmed: bool,
    class_names: Iterable[str] = (),
    who: str = "",
    observed: datetime.date | None = None,
) -> str:
    """Write a label and return it in words. `class_names` are keys of CLASS_NAMES. Raises StoreError."""
    classes = Class(0)
    for name in class_names:
        classes |= CLASS_NAMES[name]
    label = Label(
        first=prefix[0],
        last=prefix[1],
        confirmed=confirmed,
        classes=classes,
        observed=observed or datetime.datetime.now(datetime.UTC).date(),
        who=who or getpass.getuser(),
        source=FEEDBACK,
    )
    store.add_label(database, label)
    verb = "is" if confirmed else "is not"
    return f"{label.who} says that {net.format_range(*prefix)} {verb} used by many ({label.observed})"
