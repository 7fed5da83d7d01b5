"""Drift of an embedding: the distance of mean embeddings in a kernel's feature space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from detectors.detector import Detector
from detectors.dispersion import FEW_WINDOWS, Dispersion, Distances, effective_size
from detectors.judgement import Judgement, insufficient
from profiles import EmbeddingSummary

MOST_DF = 30.0


@dataclass(frozen=True)
class Baseline:
    """The reference's summary, and how far its own windows are from the rest of it."""

    whole: EmbeddingSummary
    dispersion: Dispersion


class MeanEmbedding(Detector):
    """The maximum mean discrepancy of window and reference, on random Fourier features.

    Gretton et al., "A kernel two-sample test", JMLR 13 (2012).
    """

    spaces: ClassVar[tuple[str, ...]] = ("embedding",)
    kind: Literal["mean_embedding"] = "mean_embedding"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Multivariate drift."""
        return "drift.multivariate"

    def learn(self, windows: Sequence[EmbeddingSummary]) -> Baseline:
        """Compare each window with the rest of the reference, and with the next window."""
        whole = sum(windows[1:], windows[0])
        filled = [window for window in windows if window.count]
        apart = [(window, whole - window) for window in filled] if len(filled) >= FEW_WINDOWS else []
        frequencies = whole.features.size / 2
        base = max(float(frequencies - np.square(whole.mean()).sum()), 1e-12)
        neighbours = _distances(list(pairwise(filled)))
        return Baseline(whole, Dispersion.learn(_distances(apart), base, MOST_DF, neighbours))

    def judge(self, baseline: Baseline, current: EmbeddingSummary, alpha: float) -> Judgement:
        """The discrepancy of a window, 0 when the distributions are equal."""
        if current.count < self.min_rows or baseline.whole.count < self.min_rows:
            return insufficient(f"{current.count} rows, fewer than {self.min_rows}")
        size = effective_size(current.count, baseline.whole.count)
        squared = _squared(current, baseline.whole)
        furthest = 2.0 * current.features.size  # of two points on as many circles
        limit = min(baseline.dispersion.threshold(alpha, size) / size, furthest)
        return Judgement(
            value=float(np.sqrt(squared)),
            threshold=float(np.sqrt(limit)),
            p_value=baseline.dispersion.p_value(squared * size, size),
            weight=baseline.dispersion.weight,
        )


def _distances(pairs: Sequence[tuple[EmbeddingSummary, EmbeddingSummary]]) -> Distances:
    sizes = [effective_size(one.count, other.count) for one, other in pairs]
    squares = [_squared(one, other) for one, other in pairs]
    return Distances.of([size * square for size, square in zip(sizes, squares, strict=True)], sizes)


def _squared(one: EmbeddingSummary, other: EmbeddingSummary) -> float:
    return float(np.square(one.mean() - other.mean()).sum())
