"""When people come and what sees them: the shapes of a day, and who observes whom. Numbers only."""

from __future__ import annotations

from mipdns.simulate.kinds import Observers, Shape

# Visits by local hour, weekday and weekend, in parts; only the proportions count.
DAY_SHAPES: dict[Shape, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "evening": (
        (3, 1.5, 1, 0.6, 0.5, 0.8, 2, 4, 4, 4, 4, 4.5, 5, 5, 5, 5.5, 6.5, 8, 9, 10, 11, 11, 9, 6),
        (4, 2.5, 1.5, 1, 0.7, 0.7, 1, 2, 4, 6, 7, 7.5, 7.5, 7.5, 7.5, 7.5, 8, 8.5, 9, 10, 10.5, 10.5, 9, 6),
    ),
    "commute": (
        (2, 1, 0.7, 0.5, 0.7, 2, 5, 9, 9, 6, 5.5, 6, 7.5, 7, 6, 6, 7, 9, 9, 8, 7.5, 7, 6, 4),
        (3, 2, 1.2, 0.8, 0.6, 0.8, 1.5, 3, 5, 6.5, 7.5, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7.5, 7, 6, 4),
    ),
    "office": (
        (0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 3, 8, 11, 11, 10, 6.5, 9, 10.5, 10, 8, 4, 1.2, 0.5, 0.3, 0.2, 0.2, 0.1),
        (
            0.3,
            0.2,
            0.2,
            0.2,
            0.2,
            0.2,
            0.3,
            0.6,
            1,
            1.5,
            2,
            2,
            1.5,
            1.5,
            1.5,
            1.5,
            1,
            0.8,
            0.6,
            0.5,
            0.4,
            0.4,
            0.3,
            0.3,
        ),
    ),
    "campus": (
        (3, 2, 1, 0.6, 0.4, 0.4, 0.7, 3, 7, 9, 10, 10, 9.5, 9, 9, 9, 8, 7, 6, 6, 6, 6, 5.5, 4.5),
        (4, 3, 2, 1, 0.6, 0.4, 0.5, 1, 2, 4, 5.5, 6, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6.5, 6, 5),
    ),
    "flat": ((1,) * 24, (1,) * 24),
}
WEEKEND_FACTOR: dict[Shape, float] = {"evening": 1.1, "commute": 0.8, "office": 0.12, "campus": 0.5, "flat": 1.0}

# Where a connection goes, in parts. `colo` reports only a sample of it.
OBSERVERS = ("edge", "web", "blog", "sensor", "probe", "cloud", "colo", "app", "api")
REQUEST_LOGS = frozenset(("edge", "web", "blog", "sensor", "probe", "app", "api"))
CONNECTION_LOGS = frozenset(("sensor", "probe", "cloud", "colo"))
OBSERVER_SHARES: dict[Observers, tuple[float, ...]] = {
    "browsing": (62, 10, 4, 7, 3, 5, 4, 3, 2),
    "behind": (12, 0, 0, 34, 13, 5, 0, 22, 14),
    "hunting": (6, 6, 3, 30, 10, 20, 25, 0, 0),
    "bots": (55, 14, 6, 10, 5, 3, 3, 2, 2),
    "swarm": (4, 2, 0, 0, 0, 42, 50, 1, 1),
    "games": (8, 2, 0, 0, 0, 50, 38, 1, 1),
}
