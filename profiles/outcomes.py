"""Predictions whose label has come: the counts that every performance metric is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.grid import Grid
from profiles.numeric import PIECE
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
    """Counts of the residual e (prediction - label) on its grid, and sums of error terms.

    Attributes:
        residuals: counts of e.
        absolute: the sum of abs(e), in the label's unit.
        squared: of e**2.
        fourth: of e**4.
        signed: of e.
        signed_squared: of e * abs(e).
        relative: of abs(e) / max(abs(label), 2**-52).
        relative_squared: of its squares.
        labels: of d, d**2, d**3 and d**4, d being the label's distance from the space's `center`; shape (4,).
        crossed: of e**2 * d and e**2 * d**2, shape (2,).
    """

    residuals: Counts
    absolute: float = 0.0
    squared: float = 0.0
    fourth: float = 0.0
    signed: float = 0.0
    signed_squared: float = 0.0
    relative: float = 0.0
    relative_squared: float = 0.0
    labels: Floats = field(default_factory=lambda: np.zeros(4))
    crossed: Floats = field(default_factory=lambda: np.zeros(2))

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return self.residuals.total


@dataclass(frozen=True)
class ResidualGrid:
    """The space of a regression task.

    Attributes:
        grid: of the residual.
        center: a usual label, about which labels are summed, so that their variance keeps its digits; None
            in shapes that are older than it stands for 0.

    >>> ResidualGrid(Grid(0.0, 1.0)).summarize(np.array([3.0]), np.array([1.0])).absolute
    2.0
    """

    grid: Grid
    center: float | None = None
    kind: ClassVar[str] = "regression"

    def summarize(self, predictions: Column, labels: Column) -> RegressionOutcomes:
        """Count joined rows, both shape (n,) and finite.

        What is beyond `FAR` counts as `FAR`: an error, a relative error, a label's distance from the centre.
        """
        count = len(labels)
        keys, sums = np.empty(count, np.int32), np.zeros(13)
        for start in range(0, count, PIECE):
            piece = slice(start, start + PIECE)
            keys[piece] = self._add(predictions[piece], labels[piece], sums)
        absolute, squared, fourth, signed, signed_squared, relative, relative_squared = sums[:7].tolist()
        return RegressionOutcomes(
            space=self,
            residuals=Counts.of(keys),
            absolute=absolute,
            squared=squared,
            fourth=fourth,
            signed=signed,
            signed_squared=signed_squared,
            relative=relative,
            relative_squared=relative_squared,
            labels=sums[7:11],
            crossed=sums[11:],
        )

    def _add(self, predictions: Column, labels: Column, sums: Floats) -> Ints:
        """Add some rows to the sums, in the order of their fields; returns the bins of the residuals."""
        with np.errstate(over="ignore"):
            e = np.clip(np.asarray(predictions - labels, np.float64), -FAR, FAR)
            d = np.clip(np.asarray(labels, np.float64) - (self.center or 0.0), -FAR, FAR)
            size = np.abs(e)
            relative = np.minimum(size / np.maximum(np.abs(labels), np.finfo(np.float64).eps), FAR)
        e2, d2 = e * e, d * d
        errors = (size.sum(), e2.sum(), e2 @ e2, e.sum(), e @ size, relative.sum(), relative @ relative)
        sums += (*errors, d.sum(), d2.sum(), d2 @ d, d2 @ d2, e2 @ d, e2 @ d2)
        return self.grid.index(e)

    def zero(self) -> RegressionOutcomes:
        """The summary of no rows."""
        return RegressionOutcomes(self, Counts())
