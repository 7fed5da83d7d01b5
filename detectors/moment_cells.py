"""Moments as rows of numbers, and what detectors of moments share: whitening by the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from detectors.distance import Baseline, DistanceDetector
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase
from profiles import Moments, MomentSummary
from profiles.counts import Floats
from profiles.moments import STEPS

LEAST = 0.01  # of a column's variance: what varies less in the reference is taken to vary so much


@dataclass(frozen=True, eq=False)
class MomentCells:
    """A row is the sums, shape (r,), then the products, the upper triangle, shape (r * (r + 1) / 2,).

    Attributes:
        space: what they were counted on.
        whitening: shape (r, r): turns a reference's rows into ones of uncorrelated columns of variance 1.
        kept: the variance that each of those has: below 1 where it is nearly constant. Shape (r,).
    """

    space: Moments
    whitening: Floats
    kept: Floats

    @classmethod
    def of(cls, windows: Sequence[MomentSummary]) -> MomentCells:
        """Whiten by the covariance of all windows."""
        space = windows[0].space
        whole = sum(windows[1:], windows[0])
        _, (spread,) = split((whole.row() / whole.count)[None], space.directions)
        variances, axes = np.linalg.eigh(spread)
        floor = np.maximum(variances, LEAST)
        whitening = (axes / np.sqrt(floor)) @ axes.T  # the symmetric root: columns stay recognisable
        return cls(space, whitening, np.clip(variances / floor, 0.0, 1.0))

    @staticmethod
    def row(summary: MomentSummary) -> Floats:
        """The sums in steps, shape (r + r * (r + 1) / 2,)."""
        return summary.row()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What people call the columns; empty for an embedding."""
        return tuple(name.removeprefix("features.") for name in self.space.names)

    def white(self, means: Floats) -> Floats:
        """Means, shape (pairs, r), of whitened columns."""
        found: Floats = means @ self.whitening
        return found

    def white_spread(self, spreads: Floats) -> Floats:
        """Covariances, shape (pairs, r, r), of whitened columns."""
        found: Floats = self.whitening.T @ spreads @ self.whitening
        return found

    def columns(self, row: Floats) -> tuple[Floats, Floats]:
        """Mean and covariance of the columns themselves, shapes (d,) and (d, d), of a row of shares."""
        (mean,), (spread,) = split(row[None], self.space.directions)
        loadings = self.space.loadings
        return loadings @ mean, loadings @ spread @ loadings.T


def split(shares: Floats, r: int) -> tuple[Floats, Floats]:
    """Means, shape (pairs, r), and covariances, shape (pairs, r, r), in standard deviations, of shares."""
    means = shares[:, :r] / STEPS
    second = np.empty((len(shares), r, r))
    upper = np.triu_indices(r)
    second[:, upper[0], upper[1]] = second[:, upper[1], upper[0]] = shares[:, r:] / STEPS**2
    return means, second - means[:, :, None] * means[:, None, :]


class MomentDetector(DistanceDetector):
    """A detector of drift of whole vectors, from their first and second moments."""

    spaces: ClassVar[tuple[str, ...]] = ("moments",)
    positive: ClassVar[bool] = False
    rows_per_direction: ClassVar[int] = 0
    """Fewer rows for each direction are insufficient."""

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Multivariate drift."""
        return "drift.multivariate"

    def cells(self, windows: Sequence[Any]) -> MomentCells:
        """Moments, and the whitening of the reference."""
        return MomentCells.of(windows)

    def judge(self, baseline: Baseline | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The distance of a window."""
        least = self.rows_per_direction * current.space.directions
        if current.count < least:
            return insufficient(f"{current.count} values, fewer than {least}")
        return super().judge(baseline, current, alpha, phase)
