"""Drift of a categorical column: Pearson's chi-square, with rare categories pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from detectors.detector import Detector, drift_signal
from detectors.dispersion import FEW_WINDOWS, Dispersion, Distances, effective_size
from detectors.judgement import Judgement, insufficient
from profiles import CategoricalSummary
from profiles.counts import Floats, Ints, aligned

SMALLEST_EXPECTED = 5.0  # Cochran's rule for the chi-square approximation


@dataclass(frozen=True)
class Baseline:
    """The reference's counts by code; `codes` that are rare share the last cell."""

    codes: Ints
    cells: Floats
    dispersion: Dispersion


class ChiSquare(Detector):
    """The two-sample chi-square of window and reference, calibrated on the reference's windows.

    Pearson (1900). The value is Cramer's V-like: sqrt(X2 / n) with n the effective rows, so it does not grow
    with traffic. Categories expected fewer than five times in a typical window are pooled (Cochran, 1954).
    """

    spaces: ClassVar[tuple[str, ...]] = ("categorical",)
    kind: Literal["chi_square"] = "chi_square"

    def signal(self, part: str) -> str:
        """Drift of a feature, or of the predicted class."""
        return drift_signal(part)

    def learn(self, windows: Sequence[CategoricalSummary]) -> Baseline:
        """Choose the cells, and compare each window with the rest of the reference, and with the next."""
        keys, matrix = aligned([window.counts for window in windows if window.count])
        typical = matrix.sum() / max(len(matrix), 1)
        share = matrix.sum(axis=0) / max(matrix.sum(), 1)
        kept = share * typical >= SMALLEST_EXPECTED
        cells = np.column_stack([matrix[:, kept], matrix[:, ~kept].sum(axis=1)]).astype(np.float64)
        whole = cells.sum(axis=0)
        apart = [(row, whole - row) for row in cells] if len(cells) >= FEW_WINDOWS else []
        df = max(int((whole > 0).sum()) - 1, 1)
        dispersion = Dispersion.learn(_distances(apart), df, df, _distances(list(pairwise(cells))))
        return Baseline(keys[kept], whole, dispersion)

    def judge(self, baseline: Baseline, current: CategoricalSummary, alpha: float) -> Judgement:
        """The distance of a window: 0 when shares are equal."""
        if current.count < self.min_rows or baseline.cells.sum() < self.min_rows:
            return insufficient(f"{current.count} values, fewer than {self.min_rows}")
        own = current.counts.at(baseline.codes).astype(np.float64)
        cells = np.append(own, current.count - own.sum())
        rows = current.count + float(baseline.cells.sum())
        size = effective_size(current.count, float(baseline.cells.sum()))
        statistic = chi_square(cells, baseline.cells, SMALLEST_EXPECTED)
        limit = min(baseline.dispersion.threshold(alpha, size), rows)  # no statistic is larger
        return Judgement(
            value=float(np.sqrt(statistic / size)),
            threshold=float(np.sqrt(limit / size)),
            p_value=baseline.dispersion.p_value(statistic, size),
            weight=baseline.dispersion.weight,
            note=_largest_change(baseline, cells, current),
        )


def _largest_change(baseline: Baseline, cells: Floats, current: CategoricalSummary) -> str:
    before, after = baseline.cells / baseline.cells.sum(), cells / cells.sum()
    place = int(np.argmax(np.abs(after - before)))
    name = current.space.label(int(baseline.codes[place])) if place < baseline.codes.size else "(rare)"
    return f"share of {name!r} {before[place]:.1%} -> {after[place]:.1%}"


def _distances(pairs: Sequence[tuple[Floats, Floats]]) -> Distances:
    return Distances.of(
        [chi_square(one, other, SMALLEST_EXPECTED) for one, other in pairs],
        [effective_size(float(one.sum()), float(other.sum())) for one, other in pairs],
    )


def chi_square(one: Floats, other: Floats, least: float = 0.0) -> float:
    """The two-sample chi-square of two rows of counts, both shape (cells,); empty cells are left out.

    Args:
        one: counts of the first sample.
        other: counts of the second sample.
        least: a cell that expects fewer of either sample than this is taken to have their variance: the rare
            cell that must stand by itself (all that the reference has hardly seen) says no more than it can.

    >>> round(chi_square(np.array([10.0, 20.0]), np.array([20.0, 10.0])), 3)
    6.667
    """
    both = one + other
    some = both > 0
    ratio = np.sqrt(other.sum() / one.sum())
    spread = np.maximum(both[some], least * both.sum() / min(one.sum(), other.sum()))
    return float((np.square(one[some] * ratio - other[some] / ratio) / spread).sum())
