"""Drift of a numeric column: the largest gap between two distribution functions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from detectors.bridge import bridges, merged
from detectors.cells import NumericCells
from detectors.distance import Null, Pairs
from detectors.distribution import DistributionDetector
from profiles import Counts
from profiles.counts import Floats, aligned


class KolmogorovSmirnov(DistributionDetector):
    """The Kolmogorov-Smirnov distance of window and reference: the value is 0 to 1.

    Kolmogorov (1933) and Smirnov (1948), on grid counts: within the largest share of one bin of the exact
    statistic. Ties within a bin make it smaller, never larger.
    """

    largest: ClassVar[float] = 1.0
    kind: Literal["kolmogorov_smirnov"] = "kolmogorov_smirnov"

    def null(self, cells: NumericCells, share: Floats) -> Null:  # noqa: ARG002 - the shares say it all
        """The square of the supremum of a Brownian bridge; of one distribution function it is pi**2 / 12."""
        few = merged(share)
        mean = float(np.square(np.abs(bridges(few)).max(axis=1)).mean())
        below = np.cumsum(few)
        variance = float((below * (1 - below)).max())
        return Null(mean, mean / variance) if variance > 0 and mean > 0 else Null(1.0, 1.0)

    def squared(self, cells: NumericCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The squared gap."""
        gaps = np.abs(np.cumsum(pairs.one - pairs.other, axis=1))
        found: Floats = np.square(gaps.max(axis=1, initial=0.0))
        return found


def distance_of(one: Counts, other: Counts) -> float:
    """The Kolmogorov-Smirnov distance of two counts on the same grid.

    >>> distance_of(Counts.of(np.array([1, 2])), Counts.of(np.array([2, 3])))
    0.5
    """
    _, matrix = aligned([one, other])
    first, second = np.cumsum(matrix / matrix.sum(axis=1, keepdims=True), axis=1)
    return float(np.abs(first - second).max(initial=0.0))
