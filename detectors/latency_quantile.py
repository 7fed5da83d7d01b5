"""Latency: a quantile against the reference's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.quantile_interval import quantile_interval
from detectors.season import Phase, phases_at
from detectors.spread import FEW_WINDOWS, Spreads
from profiles import LatencySummary

SMALLEST_LOG_SPREAD = 0.05  # five per cent between windows is the noise of any machine


class LatencyQuantile(Detector):
    """A latency quantile (milliseconds) is higher than on healthy windows, compared on the log scale.

    The value is within 0.4 % of the exact quantile (see `profiles.LatencySummary.quantile`).
    """

    spaces: ClassVar[tuple[str, ...]] = ("latency",)
    kind: Literal["latency_quantile"] = "latency_quantile"
    percentile: float = Field(default=99.0, gt=0, lt=100)

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """The name of the quantile, such as `latency.p99`."""
        return f"latency.p{self.percentile:g}"

    def reads(self, summary: LatencySummary) -> bool:
        """Whether any latency was logged."""
        return bool(summary.counts.keys.size)

    def _rows_needed(self) -> float:
        return max(self.min_rows, 10 / (1 - self.percentile / 100) / 2)

    def learn(self, windows: Sequence[LatencySummary], phases: Sequence[Phase] = ()) -> Spreads | None:
        """The log quantile of each window with enough requests; None when too few have them."""
        usable = [at for at, window in enumerate(windows) if window.counts.total >= self._rows_needed()]
        if len(usable) < FEW_WINDOWS:
            return None
        values = np.log([windows[at].quantile(self.percentile / 100) for at in usable])
        return Spreads.learn(values, np.zeros(values.size), phases_at(phases, usable))

    def judge(
        self, baseline: Spreads | None, current: LatencySummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The quantile of a window, in milliseconds, and its interval by order statistics."""
        if current.counts.total < self._rows_needed():
            return insufficient(f"{current.counts.total} latencies, fewer than {self._rows_needed():.0f}")
        level = self.percentile / 100
        value, ends = current.quantile(level), quantile_interval(current, level)
        if baseline is None:
            return Judgement(value, *ends, note="the reference has no latencies to compare with")
        healthy = baseline.at(phase)
        limit = healthy.threshold(alpha, SMALLEST_LOG_SPREAD, higher_is_better=False)
        return Judgement(
            value,
            *ends,
            threshold=float(np.exp(min(limit, 700.0))),
            p_value=healthy.p_value(float(np.log(value)), SMALLEST_LOG_SPREAD, higher_is_better=False),
            weight=healthy.weight,
        )
