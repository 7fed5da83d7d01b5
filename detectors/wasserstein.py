"""Drift of a numeric column: how far values have moved, in standard deviations of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from detectors.cells import NumericCells
from detectors.distance import Null, Pairs
from detectors.distribution import DistributionDetector
from detectors.transport import TransportCells, expected_square
from profiles import NumericSummary
from profiles.counts import Floats


class Wasserstein(DistributionDetector):
    """The first Wasserstein (earth mover's) distance of window and reference, over the standard deviation.

    Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory
    of Probability and its Applications 18 (1974): the area between the distribution functions. A shift by e
    standard deviations makes e. Where the reference has no finite standard deviation above 0, the unit is the
    grid's scale. For how exact it is see `TransportCells`.
    """

    kind: Literal["wasserstein"] = "wasserstein"

    def cells(self, windows: Sequence[NumericSummary]) -> TransportCells:
        """Every bin between the reference's extremes, and what is beyond them."""
        return TransportCells.spanning(windows)

    def null(self, cells: TransportCells, share: Floats) -> Null:
        """The squared area under a Brownian bridge; of all directions the mean's variance is the largest."""
        counts = share[:-2]
        mean, places = expected_square(counts, cells.gaps), cells.places
        variance = float(counts @ np.square(places - counts @ places))
        return Null(mean, max(mean / variance, 1.0)) if mean > 0 and variance > 0 else Null(1.0, 1.0)

    def squared(self, cells: TransportCells, pairs: Pairs) -> Floats:
        """The squared area between the distribution functions."""
        moved = pairs.one - pairs.other
        inner = np.abs(np.cumsum(moved[:, :-2], axis=1)[:, :-1]) @ cells.gaps
        found: Floats = np.square(inner + np.abs(moved[:, -2:]).sum(axis=1))
        return found

    def note(self, cells: NumericCells, before: Floats, after: Floats) -> str:
        """The medians."""
        return super().note(cells, before[:-2], after[:-2])
