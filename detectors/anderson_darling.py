"""Drift of a numeric column: the gap between distribution functions, with as much weight in the tails."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors.bridge import covariance, largest_eigenvalue, merged, middle
from detectors.cells import NumericCells
from detectors.distance import Null, Pairs
from detectors.distribution import DistributionDetector
from profiles.counts import Floats


class AndersonDarling(DistributionDetector):
    """The Anderson-Darling distance: the root of the mean squared gap, each in its standard deviations.

    Scholz and Stephens, "K-sample Anderson-Darling tests", Journal of the American Statistical Association
    82 (1987), with mid-ranks, so that ties (zeros, whole numbers) are treated as they should be: n d**2 has a
    mean of 1 whatever the distribution. The value is 0 when nothing changed; a shift of a normal variable by
    a small part e of its standard deviation makes about 0.96 e.
    """

    kind: Literal["anderson_darling"] = "anderson_darling"

    def null(self, cells: NumericCells, share: Floats) -> Null:  # noqa: ARG002 - the shares say it all
        """Mean 1; the largest weight is 1/2 for a continuous variable, and 1 for one of two values."""
        few = merged(share)
        matrix = covariance(few)
        scale = np.sqrt(few / np.maximum(np.diag(matrix), np.finfo(float).tiny))
        largest = largest_eigenvalue(scale[:, None] * matrix * scale)
        return Null(1.0, float(np.clip(1 / largest, 1, 2)) if largest > 0 else 1.0)

    def squared(self, cells: NumericCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The mean of squared gaps over their variances, in the pooled distribution."""
        at = middle(pairs.pooled)
        variance = at * (1 - at) - pairs.pooled / 4
        some = variance > np.finfo(float).eps
        gaps = np.square(middle(pairs.one) - middle(pairs.other)) * pairs.pooled
        found: Floats = np.divide(gaps, variance, out=np.zeros_like(gaps), where=some).sum(axis=1)
        return found
