"""Drift of a numeric column: the largest gap between two distribution functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from detectors.detector import Detector, drift_signal
from detectors.dispersion import FEW_WINDOWS, Dispersion, Distances, effective_size
from detectors.judgement import Judgement, insufficient
from profiles import Counts, NumericSummary
from profiles.counts import Floats, aligned
from profiles.numeric import counted_quantile

MEAN_SQUARE = np.pi**2 / 12  # of Kolmogorov's distribution
TAIL_DF = 3.0  # a chi-square with 3 degrees lies just above its tail, 2 exp(-2 t**2)


@dataclass(frozen=True)
class Baseline:
    """The reference's counts, and how far its own windows are from the rest of it."""

    counts: Counts
    dispersion: Dispersion


class KolmogorovSmirnov(Detector):
    """The Kolmogorov-Smirnov distance of window and reference, calibrated on the reference's windows.

    Kolmogorov (1933) and Smirnov (1948), on grid counts: within the largest share of one bin of the exact
    statistic. Ties within a bin make it smaller, never larger.
    """

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "score")
    kind: Literal["kolmogorov_smirnov"] = "kolmogorov_smirnov"

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the score or the prediction."""
        return drift_signal(part)

    def learn(self, windows: Sequence[NumericSummary]) -> Baseline:
        """Compare each window with the rest of the reference, and with the next window."""
        filled = [window.counts for window in windows if window.counts.total]
        keys, matrix = aligned(filled)
        below = np.cumsum(matrix, axis=1, dtype=np.float64)
        whole, rows = below.sum(axis=0), matrix.sum(axis=1).astype(np.float64)
        counts = Counts(keys, matrix.sum(axis=0))
        if len(filled) < FEW_WINDOWS:
            return Baseline(counts, Dispersion.learn(Distances(), MEAN_SQUARE, TAIL_DF))
        rest = rows.sum() - rows
        apart = _distances(below / rows[:, None], (whole - below) / rest[:, None], rows, rest)
        below /= rows[:, None]
        neighbours = _distances(below[1:], below[:-1], rows[1:], rows[:-1])
        return Baseline(counts, Dispersion.learn(apart, MEAN_SQUARE, TAIL_DF, neighbours))

    def judge(self, baseline: Baseline, current: NumericSummary, alpha: float) -> Judgement:
        """The distance (0 to 1) of a window."""
        if current.count < self.min_rows or baseline.counts.total < self.min_rows:
            return insufficient(f"{current.count} values, fewer than {self.min_rows}")
        distance = distance_of(baseline.counts, current.counts)
        size = effective_size(current.count, baseline.counts.total)
        return Judgement(
            value=distance,
            threshold=min(1.0, float(np.sqrt(baseline.dispersion.threshold(alpha, size) / size))),
            p_value=baseline.dispersion.p_value(distance**2 * size, size),
            weight=baseline.dispersion.weight,
            note=f"median {_median(current, baseline.counts):.4g} -> {current.quantile(0.5):.4g}",
        )


def _distances(one: Floats, other: Floats, rows: Floats, others: Floats) -> Distances:
    """The distances of distribution functions, a pair in each row of two matrices."""
    gaps = np.abs(one - other).max(axis=1, initial=0.0)
    sizes = rows * others / (rows + others)
    return Distances(np.square(gaps) * sizes, sizes)


def _median(current: NumericSummary, counts: Counts) -> float:
    return counted_quantile(current.space, counts, 0.5)


def distance_of(one: Counts, other: Counts) -> float:
    """The Kolmogorov-Smirnov distance of two counts on the same grid.

    >>> distance_of(Counts.of(np.array([1, 2])), Counts.of(np.array([2, 3])))
    0.5
    """
    _, matrix = aligned([one, other])
    first, second = np.cumsum(matrix / matrix.sum(axis=1, keepdims=True), axis=1)
    return float(np.abs(first - second).max(initial=0.0))
