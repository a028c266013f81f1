"""docs/model.md shows the shipped scorecard: each weight and each setting, with its value."""

from __future__ import annotations

import pytest

from mipdns.evidence import NETWORK_TYPES
from mipdns.inference.features import DERIVED
from tests.conftest import REPOSITORY
from tests.unit.inference.build import CARD


def number(value):
    return f"{value:g}"


def steps(term):
    """`<2: −1.4 · 2: −0.9`: the weight below the first edge, and from each edge on."""
    edges = [f"<{number(term.edges[0])}", *map(number, term.edges)]
    return " · ".join(f"{edge}: {weight:+g}" for edge, weight in zip(edges, term.weights, strict=True))


def bounds(term):
    told = []
    for name, (low, high) in term.when.items():
        lower = f"{number(low)} ≤ " if low is not None else ""
        upper = f" < {number(high)}" if high is not None else ""
        told.append(f"{lower}`{name}`{upper}")
    return ", ".join(told)


def rows():
    """Every row of the page's tables, in their order."""
    for term in CARD.terms:
        shown = (f"`{term.feature}`", term.signal, steps(term), bounds(term), term.reason, ", ".join(term.source))
        yield f"| {' | '.join(shown)} |"
    for name, line in CARD.calibration.items():
        knots = " · ".join(f"{low:+g}: {high:+g}" for low, high in zip(line.summed, line.true, strict=True))
        share = line.prior_share
        counts = " · ".join(map(number, (share.fewest, share.fewer, share.more)))
        yield f"| {name} | {knots} | {counts} | {' | '.join(map(number, (line.usual, line.caught, line.mistaken)))} |"
    for name, types in (("declared", CARD.network.declared), ("traffic", CARD.network.traffic)):
        weights = " · ".join(f"{kind}: {getattr(types, kind):+g}" for kind in NETWORK_TYPES)
        yield f"| {name} | {weights} | {types.reason} | {', '.join(types.source)} |"
    for origin, said in CARD.assertions.items():
        kind = "may list alone" if said.alone else "context" if said.datacentre else ""
        most = f"{said.extent.v4:,} · {said.extent.v6_32s:,}" if said.extent else ""
        shown = (f"`{origin}`", f"{said.weight:+g}", kind, f"{said.half_life_days}", most, said.reason)
        yield f"| {' | '.join((*shown, ', '.join(said.source)))} |"
    for name, work in CARD.literature.items():
        yield f"| {name} | {work} |"
    for name, derived in DERIVED.items():
        yield f"| `{name}` | `{derived.left}` {derived.operator} `{derived.right}` | {derived.meaning} |"


def settings():
    """How each row of the tables of settings begins; what follows says it in words."""
    for table in (CARD.traffic_types, CARD.users, CARD.pool):
        told = {name: getattr(table, name) for name in table.__struct_fields__ if name not in ("reason", "source")}
        classes = told.pop("classes", ())
        if isinstance(classes, dict):
            told |= {f"classes.{name}": f"{low} to {high}" for name, (low, high) in classes.items()}
        elif classes:
            told["classes"] = ", ".join(classes)
        for name, value in told.items():
            yield f"| `{name}` | {value if isinstance(value, str) else f'{value:.5g}'} | "


@pytest.fixture(scope="module")
def page():
    return (REPOSITORY / "docs" / "model.md").read_text("utf-8")


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[:40])
def test_the_page_shows_each_weight(page, row):
    assert row in page.splitlines()


def test_the_page_shows_no_weight_that_is_none(page):
    """Rows of terms are those with a signal in the second of six cells."""
    signals = {term.signal for term in CARD.terms}
    cells = {line: [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()}
    shown = [line for line, parts in cells.items() if len(parts) == 6 and parts[1] in signals]
    assert set(shown) <= set(rows())
    assert len(shown) == len(CARD.terms)


@pytest.mark.parametrize("begin", list(settings()))
def test_the_page_shows_each_setting(page, begin):
    assert any(line.startswith(begin) for line in page.splitlines())


def test_the_page_shows_the_rules_as_they_are_set(page):
    rules = CARD.rules
    for name in set(rules.__struct_fields__) - {"rhythm", "room"}:
        assert f"`{name}` = {number(getattr(rules, name))}" in page
    first, *further = (
        f"{number(weight)} {bound}"
        for weight, bound in zip(
            rules.room.weights, [*(f"below {edge:g}" for edge in rules.room.edges), "from there on"], strict=True
        )
    )
    least, *rest = first.split()
    assert f"`room` at most: {least} log-odds {' '.join(rest)} requests a day, {', '.join(further)}." in page
