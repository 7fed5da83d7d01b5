"""Has a share of rows grown? The engine of every detector that counts bad rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import special

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient

Z95 = 1.959964


@dataclass(frozen=True)
class Share:
    """The healthy share of bad rows: its mean, its variance for a new window, and from how many rows.

    The variance has two parts, which add: the reference is finite (Jeffreys' prior, so that a reference
    without a single bad row is no certainty), and healthy windows differ. A window's bad rows are judged by
    the negative binomial distribution with the mean and variance of that mixture, or by the binomial where
    its variance is the smaller: both have closed tails, whatever the number of rows.
    """

    mean: float
    variance: float
    rows: int

    @classmethod
    def learn(cls, pairs: Sequence[tuple[int, int]]) -> Self:
        """Learn from the bad rows and all rows of each reference window.

        >>> share = Share.learn([(1, 100), (0, 100), (2, 100)])
        >>> share.judge(30, 100, min_rows=50, alpha=0.001).p_value < 1e-6
        True
        """
        bad, rows = np.array([pair for pair in pairs if pair[1]] or [(0, 0)], np.float64).T
        share = (bad.sum() + 0.5) / (rows.sum() + 1)
        noise = share * (1 - share)
        between = float(np.mean(np.square(bad / rows - share) - noise / rows)) if rows.size > 1 else 0.0
        variance = max(between, 0.0) + noise / (rows.sum() + 1)
        return cls(float(share), float(variance), int(rows.sum()))

    def judge(self, bad: int, rows: int, *, min_rows: int, alpha: float) -> Judgement:
        """Judge a window by its bad rows; the value is their share, with its Wilson interval."""
        if rows < min_rows or self.rows < min_rows:
            return insufficient(f"{rows} rows, fewer than {min_rows}")
        low, high = wilson(bad, rows)
        return Judgement(bad / rows, low, high, self._threshold(rows, alpha), self.p_value(bad, rows))

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


def wilson(bad: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927).

    >>> [round(end, 3) for end in wilson(5, 100)]
    [0.022, 0.112]
    """
    share, z2 = bad / rows, Z95**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    reach = Z95 / (1 + z2 / rows) * (share * (1 - share) / rows + z2 / (4 * rows**2)) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


class ProportionDetector(Detector):
    """A detector of a share of bad rows: a subclass says which rows are bad."""

    @abstractmethod
    def rows_of(self, summary: Any) -> tuple[int, int]:
        """The bad rows and all rows of a summary."""

    def learn(self, windows: Sequence[Any]) -> Share:
        """The healthy share, and how much it varies between windows."""
        return Share.learn([self.rows_of(window) for window in windows])

    def judge(self, baseline: Share, current: Any, alpha: float) -> Judgement:
        """The share of bad rows of a window."""
        bad, rows = self.rows_of(current)
        return baseline.judge(bad, rows, min_rows=self.min_rows, alpha=alpha)
