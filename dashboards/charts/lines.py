"""Charts of a signal's value over time, with its interval, threshold and breaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.charts.figure import Chart, Key, middles, time_layout, when
from dashboards.charts.marks import Marks, gaps

BREACH = Key("breach", "bad", "triangle")
BAND = "95 % interval"
SPIKE = 20
SERIES_COLORS = ("accent", "second", "third", "fourth", "fifth", "sixth")
PAIRED = (("$accent", "$band"), ("$second", "$band-second"))
HOVER = "%{x|%Y-%m-%d %H:%M}<br>%{y:.4~g}<extra>%{fullData.name}</extra>"
Lines = Sequence[Any]


def signal_chart(
    name: str, title: str, lines: Lines, marks: Marks, height: int = 230, *, share: bool = False
) -> Chart:
    """One signal: its value (a share in per cent), 95 % band, threshold, breaches, and gaps."""
    data = [*_band(lines), *_value("value", "$accent", lines)]
    keys = [Key("value", "accent")]
    keys += [Key(BAND, "band", "block")] if data[0]["name"] == BAND else []
    keys += [Key("threshold", "muted", "dashes")] if _has_threshold(lines) else []
    keys += [BREACH] if any(line.verdict == "breach" for line in lines) else []
    grey = gaps(lines)
    keys += [Key("insufficient", "gap", "block")] if grey else []
    axis = {"tickformat": "~%"} if share else {}
    layout = marks.on(time_layout(marks.span, shapes=grey, yaxis=axis))
    return Chart(name, title, summary(title, lines), data, layout, keys, height)


def beside_chart(
    name: str, title: str, pair: tuple[Lines, Lines], names: tuple[str, str], marks: Marks, height: int = 230
) -> Chart:
    """Two series of one quantity, each with its 95 % band: what was measured, and what was estimated."""
    first, second = pair
    shown = [(lines, label, *style) for lines, label, style in zip(pair, names, PAIRED, strict=True) if lines]
    data = [
        trace for lines, label, _, band in shown for trace in _band(lines, f"{label}: 95 % interval", band)
    ]
    data += [trace for lines, label, color, _ in shown for trace in _value(label, color, lines)]
    keys = [Key(label, color.removeprefix("$")) for _, label, color, _ in shown]
    keys += [Key("threshold", "muted", "dashes")] if _has_threshold([*first, *second]) else []
    keys += [BREACH] if any(line.verdict == "breach" for line in [*first, *second]) else []
    told = "; ".join(summary(f"{title}, {label}", lines) for lines, label, *_ in shown)
    return Chart(name, title, told, data, marks.on(time_layout(marks.span)), keys, height)


def lines_chart(name: str, title: str, named: Mapping[str, Lines], marks: Marks, height: int = 230) -> Chart:
    """Several signals of one unit in a chart, each with its threshold."""
    data: list[dict[str, Any]] = []
    keys: list[Key] = []
    breaches = False
    for (label, lines), color in zip(named.items(), SERIES_COLORS, strict=False):
        data += _value(label, f"${color}", lines)
        keys.append(Key(label, color))
        breaches |= any(line.verdict == "breach" for line in lines)
    every = [line for lines in named.values() for line in lines]
    keys += [Key("threshold", "muted", "dashes")] if _has_threshold(every) else []
    keys += [BREACH] if breaches else []
    told = "; ".join(summary(label, lines) for label, lines in named.items())
    layout = marks.on(time_layout(marks.span, yaxis=_axis([line.value for line in every])))
    return Chart(name, title, told, data, layout, keys, height)


def summary(title: str, lines: Lines) -> str:
    """A series in words."""
    judged = [line for line in lines if line.value is not None]
    if not judged:
        return f"{title}: no value in {len(lines)} windows"
    last = judged[-1]
    breaches = sum(line.verdict == "breach" for line in lines)
    limit = "" if last.threshold is None else f" (threshold {last.threshold:.4g})"
    told = f"{title}: {last.value:.4g}{limit} in the window of {when(last.start, last.end - last.start)}"
    return f"{told}; {breaches} of {len(lines)} windows in breach"


def _axis(values: Sequence[float | None]) -> dict[str, Any]:
    """From zero, or on the log scale where one spike would flatten everything else."""
    known = [value for value in values if value is not None and value > 0]
    if known and max(known) > SPIKE * min(known):
        return {"type": "log", "dtick": "D2", "tickformat": "~g"}
    return {"rangemode": "tozero"}


def _has_threshold(lines: Lines) -> bool:
    return any(line.threshold is not None for line in lines)


def _value(name: str, color: str, lines: Lines) -> list[dict[str, Any]]:
    """A value with its threshold, and marks on what is in breach; what has no value is a gap."""
    x = middles(lines)
    common: dict[str, Any] = {"type": "scatter", "x": x, "hovertemplate": HOVER}
    value = common | {
        "name": name,
        "mode": "lines+markers",
        "y": [line.value for line in lines],
        "line": {"color": color, "width": 1.5},
        "marker": {"color": color, "size": 3},
    }
    traces = [value]
    if _has_threshold(lines):
        limit: dict[str, Any] = {
            "name": f"{name}: threshold" if name != "value" else "threshold",
            "mode": "lines",
            "y": [line.threshold for line in lines],
            "line": {"color": color if name != "value" else "$muted", "width": 1, "dash": "dot"},
        }
        traces.append(common | limit)
    bad = [line for line in lines if line.verdict == "breach" and line.value is not None]
    if bad:
        marked: dict[str, Any] = {"x": middles(bad), "y": [line.value for line in bad], "mode": "markers"}
        marked |= {"name": "breach", "marker": {"color": "$bad", "size": 7, "symbol": "triangle-up"}}
        traces.append(common | marked)
    return traces


def _band(lines: Lines, name: str = BAND, color: str = "$band") -> list[dict[str, Any]]:
    """The interval as one closed shape for each run of windows that have it."""
    x: list[float | None] = []
    y: list[float | None] = []
    run: list[Any] = []
    for line in [*lines, None]:
        if line is not None and line.lower is not None and line.upper is not None:
            run.append(line)
        elif run:
            at = middles(run)
            x += [*at, *reversed(at), at[0], None]
            y += [one.lower for one in run]
            y += [*(one.upper for one in reversed(run)), run[0].lower, None]
            run = []
    if not x:
        return []
    style = {"fill": "toself", "fillcolor": color, "line": {"color": color, "width": 1}}
    shape = {"type": "scatter", "name": name, "mode": "lines", "x": x[:-1], "y": y[:-1]}
    return [shape | style | {"hoverinfo": "skip"}]
