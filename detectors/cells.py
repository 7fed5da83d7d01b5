"""Cells: a window's summary as one row of numbers, so that a reference is a matrix.

A row is additive, as the summary is: the row of a sum is the sum of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from profiles import CategoricalSummary, NumericSummary, Vocabulary
from profiles.counts import Floats, Ints, aligned

FURTHEST = 1e300  # a value of a cell: two of them still have a difference
OUTSIDE = 2 ** np.arange(3, 14)  # bins beyond the outermost: how far off a value is, to a factor
SMALLEST_EXPECTED = 5.0  # Cochran's rule for the chi-square approximation


class Cells(Protocol):
    """How a summary becomes a row."""

    def row(self, summary: Any) -> Floats:
        """The row of a summary, shape (cells,)."""


@dataclass(frozen=True, eq=False)
class NumericCells:
    """Intervals of grid bins: cell j holds the bins from `edges[j - 1]` up to, without, `edges[j]`.

    Attributes:
        space: the grid.
        edges: bins, ascending, shape (cells - 1,).
    """

    space: Any
    edges: Ints

    @classmethod
    def of(cls, windows: Sequence[NumericSummary]) -> NumericCells:
        """A cell for every bin that some window has, for each gap between, and some for what is outside."""
        keys = np.unique(np.concatenate([window.counts.keys for window in windows]))
        around = np.concatenate([keys[0] - OUTSIDE, keys[-1] + 1 + OUTSIDE])
        return cls(windows[0].space, np.union1d(np.union1d(keys, keys + 1), around))

    @classmethod
    def quantiles(cls, windows: Sequence[NumericSummary], cells: int) -> NumericCells:
        """At most so many cells, each with about the same share of all windows' values."""
        keys, matrix = aligned([window.counts for window in windows])
        below = np.cumsum(matrix.sum(axis=0))
        wanted = np.arange(1, cells) / cells * below[-1]
        edges = np.unique(keys[np.searchsorted(below, wanted)] + 1)
        return cls(windows[0].space, edges[edges <= keys[-1]])

    def row(self, summary: NumericSummary) -> Floats:
        """Counts, shape (cells,)."""
        cell = np.searchsorted(self.edges, summary.counts.keys, side="right")
        counts = np.bincount(cell, weights=summary.counts.values, minlength=self.edges.size + 1)
        return counts.astype(np.float64, copy=False)

    @cached_property
    def middles(self) -> Floats:
        """A value in each cell, ascending; of the outer cells one at their edge. Shape (cells,)."""
        lower = np.clip(self.space.lower(self.edges), -FURTHEST, FURTHEST)
        return np.concatenate([lower[:1], lower[:-1] / 2 + lower[1:] / 2, lower[-1:]])

    def quantile(self, row: Floats, level: float) -> float:
        """A quantile of a row, within the width of a cell; NaN where the row is empty."""
        total = row.sum()
        if not total > 0 or not self.edges.size:
            return float("nan")
        return float(self.middles[np.searchsorted(np.cumsum(row), level * total)])


@dataclass(frozen=True, eq=False)
class CategoricalCells:
    """A cell for every frequent category, and a last one for all others.

    Attributes:
        space: the vocabulary.
        codes: of the frequent categories, ascending, shape (cells - 1,).
    """

    space: Vocabulary
    codes: Ints

    @classmethod
    def of(cls, windows: Sequence[CategoricalSummary]) -> CategoricalCells:
        """Categories expected fewer than five times in a typical window are pooled (Cochran, 1954)."""
        keys, matrix = aligned([window.counts for window in windows])
        share = matrix.sum(axis=0) / max(matrix.sum(), 1)
        typical = matrix.sum() / max(len(matrix), 1)
        return cls(windows[0].space, keys[share * typical >= SMALLEST_EXPECTED])

    def row(self, summary: CategoricalSummary) -> Floats:
        """Counts, shape (cells,)."""
        own = summary.counts.at(self.codes).astype(np.float64)
        return np.append(own, summary.count - own.sum())

    def name(self, cell: int) -> str:
        """The category of a cell."""
        return self.space.label(int(self.codes[cell])) if cell < self.codes.size else "(rare)"
