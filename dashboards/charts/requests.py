"""Throughput, latency and errors of requests over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.charts.figure import Chart, Key, middle, milliseconds, text, time_layout, when
from dashboards.charts.lines import SERIES_COLORS
from dashboards.charts.marks import Marks
from dashboards.queries.requests import Tally
from dashboards.request_figures import UNCLASSIFIED, failures, quantile
from dashboards.words import number, share
from profiles import FAILURES

DRAWN = {50.0: "accent", 90.0: "third", 99.0: "second", 99.9: "bad"}
HOVER = "%{x|%Y-%m-%d %H:%M}<br>%{y:.4~g}<extra>%{fullData.name}</extra>"
SHARE = "%{x|%Y-%m-%d %H:%M}<br>%{y:.3~%}<extra>%{fullData.name}</extra>"
Windows = Mapping[int, Tally]


def throughput_chart(versions: Mapping[str, Windows], marks: Marks) -> Chart:
    """Requests a second, by version."""
    length = marks.span.length
    last = len(SERIES_COLORS) - 1
    data, keys = [], []
    for place, (version, windows) in enumerate(versions.items()):
        color = SERIES_COLORS[min(place, last)]
        rates = {start: one.rows / (length / 1e6) for start, one in windows.items()}
        data.append(_bars(text(version), f"${color}", rates, length, HOVER))
        keys.append(Key(version, color, "block"))
    whole = sum(one.rows for windows in versions.values() for one in windows.values())
    axis = {"rangemode": "tozero", "tickformat": "~g"}
    layout = marks.on(time_layout(marks.span, barmode="stack", bargap=0, yaxis=axis))
    return Chart(
        "throughput", "Throughput (requests/s)", f"Throughput: {whole:,} requests", data, layout, keys
    )


def latency_chart(windows: Windows, marks: Marks) -> Chart | None:
    """Quantiles of latency on a log scale; None without any latency."""
    data, keys, told = [], [], []
    for level, color in DRAWN.items():
        values = {start: quantile(one.summary, level) for start, one in windows.items()}
        known = {start: value for start, value in values.items() if value is not None}
        if known:
            name = f"p{level:g}"
            data.append(_line(name, f"${color}", values, marks.span.length))
            keys.append(Key(name, color))
            newest = max(known)
            told.append(f"{name} {number(known[newest])} ms at {when(newest, marks.span.length)}")
    if not data:
        return None
    axis = {"type": "log", "dtick": "D2", "tickformat": "~g"}
    layout = marks.on(time_layout(marks.span, yaxis=axis))
    return Chart("latency", "Latency (ms)", f"Latency: {', '.join(told)}", data, layout, keys, 260)


def errors_chart(windows: Windows, marks: Marks) -> Chart | None:
    """The share of requests that failed, by class, stacked; None where no status is known."""
    known = {start: one.summary for start, one in windows.items() if one.summary.requests}
    if not known:
        return None
    held = {start: failures(one) for start, one in known.items()}
    data, keys = [], []
    for name, color in zip((*(one.words for one in FAILURES), UNCLASSIFIED), COLORS, strict=True):
        shares = {start: held[start].get(name, 0) / known[start].requests for start in known}
        if any(shares.values()):
            data.append(_bars(name, f"${color}", shares, marks.span.length, SHARE))
            keys.append(Key(name, color, "block"))
    if not data:
        data.append(_bars("errors", "$muted", dict.fromkeys(known, 0.0), marks.span.length, SHARE))
    bad, whole = sum(one.errors for one in known.values()), sum(one.requests for one in known.values())
    axis = {"rangemode": "tozero", "tickformat": "~%"}
    layout = marks.on(time_layout(marks.span, barmode="stack", bargap=0, yaxis=axis))
    told = f"Error rate: {share(bad / whole)} of {whole:,} requests failed"
    return Chart("errors", "Error rate by class", told, data, layout, keys)


COLORS = ("muted", "second", "third", "bad", "warn", "sixth")


def _bars(name: str, color: str, values: Mapping[int, float], length: int, hover: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": [middle(start, start + length) for start in values],
        "y": list(values.values()),
        "width": milliseconds(length),
        "marker": {"color": color, "line": {"width": 0}},
        "hovertemplate": hover,
    }


def _line(name: str, color: str, values: Mapping[int, float | None], length: int) -> dict[str, Any]:
    """A line with a gap where a window is missing."""
    starts = _with_gaps(list(values), length)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [middle(start, start + length) for start in starts],
        "y": [values.get(start) for start in starts],
        "line": {"color": color, "width": 1.5},
        "marker": {"color": color, "size": 3},
        "hovertemplate": HOVER,
    }


def _with_gaps(starts: Sequence[int], length: int) -> list[int]:
    """The starts, and one of a window that is not there in each gap between them."""
    found: list[int] = []
    for start in starts:
        if found and start - found[-1] > length:
            found.append(found[-1] + length)
        found.append(start)
    return found
