"""The summary of a numeric column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.groups import Groups
from profiles.sums import Sums, largest, smallest

Index = Callable[[Floats], Ints]
PIECE = 1 << 13  # values at a time, so that what is in between stays in the cache
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
        cls, space: Any, index: Index, values: npt.NDArray[np.floating], center: float, groups: Groups
    ) -> list[NumericSummary]:
        """Count `values`, shape (n,), on `space`, for each sum of groups; NaN counts as missing."""
        every: Floats = np.ascontiguousarray(values, np.float64)
        if groups.count == 1 or groups.large:
            by_group = [cls._whole(space, index, part, center) for part in groups.parts(every)]
            return [reduce(add, (by_group[group] for group in wanted)) for wanted in groups.wanted]
        return cls._careful(space, index, every, center, groups)

    @classmethod
    def _whole(cls, space: Any, index: Index, every: Floats, center: float) -> NumericSummary:
        keys = np.empty(every.size, np.int32)
        total = squares = 0.0
        with np.errstate(over="ignore"):
            for start in range(0, every.size, PIECE):
                piece = every[start : start + PIECE]
                offset = piece - center
                square = float(offset @ offset)
                if not square < FAR * FAR:  # cheaper than to look for NaN
                    return cls._careful(space, index, every, center, Groups.whole(every.size))[0]
                keys[start : start + PIECE] = index(piece)
                total += float(offset.sum())
                squares += square
        low, high = (float(every.min()), float(every.max())) if every.size else (np.inf, -np.inf)
        return cls(space, Counts.of(keys), 0, total, squares, low, high)

    @classmethod
    def _careful(
        cls, space: Any, index: Index, values: Floats, center: float, groups: Groups
    ) -> list[NumericSummary]:
        """The same, where groups are small, or values are missing or extremely large."""
        missing = np.isnan(values)
        nulls = [0] * len(groups.wanted)
        if missing.any():
            nulls = groups.take(missing).rows()
            values, groups = values[~missing], groups.take(~missing)
        return cls._grouped(space, index(values), values, center, groups, nulls)

    @classmethod
    def _grouped(
        cls, space: Any, keys: Any, values: Floats, center: float, groups: Groups, nulls: list[int]
    ) -> list[NumericSummary]:
        with np.errstate(over="ignore"):
            offset = np.clip(values - center, -FAR, FAR)
        sums, squares = groups.sums(offset), groups.sums(np.square(offset))
        columns = zip(groups.counts(keys), nulls, sums, squares, groups.extremes(values), strict=True)
        return [
            cls(space, counts, missing, total, square, low, high)
            for counts, missing, total, square, (low, high) in columns
        ]

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
