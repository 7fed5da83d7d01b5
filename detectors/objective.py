"""Service level objectives: promises on latency, availability and quality, and their error budgets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors.budget import SLOWEST, Budget, Burn
from detectors.duration import Duration, Share
from detectors.judgement import Judgement, insufficient
from detectors.performance.metrics import METRICS
from detectors.proportion import Z95

NUMBER = r"\s*(\d+(?:\.\d+)?)\s*"
LATENCY = re.compile(rf"\s*(latency)\s*(<=?){NUMBER}(ms|s)\s*")
COMPARISON = re.compile(rf"\s*((?!latency\b|availability\b)[a-z_][a-z0-9_]*)\s*(<=|>=|<|>){NUMBER}(%)?\s*")
UNIT_SCALES = {"ms": 1.0, "s": 1000.0, "%": 0.01, None: 1.0}


class Objective(BaseModel):
    """One objective. `sli` is `availability`, `latency < 300ms`, or a metric such as `roc_auc >= 0.85`.

    A window breaches when too much of the period's error budget has burned by its end and it burns still (of
    30 days: 2 % within an hour, 5 % within six, 10 % within three days; see `Burn`), or when it burns on with
    the budget spent. A quality objective breaches when the metric's whole confidence interval misses it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    sli: str
    target: Share | None = None
    period: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.part == "latency" and (self.target is None or self.target >= 1):
            raise ValueError(f"slo {self.name}: give a target below 100%, such as `target: 99.9%`")
        known = sorted({name for metrics in METRICS.values() for name in metrics})
        if self.part != "latency" and self._comparison()[0] not in known:
            raise ValueError(f"slo {self.name}: sli {self.sli!r} names no metric; known are {known}")
        return self

    def _comparison(self) -> tuple[str, str, float]:
        match = COMPARISON.fullmatch(self.sli) or LATENCY.fullmatch(self.sli)
        if not match:
            raise ValueError(
                f"slo {self.name}: sli {self.sli!r} is not understood; write `availability`, "
                "`latency < 300ms` or a metric such as `roc_auc >= 0.85`"
            )
        name, operator, number, unit = match.groups()
        return name, operator, float(number) * UNIT_SCALES[unit]

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
        burn = Burn(budget, allowed, self.period, window)
        alone = min(rate * (length / window) for length, rate in burn.rules())
        gone = burn.spent >= 1 and burn.lasting(1.0, self.period * SLOWEST)
        left = max(0.0, 1 - burn.spent)
        return Judgement(
            value=1 - bad / events,
            threshold=max(0.0, 1 - alone * allowed),
            breach=burn.too_fast() or gone,
            note=f"burn rate {bad / events / allowed:.1f}, {left:.0%} of the error budget left",
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
        low, high = np.clip([value - Z95 * error, value + Z95 * error], *metric.span)
        missed = high < goal if operator.startswith(">") else low > goal
        return Judgement(value, float(low), float(high), threshold=goal, breach=bool(missed))
