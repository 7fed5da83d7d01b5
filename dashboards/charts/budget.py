"""The chart of what is left of an error budget."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.charts.figure import Chart, Key, milliseconds, time_layout, when
from dashboards.charts.marks import Marks

HOVER = "%{x|%Y-%m-%d %H:%M}<br>%{y:.3~p} left<extra></extra>"


def budget_chart(name: str, course: Sequence[tuple[int, float]], marks: Marks) -> Chart:
    """What was left at each moment (microseconds), as a share; a line marks where it is spent.

    Args:
        name: of the objective.
        course: the moments, ascending, and what was left of the budget.
        marks: the events of the time that is shown.
    """
    full = [(marks.span.low, 1.0), *course]
    trace = {
        "type": "scatter",
        "name": "budget left",
        "mode": "lines",
        "x": [milliseconds(moment) for moment, _ in full],
        "y": [left for _, left in full],
        "line": {"color": "$accent", "width": 2, "shape": "hv"},
        "hovertemplate": HOVER,
    }
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    zero |= {"line": {"color": "$bad", "width": 1, "dash": "dot"}}
    low = min(left for _, left in full)
    axis = {"tickformat": "~%", "range": [min(low * 1.05, -0.05), 1.05]}
    layout = marks.on(time_layout(marks.span, shapes=[zero], yaxis=axis))
    told = f"Error budget left of {name}: {full[-1][1]:.1%} at {when(full[-1][0])}"
    keys = [Key("budget left", "accent"), Key("spent", "bad", "dashes")]
    return Chart(f"budget-{name}", "Error budget left", told, [trace], layout, keys, 190)
