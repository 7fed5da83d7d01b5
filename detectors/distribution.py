"""Distances between the distribution functions of a numeric column, on every bin of its grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from detectors.cells import NumericCells
from detectors.detector import drift_signal
from detectors.distance import DistanceDetector
from profiles.counts import Floats


class DistributionDetector(DistanceDetector):
    """A detector of drift of a number, from the distribution function."""

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "score")

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the score or the prediction."""
        return drift_signal(part)

    def cells(self, windows: Sequence[Any]) -> NumericCells:
        """Every bin that the reference has."""
        return NumericCells.of(windows)

    def note(self, cells: NumericCells, before: Floats, after: Floats) -> str:
        """The medians."""
        return f"median {cells.quantile(before, 0.5):.4g} -> {cells.quantile(after, 0.5):.4g}"
