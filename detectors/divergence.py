"""Divergences between shares: of the frequent categories, or of a number cut at the reference's deciles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from detectors.cells import CategoricalCells, NumericCells
from detectors.detector import drift_signal
from detectors.distance import DistanceDetector, Null, Pairs
from profiles.counts import Floats

QUANTILES = 10  # what rules of thumb for PSI mean; and the fewest rows, 50, expect five in each (Cochran)


class DivergenceDetector(DistanceDetector):
    """A detector of drift of a number or of a category, from the shares of a few cells.

    A number has ten cells of about equal share (fewer where values tie), and two more for what is below or
    above all that the reference has.
    """

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "score", "categorical")
    curvature: ClassVar[float]
    """Close to no change the squared divergence is the chi-square distance times this."""

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the score or the prediction."""
        return drift_signal(part)

    def cells(self, windows: Sequence[Any]) -> NumericCells | CategoricalCells:
        """Categories that a typical window has five of; of a number tenths, and what is outside."""
        if windows[0].space.kind == "categorical":
            return CategoricalCells.of(windows)
        ends = [(window.counts.keys[0], window.counts.keys[-1] + 1) for window in windows]
        inner = NumericCells.quantiles(windows, QUANTILES)
        return NumericCells(inner.space, np.union1d(inner.edges, [min(ends)[0], max(end[1] for end in ends)]))

    def null(self, cells: Any, share: Floats) -> Null:  # noqa: ARG002 - how many cells is enough
        """A chi-square with one degree of freedom less than there are cells, times the curvature."""
        df = max(int((share > 0).sum()) - 1, 1)
        return Null(self.curvature * df, df)

    def note(self, cells: NumericCells | CategoricalCells, before: Floats, after: Floats) -> str:
        """The cell whose share changed most."""
        place = int(np.argmax(np.abs(after - before)))
        return f"share {where(cells, place)} {before[place]:.1%} -> {after[place]:.1%}"


def where(cells: NumericCells | CategoricalCells, place: int) -> str:
    """What is in a cell, for people."""
    if isinstance(cells, CategoricalCells):
        return f"of {cells.name(place)!r}"
    ends = [f"{end:.4g}" for end in cells.space.lower(cells.edges)]
    if place == 0:
        return f"below {ends[0]}"
    return f"from {ends[place - 1]}" + (f" to {ends[place]}" if place < len(ends) else " on")


def filled(pairs: Pairs, least: float = 0.0) -> tuple[Floats, Floats]:
    """The shares of both, shape (pairs, cells), where a cell that one alone has is not empty in the other.

    It is taken to hold half a row there, but at least the share `least`, and never more than it does in the
    one: a small window has empty cells by chance, and a logarithm or a root would make too much of them.
    """

    def fill(own: Floats, opposite: Floats, rows: Floats) -> Floats:
        half = np.maximum(least, 0.5 / np.maximum(rows, 1))[:, None]
        return np.maximum(own, np.minimum(opposite, half))

    return fill(pairs.one, pairs.other, pairs.rows), fill(pairs.other, pairs.one, pairs.others)
