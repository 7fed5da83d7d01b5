"""Performance, measured where labels have come, against the reference's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.performance.confusion import Costs
from detectors.performance.estimate import Estimate
from detectors.performance.metrics import BUSINESS_VALUE, METRICS, Metric, metric_of, names
from detectors.proportion import Z95
from detectors.season import Phase, phases_at
from detectors.spread import Spread, Spreads


class PerformanceDrop(Detector):
    """One metric is worse than on healthy windows, whose spread it is scaled by."""

    spaces: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "regression", "ranking")
    kind: Literal["performance"] = "performance"
    metric: str = Field(description="A metric of the monitor's task, such as roc_auc.")
    costs: Costs | None = Field(None, description="What predictions are worth: of business_value alone.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.metric == BUSINESS_VALUE or any(map(self.applies_to, METRICS)):
            return self
        known = "; ".join(f"of a {task} task {', '.join(names(task))}" for task in METRICS)
        raise ValueError(f"{self.metric!r} is no metric; there are {known}")

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """The name of the metric."""
        return f"performance.{self.metric}"

    def applies_to(self, space: str) -> bool:
        """Whether this metric is one of the task's."""
        try:
            metric_of(space, self.metric, self.costs)
        except ValueError:
            return False
        return True

    def _metric(self, outcomes: Any) -> Metric:
        return metric_of(outcomes.space.kind, self.metric, self.costs)

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Spreads | None:
        """The metric of each window that has enough labels; None when none has."""
        usable = [at for at, window in enumerate(windows) if window.count >= self.min_rows]
        estimates = [(at, *self._metric(windows[at]).compute(windows[at])) for at in usable]
        known = [one for one in estimates if np.isfinite(one[1])]
        if not known:
            return None
        values, errors = np.array([one[1:] for one in known]).T
        return Spreads.learn(values, errors, phases_at(phases, [at for at, *_ in known]))

    def judge(self, baseline: Spreads | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The metric of a window, with its 95 % interval."""
        if current.count < self.min_rows:
            return insufficient(f"{current.count} labels, fewer than {self.min_rows}")
        metric = self._metric(current)
        value, error = metric.compute(current)
        if not np.isfinite(value):
            return insufficient("the labels of this window do not define the metric")
        ends = np.clip([value - Z95 * error, value + Z95 * error], *metric.span)
        lower, upper = map(float, ends)
        if baseline is None:
            return Judgement(value, lower, upper, note="the reference has too few labels")
        healthy = baseline.at(phase)
        threshold, p_value = _worse(metric, healthy, (value, error), alpha)
        return Judgement(
            value,
            lower,
            upper,
            threshold=float(np.clip(threshold, *metric.span)),
            p_value=p_value,
            weight=healthy.weight,
        )


def _worse(metric: Metric, healthy: Spread, estimate: Estimate, alpha: float) -> tuple[float, float]:
    """The value that is too bad, and how likely a healthy window is to be as bad as this one.

    Where a value between is best it is worse to be further from that than healthy windows are, on either
    side; the threshold is that of the side on which the value lies.
    """
    value, error = estimate
    if metric.target is None:
        better = metric.higher_is_better
        threshold = healthy.threshold(alpha, error, higher_is_better=better)
        return threshold, healthy.p_value(value, error, higher_is_better=better)
    usual = abs(healthy.mean - metric.target)
    below = value < healthy.mean
    threshold = healthy.threshold(alpha / 2, error, higher_is_better=below)
    threshold = min(threshold, metric.target - usual) if below else max(threshold, metric.target + usual)
    if abs(value - metric.target) <= usual:
        return threshold, 1.0
    return threshold, min(1.0, 2 * healthy.p_value(value, error, higher_is_better=below))
