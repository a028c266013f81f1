"""Figures as SVG. In: parts of the report. Out: text that stands inside the page.

The one rule: drawn here, by hand, for the width of a phone (420 units); colours come from the page's style sheet, so
that light and dark are one figure. Every figure has a title and says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

WIDTH = 420
CLASS_ORDER = ("cgnat", "mobile", "campus", "vpn", "proxy", "relay", "tor", "other", "class not told")

_LEFT, _RIGHT = 54, 14
_INNER = WIDTH - _LEFT - _RIGHT


def short(number: float) -> str:
    """A count for a small place: 950, 1.2k, 35k, 4.1M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 10 * size else f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def reliability(rows: Sequence[dict[str, Any]]) -> str:
    """What was told over what came true, with intervals; underneath how many units were told that much."""
    top, size, strip = 12, 250, 54
    bottom = top + size

    def x(share: float) -> float:
        return _LEFT + share * _INNER

    def y(share: float) -> float:
        return bottom - share * size

    most = max(row["units"] for row in rows) or 1
    parts = [_frame(top, size, y, x), f'<line class="ideal" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>']
    known = [row for row in rows if row["units"] and row["true"]["value"] is not None]
    points = " ".join(f"{x(row['told']):.1f},{y(row['true']['value']):.1f}" for row in known)
    parts.append(f'<polyline class="curve" points="{points}"/>')
    for row in known:
        at, true = x(row["told"]), row["true"]
        if true["low"] is not None:
            parts.append(_whisker(at, y(true["low"]), at, y(true["high"])))
        told = f"told {row['told']:.1%}, true {true['value']:.1%}, {row['units']:,} units"
        radius = 2.5 + 4.0 * math.sqrt(row["units"] / most)
        parts.append(_dot(at, y(true["value"]), radius, told))
    for row in rows:
        left, right = x((row["from"] - 1) / 100), x(row["to"] / 100)
        height = 26 * row["units"] / most
        parts.append(
            _bar("count", left + 1, bottom + strip - height, right - left - 2, height, f"{row['units']:,} units")
        )
        if row["units"]:
            parts.append(_text("tiny", (left + right) / 2, bottom + strip - height - 3, short(row["units"]), "middle"))
    parts.append(_ticks(bottom + strip + 14))
    parts.append(_text("axis", x(0.5), bottom + strip + 30, "confidence told, percent, and units told so", "middle"))
    parts.append(_upright("share truly shared", top + size / 2))
    return _svg("Reliability", bottom + strip + 36, parts)


def histogram(parts_of: dict[str, list[int]]) -> str:
    """Units by confidence in steps of five percent: above the line what is shared, by class; below what is not."""
    steps = {name: _steps(counts) for name, counts in parts_of.items()}
    single = steps.pop("not shared", [0] * 20)
    names = [name for name in CLASS_ORDER if name in steps]
    stacked = [sum(steps[name][at] for name in names) for at in range(20)]
    up, down, top, size = max([*stacked, 1]), max([*single, 1]), 12, 125
    middle = top + size
    parts = [_grid_x(top, 2 * size)]
    for at in range(20):
        left, width = _LEFT + at * _INNER / 20 + 0.75, _INNER / 20 - 1.5
        base = float(middle)
        for name in names:
            height = size * steps[name][at] / up
            base -= height
            said = f"{steps[name][at]:,} {name}, told {5 * at + 1} to {5 * at + 5} %"
            parts.append(_bar(f"c-{name.replace(' ', '-')}", left, base, width, height, said))
        said = f"{single[at]:,} not shared, told {5 * at + 1} to {5 * at + 5} %"
        parts.append(_bar("c-not-shared", left, middle, width, size * single[at] / down, said))
    parts.append(f'<line class="axisline" x1="{_LEFT}" y1="{middle}" x2="{_LEFT + _INNER}" y2="{middle}"/>')
    parts += [
        _text("tick", _LEFT - 5, top + 8, short(up), "end"),
        _text("tick", _LEFT - 5, middle + 4, "0", "end"),
        _text("tick", _LEFT - 5, middle + size, short(down), "end"),
        _upright("shared", top + size / 2),
        _upright("not shared", middle + size / 2),
        _ticks(middle + size + 14),
        _text("axis", _LEFT + _INNER / 2, middle + size + 30, "confidence, percent", "middle"),
    ]
    return _svg("Confidence by class", middle + size + 36, parts) + _legend([*names, "not shared"])


def precision_recall(curve: Sequence[dict[str, Any]]) -> str:
    """Precision and recall of listing everything from a confidence on."""
    top, size = 12, 220

    def x(share: float) -> float:
        return _LEFT + share * _INNER

    def y(share: float) -> float:
        return top + size - share * size

    parts = [_frame(top, size, y, x)]
    for key in ("precision", "recall"):
        known = [row for row in curve if row[key] is not None]
        points = " ".join(f"{x(row['at'] / 100):.1f},{y(row[key]):.1f}" for row in known)
        parts.append(f'<polyline class="line-{key}" points="{points}"><title>{key}</title></polyline>')
    parts.append(_ticks(top + size + 14))
    parts.append(_text("axis", x(0.5), top + size + 30, "listed from this confidence on, percent", "middle"))
    legend = _keys([("line-precision", "precision"), ("line-recall", "recall")])
    return _svg("Precision and recall", top + size + 36, parts) + legend


ABLATED_MAX = 14


def ablation(rows: Sequence[dict[str, Any]]) -> str:
    """What changes when a signal or a source is left out: AUC lost to the left is what it was worth. Of many rows those
    are drawn that change AUC most.
    """
    shown = sorted(rows, key=lambda row: -abs(row["roc_auc"]["value"] or 0.0))[:ABLATED_MAX]
    shown.sort(key=lambda row: row["roc_auc"]["value"] or 0.0)
    label, gap, line, top = 118, 14, 22, 30
    width = (WIDTH - label - gap - 8) / 2
    parts = []
    for place, (key, title) in enumerate((("roc_auc", "AUC"), ("ece", "calibration error"))):
        values = [value for row in shown for value in row[key].values() if value is not None]
        reach = max([abs(value) for value in values] + [0.001])
        left = label + place * (width + gap)
        zero = left + width / 2
        parts.append(_text("axis", zero, 12, f"change of {title}", "middle"))
        parts.append(_text("tick", left, 24, f"−{reach:.3f}"))
        parts.append(_text("tick", left + width, 24, f"+{reach:.3f}", "end"))
        parts.append(f'<line class="axisline" x1="{zero}" y1="{top}" x2="{zero}" y2="{top + line * len(shown)}"/>')
        for number, row in enumerate(shown):
            value, low, high = (row[key][name] for name in ("value", "low", "high"))
            if value is None:
                continue
            y, scale = top + number * line + 4, width / 2 / reach
            worse = (value < 0) == (key == "roc_auc")
            left_end = zero + min(value, 0.0) * scale
            said = f"without {row['name']}: {title} {value:+.4f}"
            parts.append(_bar("worse" if worse else "better", left_end, y, abs(value) * scale, line - 9, said))
            if low is not None:
                parts.append(_whisker(zero + low * scale, y + 6.5, zero + high * scale, y + 6.5))
    for number, row in enumerate(shown):
        name = row["name"] if len(row["name"]) <= 15 else f"{row['name'][:14]}…"
        parts.append(
            _text("name", label - 8, top + number * line + 14, name, "end", "source" * (row["kind"] != "signal"))
        )
    return _svg("What each evidence is worth", top + line * max(len(shown), 1) + 8, parts)


def drift(before: Sequence[int], after: Sequence[int]) -> str:
    """Measured units by confidence, the build before as a line, this one as bars, each as a share of its own."""
    top, size = 12, 150
    old, new = (_shares(_steps(counts)) for counts in (before, after))
    most = max([*old, *new, 1e-9])
    parts = [_grid_x(top, size)]
    step = _INNER / 20
    for at in range(20):
        height = size * new[at] / most
        parts.append(_bar("count", _LEFT + at * step + 1, top + size - height, step - 2, height, f"{new[at]:.1%} now"))
    line = " ".join(
        f"{_LEFT + (at + side) * step:.1f},{top + size - size * old[at] / most:.1f}"
        for at in range(20)
        for side in (0, 1)
    )
    parts.append(f'<polyline class="before" points="{line}"><title>the build before</title></polyline>')
    parts += [
        _text("tick", _LEFT - 5, top + 8, f"{most:.0%}", "end"),
        _ticks(top + size + 14),
        _text("axis", _LEFT + _INNER / 2, top + size + 30, "confidence, percent, of units that logs saw", "middle"),
    ]
    legend = _keys([("count", "this build"), ("before", "the one before")])
    return _svg("Drift", top + size + 36, parts) + legend


LEVELS = (1, 25, 50, 80, 95)


def space(cells: Iterable[Sequence[int]], label: str = "Address space by confidence") -> str:
    """65,536 equal parts of a space as a Hilbert curve, by the highest confidence in each; 256 of them are numbered:
    of IPv4 its /16s in its /8s, of a /8 its /24s in its /16s.
    """
    by_level: list[list[tuple[int, int]]] = [[] for _ in LEVELS]
    for index, confidence in cells:
        level = sum(confidence >= low for low in LEVELS) - 1
        x, y = _hilbert(index, 8)
        by_level[max(level, 0)].append((y, x))
    parts = ['<rect class="ground" width="256" height="256"/>']
    for level, places in enumerate(by_level):
        if places:
            parts.append(f'<path class="l{level}" d="{"".join(_runs(sorted(places)))}"/>')
    parts += [f'<path class="grid" d="M{at} 0v256M0 {at}h256"/>' for at in range(16, 256, 16)]
    for block in range(256):
        x, y = _hilbert(block, 4)
        parts.append(f'<text class="block" x="{16 * x + 8}" y="{16 * y + 10}" text-anchor="middle">{block}</text>')
    names = [f"{low}–{high}" for low, high in zip(LEVELS, [24, 49, 79, 94, 100], strict=True)]
    keys = _keys([("ground", "nothing known"), *((f"l{level}", name) for level, name in enumerate(names))])
    inside = "".join(parts)
    box = f'class="map" viewBox="0 0 256 256" role="img" aria-label="{label}"'
    return f"<svg {box}>{inside}</svg>{keys}"


def _runs(places: list[tuple[int, int]]) -> Iterable[str]:
    """Cells of one level as rectangles: neighbours in a row are one."""
    start, width = places[0], 1
    for place in [*places[1:], (-1, -1)]:
        if place == (start[0], start[1] + width):
            width += 1
            continue
        yield f"M{start[1]} {start[0]}h{width}v1h-{width}z"
        start, width = place, 1


def _hilbert(index: int, order: int) -> tuple[int, int]:
    """Column and row of a place on the Hilbert curve of 2**order cells a side (Warren, Hacker's Delight, 16-1)."""
    x = y = 0
    rest = index
    for bit in range(order):
        side = 1 << bit
        right = (rest >> 1) & 1
        up = (rest ^ right) & 1
        if not up:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y = x + side * right, y + side * up
        rest >>= 2
    return x, y


def _steps(counts: Sequence[int]) -> list[int]:
    """101 counts by percent as 20 steps: 1 to 5, 6 to 10 …; percent 0 belongs to the first."""
    return [sum(counts[5 * at + 1 : 5 * at + 6]) + (counts[0] if at == 0 else 0) for at in range(20)]


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{inside}</svg>'


def _frame(top: float, size: float, y: Any, x: Any) -> str:  # noqa: ANN401 scales
    lines = []
    for tenth in range(0, 11, 2):
        share = tenth / 10
        lines.append(f'<line class="grid" x1="{_LEFT}" y1="{y(share):.1f}" x2="{_LEFT + _INNER}" y2="{y(share):.1f}"/>')
        lines.append(f'<line class="grid" x1="{x(share):.1f}" y1="{top}" x2="{x(share):.1f}" y2="{top + size}"/>')
        lines.append(_text("tick", _LEFT - 5, y(share) + 4, f"{share:.0%}", "end"))
    return "".join(lines)


def _grid_x(top: float, size: float) -> str:
    ends = (_LEFT + _INNER * tenth / 10 for tenth in range(0, 11, 2))
    return "".join(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + size}"/>' for x in ends)


def _ticks(y: float) -> str:
    return "".join(_text("tick", _LEFT + _INNER * at / 100, y, str(at), "middle") for at in range(0, 101, 20))


def _bar(kind: str, x: float, y: float, width: float, height: float, told: str) -> str:
    if height <= 0 or width <= 0:
        return ""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {box}><title>{escape(told)}</title></rect>'


def _dot(x: float, y: float, radius: float, told: str) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{escape(told)}</title></circle>'


def _whisker(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="whisker" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(kind: str, x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return (
        f'<text class="{f"{kind} {more}".strip()}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _upright(text: str, y: float) -> str:
    return (
        f'<text class="axis" transform="translate(11 {y:.0f}) rotate(-90)" text-anchor="middle">{escape(text)}</text>'
    )


def _legend(names: Iterable[str]) -> str:
    return _keys((f"c-{name.replace(' ', '-')}", name) for name in names)


def _keys(pairs: Iterable[tuple[str, str]]) -> str:
    """A legend: style and name of each key."""
    keys = "".join(f'<span class="key"><i class="k {kind}"></i>{escape(name)}</span>' for kind, name in pairs)
    return f'<p class="legend">{keys}</p>'
