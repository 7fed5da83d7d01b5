"""A numeric column before and after, and what it takes to explain the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding
from detectors.kolmogorov_smirnov import distance_of
from profiles import NumericSummary
from profiles.counts import Floats

KS_99 = 1.63  # Kolmogorov's distribution stays below this in 99 of 100 healthy windows
CERTAIN = 1.2  # times that it is in 999 of 1000
LEFT = 0.04  # an explanation may leave so much of the distance, beside noise
MOST_LEFT = 0.4  # and never more than this, however much noise there is
FEW_ROWS, NO_EDGE = 10, 0.03  # so much of an explanation may lie where the window has nothing
LEVELS = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True, eq=False)
class Change:
    """The reference's values and a window's, and the distance between them.

    Attributes:
        before: the reference's values.
        after: the window's.
        missing: the share of missing values before and after.
        distance: the Kolmogorov-Smirnov distance, in [0, 1].
        noise: what sampling and healthy variation alone would show.
    """

    before: Distribution
    after: Distribution
    missing: tuple[float, float]
    distance: float
    noise: float

    @classmethod
    def of(cls, reference: NumericSummary, current: NumericSummary, healthy: float = 0.0) -> Self | None:
        """Compare two summaries; None when either has no values.

        Args:
            reference: summary of the reference.
            current: summary of what is to be explained.
            healthy: the distance that healthy windows show, if it is known.
        """
        before, after = Distribution.of(reference), Distribution.of(current)
        if before is None or after is None:
            return None
        effective = before.count * after.count / (before.count + after.count)
        missing = (_missing(reference), _missing(current))
        same = reference.space == current.space
        distance = distance_of(reference.counts, current.counts) if same else before.residual(after)
        return cls(before, after, missing, distance, max(KS_99 / float(np.sqrt(effective)), healthy))

    @property
    def real(self) -> bool:
        """Whether there is more of a difference than noise."""
        return self.distance > CERTAIN * self.noise

    def left_by(self, expected: Distribution, *, evident: bool = False) -> float:
        """The share of the distance, beyond noise, that an explanation leaves; infinite if it fails.

        Args:
            expected: what the window would look like.
            evident: there is evidence beside the distance, so noise may be nearly all of it.
        """
        if expected.beyond(self.after) > max(FEW_ROWS / self.after.count, NO_EDGE):
            return float("inf")
        residual = expected.residual(self.after)
        most = self.noise + LEFT * self.distance
        if residual > (most if evident else min(most, MOST_LEFT * self.distance)):
            return float("inf")
        return max(0.0, residual - self.noise) / self.distance

    def explained_by(self, expected: Distribution, trust: float, *, evident: bool = False) -> float:
        """How strong an explanation is; 0 if it fails.

        Args:
            expected: what the window would look like.
            trust: in (0, 1]: the less, the more an explanation of this sort could explain.
            evident: see `left_by`.
        """
        return max(0.0, trust * (1 - self.left_by(expected, evident=evident)))

    @cached_property
    def levels(self) -> tuple[Floats, Floats]:
        """Quantiles before and after, at `LEVELS`."""
        return self.before.quantiles(LEVELS), self.after.quantiles(LEVELS)

    @cached_property
    def shift(self) -> float:
        """By how much the values moved, if they moved by the same."""
        if self.after.coarse or self.before.coarse:
            return self.after.mean - self.before.mean
        before, after = self.levels
        (first, atom), (first2, atom2) = (_landmarks(side) for side in (self.before, self.after))
        found = [float(np.median(after - before)), atom2 - atom, first2 - first]
        return min(found, key=lambda one: self.before.affine(one, 1.0).gap(self.after))

    @cached_property
    def scale(self) -> float:
        """By how much the values were multiplied, if they were; NaN if that cannot be said."""
        if self.after.coarse or self.before.coarse:
            doubt = self.before.std / np.sqrt(self.before.count)
            centred = abs(self.before.mean) < 20 * doubt
            return self.stretch if centred else self.after.mean / self.before.mean
        before, after = self.levels
        weights = np.abs(before)
        if not weights.any():
            return float("nan")
        some = weights > 1e-3 * weights.max()
        return _weighted_median(after[some] / before[some], weights[some])

    @cached_property
    def stretch(self) -> float:
        """How much wider the values are spread; NaN if they were not spread before."""
        if self.after.coarse or self.before.coarse:
            return self.after.std / self.before.std if self.before.std else float("nan")
        before, after = (np.diff(np.stack([side, side[::-1]]), axis=0)[0][:24] for side in self.levels)
        some = before > 0
        return _weighted_median(after[some] / before[some], before[some]) if some.any() else float("nan")


Recogniser = Callable[[Change], Finding | None]


def _missing(summary: NumericSummary) -> float:
    rows = summary.nulls + summary.count
    return summary.nulls / rows if rows else 0.0


def _landmarks(side: Distribution) -> tuple[float, float]:
    """The smallest value and the most frequent: where many tie they tell a shift better than quantiles."""
    return side.low, float(side.middle[np.argmax(side.mass)])


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
