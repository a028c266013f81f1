"""What became of addresses, in words. In: outcomes, and the states that fetches left. Out: plain data and lines.

The one rule: an address is told without its query, which may hold a token.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from mipdns.config import Source
from mipdns.fetch.copies import Copy, State, read_state
from mipdns.fetch.gather import Fetched, fetched_sources


def describe(fetched: Fetched) -> dict[str, object]:
    """What became of an address, for printing. age_hours: since the far end last gave or confirmed the copy."""
    return {
        "name": fetched.source,
        "outcome": fetched.outcome,
        "bytes": fetched.bytes,
        "age_hours": fetched.age_hours,
        "file": str(fetched.path),
        "url": _shown(fetched.url),
        "fault": fetched.fault,
    }


def line(fetched: Fetched) -> str:
    """What became of an address, for people."""
    age = "" if fetched.age_hours is None else f"{fetched.age_hours:.1f} h old"
    return f"{fetched.source}  {fetched.outcome}  {fetched.bytes} bytes  {age}  {_shown(fetched.url)}"


def warning(fetched: Fetched) -> str:
    """One line on a fetch that did not succeed."""
    stale = fetched.outcome == "stale"
    kept = f"its copy, {fetched.age_hours} hours old, is used" if stale else "there is no copy that may be used"
    return f"source {fetched.source!r}: {_shown(fetched.url)}: {fetched.fault}; {kept}"


def standing(sources: Sequence[Source]) -> list[dict[str, object]]:
    """How the copies of all fetched sources stand, from what the last fetch left; asks nobody.

    state: good; stale, the tries since failed; too old, and it is older than max_age_days; never fetched. age_hours:
    since the far end last gave or confirmed it, or the copy was put there by hand.
    """
    now = datetime.datetime.now(datetime.UTC)
    return [_standing(copy, now, source.max_age_days) for source, held in fetched_sources(sources) for copy in held]


def _standing(copy: Copy, now: datetime.datetime, max_age_days: float | None) -> dict[str, object]:
    state = read_state(copy.path)
    age_s = _age_s(copy, state, now)
    standing = "good"
    if age_s is None:
        standing = "never fetched"
    elif state.failures:
        old = max_age_days is not None and age_s > 86_400 * max_age_days
        standing = "too old" if old else "stale"
    return {
        "name": copy.source,
        "state": standing,
        "age_hours": None if age_s is None else round(age_s / 3600, 1),
        "failing_since": f"{state.failed_since:%Y-%m-%dT%H:%M:%SZ}" if state.failed_since else None,
        "failures": state.failures,
        "fault": state.fault,
        "file": str(copy.path),
        "url": _shown(copy.url),
    }


def _age_s(copy: Copy, state: State, now: datetime.datetime) -> float | None:
    """None where there is no copy. One that no fetch of ours made is as old as its file."""
    try:
        changed_s = copy.path.stat().st_mtime
    except OSError:
        return None
    return now.timestamp() - (state.fetched.timestamp() if state.fetched else changed_s)


def copy_trouble(copy: dict[str, object]) -> str:
    """One line on a copy that may not be used, as `standing` gives it; "" where it may, stale or not."""
    if copy["state"] == "never fetched":
        return f"source {copy['name']!r}: {copy['file']}: never fetched; `mipdns fetch` gets it"
    if copy["state"] == "too old":
        since = f"fetching fails since {copy['failing_since']} ({copy['failures']} times): {copy['fault']}"
        return f"source {copy['name']!r}: {copy['url']}: {since}; the last good copy is older than max_age_days"
    return ""


def _shown(url: str) -> str:
    return url.partition("?")[0]
