"""The summary of an embedding: sums of random Fourier features, whose mean distance is an MMD.

Rahimi and Recht, "Random features for large-scale kernel machines", NIPS 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Floats
from profiles.groups import Groups
from profiles.sums import Sums

FREQUENCIES = 128
FAR = 1e4  # standard deviations: a phase beyond would be no less random, and lose its digits to rounding
HUGE = 1e140


@dataclass(frozen=True, eq=False)
class EmbeddingSummary(Sums):
    """The sum of the random features over the rows, shape (2 * FREQUENCIES,), and the rows."""

    features: Floats
    count: int = 0
    nulls: int = 0

    def mean(self) -> Floats:
        """The mean embedding in the kernel's feature space."""
        return self.features / max(self.count, 1)


@dataclass(frozen=True)
class Projection:
    """Random Fourier features of a Gaussian kernel over vectors standardised by the reference.

    >>> space = Projection.fit(np.random.default_rng(0).normal(size=(100, 3)))
    >>> space.summarize(np.zeros((5, 3))).count
    5
    """

    centers: tuple[float, ...]
    scales: tuple[float, ...]
    seed: int = 7
    kind: ClassVar[str] = "embedding"

    @classmethod
    def fit(cls, vectors: npt.NDArray[np.floating]) -> Projection:
        """Standardise by the mean and standard deviation of `vectors`, shape (n, d)."""
        whole = np.clip(vectors[np.isfinite(vectors).all(axis=1)].astype(np.float64), -HUGE, HUGE)
        if not len(whole):
            return cls((0.0,) * vectors.shape[1], (1.0,) * vectors.shape[1])
        scales = whole.std(axis=0)
        return cls(tuple(whole.mean(axis=0).tolist()), tuple(np.where(scales > 0, scales, 1.0).tolist()))

    @cached_property
    def _weights(self) -> Floats:
        dimensions = len(self.centers)
        # the bandwidth is the typical distance between two standardised rows
        spread = np.sqrt(2.0 * dimensions)
        return np.random.default_rng(self.seed).normal(0, 1 / spread, (dimensions, FREQUENCIES))

    def summarize(self, vectors: npt.NDArray[np.floating]) -> EmbeddingSummary:
        """Sum the features of `vectors`, shape (n, d); a row with a missing value counts as missing."""
        whole = vectors[np.isfinite(vectors).all(axis=1)]
        with np.errstate(over="ignore"):
            standard = (whole - np.array(self.centers)) / np.array(self.scales)
        phase = np.clip(standard, -FAR, FAR) @ self._weights
        features = np.concatenate([np.cos(phase).sum(axis=0), np.sin(phase).sum(axis=0)])
        return EmbeddingSummary(self, features, len(whole), len(vectors) - len(whole))

    def tally(self, vectors: npt.NDArray[np.floating], groups: Groups) -> list[EmbeddingSummary]:
        """Sum the features of `vectors`, shape (n, d), for each sum of groups."""
        by_group = [self.summarize(part) for part in groups.parts(vectors)]
        return [sum((by_group[group] for group in one), self.zero()) for one in groups.wanted]

    def zero(self) -> EmbeddingSummary:
        """The summary of no rows."""
        return EmbeddingSummary(self, np.zeros(2 * FREQUENCIES))
