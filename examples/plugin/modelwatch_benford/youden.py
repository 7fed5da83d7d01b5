"""A metric of a third party: how much better than chance a binary model tells the classes apart.

Youden, "Index for rating diagnostic tests", Cancer 3 (1950).
"""

from __future__ import annotations

import math

from detectors.performance.metrics import Metric
from profiles import BinaryOutcomes


def index(outcomes: BinaryOutcomes) -> tuple[float, float]:
    """Recall + specificity - 1 and its standard error; NaN where one of the two is not defined."""
    tn, fn, fp, tp = outcomes.confusion.tolist()
    if not tp + fn or not tn + fp:
        return math.nan, math.nan
    variance = sum(_variance(*counts) for counts in ((tp, fn), (tn, fp)))
    return tp / (tp + fn) + tn / (tn + fp) - 1, math.sqrt(variance)


def _variance(hits: int, misses: int) -> float:
    share = (hits + 1) / (hits + misses + 2)
    return share * (1 - share) / (hits + misses)


youden = Metric(index, higher_is_better=True, span=(-1.0, 1.0), tasks=("binary",))
