"""Drift of a categorical column: Pearson's chi-square, with rare categories pooled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from detectors.cells import SMALLEST_EXPECTED, CategoricalCells
from detectors.detector import drift_signal
from detectors.distance import DistanceDetector, Null, Pairs
from profiles import CategoricalSummary
from profiles.counts import Floats


class CategoryDetector(DistanceDetector):
    """A detector of drift of a category, from the shares of the frequent ones and of all others."""

    spaces: ClassVar[tuple[str, ...]] = ("categorical",)

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the predicted class."""
        return drift_signal(part)

    def cells(self, windows: Sequence[CategoricalSummary]) -> CategoricalCells:
        """Every category that a typical window has five of."""
        return CategoricalCells.of(windows)

    def note(self, cells: CategoricalCells, before: Floats, after: Floats) -> str:
        """The category whose share changed most."""
        place = int(np.argmax(np.abs(after - before)))
        return f"share of {cells.name(place)!r} {before[place]:.1%} -> {after[place]:.1%}"


class ChiSquare(CategoryDetector):
    """The two-sample chi-square of window and reference, per effective row.

    Pearson (1900). The value is Cramer's V-like: sqrt(X2 / n) with n the effective rows, so it does not grow
    with traffic.
    """

    kind: Literal["chi_square"] = "chi_square"

    def null(self, cells: CategoricalCells, share: Floats) -> Null:  # noqa: ARG002 - how many cells is enough
        """A chi-square with one degree of freedom less than there are cells."""
        df = max(int((share > 0).sum()) - 1, 1)
        return Null(df, df)

    def squared(self, cells: CategoricalCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The chi-square of each pair, over its effective rows.

        A cell that expects fewer than five of either sample is taken to have their variance: the rare cell
        that must stand by itself (all that the reference has hardly seen) says no more than it can.
        """
        least = SMALLEST_EXPECTED / np.maximum(np.minimum(pairs.rows, pairs.others), 1)
        spread = np.maximum(pairs.pooled, least[:, None])
        found: Floats = (np.square(pairs.one - pairs.other) / spread).sum(axis=1)
        return found
