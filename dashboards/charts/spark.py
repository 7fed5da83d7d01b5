"""Sparklines: a series in the height of a table's row, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, PAD = 132, 28, 3


def sparkline(
    values: Sequence[float | None], bad: Sequence[bool], told: str, limit: float | None = None
) -> Markup:
    """Draw a series; None is a gap, and what is bad is marked.

    Args:
        values: oldest first.
        bad: which of them are in breach.
        told: the series in words.
        limit: a value to draw a line at.

    >>> "circle" in sparkline([1.0, 2.0], [False, True], "two values")
    True
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return Markup("")
    low, high = min([*known, *_drawn(limit)]), max([*known, *_drawn(limit)])
    step = (WIDTH - 2 * PAD) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return HEIGHT - PAD - share * (HEIGHT - 2 * PAD)

    line, marks, pen = [], [], "M"
    for place, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pen = "M"
            continue
        x = PAD + place * step
        line.append(f"{pen}{x:.1f} {y(value):.1f}")
        pen = "L"
        if bad[place]:
            marks.append(f'<circle cx="{x:.1f}" cy="{y(value):.1f}" r="2"/>')
    rule = "" if limit is None else f'<line x1="0" x2="{WIDTH}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>'
    return Markup(  # noqa: S704 - numbers, and a text that is escaped
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(told)}">{rule}<path d="{"".join(line)}"/>{"".join(marks)}</svg>'
    )


def _drawn(limit: float | None) -> list[float]:
    return [] if limit is None else [limit]
