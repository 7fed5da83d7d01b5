"""The summary of latency and errors: a log-linear histogram, as HdrHistogram's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.grid import magnitude, magnitude_index
from profiles.groups import Groups
from profiles.numeric import counted_quantile
from profiles.sums import Sums

FINEST_MS = 2.0**-20  # a nanosecond: anything faster shares the first bin
LONGEST_MS = 2.0**44  # five centuries: anything slower shares the last bin


@dataclass(frozen=True, eq=False)
class LatencySummary(Sums):
    """Counts of latency in milliseconds; requests whose status is known, and how many of them failed."""

    counts: Counts
    requests: int = 0
    errors: int = 0

    def quantile(self, level: float) -> float:
        """A latency quantile in milliseconds, within 0.4 % of the exact one; NaN without values."""
        return counted_quantile(self.space, self.counts, level)

    def within(self, limit_ms: float) -> int:
        """How many requests took less than `limit_ms` (a bin counts when its middle does)."""
        middle = (self.space.lower(self.counts.keys) + self.space.upper(self.counts.keys)) / 2
        return int(self.counts.values[middle < limit_ms].sum())


@dataclass(frozen=True)
class LatencyGrid:
    """Bins of latency, relative width at most 1/128.

    >>> grid = LatencyGrid()
    >>> summary = grid.summarize(np.array([10.0, 20.0, np.nan]), np.array([0.0, 0.0, 1.0]))
    >>> summary.requests, summary.errors, round(summary.quantile(0.99))
    (3, 1, 20)
    """

    kind: ClassVar[str] = "latency"

    def index(self, values: Floats) -> Ints:
        """The bin of each latency in milliseconds."""
        return magnitude_index(np.clip(values, FINEST_MS, LONGEST_MS) / FINEST_MS)

    def lower(self, keys: Ints) -> Floats:
        """The lower edge of each bin, in milliseconds."""
        return magnitude(keys) * FINEST_MS

    def upper(self, keys: Ints) -> Floats:
        """The upper edge of each bin, in milliseconds."""
        return magnitude(keys + 1) * FINEST_MS

    def tally(
        self,
        values: npt.NDArray[np.floating] | None,
        failed: npt.NDArray[np.floating] | None,
        groups: Groups,
    ) -> list[LatencySummary]:
        """Count latencies in milliseconds and failures (1 or 0), NaN where unknown, for each sum."""
        counts, requests, errors = [Counts()] * len(groups.wanted), *([[0] * len(groups.wanted)] * 2)
        if values is not None:
            known = ~np.isnan(values)
            timed = np.ascontiguousarray(values[known], np.float64)
            counts = groups.take(known).counts(self.index(timed))
        if failed is not None:
            requests = groups.take(~np.isnan(failed)).rows()
            errors = groups.take(failed > 0).rows()
        return [LatencySummary(self, *parts) for parts in zip(counts, requests, errors, strict=True)]

    def summarize(
        self, values: npt.NDArray[np.floating] | None, failed: npt.NDArray[np.floating] | None
    ) -> LatencySummary:
        """Count latencies in milliseconds and failures (1 or 0), NaN where unknown; shape (n,), or None."""
        rows = next((len(one) for one in (values, failed) if one is not None), 0)
        return self.tally(values, failed, Groups.whole(rows))[0]

    def zero(self) -> LatencySummary:
        """The summary of no rows."""
        return LatencySummary(self, Counts())
