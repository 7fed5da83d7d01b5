"""Performance, measured where labels have come, against the reference's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.performance.metrics import METRICS, Metric
from detectors.proportion import Z95
from detectors.season import Phase, phases_at
from detectors.spread import Spreads


class PerformanceDrop(Detector):
    """One metric is worse than on healthy windows, whose spread it is scaled by."""

    spaces: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "regression")
    kind: Literal["performance"] = "performance"
    metric: str = Field(description="A metric of the monitor's task, such as roc_auc.")

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        known = sorted({name for metrics in METRICS.values() for name in metrics})
        if metric not in known:
            raise ValueError(f"{metric!r} is no metric; known are {known}")
        return metric

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """The name of the metric."""
        return f"performance.{self.metric}"

    def applies_to(self, space: str) -> bool:
        """Whether this metric is one of the task's."""
        return self.metric in METRICS.get(space, {})

    def _metric(self, outcomes: Any) -> Metric:
        return METRICS[outcomes.space.kind][self.metric]

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
        better, healthy = metric.higher_is_better, baseline.at(phase)
        return Judgement(
            value,
            lower,
            upper,
            threshold=float(np.clip(healthy.threshold(alpha, error, higher_is_better=better), *metric.span)),
            p_value=healthy.p_value(value, error, higher_is_better=better),
            weight=healthy.weight,
        )
