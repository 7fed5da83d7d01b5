"""How values are written on the pages."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from collector.window import iso
from dashboards.charts.figure import when

DAY = 86_400_000_000
ENDS_EARLY = {
    "refused": ["proposed", "refused"],
    "dry-run": ["proposed", "dry-run"],
    "failed": ["proposed", "executing", "failed"],
    "awaiting": ["awaiting", "proposed", "executing", "verifying", "succeeded"],
}
NONE = "-"


def number(value: float | None) -> str:
    """A number to four digits; whole numbers with separators.

    >>> number(12345.0), number(0.123456), number(None)
    ('12,345', '0.1235', '-')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - a double holds no larger number exactly
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"  # noqa: PLR2004 - digits shown


def share(value: float | None) -> str:
    """A share in per cent.

    >>> share(0.0512)
    '5.12 %'
    """
    return NONE if value is None or not math.isfinite(value) else f"{100 * value:.3g} %"


def moment(value: int | None, window: int | None = None) -> str:
    """A moment in UTC, or a dash; that of a window of whole days without the clock."""
    return NONE if value is None else when(value, window)


def window(line: Any) -> str:
    """A line's window by its start."""
    return when(line.start, line.end - line.start)


def path(value: str) -> str:
    """A text as one segment of a URL's path."""
    return quote(value, safe="")


def report_link(model: str, start: int) -> str:
    """The address of the report on a window."""
    return f"/models/{path(model)}/windows/{path(iso(start))}/report"


def duration(value: int) -> str:
    """A stretch of time in microseconds, roughly.

    >>> duration(90 * 60 * 1_000_000)
    '1.5 h'
    """
    for unit, size in (("d", DAY), ("h", DAY // 24), ("min", DAY // 1440)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e6:.3g} s"


def steps(action: Any) -> list[tuple[str, str]]:
    """An action's way through its states: each with `done`, `now` or `later`.

    Args:
        action: a row of that table.
    """
    state = action.state
    way = ENDS_EARLY.get(state, ["proposed", "executing", "verifying", "succeeded"])
    if state == "escalated":
        way = [*way[:-1], state]
    now = way.index(state)
    return [
        (name, "done" if place < now else "now" if place == now else "later")
        for place, name in enumerate(way)
    ]
