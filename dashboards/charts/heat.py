"""Drift by feature and window as a heat map: shades below the threshold, red for what is in breach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.charts.figure import LONGEST_TICK, Chart, Key, middle, text, time_layout, when
from dashboards.charts.marks import Marks

ROW_HEIGHT = 18
MOST_ROWS = 40
SHADES = (
    (0.0, "$heat0"),
    (0.25, "$heat1"),
    (0.4999, "$heat2"),
    (0.5, "$hot0"),
    (0.75, "$hot1"),
    (1.0, "$hot2"),
)
HOVER = "%{y}, %{x|%Y-%m-%d %H:%M}<br>%{customdata}<extra></extra>"


def heat_chart(named: Mapping[str, Sequence[Any]], links: Mapping[str, str], marks: Marks) -> Chart:
    """The drift of each subject over time.

    Args:
        named: the lines of each subject, from top to bottom.
        links: where a subject's page is.
        marks: what to mark.
    """
    rows = _chosen(named)
    data = [_map(rows)]
    names = list(rows)
    axis = {
        "type": "category",
        "tickmode": "array",
        "tickvals": [text(name) for name in names],
        "ticktext": [text(name, LONGEST_TICK) for name in names],
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "fixedrange": True,
    }
    layout = time_layout(marks.span, yaxis=axis, plot_bgcolor="$gap")
    layout["meta"] = {"links": [links.get(name) for name in names]}
    keys = [
        Key("far below threshold", "heat0", "block"),
        Key("near it", "heat2", "block"),
        Key("in breach", "hot1", "block"),
        Key("insufficient", "gap", "block"),
    ]
    height = ROW_HEIGHT * max(len(names), 3) + 84
    told = _summary(rows, len(named) - len(rows))
    marked = marks.on(layout)
    return Chart("drift", "Drift by feature", told, data, marked, keys, height, wide=True)


def _chosen(named: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """All subjects; of very many the most troubled."""
    if len(named) <= MOST_ROWS:
        return dict(named)
    worst = sorted(named, key=lambda name: -max(shade(line) or 0.0 for line in named[name]))[:MOST_ROWS]
    return {name: lines for name, lines in named.items() if name in worst}


def _map(rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The cells; windows may differ between subjects, so each cell finds its column."""
    columns = sorted({(line.start, line.end) for lines in rows.values() for line in lines})
    place = {start: at for at, (start, _) in enumerate(columns)}
    shades: list[list[float | None]] = []
    told: list[list[str | None]] = []
    for lines in rows.values():
        cells: list[float | None] = [None] * len(columns)
        texts: list[str | None] = [None] * len(columns)
        for line in lines:
            cells[place[line.start]] = shade(line)
            texts[place[line.start]] = _cell(line)
        shades.append(cells)
        told.append(texts)
    return {
        "type": "heatmap",
        "x": [middle(start, end) for start, end in columns],
        "y": [text(name) for name in rows],
        "z": shades,
        "customdata": told,
        "zmin": 0,
        "zmax": 2,
        "colorscale": SHADES,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": HOVER,
        "ygap": 1,
        "xgap": 0,
    }


def shade(line: Any) -> float | None:
    """Below 1 the value relative to its threshold; from 1 to 2 a breach; None for no verdict."""
    if line.verdict == "insufficient" or line.value is None:
        return None
    ratio = abs(line.value / line.threshold) if line.threshold else 0.0
    if line.verdict == "breach":  # evidence of several windows can be a breach below the threshold
        return 1.0 + min(max(ratio - 1.0, 0.0) / 2, 1.0)
    return min(ratio, 0.999)


def _cell(line: Any) -> str:
    limit = "" if line.threshold is None else f" of {line.threshold:.3g}"
    value = "" if line.value is None else f"{line.value:.3g}{limit}: "
    return value + str(line.verdict) + (f"<br>{text(line.diagnosis, 80)}" if line.diagnosis else "")


def _summary(rows: Mapping[str, Sequence[Any]], left_out: int) -> str:
    last = {name: lines[-1] for name, lines in rows.items() if lines}
    if not last:
        return "Drift by feature: no window has been judged yet"
    newest = max(last.values(), key=lambda line: line.start)
    bad = [name for name, line in last.items() if line.verdict == "breach"]
    told = f"{', '.join(bad)} in breach" if bad else "nothing in breach"
    more = f"; {left_out} calmer features are not drawn" if left_out else ""
    return f"Drift by feature: {told} in the window of {when(newest.start, newest.end - newest.start)}{more}"
