"""Units as the field shows them: what logs count of a household, a scanner, a carrier's pool and others."""

from __future__ import annotations

FAMILIES = 24.0
"""There are not many more browsers and systems than that, whatever their versions."""


def day(requests: float, ports: float, agents: float, tls: float, **rest: float) -> dict[str, float]:
    """A unit's columns from its day; the hour is taken as a quarter of it."""
    columns = {
        "days": 3.0,
        "requests_day_max": requests,
        "requests_hour_max": max(requests // 4, 1.0),
        "ports_hour_max": ports,
        "ports_hour_median": max(ports // 2, 1.0),
        "blocks_hour_max": min(ports, 100.0),
        "agents_hour_max": max(agents // 2, 1.0),
        "agents_day_max": agents,
        "agents_day_median": agents,
        "families_day_max": min(max(agents * 2 // 3, 1.0), FAMILIES),
        "agent_top_share": min(1.0, max(2.5 / agents, 0.08) if agents > 1 else 1.0),
        "tls_day_max": tls,
        "forwarded_day_max": 0.0,
        "forwarded_share": 0.0,
        "addresses_day_max": 1.0,
        "crawler_share": 0.0,
        "mobile_share": 0.4,
        "hours_day_max": 14.0,
        "night_share": 0.06,
    }
    return columns | rest


COUPLE = day(24, 10, 2, 2, hours_day_max=7.0)
HOUSEHOLD = day(60, 22, 3, 3)
BIG_FAMILY = day(400, 60, 8, 5, hours_day_max=18.0, agents_hour_max=5.0)
QUIET = day(1, 1, 1, 1, hours_day_max=1.0, night_share=0.0)
SCANNER = day(3000, 2847, 1, 1, crawler_share=0.0, blocks_hour_max=110.0, hours_day_max=24.0, night_share=0.32)
SCANNER_WITHOUT_AGENT = {
    key: value
    for key, value in SCANNER.items()
    if not key.startswith(("agent", "families", "tls", "crawler", "mobile"))
}
BURST_WITHOUT_AGENT = SCANNER_WITHOUT_AGENT | {"hours_day_max": 1.0, "night_share": 0.0}
FORGED_AGENTS = {
    name: value
    for name, value in day(100, 3, 60, 1, agents_hour_max=40.0, agent_top_share=0.03).items()
    if not name.startswith("tls")
}
"""An agent for nearly every request, over few connections, and nothing else that speaks for a crowd."""
TORRENT = day(5000, 1200, 2, 2, hours_day_max=24.0, night_share=0.27, blocks_hour_max=240.0)
CRAWLER = day(20000, 900, 2, 1, crawler_share=0.99, hours_day_max=24.0, night_share=0.32)
ROTATING_CRAWLER = day(
    20000, 900, 60, 1, agent_top_share=0.02, hours_day_max=24.0, night_share=0.32, agents_hour_max=60.0
)
ROTATING_CRAWLER_WITHOUT_TLS = {key: value for key, value in ROTATING_CRAWLER.items() if key != "tls_day_max"}
CGNAT = day(2500, 420, 70, 14, hours_day_max=24.0, night_share=0.09, agents_hour_max=26.0)
CGNAT_WITHOUT_AGENT = {name: value for name, value in CGNAT.items() if name in SCANNER_WITHOUT_AGENT} | {
    "blocks_hour_max": 200.0
}
"""Of a flow log: its ports lie all over the range."""
MOBILE = day(6000, 900, 160, 18, mobile_share=0.97, hours_day_max=24.0, night_share=0.1, agents_hour_max=60.0)
CAMPUS = day(3000, 300, 45, 12, hours_day_max=13.0, night_share=0.01, agents_hour_max=25.0)
VPN_EXIT = day(1500, 300, 40, 12, hours_day_max=24.0, night_share=0.2, agents_hour_max=14.0)
EDGE = day(900, 30, 16, 4, forwarded_day_max=40.0, forwarded_share=1.0, crawler_share=0.2)
FORGED_CLIENTS = day(500, 60, 1, 1, forwarded_day_max=500.0, forwarded_share=1.0)
