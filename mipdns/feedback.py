"""A person's word on a range, kept as a label until it is taken back: the next load turns it into evidence."""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Iterable
from pathlib import Path

from mipdns import net, store
from mipdns.errors import FeedbackError
from mipdns.evidence import FEEDBACK, Label
from mipdns.sources.reading import refuse_too_wide
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
    """Write a label and return it in words. `class_names` are keys of CLASS_NAMES.

    Raises FeedbackError for a day that has not come (it would outweigh every later word), a range that is too wide or
    a speaker without a name, AddressError for special-purpose space, and StoreError.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    if observed and observed > today + datetime.timedelta(1):  # east of here it is tomorrow already
        raise FeedbackError(f"--observed {observed} has not come yet; today is {today} (UTC)")
    try:
        refuse_too_wide(*prefix)
    except ValueError as fault:
        raise FeedbackError(str(fault)) from None
    classes = Class(0)
    for name in class_names:
        classes |= CLASS_NAMES[name]
    label = Label(
        first=prefix[0],
        last=prefix[1],
        confirmed=confirmed,
        classes=classes,
        observed=observed or today,
        who=who or _user(),
        source=FEEDBACK,
    )
    store.add_label(database, label)
    return _in_words(label)


def forget(database: Path, prefix: net.Range, *, who: str = "", observed: datetime.date | None = None) -> list[str]:
    """Take back what one person said of exactly this range, on one day or on any, and return it in words.

    Raises FeedbackError where that is nothing, and StoreError.
    """
    who = who or _user()
    of_range = [one for one in store.labels(database) if one.source == FEEDBACK and (one.first, one.last) == prefix]
    said = [one for one in of_range if one.who == who and observed in (None, one.observed)]
    if not said:
        others = ", ".join(sorted({f"{one.who} ({one.observed})" for one in of_range}))
        told = f"; these did: {others}" if others else ""
        day = f" on {observed}" if observed else ""
        raise FeedbackError(f"{who} has said nothing of {net.format_range(*prefix)}{day}{told}")
    store.remove_feedback(database, said)
    return [_in_words(one) for one in said]


def _in_words(label: Label) -> str:
    verb = "is" if label.confirmed else "is not"
    return f"{label.who} says that {net.format_range(label.first, label.last)} {verb} used by many ({label.observed})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container: no such user; OSError since Python 3.13
        raise FeedbackError("this user has no name here; say who with --who") from None
