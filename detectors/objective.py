"""Service level objectives: promises on latency, availability and quality, and their error budgets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors.duration import UNITS, Duration, Share
from detectors.judgement import Judgement, insufficient
from detectors.performance.metrics import METRICS
from detectors.performance_drop import TWO_SIDED_95

COMPARISON = re.compile(r"\s*([a-z_][a-z0-9_]*)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(ms|s|%)?\s*")
FAST_BURN = ((timedelta(hours=1), 0.02), (timedelta(hours=6), 0.05))
SLOW_BURN = 0.10
FEWEST_BAD = 5  # at low traffic one failure is a large share and no news
BUDGET_BINS = 360


@dataclass(frozen=True)
class Budget:
    """Bad and all events over the objective's period, in at most `BUDGET_BINS` bins of (start, bad, all)."""

    bins: tuple[tuple[int, int, int], ...] = field(default=())

    def add(self, start: int, bad: int, events: int, period: timedelta) -> Budget:
        """Add a window that begins at `start` (microseconds), and forget what is older than the period.

        >>> Budget().add(0, 1, 10, timedelta(days=1)).add(1, 2, 10, timedelta(days=1)).bins
        ((0, 3, 20),)
        """
        length = int(period.total_seconds() * 1e6)
        width = max(length // BUDGET_BINS, 1)
        bin_start = start // width * width
        merged = {when: (one, other) for when, one, other in self.bins if when > start - length}
        known_bad, known = merged.get(bin_start, (0, 0))
        merged[bin_start] = (known_bad + bad, known + events)
        return Budget(tuple((when, *counted) for when, counted in sorted(merged.items())))

    def totals(self) -> tuple[int, int]:
        """The bad and all events of the period."""
        return sum(item[1] for item in self.bins), sum(item[2] for item in self.bins)


class Objective(BaseModel):
    """One objective. `sli` is `availability`, `latency < 300ms`, or a metric such as `roc_auc >= 0.85`.

    A window breaches when it alone burns too much of the period's error budget (2 % within an hour, 5 %
    within six, 10 % beyond), or burns on when the budget is spent: Beyer et al., "The Site Reliability
    Workbook", chapter 5. A quality objective breaches when the metric's whole confidence interval misses it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    sli: str
    target: Share | None = None
    period: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.sli == "availability" or self._comparison()[0] == "latency":
            if self.target is None or self.target >= 1:
                raise ValueError(f"slo {self.name}: give a target below 100%, such as `target: 99.9%`")
        elif self._comparison()[0] not in {name for metrics in METRICS.values() for name in metrics}:
            known = sorted({name for metrics in METRICS.values() for name in metrics})
            raise ValueError(f"slo {self.name}: sli {self.sli!r} names no metric; known are {known}")
        return self

    def _comparison(self) -> tuple[str, str, float]:
        match = COMPARISON.fullmatch(self.sli)
        if not match:
            raise ValueError(
                f"slo {self.name}: sli {self.sli!r} is not understood; write `availability`, "
                "`latency < 300ms` or a metric such as `roc_auc >= 0.85`"
            )
        name, operator, number, unit = match.groups()
        scale = UNITS[unit] * 1000 if unit in UNITS else 0.01 if unit == "%" else 1.0
        return name, operator, float(number) * scale

    @property
    def signal(self) -> str:
        """The dotted name of the objective's signal."""
        return f"slo.{self.name}"

    @property
    def part(self) -> str:
        """The part of the profile that it reads."""
        on_requests = self.sli == "availability" or self._comparison()[0] == "latency"
        return "latency" if on_requests else "performance"

    def count(self, requests: Any) -> tuple[int, int]:
        """The bad and all events of a window's `latency` summary."""
        if self.sli == "availability":
            return requests.errors, requests.requests
        return requests.counts.total - requests.within(self._comparison()[2]), requests.counts.total

    def judge_requests(self, requests: Any, budget: Budget, window: timedelta) -> Judgement:
        """Judge a window by its events, and by the budget with this window in it."""
        bad, events = self.count(requests)
        if not events:
            return insufficient("no events")
        allowed = 1 - (self.target or 0.0)
        limit = next((share for length, share in FAST_BURN if window <= length), SLOW_BURN)
        burn = bad / events / allowed
        period_bad, period_events = budget.totals()
        covered = min(len(budget.bins) * max(window / self.period, 1 / BUDGET_BINS), 1.0)
        spent = period_bad / max(period_events, 1) / allowed * covered
        fast = burn * (window / self.period) >= limit
        return Judgement(
            value=1 - bad / events,
            threshold=max(0.0, 1 - limit * (self.period / window) * allowed),
            breach=bad >= FEWEST_BAD and (fast or (spent >= 1 and burn >= 1)),
            note=f"burn rate {burn:.1f}, {max(0.0, 1 - spent):.0%} of the error budget left",
        )

    def judge_outcomes(self, outcomes: Any, min_rows: int = 50) -> Judgement:
        """Judge a window by the metric of its joined labels."""
        name, operator, goal = self._comparison()
        metric = METRICS[outcomes.space.kind].get(name)
        if metric is None:
            return insufficient(f"{name} is no metric of a {outcomes.space.kind} task")
        value, error = metric.compute(outcomes)
        if outcomes.count < min_rows or not np.isfinite(value):
            return insufficient(f"{outcomes.count} labels, fewer than {min_rows}")
        low, high = np.clip([value - TWO_SIDED_95 * error, value + TWO_SIDED_95 * error], *metric.span)
        missed = high < goal if operator.startswith(">") else low > goal
        return Judgement(value, float(low), float(high), threshold=goal, breach=bool(missed))
