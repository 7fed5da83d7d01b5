"""The chart of how two versions differ over time, with the confidence sequence that shrinks around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.charts.figure import Chart, Key, milliseconds, time_layout
from dashboards.charts.marks import Marks
from detectors.comparison.compare import Difference

HOVER = "%{x|%Y-%m-%d %H:%M}<br>%{y:+.4~g}<extra>%{fullData.name}</extra>"


def difference_chart(one: Difference, ends: Sequence[int], marks: Marks) -> Chart:
    """The difference after each look, its interval, no difference, and the margin.

    Args:
        one: the comparison by a measure.
        ends: when the last window of each look ended, in microseconds.
        marks: deployments and incidents.
    """
    x = [milliseconds(end) for end in ends]
    common: dict[str, Any] = {"type": "scatter", "hovertemplate": HOVER}
    band: dict[str, Any] = {
        "name": "interval",
        "mode": "lines",
        "hoverinfo": "skip",
        "fill": "toself",
        "fillcolor": "$band",
    }
    band |= {"x": [*x, *reversed(x)], "line": {"color": "$band", "width": 1}}
    band |= {"y": [*(look.lower for look in one.looks), *(look.upper for look in reversed(one.looks))]}
    line: dict[str, Any] = {
        "name": "difference",
        "mode": "lines+markers",
        "x": x,
        "marker": {"color": "$accent", "size": 4},
    }
    line |= {"y": [look.difference for look in one.looks], "line": {"color": "$accent", "width": 1.5}}
    limits = [("no difference", 0.0), *(("margin", side * one.margin) for side in (-1, 1) if one.margin)]
    data = [common | band, common | line]
    for name, at in limits:
        style = {"color": "$muted", "width": 1, "dash": "dot" if at else "solid"}
        ends_of = [milliseconds(marks.span.low), milliseconds(marks.span.high)]
        data.append(common | {"name": name, "mode": "lines", "x": ends_of, "y": [at, at], "line": style})
    keys = [Key("candidate - baseline", "accent"), Key("interval, valid at every look", "band", "block")]
    keys += [Key("no difference", "muted")] + ([Key("margin", "muted", "dashes")] if one.margin else [])
    title = f"Difference: {one.measure.name}"
    layout = marks.on(time_layout(marks.span, yaxis=_axis(one)))
    return Chart("difference", title, _summary(one), data, layout, keys, 300)


def _axis(one: Difference) -> dict[str, Any]:
    """Wide enough for the newer looks: the first intervals are so wide that they would hide the rest."""
    newer = one.looks[len(one.looks) // 3 :]
    top = 1.15 * max(max(abs(look.lower), abs(look.upper), 1.5 * one.margin) for look in newer)
    return {"range": [-top, top]}


def _summary(one: Difference) -> str:
    look = one.looks[-1]
    told = f"{look.difference:+.4g}, interval from {look.lower:+.4g} to {look.upper:+.4g}"
    return f"{one.measure.name}, candidate less baseline: {told}, after {len(one.looks)} looks: {one.verdict}"
