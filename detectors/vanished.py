"""Data quality: categories that have always been there and are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase
from profiles import CategoricalSummary
from profiles.counts import Floats, Ints, aligned

SHOWN = 5


@dataclass(frozen=True, eq=False)
class Fixtures:
    """The categories of every reference window: `codes`, their `shares`, and how much those vary.

    `variation` is the variance of a share between windows over its square, the largest of all categories.
    """

    codes: Ints
    shares: Floats
    variation: float

    def p_value(self, share: float, rows: int) -> float:
        """The probability that any category of such a share is absent from `rows` rows.

        The zero of the negative binomial distribution, times the number of categories (Bonferroni).
        """
        alone = np.log1p(rows * share * self.variation) / self.variation
        return float(min(1.0, max(self.codes.size, 1) * np.exp(-alone)))

    def threshold(self, alpha: float, rows: int) -> float:
        """The share whose absence has a p-value of alpha: the inverse of `p_value`."""
        alone = np.log(max(self.codes.size, 1) / alpha) * self.variation
        return float(np.expm1(min(alone, 600.0)) / (rows * self.variation))


class Vanished(Detector):
    """A category that every reference window has is gone. The value is its share in the reference."""

    spaces: ClassVar[tuple[str, ...]] = ("categorical",)
    kind: Literal["vanished"] = "vanished"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Categories that are gone."""
        return "quality.vanished"

    def learn(
        self,
        windows: Sequence[CategoricalSummary],
        phases: Sequence[Phase] = (),  # noqa: ARG002 - what comes with a season is no fixture
    ) -> Fixtures | None:
        """The categories that no window lacks; None without windows of enough rows."""
        held = [window for window in windows if window.count >= self.min_rows]
        if not held:
            return None
        keys, matrix = aligned([window.counts for window in held])
        always = (matrix > 0).all(axis=0) & (keys < len(held[0].space.values))
        rows = matrix.sum(axis=1).astype(np.float64)
        counts = matrix[:, always].astype(np.float64)
        shares = counts.sum(axis=0) / rows.sum()
        noise = shares * (1 - shares) * np.mean(1 / rows)
        squares = np.square(counts / rows[:, None] - shares).mean(axis=0)
        # one standard error more than was measured: few windows may happen to agree
        between = np.maximum(squares - noise, 0) + np.maximum(squares, noise) * np.sqrt(2 / len(held))
        variation = float(np.max(between / np.square(shares), initial=1e-6))
        return Fixtures(keys[always], shares, variation)

    def judge(
        self,
        baseline: Fixtures | None,
        current: CategoricalSummary,
        alpha: float,
        phase: Phase = (),  # noqa: ARG002 - as above
    ) -> Judgement:
        """The largest category that is gone."""
        if baseline is None or current.count < self.min_rows:
            return insufficient(
                f"{current.count} values, fewer than {self.min_rows}, or none to compare with"
            )
        shares = np.where(current.counts.at(baseline.codes) == 0, baseline.shares, 0.0)
        order = np.argsort(-shares)[: min(SHOWN, int((shares > 0).sum()))]
        names = ", ".join(repr(current.space.label(code)) for code in baseline.codes[order].tolist())
        share, rows = float(shares.max(initial=0.0)), current.count
        threshold, p_value = baseline.threshold(alpha, rows), baseline.p_value(share, rows)
        return Judgement(share, None, None, threshold, p_value, note=f"gone: {names}" if names else None)
