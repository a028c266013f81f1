"""The document as one page for people. In: what `validate` gives. Out: HTML that needs nothing else, and no script.

The one rule: the page says what the document says, to as many digits as its interval deserves; it computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any

from mipdns.validation import plots
from mipdns.validation.validate import of_truth, too_few

BIN_OFF = 0.10
BIN_UNITS = 200
"""A served bin with so many units that is off by more is marked."""

_METRICS = {
    "roc_auc": ("ROC-AUC", "a shared address ranks above one that is not"),
    "pr_auc": ("PR-AUC", "average precision"),
    "ece": ("Calibration error", "told and true differ by, on average"),
    "ece_equal_mass": ("… in equal bins", "the same, bins of equally many units"),
    "brier": ("Brier score", "mean squared error"),
    "worst_served_bin": ("Worst served bin", f"largest gap with {BIN_UNITS} units or more"),
}


def page(document: dict[str, Any]) -> str:
    """The whole page."""
    build = document["build"]
    style = resources.files("mipdns.validation").joinpath("page.css").read_text("utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    note = document["note"]
    body = [
        "<h1>How right is this build?</h1>",
        f'<p class="soft">Build {build["serial"]} of {escape(build["finished"])}, as of {escape(build["as_of"])}, '
        f"model {escape(build['model'])}, prior {build['prior']:g}: {build['verdicts']:,} verdicts, "
        f"{build['listed_ipv4']:,} IPv4 addresses and {build['listed_ipv6_64s']:,} IPv6 /64s at 50 or more.</p>",
        f'<p class="soft">Intervals hold 95 % of {document["draws"]} draws of networks (seed {document["seed"]}). '
        f"Made {escape(document['made'])}.{''.join(f' {told}.' for told in of_truth(document))}</p>",
        f"<p>Mind: {escape(note)}.</p>" * bool(note),
        *(_set(part) for part in document["sets"]),
        _believed(document["sources"]),
        _drift(document["drift"]),
        _space(document["space"]),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mipdns: how right is build {build['serial']}?</title>"
        f"<style>\n{style}</style></head>\n<body><main>\n{chr(10).join(body)}\n</main></body></html>\n"
    )


def _set(part: dict[str, Any]) -> str:
    told = "as served" if part["judged"] == "as served" else f"judged again without {', '.join(part['without'])}"
    missing = part["without_verdict"]
    why = "there is no verdict" if part["judged"] == "as served" else "nothing else speaks"
    unspoken = f" Of {missing['shared']:,} shared units and {missing['single']:,} others {why}: left out."
    unspoken = unspoken if any(missing.values()) else ""
    if part["one_sided"]:
        unspoken += " The truth knows one kind only, so calibration and precision mean nothing."
    if part["too_few"]:
        unspoken += f" {too_few(part)}."
    return "\n".join(
        [
            f"<h2>Against {escape(part['name'])}</h2>",
            f'<p class="soft">{part["units"]:,} units, {part["shared"]:,} of them shared, in {part["networks"]:,} '
            f"networks; {part['seen_in_logs']:,} seen in logs; {escape(told)}.{unspoken}</p>",
            _tiles(part["overall"]),
            '<div class="figures">',
            _figure(
                "Reliability",
                plots.reliability(part["reliability"]["equal_width"]),
                "On the dashed line, what was told came true. Whiskers: 95 %.",
            ),
            _figure(
                "Confidence by class", plots.histogram(part["histogram"]), "The two sides have scales of their own."
            ),
            _figure(
                "Precision and recall",
                plots.precision_recall(part["curve"]),
                "Precision: of what is listed, what is shared. Recall: of what is shared, what is listed.",
            ),
            _ablation(part["ablation"]),
            "</div>",
            _bins(part),
            _thresholds(part["thresholds"]),
            _groups(part["groups"]),
            _users_and_classes(part),
        ]
    )


def _ablation(ablation: dict[str, Any]) -> str:
    """What moved something as bars, but for all logs at once, beside which no other bar would be seen."""
    rows = ablation["left_out"]
    drawn = [row for row in rows if row["units_moved"] and row["kind"] != "logs"]
    still = [row["name"] for row in rows if not row["units_moved"]]
    caption = (
        f"Left out one at a time; blue makes it worse. Sources in italics. {ablation['units']:,} units judged again."
        + f" {len(drawn) - plots.ABLATED_MAX} more changed AUC less." * (len(drawn) > plots.ABLATED_MAX)
        + f" No unit was moved by {', '.join(still)}." * bool(still)
    )
    for row in rows:
        if row["kind"] == "logs":
            auc, ece = (_change(row[key]["value"]) for key in ("roc_auc", "ece"))
            caption += f" Without all logs AUC changes by {auc}, the calibration error by {ece}."
    return _figure("What each evidence is worth", plots.ablation(drawn), caption)


def _change(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _tiles(overall: dict[str, Any]) -> str:
    tiles = (
        f'<div class="tile" title="{escape(meaning)}"><span>{escape(name)}</span><b>{_value(overall[key]["value"])}</b>'
        f"<span>{_range(overall[key])}</span></div>"
        for key, (name, meaning) in _METRICS.items()
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _figure(title: str, drawing: str, caption: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _bins(part: dict[str, Any]) -> str:
    rows = []
    for row in part["reliability"]["served"]:
        true = row["true"]["value"]
        gap = None if true is None or row["told"] is None else true - row["told"]
        off = gap is not None and row["units"] >= BIN_UNITS and abs(gap) > BIN_OFF
        rows.append(
            [
                f"{row['from']} to {row['to']}",
                f"{row['units']:,}",
                _percent(row["told"]),
                f"{_percent(true)} <small>{_range(row['true'], percent=True)}</small>",
                f'<span class="{"off" if off else "fine"}">{"" if gap is None else f"{100 * gap:+.1f}"}</span>',
            ]
        )
    return _card("Parts of the scale, as clients draw lines", ["confidence", "units", "told", "true", "gap"], rows)


def _thresholds(rows: Sequence[dict[str, Any]]) -> str:
    cells = [
        [
            f"{row['at']} and more",
            f"{row['listed']:,}",
            *(
                f"{_percent(row[key]['value'])} <small>{_range(row[key], percent=True)}</small>"
                for key in ("precision", "recall")
            ),
        ]
        for row in rows
    ]
    return _card("Listing from a confidence on", ["confidence", "listed", "precision", "recall"], cells)


def _groups(groups: dict[str, list[dict[str, Any]]]) -> str:
    head = ["", "units", "shared", "networks", "ROC-AUC", "calibration error", "precision at 90", "recall at 90"]
    body = []
    for name, rows in groups.items():
        told = "" if rows else ': <span class="soft">not known here, so left out</span>'
        body.append(f'<tr class="part"><th colspan="{len(head)}">by {escape(name)}{told}</th></tr>')
        for row in rows:
            at_90 = next(point for point in row["thresholds"] if point["at"] == 90)
            cells = [
                escape(row["name"]),
                f"{row['units']:,}",
                f"{row['shared']:,}",
                f"{row['networks']:,}",
                f"{_value(row['roc_auc']['value'])} <small>{_range(row['roc_auc'])}</small>",
                f"{_value(row['ece']['value'])} <small>{_range(row['ece'])}</small>" if "ece" in row else "–",
                _percent(at_90["precision"]),
                _percent(at_90["recall"]),
            ]
            body.append(_row(cells))
    header = "".join(f"<th>{escape(title)}</th>" for title in head)
    note = (
        '<p class="soft">A class is held against everything that is not shared; of units chosen by the truth neither '
        "calibration nor precision can be told.</p>"
    )
    table = f"<table><tr>{header}</tr>{''.join(body)}</table>"
    return f'<div class="card"><h3>Where it is right</h3><div class="scroll">{table}</div>{note}</div>'


def _users_and_classes(part: dict[str, Any]) -> str:
    users, classes = part["users"], part["classes"]
    found = []
    if users:
        held, range_ = _percent(users["covered"]["value"]), _range(users["covered"], percent=True)
        text = (
            f"Of {users['units']:,} listed units the served range holds the true number for {held} "
            f"<small>{range_}</small>; it lies too high for {_percent(users['below'])}, too low for "
            f"{_percent(users['above'])}. A range spans {users['octaves']:.1f} doublings (median)."
        )
        found.append(f'<div class="card"><h3>Users</h3><p>{text}</p></div>')
    if classes:
        rows = [
            [
                escape(row["true"]),
                escape(row["told"]),
                f"{row['units']:,}",
                f"{100 * row['units'] / classes['units']:.1f} %",
            ]
            for row in classes["confusion"][:20]
        ]
        title = (
            f"Classes: {_percent(classes['agree'])} of {classes['units']:,} listed units are told a class that is true"
        )
        found.append(_card(title, ["true", "told", "units", "share"], rows))
    return "\n".join(found)


def _believed(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    cells = [
        [
            f"{escape(row['source'])} <small>{escape(row['origin'])}</small>",
            "" if row["plausible"] is None else _percent(row["plausible"]),
            f"{row['right']:,}",
            f"{row['wrong']:,}",
            f"{row['claims']:+.2f}",
            f"{row['weighs']:+.2f}",
            _networks(row),
        ]
        for row in rows
    ]
    head = ["source", "can be true", "borne out", "contradicted", "claims", "weighs", "most changed in"]
    note = (
        '<p class="soft">Log-odds of a word said today. What people say bears a source out or contradicts it, counted '
        "once a /24 or /48; a source that names more than there can be is believed for that part.</p>"
    )
    table = _card("Those that weigh less than the scorecard says", head, cells)
    return f"<h2>How far sources are believed</h2>{table}{note}"


def _networks(row: dict[str, Any], most: int = 3) -> str:
    told = ", ".join(f"AS{one['asn']} {one['weighs']:+.2f}" for one in row["networks"][:most])
    told += f" and {row['networks_changed'] - most:,} more" if row["networks_changed"] > most else ""
    return f'<span class="wrap">{told}</span>' if told else ""


def _drift(drift: dict[str, Any] | None) -> str:
    if drift is None:
        return '<h2>Drift</h2><p class="soft">There is no build before this one to compare with.</p>'
    before, after = drift["before"], drift["after"]
    model = "" if before["model"] == after["model"] else f" The model changed: {before['model']} to {after['model']}."
    (lost4, lost6), (gained4, gained6) = drift["lost"], drift["gained"]
    text = (
        f"<p>Stability index {drift['stability']:.3f}: {drift['reading']} change since build {before['serial']}. "
        f"Across {drift['floor']} percent went up {gained4:,} IPv4 addresses and {gained6:,} IPv6 /64s, down "
        f"{lost4:,} and {lost6:,}.{escape(model)}</p>"
    )
    drawing = plots.drift(drift["histograms"]["before"], drift["histograms"]["after"])
    return f'<h2>Drift</h2>{text}<div class="figures">{_figure("Since the build before", drawing, "")}</div>'


def _space(space: dict[str, Any]) -> str:
    rows = space["verdicts"]
    caption = (
        f"{len(space['cells']):,} of 65,536 IPv4 /16s, each by the highest confidence in it, along a Hilbert curve; "
        f"numbers are /8s. {rows['ipv4']:,} IPv4 and {rows['ipv6']:,} IPv6 verdicts."
    )
    figures = [_figure("Where confidence is", plots.space(space["cells"]), caption)]
    if near := space["near"]:
        caption = (
            f"The /8 with most verdicts, {near['block']}.0.0.0/8: {len(near['cells']):,} of its 65,536 /24s, in the "
            "same way; numbers are /16s."
        )
        drawing = plots.space(near["cells"], f"{near['block']}.0.0.0/8 by confidence")
        figures.append(_figure("Nearer", drawing, caption))
    return f'<h2>Address space</h2><div class="figures">{"".join(figures)}</div>'


def _card(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    header = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(_row(row) for row in rows)
    return f'<div class="card"><h3>{title}</h3><div class="scroll"><table><tr>{header}</tr>{body}</table></div></div>'


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _range(number: dict[str, float | None], *, percent: bool = False) -> str:
    low, high = number["low"], number["high"]
    if low is None or high is None:
        return ""
    return f"{100 * low:.1f} to {100 * high:.1f}" if percent else f"{low:.3f} to {high:.3f}"
