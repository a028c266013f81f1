"""How long what a source said stays true. In: an assertion's origin and the day it was observed. Out: its last day.

The one rule: everything that is asserted expires; what nobody repeats is forgotten.
"""

from __future__ import annotations

import datetime

LIFE_DAYS: dict[str, int] = {
    # Exits come and go by the week, and a left address goes back to the data centre's ordinary customers.
    "list.tor": 30,
    # Operators renumber their pools by the quarter rather than by the week, and publishers lag behind them.
    "list.vpn": 180,
    "list.proxy": 180,
    "list.relay": 180,
    # Allocations of carriers, campuses and data centres change slowly; half a year bounds a list nobody updates.
    "list.cgnat": 180,
    "list.mobile": 180,
    "list.campus": 180,
    "list.other": 180,
    "list.hosting": 180,
    # A carrier that translates goes on doing so; the address may still be moved to another use.
    "trace.cgnat": 180,
    "trace.direct": 180,
    # Reverse zones are written once and follow the plan of the network, not its customers.
    "names.nat": 365,
    "names.mobile": 365,
    "names.vpn": 365,
    "names.proxy": 365,
    "names.tor": 365,
    "names.campus": 365,
    "names.access": 365,
    "names.static": 365,
    # Whoever knew it was right on that day; half a year later somebody should say it again.
    "partner.confirm": 180,
    "partner.deny": 180,
}
"""Every origin that a source may give, and how many days after the observation it still counts."""


def expires(origin: str, observed: datetime.date) -> datetime.date:
    """The last day on which an assertion of this origin counts. Raises KeyError for an origin nobody defined."""
    life = datetime.timedelta(LIFE_DAYS[origin])
    return min(observed, datetime.date.max - life) + life
