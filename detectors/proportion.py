"""Has a share of rows grown? The engine of every detector that counts bad rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from detectors.detector import Detector
from detectors.dispersion import extra_variance
from detectors.judgement import Judgement, insufficient
from detectors.persistence import Persistence
from detectors.season import Cycle, Phase, clearest, cycles
from profiles.counts import Floats

Z95 = 1.959964
BURST = 0.001  # the smallest share of bad rows that a person would want to know of


@dataclass(frozen=True)
class Share:
    """The healthy share of bad rows: its mean, its variance for a new window, and from how many rows.

    The variance has three parts, which add: the reference is finite (Jeffreys' prior, so that a reference
    without a single bad row is no certainty); healthy windows differ; and bad rows come together, so n good
    windows do not rule out that one in n + 1 has a share `BURST` of them. A window's bad rows are judged by
    the negative binomial distribution with the mean and variance of that mixture, or by the binomial where
    its variance is the smaller: both have closed tails, whatever the number of rows.

    Attributes:
        mean: the share's mean.
        variance: its variance for a new window, sampling aside.
        rows: how many rows this is known from.
        weight: how much of a window's evidence is news (see `persistence`).
    """

    mean: float
    variance: float
    rows: int
    weight: float = 1.0

    def judge(self, bad: int, rows: int, *, min_rows: int, alpha: float) -> Judgement:
        """Judge a window by its bad rows; the value is their share, with its Wilson interval."""
        if rows < min_rows or self.rows < min_rows:
            return insufficient(f"{rows} rows, fewer than {min_rows}")
        low, high = wilson(bad, rows)
        return Judgement(
            bad / rows,
            low,
            high,
            self._threshold(rows, alpha),
            self.p_value(bad, rows),
            weight=self.weight,
        )

    def p_value(self, bad: int, rows: int) -> float:
        """The probability of at least `bad` bad rows among `rows` of a healthy window."""
        if not bad:
            return 1.0
        mean = rows * self.mean
        variance = mean * (1 - self.mean) + rows**2 * self.variance
        if variance > mean * (1 + 1e-9):
            size = mean**2 / (variance - mean)
            return float(special.betainc(bad, size, mean / (size + mean)))
        share = max(1 - variance / mean, 1e-12)
        return float(special.betainc(bad, max(mean / share - bad + 1, 1e-9), share))

    def _threshold(self, rows: int, alpha: float) -> float:
        """The smallest share whose p-value is at most alpha, by bisection."""
        low, high = 0, rows
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.p_value(middle, rows) <= alpha else (middle + 1, high)
        return low / rows


@dataclass(frozen=True)
class Shares:
    """The healthy share of bad rows in each phase of a cycle.

    Attributes:
        cycle: of the phases.
        shares: of each phase.
        error: the mean squared error of the prediction of a window's share from the rest of its phase.
        whole: of all phases together.
    """

    cycle: Cycle
    shares: tuple[Share, ...]
    error: float
    whole: Share

    @classmethod
    def learn(
        cls, pairs: Sequence[tuple[int, int]], min_rows: int = 1, phases: Sequence[Phase] = ()
    ) -> Shares:
        """Learn from the bad rows and all rows of each reference window, in time order.

        A window of fewer than `min_rows` does not tell how much windows differ. Seasons count where they
        predict clearly better.

        >>> share = Shares.learn([(1, 100), (0, 100), (2, 100), (1, 100)]).whole
        >>> share.judge(30, 100, min_rows=50, alpha=0.001).p_value < 1e-6
        True
        """
        counts = np.array(pairs, np.float64).reshape(-1, 2)
        fits = [_fit(counts, cycle, min_rows) for cycle in cycles(phases, len(pairs))]
        best = clearest(fits)
        return cls(best.cycle, best.shares, best.error, fits[0].whole)

    def at(self, phase: Phase) -> Share:
        """The share in a phase; the whole reference's where it has too little of that."""
        code = self.cycle.code(phase)
        return self.whole if code is None else self.shares[code]


def _fit(counts: Floats, cycle: Cycle, min_rows: int) -> Shares:
    """A mean for each phase, and one variance between windows for all."""
    bad, rows = counts.T
    codes = cycle.codes
    totals = cycle.sums(rows)
    means = (cycle.sums(bad) + 0.5) / (totals + 1)
    sampling = means * (1 - means)
    enough = rows >= min_rows
    windows = max(int(enough.sum()), 1)
    fellows = np.maximum(cycle.sums(enough.astype(np.float64)), 1)
    between, error, lasting = 0.0, 0.0, Persistence(max(windows, 2), 0.0, len(cycle.names))
    if enough.any():
        share, mean = bad[enough] / rows[enough], means[codes[enough]]
        lost = (
            np.maximum(1 - 1 / fellows[codes[enough]], 0.5) if cycle.level is not None else np.ones(windows)
        )
        noise = mean * (1 - mean) / rows[enough]
        between, lasting = _between((share - mean) / np.sqrt(lost), mean, noise, len(cycle.names))
        error = float(np.mean(np.square((share - mean) / lost)))
    variances = (
        between * (1 + lasting.own / lasting.worth / fellows)
        + sampling / (totals + 1)
        + BURST**2 / (windows + 1)
    )
    burst = np.minimum(means + BURST / (windows + 1), (totals + 0.5) / (totals + 1))
    shares = tuple(
        Share(float(mean), float(variance), int(total), lasting.weight)
        for mean, variance, total in zip(burst, variances, totals, strict=True)
    )
    return Shares(cycle, shares, error, shares[0])


def _between(residuals: Floats, mean: Floats, noise: Floats, phases: int) -> tuple[float, Persistence]:
    """The variance of shares between windows, and how these resemble their neighbours.

    The variance is taken one standard error larger than it was measured (that of a gamma distribution with
    the same mean and variance), so that a few windows that happen to agree are not trusted too far.
    """
    squares = np.square(residuals)
    between = extra_variance(squares, noise)
    near = np.square(np.diff(residuals)) / (noise[1:] + noise[:-1] + 2 * between)
    # about their own mean: shares that are all 0 vary not at all, whatever the prior says
    varied = np.square(residuals - residuals.mean()) / (noise + between)
    lasting = Persistence.learn(near, varied, phases)
    seen = between + float(1 / np.mean(1 / noise))
    typical = float(np.mean(mean))
    unsure = float(np.sqrt((2 + 6 * between / typical**2) / min(lasting.independent, residuals.size)))
    return between * lasting.hidden + seen * unsure, lasting


def wilson(bad: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927).

    >>> [round(end, 3) for end in wilson(5, 100)]
    [0.022, 0.112]
    """
    share, z2 = bad / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    reach = Z95 / (1 + z2 / rows) * (share * (1 - share) / rows + z2 / (4 * rows**2)) ** 0.5
    return max(0.0, middle - reach) if bad else 0.0, min(1.0, middle + reach) if bad < rows else 1.0


class ProportionDetector(Detector):
    """A detector of a share of bad rows: a subclass says which rows are bad."""

    @abstractmethod
    def rows_of(self, summary: Any) -> tuple[int, int]:
        """The bad rows and all rows of a summary."""

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Shares:
        """The healthy share, and how much it varies between windows."""
        return Shares.learn([self.rows_of(window) for window in windows], self.min_rows, phases)

    def judge(self, baseline: Shares, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The share of bad rows of a window."""
        bad, rows = self.rows_of(current)
        return baseline.at(phase).judge(bad, rows, min_rows=self.min_rows, alpha=alpha)
