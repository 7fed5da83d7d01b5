"""Is a number worse than the numbers of healthy windows? A prediction interval that knows its own doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from profiles.counts import Floats

FEW_WINDOWS = 3
MOST_DF = 1e6  # a normal distribution, to seven digits


@dataclass(frozen=True)
class Spread:
    """The healthy mean of a number, its variance between windows, and how many windows that is known from."""

    mean: float
    between: float
    noise: float
    windows: int

    @classmethod
    def learn(cls, values: Floats, errors: Floats) -> Spread:
        """Learn from reference windows: a random-effects model by the method of moments.

        DerSimonian and Laird, Controlled Clinical Trials 7 (1986), unweighted.

        Args:
            values: shape (windows,), at least one.
            errors: the standard error of each value from sampling, shape (windows,).
        """
        noise = float(np.mean(np.square(errors)))
        total = float(np.var(values, ddof=1)) if values.size > 1 else 0.0
        return cls(float(values.mean()), max(total - noise, 0.0), noise, int(values.size))

    def _scale(self, error: float) -> tuple[float, float]:
        """The standard error of a prediction, and its degrees of freedom (Satterthwaite)."""
        known = (self.between + self.noise) / self.windows
        variance = self.between + known + error**2
        uncertain = self.between + known
        if self.windows == 1 or not uncertain:
            return float(np.sqrt(variance)), float("inf") if self.windows > 1 else 1.0
        df = (self.windows - 1) * (variance / uncertain) ** 2
        return float(np.sqrt(variance)), float(df)

    def p_value(self, value: float, error: float, *, higher_is_better: bool) -> float:
        """The probability that a healthy window is at least this bad."""
        scale, df = self._scale(error)
        shortfall = self.mean - value if higher_is_better else value - self.mean
        return float(special.stdtr(min(df, MOST_DF), -shortfall / max(scale, 1e-12)))

    def threshold(self, alpha: float, error: float, *, higher_is_better: bool) -> float:
        """The value whose p-value is `alpha`."""
        scale, df = self._scale(error)
        reach = -float(special.stdtrit(min(df, MOST_DF), alpha)) * scale
        return self.mean - reach if higher_is_better else self.mean + reach
