"""Metrics of multi-class and regression tasks, from their outcomes' counts and sums."""

from __future__ import annotations

import numpy as np

from detectors.performance.binary import UNDEFINED, Estimate, proportion
from profiles import MulticlassOutcomes, RegressionOutcomes


def accuracy(outcomes: MulticlassOutcomes) -> Estimate:
    """The share of predictions that equal their label."""
    return proportion(outcomes.correct, outcomes.count)


def mae(outcomes: RegressionOutcomes) -> Estimate:
    """The mean absolute error, in the label's unit."""
    n = outcomes.count
    if not n:
        return UNDEFINED
    mean = outcomes.absolute / n
    return mean, float(np.sqrt(max(outcomes.squared / n - mean**2, 1e-18) / n))


def rmse(outcomes: RegressionOutcomes) -> Estimate:
    """The root of the mean squared error, in the label's unit; its error by the delta method."""
    n = outcomes.count
    if not n or not outcomes.squared:
        return UNDEFINED
    mean = outcomes.squared / n
    spread = np.sqrt(max(outcomes.fourth / n - mean**2, 1e-18) / n)
    return float(np.sqrt(mean)), float(spread / (2 * np.sqrt(mean)))
