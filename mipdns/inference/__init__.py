"""What we conclude: features, scorecard, and the roll-up of units into ranges. No files, no SQL.

`judge` turns the evidence of a load into verdicts; `explain` gives the terms of one of them; `shipped_scorecard` holds
the weights of both. docs/model.md explains and defends them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mipdns.inference.reasons import Explanation, Term, explain, explain_pooled, says_anything
from mipdns.inference.scorecard import Scorecard, parse_scorecard, shipped_scorecard
from mipdns.inference.trust import Trust

if TYPE_CHECKING:
    from mipdns.inference.judgement import Judgement, judge

__all__ = [
    "Explanation",
    "Judgement",
    "Scorecard",
    "Term",
    "Trust",
    "explain",
    "explain_pooled",
    "judge",
    "parse_scorecard",
    "says_anything",
    "shipped_scorecard",
]


def __getattr__(name: str) -> object:
    """`judge` and `Judgement` on first use: they need numpy, which explaining one address does not."""
    if name in ("Judgement", "judge"):
        from mipdns.inference import judgement  # noqa: PLC0415  (see above)

        return getattr(judgement, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
