"""A plot of the answers' cost as SVG. In: the document that `all` keeps. Out: text of an SVG file.

Left: CPU time a query of every server, bars of user and system time; a bar that would dwarf the others is cut, and
says so. Right: how it grows with the listings. The one rule: every number that is drawn stands in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 900, 340
_TOP, _BOTTOM = 60, 300
_COLOURS = {
    "mipdns": "#0b7a3e",
    "echo": "#8a8f98",
    "rbldnsd": "#c2571a",
    "nsd": "#2f6fb7",
    "knot": "#8a4fb0",
    "powerdns": "#a3801a",
}
_LINE = 15
_CUT = 4.0
"""A bar longer than this many times the median bar is cut."""

Answers = Mapping[str, Any]


def draw(answers: Sequence[Answers], shown: int) -> str:
    """Both panels; the bars are those of `shown` listings."""
    bars = next(each for each in answers if each["listings"] == shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_bars(bars["medians"], shown),
        *_lines(answers),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, *, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def _bars(medians: Mapping[str, Mapping[str, float]], shown: int) -> Iterator[str]:
    costs = sorted(each["cpu_us"] for each in medians.values())
    usual = costs[len(costs) // 2]
    longest = max(cost for cost in costs if cost <= _CUT * usual)
    left, room = 100, 270
    yield _text(16, 24, f"CPU time a query, {shown:,} listings", extra='font-weight="bold"')
    yield _text(16, 42, "µs; dark: user space, light: kernel; one core", extra='fill="#666"')
    step = (_BOTTOM - _TOP) / len(medians)
    for number, (name, each) in enumerate(sorted(medians.items(), key=lambda item: item[1]["cpu_us"])):
        y = _TOP + number * step
        cut = each["cpu_us"] > longest
        whole = room if cut else each["cpu_us"] / longest * room
        user = whole * each["user_us"] / each["cpu_us"]
        bold = 'font-weight="bold"' if name == "mipdns" else ""
        yield _text(left - 8, y + step / 2 + 4, name, anchor="end", extra=bold)
        box = f'y="{y + 4:.1f}" height="{step - 10:.1f}" fill="{_COLOURS.get(name, "#555")}"'
        yield f'<rect x="{left}" width="{user:.1f}" {box}/>'
        yield f'<rect x="{left + user:.1f}" width="{whole - user:.1f}" fill-opacity="0.45" {box}/>'
        yield _text(left + whole + 6, y + step / 2 + 4, f"{each['cpu_us']:.2f}{' (bar cut)' if cut else ''}")


def _lines(answers: Sequence[Answers]) -> Iterator[str]:
    """CPU time in user space over listings, of the servers whose cost there is near ours."""
    left, right = 560, 790
    counts = sorted(each["listings"] for each in answers)
    series = {
        name: [(each["listings"], each["medians"][name]["user_us"]) for each in answers if name in each["medians"]]
        for name in answers[0]["medians"]
        if name not in ("echo", "powerdns")
    }
    highest = float(max(cost for points in series.values() for _, cost in points))
    tick = next(tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if tick * 5 >= highest)
    ticks = [tick * part for part in range(6)]
    top = ticks[-1]
    yield _text(520, 24, "User space alone, as listings grow", extra='font-weight="bold"')
    yield _text(520, 42, "µs a query", extra='fill="#666"')
    x = {count: left + (right - left) * at / max(len(counts) - 1, 1) for at, count in enumerate(counts)}

    def y(cost: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * cost / top

    for count in counts:
        yield _text(x[count], _BOTTOM + 20, f"{count:,}", anchor="middle", extra='fill="#666"')
    for cost in ticks:
        yield f'<line x1="{left}" x2="{right}" y1="{y(cost):.1f}" y2="{y(cost):.1f}" stroke="#e3e3e3"/>'
        yield _text(left - 8, y(cost) + 4, f"{cost:.1f}", anchor="end", extra='fill="#666"')
    lowest = float(_BOTTOM) + _LINE
    for name, points in sorted(series.items(), key=lambda item: max(item[1])[1]):
        colour = _COLOURS.get(name, "#555")
        path = " ".join(f"{x[count]:.1f},{y(cost):.1f}" for count, cost in sorted(points))
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for count, cost in points:
            yield f'<circle cx="{x[count]:.1f}" cy="{y(cost):.1f}" r="3" fill="{colour}"/>'
        count, cost = max(points)
        lowest = min(y(cost) + 4, lowest - _LINE)  # labels of equal cost stand one above the other
        yield _text(x[count] + 8, lowest, f"{name} {cost:.2f}", extra=f'fill="{colour}"')
