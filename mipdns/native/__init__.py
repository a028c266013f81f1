"""The same answers for what is asked often, in C, and the loop that sends them. In: zones, an index. Out: datagrams.

The one rule: an answer from here is byte for byte what `mipdns.answer.respond` answers, or there is none from here.
`_native` is the thin border to the C files beside it; nothing of Python stands in those.
"""

from __future__ import annotations

import importlib.util
import os

SWITCH = "MIPDNS_NO_EXTENSIONS"
"""The environment variable that, set to anything, keeps everything in Python."""


def available() -> bool:
    """Whether the compiled form is there and wanted; where it is not, everything is answered in Python."""
    return not os.environ.get(SWITCH) and importlib.util.find_spec("mipdns.native._native") is not None
