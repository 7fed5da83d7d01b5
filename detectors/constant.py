"""Data quality: a feature that is stuck at one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase
from detectors.spread import Spreads
from profiles import CategoricalSummary, EmbeddingSummary, NumericSummary

NATURAL = 0.1  # of the way to a constant: a feature whose values lie a little closer is not stuck
Window = NumericSummary | CategoricalSummary | EmbeddingSummary


def concentration(summary: Window) -> float:
    """The share that one value would have, if two rows agree as often as they do: 1 for a constant.

    The square root of Simpson's index (Nature 163, 1949), which does not depend on how many rows there are:
    the probability that two rows have the same value. Vectors agree as far as a Gaussian kernel says.

    Args:
        summary: of at least two values.
    """
    rows = summary.count
    if isinstance(summary, EmbeddingSummary):
        half = summary.features.size // 2
        agree = float(np.square(summary.mean()).sum()) / half
        return float(np.sqrt(np.clip((rows * agree - 1) / (rows - 1), 0.0, 1.0)))
    counts = summary.counts.values.astype(np.float64)
    return float(np.sqrt((counts * (counts - 1)).sum() / (float(rows) * (rows - 1))))


class Constant(Detector):
    """One value has a share that it never had: a stuck sensor, a default, a join that failed."""

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "categorical", "embedding")
    kind: Literal["constant"] = "constant"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """How far the values are one value."""
        return "quality.constant"

    def _error(self, share: float, rows: int) -> float:
        # the index varies by at most 2 sqrt(S (1 - S) / n); the square root halves that, over sqrt(S)
        return float(np.hypot(np.sqrt((1 - share**2) / rows), NATURAL * (1 - share) * share))

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Spreads | None:
        """How concentrated healthy windows are; None without values."""
        held = [at for at, window in enumerate(windows) if window.count >= max(self.min_rows, 2)]
        if not held:
            return None
        values = np.array([concentration(windows[at]) for at in held])
        typical = float(np.median(values))
        errors = np.array([self._error(typical, windows[at].count) for at in held])
        return Spreads.learn(values, errors, [phases[at] for at in held] if phases else ())

    def judge(self, baseline: Spreads | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """How concentrated a window is."""
        if baseline is None or current.count < max(self.min_rows, 2):
            return insufficient(
                f"{current.count} values, fewer than {self.min_rows}, or none to compare with"
            )
        spread, value = baseline.at(phase), concentration(current)
        error = self._error(min(max(spread.mean, 0.0), 1.0), current.count)
        return Judgement(
            value,
            threshold=max(spread.threshold(alpha, error, higher_is_better=False), 0.0),
            p_value=spread.p_value(value, error, higher_is_better=False),
            weight=spread.weight,
        )
