"""What we answer: bytes in, bytes out. The readable specification of every response.

Read in this order: `respond` (the decision), `query` and `edns` (what is asked), `lists`, `names`, `tree` and
`testpoints` (what exists), `rdata`, `zone` and `chaos` (what is said), `encode` (how it is written), `cookies`, `wire`.
No module here knows a socket, a clock, a thread or a log.
"""

from mipdns.answer.peer import Peer
from mipdns.answer.respond import respond
from mipdns.answer.zone import Identity, Zone, Zones

__all__ = ["Identity", "Peer", "Zone", "Zones", "respond"]
