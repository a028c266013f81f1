"""Which weights judge: those that come with mipdns, or a file of one's own that `[load] scorecard` names.

In: a configuration. Out: a `Scorecard`. The one rule: whatever judges or explains by a configuration asks here, so that
a load and what is told of it afterwards go by the same weights.
"""

from __future__ import annotations

from pathlib import Path

from mipdns import inference
from mipdns.config import Config
from mipdns.errors import ConfigError
from mipdns.inference import Scorecard


def scorecard_of(config: Config) -> Scorecard:
    """The scorecard of a configuration. Raises ConfigError, which names the file and the key in it at fault."""
    if not config.load.scorecard:
        return inference.shipped_scorecard()
    path = Path(config.load.scorecard)
    try:
        text = path.read_bytes()
    except OSError as fault:
        raise ConfigError(f"[load] scorecard: {path}: {fault.strerror}; `mipdns train` writes such a file") from None
    return inference.parse_scorecard(text, str(path))
