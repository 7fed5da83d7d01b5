"""The summary of latency and errors: a log-linear histogram, as HdrHistogram's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.grid import magnitude, magnitude_index
from profiles.groups import Groups
from profiles.numeric import counted_quantile
from profiles.status import Status
from profiles.sums import Sums

FINEST_MS = 2.0**-20  # a nanosecond: anything faster shares the first bin
LONGEST_MS = 2.0**44  # five centuries: anything slower shares the last bin


@dataclass(frozen=True, eq=False)
class LatencySummary(Sums):
    """Counts of latency in milliseconds, and of requests by how they ended.

    Attributes:
        counts: of latencies, by bin.
        requests: those whose status is known.
        errors: those that failed.
        classes: those that failed, by `Status`; fewer than `errors` where a profile is from before classes.
    """

    counts: Counts
    requests: int = 0
    errors: int = 0
    classes: Counts = field(default_factory=Counts)

    def quantile(self, level: float) -> float:
        """A latency quantile in milliseconds, within 0.4 % of the exact one; NaN without values.

        It is the middle of the bin that holds the lower empirical quantile, and a bin is at most 1/128 of its
        lower edge wide, so it is off by half of that. Below a nanosecond and above 2^44 ms bins are open.
        """
        return counted_quantile(self.space, self.counts, level)

    def edges(self, rank: int) -> tuple[float, float]:
        """The edges in milliseconds of the bin of a latency by its rank, from 1 to how many there are."""
        key = self.counts.keys[[np.searchsorted(np.cumsum(self.counts.values), rank)]]
        return float(self.space.lower(key)[0]), float(self.space.upper(key)[0])

    def failed(self, status: Status) -> int:
        """How many requests failed in a way."""
        return int(self.classes.at(np.array([status], np.int64))[0])

    def within(self, limit_ms: float) -> int:
        """How many requests took less than `limit_ms` (a bin counts when its middle does)."""
        middle = (self.space.lower(self.counts.keys) + self.space.upper(self.counts.keys)) / 2
        return int(self.counts.values[middle < limit_ms].sum())


@dataclass(frozen=True)
class LatencyGrid:
    """Bins of latency, relative width at most 1/128.

    >>> grid = LatencyGrid()
    >>> ended = np.array([Status.OK, Status.OK, Status.TIMEOUT], np.float64)
    >>> summary = grid.summarize(np.array([10.0, 20.0, np.nan]), ended)
    >>> summary.requests, summary.failed(Status.TIMEOUT), round(summary.quantile(0.99))
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
        status: npt.NDArray[np.floating] | None,
        groups: Groups,
    ) -> list[LatencySummary]:
        """Count latencies in milliseconds, and how requests ended (`Status`), NaN where unknown.

        Returns:
            A summary for each sum of groups.
        """
        counts = classes = [Counts()] * len(groups.wanted)
        requests = [0] * len(groups.wanted)
        if values is not None:
            timed = ~np.isnan(values)
            held, own = (values, groups) if timed.all() else (values[timed], groups.take(timed))
            counts = own.counts(self.index(np.ascontiguousarray(held, np.float64)))
        if status is not None:
            known, failed = ~np.isnan(status), status > 0
            requests = (groups if known.all() else groups.take(known)).rows()
            classes = groups.take(failed).counts(status[failed].astype(np.int64))
        return [
            LatencySummary(self, latencies, ended, badly.total, badly)
            for latencies, ended, badly in zip(counts, requests, classes, strict=True)
        ]

    def summarize(
        self, values: npt.NDArray[np.floating] | None, status: npt.NDArray[np.floating] | None
    ) -> LatencySummary:
        """Count latencies in milliseconds, and how requests ended (`Status`), shape (n,) or None."""
        rows = next((len(one) for one in (values, status) if one is not None), 0)
        return self.tally(values, status, Groups.whole(rows))[0]

    def added(self, summaries: Sequence[LatencySummary]) -> LatencySummary:
        """The sum of many summaries, in one pass."""
        return LatencySummary(
            self,
            Counts.added([one.counts for one in summaries]),
            sum(one.requests for one in summaries),
            sum(one.errors for one in summaries),
            Counts.added([one.classes for one in summaries]),
        )

    def zero(self) -> LatencySummary:
        """The summary of no rows."""
        return LatencySummary(self, Counts())
