"""What is marked on every chart over time: deployments, incidents, and windows without a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alerts.deployments import OURS
from dashboards.charts.figure import Key, milliseconds, text
from dashboards.queries.series import Span

SEVERITIES = {"critical": ("$critical", "$bad"), "warning": ("$caution", "$warn"), "info": ("", "$sixth")}
STRIPE = 4  # pixels
ROWS = 3  # of labels above a chart
CLOSE = 0.18  # of the span: labels nearer than this to each other get rows of their own
LONGEST_LABEL = 12


@dataclass(frozen=True)
class Marks:
    """The events of a model in a span of time.

    Attributes:
        span: the span.
        deployments: rows of that table, oldest first.
        incidents: rows of that table.
    """

    span: Span
    deployments: Sequence[Any] = ()
    incidents: Sequence[Any] = ()

    def on(self, layout: dict[str, Any], *, labels: bool = True) -> dict[str, Any]:
        """A chart's layout with the marks added."""
        # the gravest last, so that it is on top
        rows = sorted(self.incidents, key=lambda row: -list(SEVERITIES).index(row.severity))
        shapes = [shape for row in rows for shape in self._incident(row)]
        shapes += [_line(milliseconds(row.at), deployment_color(row)) for row in self.deployments]
        annotations = self._labels() if labels else []
        return layout | {
            "shapes": [*layout.get("shapes", ()), *shapes],
            "annotations": [*layout.get("annotations", ()), *annotations],
        }

    def keys(self) -> list[Key]:
        """The legend of the marks that there are."""
        severe = {row.severity for row in self.incidents}
        names = [name for name in SEVERITIES if name in severe]
        keys = [Key(f"{name} incident", SEVERITIES[name][1].removeprefix("$"), "stripe") for name in names]
        kinds = {deployment_color(row) for row in self.deployments}
        keys += [Key("deployment", "deploy", "post")] if "$deploy" in kinds else []
        return keys + ([Key("rollback", "rollback", "post")] if "$rollback" in kinds else [])

    def _incident(self, row: Any) -> list[dict[str, Any]]:
        """A stripe above the data, and behind it a shade, if somebody should act."""
        end = row.resolved_at or self.span.high
        low, high = max(row.opened_at, self.span.low), min(end, self.span.high)
        shade, line = SEVERITIES[row.severity]
        block = _block(low, max(high, low + self.span.length // 8), shade or line)
        stripe = {"ysizemode": "pixel", "yanchor": 1, "y0": 1, "y1": STRIPE, "fillcolor": line}
        over = block | stripe | {"layer": "above"}
        return [block, over] if shade else [over]

    def _labels(self) -> list[dict[str, Any]]:
        width = max(self.span.high - self.span.low, 1)
        ends = [self.span.low - width] * ROWS  # where each row of labels is free again
        found = []
        for row in self.deployments:
            free = next((place for place in range(ROWS) if ends[place] <= row.at), None)
            if free is None:
                continue
            ends[free] = row.at + int(width * CLOSE)
            late = row.at > self.span.high - width * CLOSE
            found.append(
                {
                    "x": milliseconds(row.at),
                    "y": 1,
                    "yref": "paper",
                    "yanchor": "bottom",
                    "yshift": STRIPE + 12 * free,
                    "xanchor": "right" if late else "left",
                    "text": text(row.version, LONGEST_LABEL),
                    "showarrow": False,
                    "font": {"color": deployment_color(row), "size": 11},
                }
            )
        return found


def deployment_color(row: Any) -> str:
    """The colour of a deployment's line."""
    return "$rollback" if row.by == OURS else "$deploy"


def gaps(lines: Sequence[Any]) -> list[dict[str, Any]]:
    """Grey blocks over the windows that could not be judged, neighbours in one."""
    runs: list[list[int]] = []
    for line in lines:
        if line.verdict != "insufficient":
            continue
        if runs and runs[-1][1] >= line.start:
            runs[-1][1] = line.end
        else:
            runs.append([line.start, line.end])
    return [_block(low, high, "$gap") for low, high in runs]


def _block(low: int, high: int, color: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "layer": "below",
        "yref": "paper",
        "x0": milliseconds(low),
        "x1": milliseconds(high),
        "y0": 0,
        "y1": 1,
        "fillcolor": color,
        "line": {"width": 0},
    }


def _line(x: float, color: str) -> dict[str, Any]:
    style = {"color": color, "width": 1.5, "dash": "solid" if color == "$deploy" else "dash"}
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": style}
