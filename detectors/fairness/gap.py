"""The largest minus the smallest of several estimates, corrected for what their noise adds to it.

Of twenty groups that are alike, one is always highest by chance: the plain difference of largest and smallest
is then 3.7 standard errors on average. What is reported is the difference less its bias, by a parametric
bootstrap (Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 10.2) about estimates that
are shrunk by as much as their noise explains; the expectation in it is an integral, so nothing is random. Two
groups that are clearly apart keep their plain difference. The interval is Tukey and Kramer's, simultaneous
over all pairs (Hayter, Annals of Statistics 12, 1984).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, special

from detectors.dispersion import extra_variance
from profiles.counts import Floats

FAR = 7.0  # standard errors within which all of a normal distribution lies
MANY = 20  # groups: those of more lie so dense that fewer points of each are enough
LEAST = 1e-12  # an error relative to the largest estimate: no estimate is exact


@dataclass(frozen=True)
class Gap:
    """The gap between the highest and the lowest of some groups.

    Attributes:
        value: corrected for noise, at least 0.
        lower: of its simultaneous interval.
        upper: the other end.
        highest: the place of the group with the largest estimate.
        lowest: of that with the smallest.
    """

    value: float
    lower: float
    upper: float
    highest: int
    lowest: int


def gap_of(values: Floats, errors: Floats, level: float = 0.95) -> Gap:
    """The gap of at least two estimates.

    Args:
        values: shape (groups,).
        errors: their standard errors, shape (groups,).
        level: of the interval.

    >>> found = gap_of(np.array([0.5, 0.3]), np.array([0.01, 0.01]))
    >>> round(found.value, 6), round(found.lower, 3), round(found.upper, 3)
    (0.2, 0.172, 0.228)
    >>> noise = np.random.default_rng(0).normal(0.5, 0.05, 20)
    >>> gap_of(noise, np.full(20, 0.05)).lower
    0.0
    """
    errors = np.maximum(errors, LEAST * max(float(np.abs(values).max()), LEAST))
    highest, lowest = int(np.argmax(values)), int(np.argmin(values))
    plain = float(values[highest] - values[lowest])
    apart = np.abs(values[:, None] - values)
    reach = range_quantile(values.size, level) * np.sqrt((np.square(errors)[:, None] + np.square(errors)) / 2)
    np.fill_diagonal(reach, 0.0)
    lower, upper = float((apart - reach).max()), float((apart + reach).max())
    shrunk = _shrunk(values, errors)
    bias = max(expected_range(shrunk, errors) - float(np.ptp(shrunk)), 0.0)
    return Gap(min(max(plain - bias, lower, 0.0), upper), max(lower, 0.0), upper, highest, lowest)


def _shrunk(values: Floats, errors: Floats) -> Floats:
    """Estimates drawn to their mean by as much as noise explains their differences (Paule and Mandel)."""
    between, noise = 0.0, np.square(errors)
    for _ in range(10):
        weights = 1 / (noise + between)
        mean = float((values * weights).sum() / weights.sum())
        squares = np.square(values - mean) * values.size / (values.size - 1)
        before, between = between, extra_variance(squares, noise)
        if abs(between - before) <= 1e-6 * between:
            break
    shrunk: Floats = mean + (values - mean) * between / (noise + between)
    return shrunk


def expected_range(means: Floats, errors: Floats) -> float:
    """The mean of the largest minus the smallest of independent normal numbers.

    Args:
        means: shape (n,).
        errors: their standard deviations, shape (n,).

    >>> round(expected_range(np.zeros(20), np.ones(20)), 2)
    3.73
    """
    reach = np.linspace(-FAR, FAR, 57 if means.size <= MANY else 21)
    points = np.unique((means[:, None] + errors[:, None] * reach).ravel())
    standard = (points - means[:, None]) / errors[:, None]
    below, above = special.ndtr(standard).prod(axis=0), special.ndtr(-standard).prod(axis=0)
    return _area(1 - below - above, points)


@cache
def range_quantile(groups: int, level: float) -> float:
    """The quantile of the range of so many standard normal numbers: Tukey's q for known errors.

    >>> round(range_quantile(2, 0.95), 2), round(range_quantile(20, 0.95), 2)
    (2.77, 5.01)
    """
    points = np.linspace(-9.0, 9.0, 2001)
    density = np.exp(-np.square(points) / 2) / np.sqrt(2 * np.pi)

    def missing(reach: float) -> float:
        inside = special.ndtr(points + reach) - special.ndtr(points)
        return groups * _area(density * inside ** (groups - 1), points) - level

    return float(optimize.brentq(missing, 1e-6, 20.0))


def _area(heights: Floats, points: Floats) -> float:
    """The area under a curve, by trapezes."""
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(points)).sum())
