"""Drift of a categorical column: Pearson's chi-square, with rare categories pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from detectors.detector import Detector, drift_signal
from detectors.dispersion import Dispersion, effective_size
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
        """Choose the cells, and compare each window with the rest of the reference."""
        keys, matrix = aligned([window.counts for window in windows])
        typical = matrix.sum() / max(len(windows), 1)
        share = matrix.sum(axis=0) / max(matrix.sum(), 1)
        kept = share * typical >= SMALLEST_EXPECTED
        cells = np.column_stack([matrix[:, kept], matrix[:, ~kept].sum(axis=1)]).astype(np.float64)
        whole = cells.sum(axis=0)
        rows = cells.sum(axis=1)
        rest = whole.sum() - rows
        usable = np.flatnonzero((rows > 0) & (rest > 0))
        statistics = np.array([chi_square(cells[i], whole - cells[i]) for i in usable])
        sizes = rows[usable] * rest[usable] / (rows[usable] + rest[usable])
        df = max(int((whole > 0).sum()) - 1, 1)
        return Baseline(keys[kept], whole, Dispersion.learn(statistics, sizes, df, df))

    def judge(self, baseline: Baseline, current: CategoricalSummary, alpha: float) -> Judgement:
        """The distance of a window: 0 when shares are equal."""
        if current.count < self.min_rows or baseline.cells.sum() < self.min_rows:
            return insufficient(f"{current.count} values, fewer than {self.min_rows}")
        own = current.counts.at(baseline.codes).astype(np.float64)
        cells = np.append(own, current.count - own.sum())
        size = effective_size(current.count, float(baseline.cells.sum()))
        statistic = chi_square(cells, baseline.cells)
        return Judgement(
            value=float(np.sqrt(statistic / size)),
            threshold=float(np.sqrt(baseline.dispersion.threshold(alpha, size) / size)),
            p_value=baseline.dispersion.p_value(statistic, size),
            note=_largest_change(baseline, cells, current),
        )


def _largest_change(baseline: Baseline, cells: Floats, current: CategoricalSummary) -> str:
    before, after = baseline.cells / baseline.cells.sum(), cells / cells.sum()
    place = int(np.argmax(np.abs(after - before)))
    name = current.space.label(int(baseline.codes[place])) if place < baseline.codes.size else "(rare)"
    return f"share of {name!r} {before[place]:.1%} -> {after[place]:.1%}"


def chi_square(one: Floats, other: Floats) -> float:
    """The two-sample chi-square of two rows of counts, both shape (cells,); empty cells are left out.

    >>> round(chi_square(np.array([10.0, 20.0]), np.array([20.0, 10.0])), 3)
    6.667
    """
    both = one + other
    some = both > 0
    ratio = np.sqrt(other.sum() / one.sum())
    return float((np.square(one[some] * ratio - other[some] / ratio) / both[some]).sum())
