"""Traffic by version, and the labels that have come, as bars over time."""

from __future__ import annotations

from typing import Any

from dashboards.charts.figure import Chart, Key, middle, milliseconds, text, time_layout, when
from dashboards.charts.lines import SERIES_COLORS
from dashboards.charts.marks import Marks
from dashboards.queries.traffic import Traffic

HOVER = "%{x|%Y-%m-%d %H:%M}<br>%{y:,}<extra>%{fullData.name}</extra>"


def volume_chart(traffic: Traffic, marks: Marks) -> Chart:
    """Predictions by version, stacked; the labelled ones as a line."""
    length = marks.span.length
    data: list[dict[str, Any]] = []
    keys: list[Key] = []
    for version, color in _coloured(traffic):
        rows = traffic.versions[version]
        data.append(
            {
                "type": "bar",
                "name": text(version),
                "x": [middle(start, start + length) for start in rows],
                "y": list(rows.values()),
                "width": milliseconds(length),
                "marker": {"color": f"${color}", "line": {"width": 0}},
                "opacity": 0.75,
                "hovertemplate": HOVER,
            }
        )
        keys.append(Key(version, color, "block"))
    if traffic.labels:
        labels = sorted(traffic.labels.items())
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "labels",
                "x": [middle(start, start + length) for start, _ in labels],
                "y": [count for _, count in labels],
                "line": {"color": "$ink", "width": 1, "shape": "hvh"},
                "hovertemplate": HOVER,
            }
        )
        keys.append(Key("labels joined", "ink"))
    axis = {"rangemode": "tozero", "tickformat": "~s"}
    layout = marks.on(time_layout(marks.span, barmode="stack", bargap=0, yaxis=axis))
    return Chart("traffic", "Traffic", _summary(traffic, length), data, layout, keys, 200)


def _coloured(traffic: Traffic) -> list[tuple[str, str]]:
    """Versions by first appearance; of many, all later ones share the last colour."""
    first = sorted(traffic.versions, key=lambda version: min(traffic.versions[version]))
    last = len(SERIES_COLORS) - 1
    return [(version, SERIES_COLORS[min(place, last)]) for place, version in enumerate(first)]


def _summary(traffic: Traffic, length: int) -> str:
    starts = traffic.starts
    if not starts:
        return "Traffic: no predictions in this time"
    rows = sum(held.get(starts[-1], 0) for held in traffic.versions.values())
    whole = sum(sum(held.values()) for held in traffic.versions.values())
    newest = f"{rows:,} predictions in the window of {when(starts[-1], length)}"
    return f"Traffic: {newest}, {whole:,} in all, {sum(traffic.labels.values()):,} with a label"
