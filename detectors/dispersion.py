"""How much a healthy model varies from window to window, beyond the noise of sampling.

The reference calibrates itself: each of its windows is compared with the rest of it (a subtraction, as
profiles are counts), and what these distances have above the theory of independent rows is the variation
that time of day, weather or customers bring. Tests that ignore it flag every large window.

The scaled-F approximation is that of quasi-likelihood: McCullagh and Nelder, "Generalized Linear Models",
2nd ed., section 4.5, and Satterthwaite, Biometrics Bulletin 2 (1946), for the degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from profiles.counts import Floats

TYPICAL_DF = 1.0
FEW_WINDOWS = 2


@dataclass(frozen=True)
class Dispersion:
    """The null distribution of a statistic S that is about `mean(n) * F(df, df * windows)`.

    Attributes:
        base: the mean of S for independent rows.
        excess: how much the mean of S grows per effective row, from variation between windows.
        df: degrees of freedom of the numerator.
        windows: how many reference windows this was learned from.
    """

    base: float
    excess: float
    df: float
    windows: int

    @classmethod
    def learn(cls, statistics: Floats, sizes: Floats, base: float, df: float) -> Dispersion:
        """Learn from leave-one-out statistics.

        Args:
            statistics: S of each reference window against the rest, shape (windows,).
            sizes: the effective number of rows of each comparison, shape (windows,).
            base: the mean of S for independent rows.
            df: the degrees of freedom of S for independent rows.

        >>> rng = np.random.default_rng(1)
        >>> healthy = Dispersion.learn(rng.chisquare(3, 60), np.full(60, 1000.0), base=3, df=3)
        >>> bool(healthy.p_value(30.0, 1000.0) < 1e-3 < healthy.p_value(8.0, 1000.0))
        True
        """
        if statistics.size < FEW_WINDOWS:
            return cls(base, 0.0, df, max(int(statistics.size), 1))
        excess = max(0.0, float(np.mean((statistics - base) / sizes)))
        scaled = statistics / (base + sizes * excess)
        spread = float(np.var(scaled, ddof=1))
        # few directions of variation make heavy tails: the spread tells how few
        effective = 2 * float(np.mean(scaled)) ** 2 / spread if spread > 0 else df
        return cls(base, excess, float(np.clip(effective, TYPICAL_DF, df)), int(statistics.size))

    def mean(self, size: float) -> float:
        """The mean of S on a healthy window of `size` effective rows."""
        return self.base + size * self.excess

    def p_value(self, statistic: float, size: float) -> float:
        """The probability that a healthy window of `size` effective rows reaches `statistic`."""
        return float(special.fdtrc(self.df, self.df * self.windows, statistic / self.mean(size)))

    def threshold(self, alpha: float, size: float) -> float:
        """The statistic whose p-value is `alpha`."""
        return float(special.fdtri(self.df, self.df * self.windows, 1 - alpha)) * self.mean(size)


def effective_size(one: float, other: float) -> float:
    """The effective rows of a two-sample comparison: n m / (n + m)."""
    return one * other / (one + other) if one and other else 0.0
