"""Is a number worse than the numbers of healthy windows? A prediction interval that knows its own doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from detectors.dispersion import extra_variance
from detectors.persistence import weight_of
from profiles.counts import Floats

FEW_WINDOWS = 3
MOST_DF = 1e6  # a normal distribution, to seven digits
ROUNDS = 10  # the mean and its weights settle quickly
LEAST = 1e-200  # a variance of nothing
FARTHEST = 1e300  # a threshold is a number
ROUNDING = 1e-9  # relative: no number is known better than this


@dataclass(frozen=True)
class Spread:
    """The healthy distribution of a number.

    Attributes:
        mean: its mean.
        between: its variance between windows.
        noise: the typical variance of sampling in the reference's windows.
        known: the variance of `mean`.
        windows: how many windows this is known from.
        weight: how much of a window's evidence is news (see `persistence`).
    """

    mean: float
    between: float
    noise: float
    known: float
    windows: int
    weight: float = 1.0

    @classmethod
    def learn(cls, values: Floats, errors: Floats) -> Spread:
        """Learn from reference windows in time order: a random-effects model by Paule and Mandel's method.

        Args:
            values: shape (windows,), at least one.
            errors: the standard error of each value from sampling, shape (windows,).
        """
        windows = int(values.size)
        noise = np.maximum(np.square(errors), np.square(ROUNDING * np.abs(values).max()) + LEAST)
        mean, between = float(np.average(values, weights=1 / noise)), 0.0
        lost = max(1 - 1 / windows, 0.5)  # the mean is fitted to the same windows
        for _ in range(ROUNDS):
            between = extra_variance(np.square(values - mean) / lost, noise)
            mean = float(np.average(values, weights=1 / (noise + between)))
        weights = 1 / (noise + between)
        near = np.square(np.diff(values)) / (noise[1:] + noise[:-1] + 2 * between)
        weight = weight_of(near, np.square(values - mean) / lost * weights)
        typical = max(float(1 / weights.mean()) - between, LEAST)
        return cls(mean, between, typical, float(1 / weights.sum()), windows, weight)

    def _scale(self, error: float) -> tuple[float, float]:
        """The standard error of a prediction, and its degrees of freedom (Satterthwaite).

        What windows add to noise is the difference of two variances; it is no better known than the larger.
        """
        variance = self.between + self.known + error**2
        if self.windows == 1:
            return float(np.sqrt(variance)), 1.0
        ratio = min(variance / (self.between + self.noise), MOST_DF)
        return float(np.sqrt(variance)), min((self.windows - 1) * ratio**2, MOST_DF)

    def p_value(self, value: float, error: float, *, higher_is_better: bool) -> float:
        """The probability that a healthy window is at least this bad."""
        scale, df = self._scale(error)
        shortfall = self.mean - value if higher_is_better else value - self.mean
        return float(special.stdtr(df, -shortfall / scale))

    def threshold(self, alpha: float, error: float, *, higher_is_better: bool) -> float:
        """The value whose p-value is `alpha`."""
        scale, df = self._scale(error)
        reach = min(-float(special.stdtrit(df, alpha)) * scale, FARTHEST)
        return self.mean - reach if higher_is_better else self.mean + reach
