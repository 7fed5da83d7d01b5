"""The summary of a numeric column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.sums import Sums, largest, smallest

FAR = 1e140  # no value is further off in the sums: an infinity must not poison them for ever


@dataclass(frozen=True, eq=False)
class NumericSummary(Sums):
    """Counts on a grid, missing values, sums about the grid's centre, and extremes."""

    counts: Counts
    nulls: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: float = smallest()
    high: float = largest()

    @classmethod
    def of(
        cls,
        space: Any,
        index: Callable[[Floats], Ints],
        values: npt.NDArray[np.floating],
        center: float,
    ) -> NumericSummary:
        """Count `values`, shape (n,), on `space`; NaN counts as missing."""
        every: Floats = np.ascontiguousarray(values, np.float64)
        missing = np.isnan(every)
        nulls = int(missing.sum())
        present = every[~missing] if nulls else every
        if present.size == 0:
            return cls(space, Counts(), nulls)
        with np.errstate(over="ignore"):
            offset = np.clip(present - center, -FAR, FAR)
        return cls(
            space,
            Counts.of(index(present)),
            nulls,
            float(offset.sum()),
            float(np.square(offset).sum()),
            float(present.min()),
            float(present.max()),
        )

    @property
    def count(self) -> int:
        """How many values were not missing."""
        return self.counts.total

    def mean(self) -> float:
        """The mean of the values that were not missing; NaN when there are none."""
        center = getattr(self.space, "center", 0.0)
        return center + self.total / self.count if self.count else np.nan

    def quantile(self, level: float) -> float:
        """A quantile, within the width of a bin; NaN when there are no values."""
        return counted_quantile(self.space, self.counts, level)


def counted_quantile(space: Any, counts: Counts, level: float) -> float:
    """The middle of the bin that holds the quantile at `level` in [0, 1] (lower empirical quantile)."""
    if not counts.total:
        return float("nan")
    rank = max(1, int(np.ceil(level * counts.total)))
    key = counts.keys[[np.searchsorted(np.cumsum(counts.values), rank)]]
    return float((space.lower(key)[0] + space.upper(key)[0]) / 2)
