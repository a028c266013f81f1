"""How the inference agrees with partners, had they kept silent. In: labelled units. Out: a few numbers for the build.

The one rule: what a partner said never scores itself; every confidence here is computed without the partner's voice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = dict[str, float | int]


class Agreement:
    """Sums over the measured units that a partner labelled; whole numbers, so that their order does not matter."""

    def __init__(self, listed: int) -> None:
        self._listed = listed
        self._labelled = self._confirmed = self._agreed = self._squares = 0

    def add(self, shared: NDArray[np.bool_], confidence: NDArray[np.int16]) -> None:
        """shared: what the partner says. confidence: percent, inferred without the partner."""
        error = confidence.astype(np.int64) - 100 * shared
        self._labelled += len(shared)
        self._confirmed += int(shared.sum())
        self._agreed += int(((confidence >= self._listed) == shared).sum())
        self._squares += int((error * error).sum())

    def scores(self) -> Scores | None:
        """The scores; None without any label.

        labelled, confirmed: counts. agreement: share on the partner's side of `listed`. brier: mean squared error of
        the probability (lower is better; always saying one half gives 0.25).
        """
        if not self._labelled:
            return None
        return {
            "labelled": self._labelled,
            "confirmed": self._confirmed,
            "agreement": round(self._agreed / self._labelled, 4),
            "brier": round(self._squares / 10_000 / self._labelled, 4),
        }
