"""Drift of mean and covariance together: the Frechet distance."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from detectors.distance import Null, Pairs
from detectors.moment_cells import MomentCells, MomentDetector, split
from profiles.counts import Floats


class Frechet(MomentDetector):
    """The Frechet distance of two normal distributions with these moments, whitened by the reference.

    Dowson and Landau, Journal of Multivariate Analysis 12 (1982); for image encoders known as FID (Heusel and
    others, NIPS 2017). Where the scale of healthy windows wanders its small p-values are several times too
    frequent; `covariance` is not subject to that.
    """

    kind: Literal["frechet"] = "frechet"
    rows_per_direction: ClassVar[int] = 8
    min_rows: int = Field(default=200, ge=1, description="Fewer rows than this in a window are insufficient.")

    def null(self, cells: MomentCells, share: Floats) -> Null:  # noqa: ARG002 - whitened, it is known
        """Near the identity the part of the covariances is a quarter of their squared difference."""
        kept, space = cells.kept, cells.space
        normal = kept.sum() ** 2 + np.square(kept).sum()
        mean = max(float(kept.sum() + space.kurtosis * normal / 4), 1e-12)
        return Null(mean, max(mean / max(space.widest / 4, 1.0), 1.0))

    def squared(self, cells: MomentCells, pairs: Pairs) -> Floats:
        """Squared distances: of the means, and of the roots of the covariances."""
        r = cells.space.directions
        (mean, one), (moved, other) = split(pairs.one, r), split(pairs.other, r)
        one, other = cells.white_spread(one), cells.white_spread(other)
        variances, axes = np.linalg.eigh(one)
        root = (axes * np.sqrt(np.maximum(variances, 0.0))[:, None, :]) @ axes.swapaxes(1, 2)
        both = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0.0)).sum(axis=1)
        traces = np.trace(one, axis1=1, axis2=2) + np.trace(other, axis1=1, axis2=2)
        found: Floats = np.square(cells.white(mean - moved)).sum(axis=1) + np.maximum(traces - 2 * both, 0.0)
        return found
