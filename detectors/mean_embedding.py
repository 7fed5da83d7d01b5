"""Drift of an embedding: the distance of mean embeddings in a kernel's feature space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from detectors.distance import DistanceDetector, Null, Pairs
from profiles import EmbeddingSummary
from profiles.counts import Floats

MOST_DF = 30.0


@dataclass(frozen=True)
class FourierCells:
    """The sums of the random features."""

    @staticmethod
    def row(summary: EmbeddingSummary) -> Floats:
        """The sums, shape (features,)."""
        return summary.features


class MeanEmbedding(DistanceDetector):
    """The maximum mean discrepancy of window and reference, on random Fourier features.

    Gretton et al., "A kernel two-sample test", JMLR 13 (2012).
    """

    spaces: ClassVar[tuple[str, ...]] = ("embedding",)
    positive: ClassVar[bool] = False
    kind: Literal["mean_embedding"] = "mean_embedding"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Multivariate drift."""
        return "drift.multivariate"

    def cells(self, windows: Sequence[Any]) -> FourierCells:  # noqa: ARG002 - the features are fixed
        """The random features."""
        return FourierCells()

    def null(self, cells: FourierCells, share: Floats) -> Null:  # noqa: ARG002 - the means say it all
        """The sum of the features' variances; in how many directions they vary is not known."""
        frequencies = share.size / 2
        return Null(max(float(frequencies - np.square(share).sum()), 1e-12), MOST_DF)

    def squared(self, cells: FourierCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """Squared distances of the means."""
        found: Floats = np.square(pairs.one - pairs.other).sum(axis=1)
        return found
