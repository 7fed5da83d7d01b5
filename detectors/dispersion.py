"""How much a healthy model varies from window to window, beyond the noise of sampling.

The reference calibrates itself: each of its windows is compared with the rest of it (a subtraction, as
profiles are counts), and what these distances have above the theory of independent rows is the variation
that time of day, weather or customers bring. Tests that ignore it flag every large window.

The scaled-F approximation is that of quasi-likelihood: McCullagh and Nelder, "Generalized Linear Models",
2nd ed., section 4.5, and Satterthwaite, Biometrics Bulletin 2 (1946), for the degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, special

from detectors.persistence import Persistence
from profiles.counts import Floats

TYPICAL_DF = 1.0
FEW_WINDOWS = 2


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Distances:
    """Squared distances of pairs, times the effective rows of each pair: `statistics` and `sizes`."""

    statistics: Floats = field(default_factory=_none)
    sizes: Floats = field(default_factory=_none)

    @classmethod
    def of(cls, statistics: Sequence[float], sizes: Sequence[float]) -> Distances:
        """From sequences of the same length."""
        return cls(np.array(statistics, np.float64), np.array(sizes, np.float64))


@dataclass(frozen=True)
class Dispersion:
    """The null distribution of a statistic S that is about `mean(n) * F(df, df * (windows - 1))`.

    Attributes:
        base: the mean of S for independent rows.
        excess: how much the mean of S grows per effective row, from variation between windows.
        df: degrees of freedom of the numerator.
        windows: how many independent windows this was learned from, one less for every further phase.
        weight: how much of a window's evidence is news (see `persistence`).
    """

    base: float
    excess: float
    df: float
    windows: float
    weight: float = 1.0

    @classmethod
    def learn(
        cls, apart: Distances, base: float, df: float, neighbours: Distances | None = None, phases: int = 1
    ) -> Dispersion:
        """Learn from the distances of reference windows.

        Args:
            apart: of each reference window from the rest of its phase.
            base: the mean of S for independent rows.
            df: the degrees of freedom of S for independent rows.
            neighbours: of each reference window from the next, their phases aside.
            phases: how many phases the reference is divided into.

        >>> rng = np.random.default_rng(1)
        >>> healthy = Dispersion.learn(Distances(rng.chisquare(3, 60), np.full(60, 1000.0)), base=3, df=3)
        >>> bool(healthy.p_value(30.0, 1000.0) < 1e-3 < healthy.p_value(8.0, 1000.0))
        True
        """
        windows = int(apart.statistics.size)
        if windows < FEW_WINDOWS:
            alone = Persistence(max(windows, 2), phases=phases)
            return cls(base, 0.0, df, max(windows, 1), alone.weight)
        excess = extra_variance(apart.statistics / apart.sizes, base / apart.sizes)
        scaled = apart.statistics / (base + apart.sizes * excess)
        near = neighbours or Distances()
        lasting = Persistence.learn(near.statistics / (base + 2 * near.sizes * excess), scaled, phases)
        known = lasting.independent
        extra = 1 - base / (base + float(apart.sizes.mean()) * excess)
        fewest = _slowest(_directions(scaled, df), df, extra)
        return cls(base, excess * lasting.stretch, fewest, known, lasting.weight)

    def mean(self, size: float) -> float:
        """The mean of S on a healthy window of `size` effective rows."""
        return self.base + size * self.excess

    def p_value(self, statistic: float, size: float) -> float:
        """The probability that a healthy window of `size` effective rows reaches `statistic`."""
        return float(special.fdtrc(self.df, self._uncertainty, statistic / self.mean(size)))

    def threshold(self, alpha: float, size: float) -> float:
        """The statistic whose p-value is `alpha`."""
        return float(special.fdtri(self.df, self._uncertainty, 1 - alpha)) * self.mean(size)

    @property
    def _uncertainty(self) -> float:
        """Degrees of freedom of the denominator: a mean of few windows is not known well."""
        return self.df * max(self.windows - 1, 1)


def _directions(scaled: Floats, most: float) -> float:
    """In how many directions windows vary, at most those of independent rows.

    Few directions make heavy tails, and the spread of the distances tells how few: a gamma distribution of d
    degrees of freedom has a squared coefficient of variation of 2 / d. It is taken one standard error larger
    than it was measured, because to believe in light tails that are heavy costs false alarms.
    """
    spread, mean = float(np.var(scaled, ddof=1)), float(np.mean(scaled))
    measured = 2 * mean**2 / spread if spread > 0 else most
    df = float(np.clip(measured, TYPICAL_DF, most))
    return float(np.clip(measured / (1 + np.sqrt((2 + 12 / df) / scaled.size)), TYPICAL_DF, most))


def _slowest(measured: float, most: float, extra: float) -> float:
    """As few directions as the one asks for in which healthy windows vary most.

    Their distances are the noise of sampling, in many directions, and what windows differ by beyond that,
    often in one. The degrees of freedom that have the variance of both together (Satterthwaite) make a tail
    that is too light: so the noise is taken off, and what is left says in how many the rest varies.

    Args:
        measured: the degrees of freedom of both together.
        most: those of the noise.
        extra: the share of the distances that is not noise.
    """
    if extra <= 0:
        return measured
    one_in = (1 / measured - (1 - extra) ** 2 / most) / extra**2
    slowest = max((1 - extra) / most, extra * float(np.clip(one_in, 0, 1)), 1 / measured)
    return max(1 / slowest, TYPICAL_DF)


def extra_variance(squares: Floats, noise: Floats) -> float:
    """The variance beyond noise: x such that squares / (noise + x) are 1 on average; 0 if they are less.

    Paule and Mandel, Journal of Research of the National Bureau of Standards 87 (1982). A window of few rows
    says little, and counts little.

    Args:
        squares: squared deviations, shape (n,).
        noise: what each would be on average by sampling alone, above 0, shape (n,).

    >>> round(extra_variance(np.array([4.0, 6.0]), np.array([1.0, 1.0])), 6)
    4.0
    """

    def surplus(extra: float) -> float:
        return float((squares / (noise + extra)).sum()) / squares.size - 1

    if not squares.size or surplus(0.0) <= 0:
        return 0.0
    most = float(squares.max())
    return float(optimize.brentq(surplus, 0.0, most, xtol=most * 1e-12, rtol=1e-7))
