"""Service level objectives: promises on any signal, and how a window is judged by their error budgets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors.budget import Budget
from detectors.burn import Burn, Fire, show_length
from detectors.duration import Duration, Share
from detectors.indicator import Indicator, IndicatorKind, read_indicator
from detectors.judgement import Judgement, insufficient
from detectors.performance.metrics import metric_of
from detectors.proportion import Z95

PARTS = {IndicatorKind.REQUESTS: "latency", IndicatorKind.METRIC: "performance"}


class Objective(BaseModel):
    """One objective. `sli` is `availability`, `latency < 300ms`, a metric, or any signal with a condition.

    Its events are requests, or windows: then a window is good when the condition holds. A window breaches
    when too much of the period's error budget has burned by its end and it burns still (of 30 days: 2 %
    within an hour, 5 % within six, 10 % within a day or three; see `Burn`), or when it burns on with the
    budget spent. A metric without a target breaches when its whole confidence interval misses the goal.

    >>> Objective(name="fresh", sli="freshness ok", target="99%").kind
    <IndicatorKind.SIGNAL: 'signal'>
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    sli: str
    target: Share | None = None
    period: Duration = timedelta(days=30)
    segment: str = Field(default="", description="Of the rows of one segment, such as `region=north`.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            kind = self.kind
        except ValueError as error:
            raise ValueError(f"slo {self.name}: {error}") from None
        needed = kind is not IndicatorKind.METRIC
        if (self.target is None and needed) or (self.target is not None and self.target >= 1):
            raise ValueError(f"slo {self.name}: give a target below 100%, such as `target: 99.9%`")
        if self.segment and kind is IndicatorKind.COVERAGE:
            raise ValueError(
                f"slo {self.name}: segment {self.segment!r}: label_coverage is of all rows; take it out"
            )
        return self

    @property
    def indicator(self) -> Indicator:
        """What it is about."""
        return read_indicator(self.sli)

    @property
    def kind(self) -> IndicatorKind:
        """What its events are."""
        return self.indicator.kind

    @property
    def budgeted(self) -> bool:
        """Whether it has an error budget: a metric without a target has none."""
        return self.target is not None

    @property
    def allowed(self) -> float:
        """The share of events that may be bad."""
        return 1 - (self.target or 0.0)

    @property
    def signal(self) -> str:
        """The dotted name of the objective's signal."""
        return f"slo.{self.name}"

    @property
    def part(self) -> str:
        """The part of the profile that it reads; "" for other signals."""
        return PARTS.get(self.kind, "")

    def burn(self, budget: Budget, window: timedelta) -> Burn:
        """How fast its budget burns, in windows of a length."""
        return Burn(budget, self.allowed, self.period, window, slices=self.kind is not IndicatorKind.REQUESTS)

    def count(self, requests: Any) -> tuple[int, int]:
        """The bad and all events of a window's `latency` summary."""
        if self.indicator.name == "availability":
            excepted = sum(requests.failed(status) for status in self.indicator.excepted)
            return requests.errors - excepted, requests.requests
        return requests.counts.total - requests.within(self.indicator.goal), requests.counts.total

    def judge_requests(
        self, requests: Any, budget: Budget, window: timedelta, *, ongoing: bool = False
    ) -> Judgement:
        """Judge a window by its events, and by the budget with this window in it.

        Args:
            requests: the window's `latency` summary.
            budget: the events of the period.
            window: the length of a window.
            ongoing: whether the window before was in breach.
        """
        bad, events = self.count(requests)
        return self.judge_events(bad, events, budget, window, ongoing=ongoing)

    def judge_events(
        self,
        bad: int,
        events: int,
        budget: Budget,
        window: timedelta,
        *,
        ongoing: bool = False,
        found: str = "",
    ) -> Judgement:
        """Judge a window by its bad and all events; `found` is what made it bad, if it is an event itself.

        The value is the share of good events; the threshold is the share that alone would be a breach, of
        requests: a window that is an event itself is none alone.
        """
        if not events:
            return insufficient(found or "no events")
        burn = self.burn(budget, window)
        fire = burn.firing(ongoing=ongoing)
        alone = min(limit.rate * (limit.length / window) for limit in burn.rules())
        left = max(0.0, 1 - burn.spent)
        rate = f"burn rate {bad / events / self.allowed:.1f}, {left:.0%} of the error budget left"
        return Judgement(
            value=1 - bad / events,
            threshold=None if burn.slices else max(0.0, 1 - alone * self.allowed),
            breach=fire is not None,
            note="; ".join(part for part in (self._told(fire), found, rate) if part),
        )

    def _told(self, fire: Fire | None) -> str:
        if fire is None:
            return ""
        if fire.length == self.period:
            return f"{fire.severity}: the error budget is spent, and it burns on"
        told = f"{fire.severity}: burns {fire.rate:.1f} x over {show_length(fire.length)}"
        return f"{told}, the limit is {fire.limit:.3g} x"

    def judge_outcomes(self, outcomes: Any, min_rows: int = 50) -> Judgement:
        """Judge a window by the metric of its joined labels: its value, 95 % interval, and the goal."""
        name, goal = self.indicator.name, self.indicator.goal
        try:
            metric = metric_of(outcomes.space.kind, name)
        except ValueError as unknown:
            return insufficient(str(unknown))
        value, error = metric.compute(outcomes)
        if outcomes.count < min_rows or not np.isfinite(value):
            return insufficient(f"{outcomes.count} labels, fewer than {min_rows}")
        low, high = np.clip([value - Z95 * error, value + Z95 * error], *metric.span)
        missed = high < goal if self.indicator.operator.startswith(">") else low > goal
        return Judgement(value, float(low), float(high), threshold=goal, breach=bool(missed))
