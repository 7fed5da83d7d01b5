"""Is a number worse than the numbers of healthy windows? A prediction interval that knows its own doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from detectors.dispersion import extra_variance
from detectors.persistence import Persistence
from detectors.season import Cycle, Phase, clearest, cycles
from profiles.counts import Floats

FEW_WINDOWS = 3
MOST_DF = 1e6  # a normal distribution, to seven digits
ROUNDS = 10  # the mean and its weights settle quickly
SETTLED = 1e-3  # of the variance: it is known far less well
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
        df: the degrees of freedom of the variances.
        tail: those of the distribution of windows about their mean.
        weight: how much of a window's evidence is news (see `persistence`).
    """

    mean: float
    between: float
    noise: float
    known: float
    df: float
    tail: float = MOST_DF
    weight: float = 1.0

    @classmethod
    def learn(cls, values: Floats, errors: Floats) -> Spread:
        """Learn from reference windows in time order: a random-effects model by Paule and Mandel's method.

        Args:
            values: shape (windows,), at least one.
            errors: the standard error of each value from sampling, shape (windows,).
        """
        (whole,) = _fit(values, errors, Cycle.none(values.size)).spreads
        return whole

    def _scale(self, error: float) -> tuple[float, float]:
        """The standard error of a prediction, and its degrees of freedom (Satterthwaite).

        What windows add to noise is the difference of two variances; it is no better known than the larger.
        """
        variance = self.between + self.known + error**2
        if self.df < 1:
            return float(np.sqrt(variance)), 1.0
        seen, between = (self.between + self.noise) / variance, self.between / variance
        unsure = seen**2 / self.df + between**2 / self.tail
        return float(np.sqrt(variance)), 1 / max(unsure, 1 / MOST_DF)

    def p_value(self, value: float, error: float, *, higher_is_better: bool) -> float:
        """The probability that a healthy window is at least this bad."""
        scale, df = self._scale(error)
        shortfall = self.mean - value if higher_is_better else value - self.mean
        return float(special.stdtr(df, -shortfall / scale))

    def threshold(self, alpha: float, error: float, *, higher_is_better: bool) -> float:
        """The value whose p-value is `alpha`."""
        scale, df = self._scale(error)
        # of hardly any degrees of freedom scipy's quantile may come with the wrong sign
        reach = min(abs(float(special.stdtrit(df, alpha))) * scale, FARTHEST)
        return self.mean - reach if higher_is_better else self.mean + reach


@dataclass(frozen=True)
class Spreads:
    """The healthy distribution of a number in each phase of a cycle.

    Attributes:
        cycle: of the phases.
        spreads: of each phase.
        error: the mean squared error of the prediction of a reference window from the rest of its phase.
        whole: of all phases together.
    """

    cycle: Cycle
    spreads: tuple[Spread, ...]
    error: float
    whole: Spread

    @classmethod
    def learn(
        cls,
        values: Floats,
        errors: Floats,
        phases: Sequence[Phase] = (),
        tail: float = MOST_DF,
        prior: float = 0.0,
    ) -> Spreads:
        """Learn as `Spread.learn` does, by season where that predicts clearly better.

        Args:
            values: shape (windows,), at least one.
            errors: the standard error of each value from sampling, shape (windows,).
            phases: of each window.
            tail: the degrees of freedom of Student's t that windows differ by, where that is not normal.
            prior: as many degrees of freedom say beforehand that windows vary twice as much as by sampling.

        >>> nights = np.array([10.0, 20.0] * 20) + np.random.default_rng(0).normal(size=40)
        >>> learned = Spreads.learn(nights, np.zeros(40), [(place % 2,) for place in range(40)])
        >>> [round(learned.at((hour,)).mean) for hour in (0, 1)]
        [10, 20]
        """
        fits = [_fit(values, errors, cycle, tail, prior) for cycle in cycles(phases, values.size)]
        best = clearest(fits)
        return cls(best.cycle, best.spreads, best.error, fits[0].whole)

    def at(self, phase: Phase) -> Spread:
        """The distribution in a phase; the whole reference's where it has too little of that."""
        code = self.cycle.code(phase)
        return self.whole if code is None else self.spreads[code]


def _fit(values: Floats, errors: Floats, cycle: Cycle, tail: float = MOST_DF, prior: float = 0.0) -> Spreads:
    """A mean for each phase, and one variance between windows for all."""
    noise = np.maximum(np.square(errors), np.square(ROUNDING * np.abs(values).max()) + LEAST)
    codes, sizes = cycle.codes, cycle.sizes
    lost = np.maximum(1 - 1 / sizes[codes], 0.5)  # the mean is fitted to the same windows
    paired = sizes[codes] > 1 if cycle.level is not None else np.ones(values.size, bool)
    between, weights = 0.0, 1 / noise
    for _ in range(ROUNDS):
        means = cycle.sums(values * weights) / cycle.sums(weights)
        squares = np.square(values - means[codes]) / lost
        before, between = between, extra_variance(squares[paired], noise[paired])
        weights = 1 / (noise + between)
        if abs(between - before) <= SETTLED * between:
            break
    residuals = values - means[codes]
    near = np.square(np.diff(residuals)) / (noise[1:] + noise[:-1] + 2 * between)
    lasting = Persistence.learn(near, (squares * weights)[paired], len(cycle.names))
    typical = max(float(1 / weights.mean()) - between, LEAST)
    df = lasting.independent - 1 if values.size > 1 else 0.0
    known = lasting.own / lasting.worth / cycle.sums(weights)
    between *= lasting.hidden
    if prior:  # twice the noise is noise and as much between windows
        between = (df * between + prior * typical) / (df + prior)
    spreads = tuple(
        Spread(float(mean), between, typical, float(error), df + prior, tail, lasting.weight)
        for mean, error in zip(means, known, strict=True)
    )
    error = float(np.mean((squares / lost)[paired])) if paired.any() else np.inf
    return Spreads(cycle, spreads, error, spreads[0])
