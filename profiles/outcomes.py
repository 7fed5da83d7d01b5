"""Predictions whose label has come: the counts that every performance metric is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Ints
from profiles.grid import Grid
from profiles.score import ScoreGrid
from profiles.sums import Sums

NO_SCORE = -(1 << 15)  # stands for a bin in 16 bits
FAR = 1e70  # the sum of the fourth powers of many such errors is still a number
Column = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class BinaryOutcomes(Sums):
    """Counts on score grid x label, and on prediction x label (`confusion`: tn, fn, fp, tp)."""

    positives: Counts
    negatives: Counts
    confusion: Ints

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return int(self.confusion.sum())


@dataclass(frozen=True)
class Outcomes:
    """The space of a binary task: label 1 is the positive class.

    >>> done = Outcomes().summarize(np.array([0.9, 0.2]), np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    >>> done.confusion.tolist()
    [0, 1, 0, 1]
    """

    kind: ClassVar[str] = "binary"
    scores: ClassVar[ScoreGrid] = ScoreGrid()

    def summarize(self, scores: Column, predictions: Column, labels: Column) -> BinaryOutcomes:
        """Count joined rows, all shape (n,); a score may be NaN, predictions and labels are 0 or 1."""
        return self.count(self.keys(scores), predictions, labels)

    def keys(self, scores: Column) -> Ints:
        """The bins of scores, shape (n,); `NO_SCORE` for NaN."""
        scored = ~np.isnan(scores)
        keys = self.scores.index(np.where(scored, scores, 0.0).astype(np.float64))
        return np.where(scored, keys, NO_SCORE)

    def count(self, keys: Ints, predictions: Column, labels: Column) -> BinaryOutcomes:
        """Count joined rows by the bins of their scores."""
        positive = labels > 0
        scored = keys != NO_SCORE
        cells = (2 * (predictions > 0) + positive).astype(np.int64)
        return BinaryOutcomes(
            self,
            Counts.of(keys[scored & positive]),
            Counts.of(keys[scored & ~positive]),
            np.bincount(cells, minlength=4).astype(np.int64),
        )

    def zero(self) -> BinaryOutcomes:
        """The summary of no rows."""
        return BinaryOutcomes(self, Counts(), Counts(), np.zeros(4, np.int64))


@dataclass(frozen=True, eq=False)
class RegressionOutcomes(Sums):
    """Counts of the residual (prediction - label) on its grid, and sums of error terms."""

    residuals: Counts
    absolute: float = 0.0
    squared: float = 0.0
    fourth: float = 0.0

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return self.residuals.total


@dataclass(frozen=True)
class ResidualGrid:
    """The space of a regression task.

    >>> ResidualGrid(Grid(0.0, 1.0)).summarize(np.array([3.0]), np.array([1.0])).absolute
    2.0
    """

    grid: Grid
    kind: ClassVar[str] = "regression"

    def summarize(self, predictions: Column, labels: Column) -> RegressionOutcomes:
        """Count joined rows, both shape (n,) and finite; errors beyond `FAR` count as `FAR`."""
        with np.errstate(over="ignore"):
            residuals = np.clip(np.asarray(predictions - labels, np.float64), -FAR, FAR)
        squares = np.square(residuals)
        return RegressionOutcomes(
            self,
            Counts.of(self.grid.index(residuals)),
            float(np.abs(residuals).sum()),
            float(squares.sum()),
            float(np.square(squares).sum()),
        )

    def zero(self) -> RegressionOutcomes:
        """The summary of no rows."""
        return RegressionOutcomes(self, Counts())
