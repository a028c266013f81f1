"""How files come here, before any source reads them: by HTTP or HTTPS, into copies that `mipdns load` finds in place.

    addresses → exchange (one request) → transfer (redirects, retries) → ways (what an address means)
              → soundness (is this a list at all?) → copies (replace in one step, remember)
              → gather (many at once) → telling (in words)

The one rule: a copy that was good is replaced only by one that is whole and of the same kind; else it stays, and is
reported stale. Nothing here knows what is in the files: whoever fetches may hand in a reader that tastes each.
"""

from mipdns.fetch.copies import Copy, State, read_state
from mipdns.fetch.gather import Fetched, fetch, fetched_sources
from mipdns.fetch.telling import describe, line, standing, warning
from mipdns.fetch.transfer import Limits

__all__ = [
    "Copy",
    "Fetched",
    "Limits",
    "State",
    "describe",
    "fetch",
    "fetched_sources",
    "line",
    "read_state",
    "standing",
    "warning",
]
