"""Metrics of a regression task, from counts of the residual (prediction - label) and sums of error terms.

Exact against scikit-learn but for the median, as long as errors are below `profiles.outcomes.FAR`. Means have
their own standard error, what is made of means that of the delta method.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from detectors.performance.estimate import LOST_DIGITS, UNDEFINED, Estimate, mean
from profiles import RegressionOutcomes
from profiles.counts import Floats, Ints

ALL_ALIKE = 1e-11  # of the mean square about the centre: a variance below it has lost its digits
Z95 = float(special.ndtri(0.975))


def mae(outcomes: RegressionOutcomes) -> Estimate:
    """The mean absolute error, in the label's unit."""
    return mean(outcomes.absolute, outcomes.squared, outcomes.count)


def bias(outcomes: RegressionOutcomes) -> Estimate:
    """The mean of prediction - label, in the label's unit."""
    return mean(outcomes.signed, outcomes.squared, outcomes.count)


def mape(outcomes: RegressionOutcomes) -> Estimate:
    """The mean of the error relative to the label, as a share (0.1 is 10 %); as scikit-learn's.

    A label of 0 is taken for 2**-52, so that its row alone decides the mean.
    """
    return mean(outcomes.relative, outcomes.relative_squared, outcomes.count)


def quantile_loss(outcomes: RegressionOutcomes, percent: float) -> Estimate:
    """The pinball loss of a prediction of the label's `percent` % quantile, in the label's unit."""
    high, low = 1 - percent / 100, percent / 100  # what an error above and below the label costs
    over = (outcomes.absolute + outcomes.signed) / 2, (outcomes.squared + outcomes.signed_squared) / 2
    under = (outcomes.absolute - outcomes.signed) / 2, (outcomes.squared - outcomes.signed_squared) / 2
    squares = high**2 * max(over[1], 0.0) + low**2 * max(under[1], 0.0)
    return mean(max(high * over[0] + low * under[0], 0.0), squares, outcomes.count)


def rmse(outcomes: RegressionOutcomes) -> Estimate:
    """The root of the mean squared error, in the label's unit; its error by the delta method.

    0 below 1.5e-154, whose square is no normal number.
    """
    square, error = mean(outcomes.squared, outcomes.fourth, outcomes.count)
    if square < np.finfo(float).tiny:
        return 0.0, 0.0
    root = float(np.sqrt(square))
    return root, error / (2 * root)


def r2(outcomes: RegressionOutcomes) -> Estimate:
    """The coefficient of determination: 1 - squared error / variance of the labels.

    Undefined where all labels are equal, and where they are 300,000 standard deviations from the usual label
    or more (the space's `center`): sums about that do not hold their variance.
    """
    n = outcomes.count
    if n < 2:  # noqa: PLR2004 - one label has no variance
        return UNDEFINED
    first, second, third, fourth = outcomes.labels / n
    error, (cross, crossed) = outcomes.squared / n, outcomes.crossed / n
    var = second - first**2
    if not var > max(second * ALL_ALIKE, np.finfo(float).tiny):
        return UNDEFINED
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = error / var
        # the mean squares of the terms of the ratio's influence
        of_errors = outcomes.fourth / n
        of_both = crossed - 2 * first * cross + first**2 * error
        of_labels = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        square = of_errors - 2 * ratio * of_both + ratio**2 * of_labels
        known = np.sqrt(max(square, of_errors * LOST_DIGITS) / n) / var
    return (float(1 - ratio), float(known)) if np.isfinite(known) else UNDEFINED


def median_absolute_error(outcomes: RegressionOutcomes) -> Estimate:
    """The median of the absolute error, in the label's unit.

    Off the exact value by at most 1/128 of the residual grid's scale and of the median's distance from the
    grid's centre. The error is of the order statistics on both sides (McKean and Schrader, Communications in
    Statistics 13, 1984).
    """
    n = outcomes.count
    if not n:
        return UNDEFINED
    reach = Z95 * np.sqrt(n) / 2
    middle, below, above = (n - 1) / 2, (n - 1) / 2 - reach, (n - 1) / 2 + reach
    ranks = np.clip([np.floor(middle), np.ceil(middle), np.floor(below), np.ceil(above)], 0, n - 1)
    near, far = _ends(outcomes)
    counts = outcomes.residuals.values
    lows, highs = _ordered(near, counts, ranks), _ordered(far, counts, ranks)
    most = float(np.fmin(highs[:2].mean(), 2 * outcomes.absolute / n))  # Markov's inequality: 0 if all are
    value = (min(float(lows[:2].mean()), most) + most) / 2
    widest = max(float(np.diff(lows[2:] + highs[2:])[0]) / 2, float(highs[0] - lows[0]))
    return value, widest / (2 * Z95)


def _ends(outcomes: RegressionOutcomes) -> tuple[Floats, Floats]:
    """The least and the largest absolute residual of each occupied bin, shape (k,)."""
    keys, grid = outcomes.residuals.keys, outcomes.space.grid
    ends = np.stack([grid.lower(keys), grid.upper(keys)])
    inside = np.sign(ends[0]) * np.sign(ends[1]) < 0
    ends = np.minimum(np.abs(ends), np.finfo(float).max / 4)
    return np.where(inside, 0.0, ends.min(axis=0)), ends.max(axis=0)


def _ordered(values: Floats, counts: Ints, ranks: Floats) -> Floats:
    """The order statistics of values that occur `counts` times, at ranks from 0, shape as `ranks`."""
    order = np.argsort(values)
    places = np.searchsorted(np.cumsum(counts[order]), ranks, side="right")
    return values[order][places]
