"""Drift of a numeric column: how far values have moved, in standard deviations of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from detectors.cells import NumericCells
from detectors.distance import Baseline, Null, Pairs
from detectors.distribution import DistributionDetector
from detectors.judgement import Judgement
from detectors.season import Phase
from detectors.transport import TransportCells, expected_square, kurtosis
from profiles import NumericSummary
from profiles.counts import Floats


class Wasserstein(DistributionDetector):
    """The first Wasserstein (earth mover's) distance of window and reference, over the standard deviation.

    Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory
    of Probability and its Applications 18 (1974): the area between the distribution functions. A shift by e
    standard deviations makes e. Where the reference has no finite standard deviation above 0, the unit is the
    grid's scale. For how exact it is see `TransportCells`.

    A few values far out decide on the distance, and no reference says how far the next one will be. So the
    value counts all the way, but evidence counts only the way within reach: see `TransportCells.reached`. The
    threshold is the value from which on that would be a breach.
    """

    kind: Literal["wasserstein"] = "wasserstein"

    def cells(self, windows: Sequence[NumericSummary]) -> TransportCells:
        """Every bin between the reference's extremes, and what is beyond them."""
        return TransportCells.spanning(windows)

    def null(self, cells: TransportCells, share: Floats) -> Null:
        """The squared area under a Brownian bridge; of all directions the mean's variance is the largest.

        The square of a sum of n values varies as one with 1 / (1 + kurtosis / 2n) degrees of freedom: less
        than 1 where a window has hardly a value that is not like all others.
        """
        counts, places = share[:-4], cells.near
        mean, variance = expected_square(counts, places), float(counts @ np.square(places - counts @ places))
        if not (mean > 0 and variance > 0):
            return Null(1.0, 1.0)
        heavy = max(kurtosis(counts, places), 0.0) / (2 * cells.rows)
        return Null(mean, max(mean / variance, 1.0) / (1 + heavy))

    def squared(self, cells: TransportCells, pairs: Pairs) -> Floats:
        """The squared area between the distribution functions, within reach."""
        return np.square(cells.cost(pairs.one - pairs.other, all_the_way=False))

    def judge(self, baseline: Baseline | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The distance of a window."""
        judged = super().judge(baseline, current, alpha, phase)
        if baseline is None or judged.value is None or judged.threshold is None:
            return judged
        season, code = baseline.find(phase)
        moved = baseline.cells.row(current) / current.count - season.phases.shares[code]
        value = float(baseline.cells.cost(moved[None], all_the_way=True)[0])
        return replace(judged, value=value, threshold=judged.threshold + max(value - judged.value, 0.0))

    def note(self, cells: NumericCells, before: Floats, after: Floats) -> str:
        """The medians."""
        return super().note(cells, before[:-4], after[:-4])
