"""Requests in numbers: throughput, latency quantiles, and how they failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.queries.requests import Tally
from detectors.proportion import wilson
from profiles import FAILURES, LatencySummary

LEVELS = (50.0, 90.0, 95.0, 99.0, 99.9)
UNCLASSIFIED = "unclassified"  # failures that were counted before there were classes


@dataclass(frozen=True)
class Figures:
    """Requests in numbers.

    Attributes:
        requests: how many predictions there were.
        rate: of them a second.
        quantiles: of latency in milliseconds, by percentile; None where it takes more requests to know one.
        slowest: latency in milliseconds, within 0.4 %; None without any.
        error_rate: the share that failed; None where no status is known.
        interval: 95 %, of that.
        failures: how many failed, by class.
    """

    requests: int
    rate: float
    quantiles: Mapping[float, float | None]
    slowest: float | None
    error_rate: float | None
    interval: tuple[float, float] | None
    failures: Mapping[str, int]

    @classmethod
    def of(cls, tally: Tally, length: int) -> Figures:
        """Requests that came within a length of time, in microseconds."""
        held = tally.summary
        known = held.requests
        return cls(
            tally.rows,
            tally.rows / (length / 1e6) if length else 0.0,
            {level: quantile(held, level) for level in LEVELS},
            held.quantile(1.0) if held.counts.total else None,
            held.errors / known if known else None,
            wilson(held.errors, known) if known else None,
            failures(held),
        )

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        low, high = self.interval or (None, None)
        return {
            "requests": self.requests,
            "requests_per_second": self.rate,
            "latency_ms": {f"p{level:g}": value for level, value in self.quantiles.items()}
            | {"max": self.slowest},
            "error_rate": {"value": self.error_rate, "lower": low, "upper": high},
            "errors": dict(self.failures),
        }


def quantile(summary: LatencySummary, level: float) -> float | None:
    """A latency quantile, where one request or more is expected beyond it."""
    known = summary.counts.total * (1 - level / 100) >= 1 - 1e-9
    return summary.quantile(level / 100) if known else None


def failures(summary: LatencySummary) -> dict[str, int]:
    """How many requests failed, by the classes that there were."""
    found = {status.words: summary.failed(status) for status in FAILURES}
    found[UNCLASSIFIED] = summary.errors - sum(found.values())
    return {name: count for name, count in found.items() if count}
