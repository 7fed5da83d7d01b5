"""A chart as data: traces and layout for plotly.js, and a sentence for those who do not see it."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from collector.window import iso
from dashboards.queries.series import Span

JSON_IN_HTML = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
LONGEST_TICK = 14
DIGITS = 7  # more are no visible difference, but half of the page


@dataclass(frozen=True)
class Key:
    """An entry of a chart's legend: what is drawn, in which of the style's colours and marks."""

    name: str
    color: str
    mark: str = "line"


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        id: unique on the page.
        title: its heading.
        summary: what it shows now, in words.
        data: traces.
        layout: the layout, without theme.
        keys: the legend.
        height: in pixels.
        wide: whether long names need room on the left.
    """

    id: str
    title: str
    summary: str
    data: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    keys: Sequence[Key] = ()
    height: int = 230
    wide: bool = False

    @property
    def json(self) -> Markup:
        """For a `<script type="application/json">`: nothing in it can end the element."""
        return embedded({"data": self.data, "layout": self.layout, "wide": self.wide})


def embedded(value: Any) -> Markup:
    """JSON that is safe inside HTML; numbers that JSON cannot hold become null."""
    text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(JSON_IN_HTML))  # noqa: S704 - no <, > or & is left in it


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def text(value: str, longest: int | None = None) -> str:
    """Somebody's text in a chart: plotly.js reads a little HTML, so it is escaped."""
    shown = value if longest is None or len(value) <= longest else value[: longest - 1] + "…"
    return html.escape(shown, quote=False)


def milliseconds(moment: int) -> int:
    """A moment as plotly.js takes it."""
    return moment // 1000


def middle(start: int, end: int) -> int:
    """Where a window is drawn."""
    return milliseconds((start + end) // 2)


def middles(lines: Iterable[Any]) -> list[int]:
    """Where the lines' windows are drawn."""
    return [middle(line.start, line.end) for line in lines]


def when(moment: int, length: int | None = None) -> str:
    """A moment in UTC, for people: to the day where windows are whole days, else to the minute or second.

    >>> when(90_000_000)
    '1970-01-01 00:01:30'
    """
    day, clock = iso(moment).removesuffix("Z").split(".")[0].split("T")
    if length is not None and length % 86_400_000_000 == 0 and clock == "00:00:00":
        return day
    return f"{day} {clock.removesuffix(':00')}"


def time_layout(span: Span, **more: Any) -> dict[str, Any]:
    """The layout of a chart over time: every chart of a page shows the same span."""
    axis = {"type": "date", "range": [milliseconds(span.low), milliseconds(span.high)]}
    return {"xaxis": axis, "yaxis": {}, "shapes": [], "annotations": [], "uirevision": "kept"} | more
