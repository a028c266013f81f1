"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of a stage's name and the share of it that is done, 0 to 1. Called often; must be cheap."""

    def __call__(self, stage: str, done: float) -> None:
        """Take note."""
        ...


def silent(stage: str, done: float) -> None:
    """Nobody listens."""
    del stage, done
