"""The reference's distribution of a column beside that of some windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboards.charts.bins import histogram
from dashboards.charts.figure import LONGEST_TICK, Chart, Key, text
from profiles import CategoricalSummary, Counts, NumericSummary

MOST_BARS = 30
UNSEEN = "(unseen)"
KEYS = (Key("reference", "reference", "block"), Key("shown windows", "accent", "block"))
COLORS = ("$reference", "$accent")
Pair = tuple[Any, Any]


def distribution_chart(pair: Pair) -> Chart | None:
    """The picture of two summaries of one space, the reference's first; None for nothing to draw."""
    if isinstance(pair[0], NumericSummary):
        return _numeric(pair)
    return _categorical(pair) if isinstance(pair[0], CategoricalSummary) else None


def _numeric(pair: Pair) -> Chart | None:
    found = histogram(pair[0].space, [one.counts for one in pair])
    if found is None:
        return None
    low, high = found.edges[:-1], found.edges[1:]
    data = [
        {
            "type": "bar",
            "name": key.name,
            "x": ((low + high) / 2).tolist(),
            "width": (high - low).tolist(),
            "y": densities.tolist(),
            "customdata": np.stack([low, high, shares], axis=1).tolist(),
            "marker": {"color": color, "line": {"width": 0}},
            "opacity": 0.55,
            "hovertemplate": "%{customdata[0]:.5~g} to %{customdata[1]:.5~g}<br>%{customdata[2]:.2%}"
            "<extra>%{fullData.name}</extra>",
        }
        for key, color, densities, shares in zip(KEYS, COLORS, found.densities, found.shares, strict=True)
        if densities.any()
    ]
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "xaxis": {},
        "yaxis": {"title": {"text": "density"}, "rangemode": "tozero", "exponentformat": "power"},
        "uirevision": "kept",
    }
    told = f"Density histogram over {len(low)} bins from {found.edges[0]:.4g} to {found.edges[-1]:.4g}"
    outside = [f"{share:.1%} of the {key.name}" for key, share in zip(KEYS, found.outside, strict=True)]
    told += f"; outside of it {' and '.join(outside)}"
    return Chart("distribution", "Distribution", told, data, layout, KEYS, 320)


def category_shares(pair: Pair) -> list[tuple[str, float, float]]:
    """Each category with its share of the values in either summary, the largest first; unseen ones in one."""
    space = pair[0].space
    known = len(space.values)
    rows = []
    shares = [_shares(one.counts, known) for one in pair]
    for code in np.flatnonzero(shares[0] + shares[1]).tolist():
        name = space.values[code] if code < known else UNSEEN
        rows.append((name, float(shares[0][code]), float(shares[1][code])))
    return sorted(rows, key=lambda row: (-max(row[1], row[2]), row[0]))


def _shares(counts: Counts, known: int) -> Any:
    codes = np.minimum(counts.keys, known)
    return np.bincount(codes, counts.values, minlength=known + 1) / max(counts.total, 1)


def _categorical(pair: Pair) -> Chart | None:
    rows = category_shares(pair)
    if not rows:
        return None
    shown, rest = rows[:MOST_BARS], rows[MOST_BARS:]
    if rest:
        other = f"({len(rest)} others)"
        shown = [*shown, (other, sum(row[1] for row in rest), sum(row[2] for row in rest))]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": key.name,
            "x": [row[side] for row in shown],
            "y": list(range(len(shown))),
            "customdata": [text(row[0]) for row in shown],
            "marker": {"color": color, "line": {"width": 0}},
            "hovertemplate": "%{customdata}<br>%{x:.2%}<extra>%{fullData.name}</extra>",
        }
        for side, (key, color) in enumerate(zip(KEYS, COLORS, strict=True), start=1)
    ]
    names = {
        "tickmode": "array",
        "tickvals": list(range(len(shown))),
        "ticktext": [text(row[0], LONGEST_TICK) for row in shown],
        "range": [len(shown) - 0.5, -0.5],
        "showgrid": False,
        "fixedrange": True,
    }
    axis = {"tickformat": ".0%", "rangemode": "tozero"}
    layout = {"barmode": "group", "bargap": 0.25, "xaxis": axis, "yaxis": names, "uirevision": "kept"}
    told = "Share by category: " + ", ".join(
        f"{name} {before:.1%} in the reference and {now:.1%} now" for name, before, now in rows[:5]
    )
    return Chart(
        "distribution", "Share by category", told, data, layout, KEYS, 26 * len(shown) + 60, wide=True
    )
