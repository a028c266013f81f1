"""The guard on change. In: how much the old build lists, and how much of it the next one loses and gains. Out: nothing,
or SnapshotTooDifferent, raised before the next is committed, so that database and index stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mipdns.errors import SnapshotTooDifferent

LISTED_MIN: Final = 10_000
"""A family of which the old build lists fewer addresses than this may change at will: a small world, a first load."""


def check(path: Path, before: Sequence[int], lost: Sequence[int], gained: Sequence[int], change_max: float) -> None:
    """Raises SnapshotTooDifferent. before, lost, gained: IPv4 addresses, then IPv6 /64s."""
    for family, listed, gone, come in zip(("IPv4 addresses", "IPv6 /64s"), before, lost, gained, strict=True):
        if listed >= LISTED_MIN and max(gone, come) > change_max * listed:
            raise SnapshotTooDifferent(
                f"{path}: of {listed} listed {family} the new build loses {gone}, and it gains {come}; "
                f"[load] change_max = {change_max:g} forbids that, so nothing was changed; "
                "if it is right, `mipdns load --force`"
            )
