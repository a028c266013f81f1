"""How the inference agrees with partners, had they kept silent. In: labelled units. Out: a few numbers for the build.

The one rule: what a partner said never scores itself; every confidence here is computed without the partner's voice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = dict[str, float | int]


def score(shared: NDArray[np.bool_], confidence: NDArray[np.int16], listed: int) -> Scores | None:
    """Scores of measured units that a partner labelled; None without any.

    shared: what the partner says. confidence: percent, inferred without the partner. labelled, confirmed: counts.
    agreement: share on the partner's side of `listed`. brier: mean squared error of the probability (lower is better;
    always saying one half gives 0.25).
    """
    if not len(shared):
        return None
    error = confidence / 100.0 - shared
    return {
        "labelled": len(shared),
        "confirmed": int(shared.sum()),
        "agreement": round(float(np.mean((confidence >= listed) == shared)), 4),
        "brier": round(float(np.mean(error * error)), 4),
    }
