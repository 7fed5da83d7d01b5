"""Metrics of multi-class and regression tasks, from their outcomes' counts and sums."""

from __future__ import annotations

import numpy as np

from detectors.performance.binary import UNDEFINED, Estimate, proportion
from profiles import MulticlassOutcomes, RegressionOutcomes

LOST_DIGITS = 1e-15


def accuracy(outcomes: MulticlassOutcomes) -> Estimate:
    """The share of predictions that equal their label."""
    return proportion(outcomes.correct, outcomes.count)


def mae(outcomes: RegressionOutcomes) -> Estimate:
    """The mean absolute error, in the label's unit."""
    n = outcomes.count
    if not n:
        return UNDEFINED
    mean = outcomes.absolute / n
    return mean, _error(outcomes.squared / n, mean, n)


def rmse(outcomes: RegressionOutcomes) -> Estimate:
    """The root of the mean squared error, in the label's unit; its error by the delta method."""
    n = outcomes.count
    if not n:
        return UNDEFINED
    mean = outcomes.squared / n
    if mean < np.finfo(float).tiny:
        return 0.0, 0.0
    return float(np.sqrt(mean)), _error(outcomes.fourth / n, mean, n) / (2 * float(np.sqrt(mean)))


def _error(mean_square: float, mean: float, n: int) -> float:
    """The standard error of a mean; the digits that the difference loses are not taken for certainty."""
    return float(np.sqrt(max(mean_square - mean**2, mean_square * LOST_DIGITS) / n))
