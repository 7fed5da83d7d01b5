"""How wrong predictions of about the same value were: what the loss of others is expected from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.grid import Grid
from profiles.sums import Sums

CELLS = 64
FAR = 1e70  # the sum of the fourth powers of many such errors is still a number
Column = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class LossSums(Sums):
    """By cell of the predicted value: rows, and sums of the error's absolute value and even powers.

    Each has shape (cells,).
    """

    rows: Ints
    absolute: Floats
    squared: Floats
    fourth: Floats

    @property
    def count(self) -> int:
        """How many labels have joined."""
        return int(self.rows.sum())


@dataclass(frozen=True)
class Losses:
    """The space of a regression's errors by predicted value.

    Attributes:
        grid: of the predictions.
        edges: the first bin of each cell but the first, ascending.

    >>> space = Losses.fit(Grid(0.0, 1.0), np.arange(100.0))
    >>> seen = space.summarize(np.array([0.0, 99.0]), np.array([0.5, 97.0]))
    >>> seen.rows[[0, -1]].tolist(), seen.absolute[[0, -1]].tolist()
    ([1, 1], [0.5, 2.0])
    """

    grid: Grid
    edges: tuple[int, ...]
    kind: ClassVar[str] = "losses"

    @classmethod
    def fit(cls, grid: Grid, predictions: Column) -> Losses:
        """At most `CELLS` cells with about as many of the reference's predictions, shape (n,), in each."""
        finite = np.sort(predictions[np.isfinite(predictions)].astype(np.float64))
        if not finite.size:
            return cls(grid, ())
        # whole bins of the grid, so that counted predictions can be told apart by cell
        cuts = grid.index(finite[np.arange(1, CELLS) * finite.size // CELLS])
        return cls(grid, tuple(np.unique(cuts).tolist()))

    def cell(self, keys: Ints) -> Ints:
        """The cell of each bin of the grid."""
        return np.searchsorted(np.array(self.edges, np.int64), keys, side="right").astype(np.int64)

    def rows(self, counts: Counts) -> Floats:
        """Counts on the grid by cell, shape (cells,)."""
        return np.bincount(
            self.cell(counts.keys), weights=counts.values, minlength=len(self.edges) + 1
        ).astype(np.float64)

    def summarize(self, predictions: Column, labels: Column) -> LossSums:
        """Count joined rows, both shape (n,)."""
        cells = self.cell(self.grid.index(predictions.astype(np.float64)))
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.clip(np.nan_to_num(np.abs(predictions - labels), nan=0.0), 0.0, FAR)
        size = len(self.edges) + 1
        sums = (np.bincount(cells, error**power, minlength=size).astype(np.float64) for power in (1, 2, 4))
        return LossSums(self, np.bincount(cells, minlength=size).astype(np.int64), *sums)

    def zero(self) -> LossSums:
        """The summary of no rows."""
        size = len(self.edges) + 1
        return LossSums(self, np.zeros(size, np.int64), np.zeros(size), np.zeros(size), np.zeros(size))
