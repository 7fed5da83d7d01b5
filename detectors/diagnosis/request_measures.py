"""What a request's course is told by: a latency quantile, and the share that fails."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, inf, isnan, log, nan, sqrt

from detectors.proportion import wilson
from detectors.quantile_interval import quantile_interval
from profiles import LatencySummary

FEWEST = 50  # requests
BEYOND = 5  # latencies above a quantile, to know it
SLOWER = 1.1  # times
MORE, TIMES = 0.001, 1.2  # a share of errors that a person would want to know of, and by how much it differs


@dataclass(frozen=True)
class Estimate:
    """A value, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LatencyLevel:
    """A latency quantile in milliseconds; differences count on the log scale."""

    percentile: float

    @property
    def name(self) -> str:
        """As signals have it."""
        return f"p{self.percentile:g}"

    def value(self, summary: LatencySummary) -> float:
        """Its value; NaN where there are too few latencies."""
        level = self.percentile / 100
        enough = summary.counts.total >= max(FEWEST, BEYOND / (1 - level))
        return summary.quantile(level) if enough else nan

    def estimate(self, summary: LatencySummary) -> Estimate | None:
        """Its value with the interval; None where there are too few latencies."""
        value = self.value(summary)
        if isnan(value):
            return None
        low, high = quantile_interval(summary, self.percentile / 100)
        return Estimate(value, low or 0.0, inf if high is None else high)

    def scaled(self, value: float) -> float:
        """On the scale on which changes of one size are alike."""
        return log(value) if value > 0 else -inf if value == 0 else nan

    def matters(self, before: float, after: float) -> bool:
        """Whether a person would want to know of a change."""
        return max(before, after) >= SLOWER * min(before, after)

    def text(self, value: float) -> str:
        """For people.

        >>> LatencyLevel(99).text(310.4), LatencyLevel(50).text(2345.0), LatencyLevel(50).text(0.0312)
        ('310 ms', '2.35 s', '0.0312 ms')
        """
        return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"  # noqa: PLR2004 - ms in a s


@dataclass(frozen=True)
class ErrorShare:
    """The share of requests that fail; differences count on the scale of Anscombe's arcsine."""

    name: str = "error rate"

    def value(self, summary: LatencySummary) -> float:
        """Its value; NaN where the status of too few requests is known."""
        return summary.errors / summary.requests if summary.requests >= FEWEST else nan

    def estimate(self, summary: LatencySummary) -> Estimate | None:
        """Its value with the interval; None where the status of too few requests is known."""
        value = self.value(summary)
        return None if isnan(value) else Estimate(value, *wilson(summary.errors, summary.requests))

    def scaled(self, value: float) -> float:
        """On the scale on which changes of one size are alike."""
        return asin(sqrt(value))

    def matters(self, before: float, after: float) -> bool:
        """Whether a person would want to know of a change."""
        return abs(after - before) >= MORE and max(before, after) >= TIMES * min(before, after)

    def text(self, value: float) -> str:
        """For people.

        >>> ErrorShare().text(0.0123)
        '1.23 %'
        """
        return f"{100 * value:.3g} %"


Measure = LatencyLevel | ErrorShare
