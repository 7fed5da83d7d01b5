"""Drift of a numeric column: the mean squared gap between distribution functions."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from detectors.bridge import covariance, largest_eigenvalue, merged, middle
from detectors.cells import NumericCells
from detectors.distance import Null, Pairs
from detectors.distribution import DistributionDetector
from profiles.counts import Floats


class CramerVonMises(DistributionDetector):
    """The Cramer-von Mises distance: the root of the mean squared gap, 0 to 0.58.

    Anderson, "On the distribution of the two-sample Cramer-von Mises criterion", Annals of Mathematical
    Statistics 33 (1962), with mid-ranks, so that ties are treated as they should be; on the grid's counts,
    within the largest share of one bin of the exact distance (values beyond all that the reference has share
    a bin). A shift of a normal variable by a small part e of its standard deviation makes about 0.3 e. It
    sees the middle of a distribution and hardly its tails.
    """

    largest: ClassVar[float] = float(1 / np.sqrt(3))
    kind: Literal["cramer_von_mises"] = "cramer_von_mises"

    def null(self, cells: NumericCells, share: Floats) -> Null:  # noqa: ARG002 - the shares say it all
        """The sum of squares of a Brownian bridge; of a continuous variable 1/6, and the largest 1/pi**2."""
        few = merged(share)
        matrix = covariance(few)
        mean = float(np.diag(matrix) @ few)
        root = np.sqrt(few)
        largest = largest_eigenvalue(root[:, None] * matrix * root)
        return Null(mean, max(mean / largest, 1.0)) if mean > 0 and largest > 0 else Null(1.0, 1.0)

    def squared(self, cells: NumericCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The mean of squared gaps over the pooled values."""
        gaps = np.square(middle(pairs.one - pairs.other))
        found: Floats = (gaps * pairs.pooled).sum(axis=1)
        return found
