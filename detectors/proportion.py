"""Has a share of rows grown? The engine of every detector that counts bad rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import stats

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient

TOTAL_CAP = 1e12  # above this the beta-binomial is a binomial, and its sums lose precision


@dataclass(frozen=True)
class Share:
    """A beta distribution of a healthy share of bad rows, as its parameters, and the reference's rows.

    Judges k bad rows of n by the beta-binomial distribution that predicts k. The share's uncertainty has two
    parts, which add: the reference is finite (Jeffreys' prior, so that a reference without a single bad row
    is no certainty), and healthy windows differ.
    """

    a: float
    b: float
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
        total = float(np.clip(noise / variance - 1, 1.0, TOTAL_CAP))
        return cls(share * total, (1 - share) * total, int(rows.sum()))

    def judge(self, bad: int, rows: int, *, min_rows: int, alpha: float) -> Judgement:
        """Judge a window by its bad rows; the value is their share, with its Wilson interval."""
        if rows < min_rows or self.rows < min_rows:
            return insufficient(f"{rows} rows, fewer than {min_rows}")
        interval = stats.binomtest(bad, rows).proportion_ci(method="wilson")
        predicted = stats.betabinom(rows, self.a, self.b)
        return Judgement(
            value=bad / rows,
            lower=float(interval.low),
            upper=float(interval.high),
            threshold=self._threshold(rows, alpha),
            p_value=float(np.clip(predicted.sf(bad - 1), 0.0, 1.0)) if bad else 1.0,
        )

    def _threshold(self, rows: int, alpha: float) -> float:
        """The smallest share whose p-value is at most alpha, by bisection."""
        predicted = stats.betabinom(rows, self.a, self.b)
        low, high = 0, rows
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if predicted.sf(middle - 1) <= alpha else (middle + 1, high)
        return low / rows


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
