"""Data quality: a feature that is stuck at one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase, phases_at
from detectors.spread import Spread, Spreads
from profiles import CategoricalSummary, EmbeddingSummary, NumericSummary

NATURAL = 0.05  # of the way to a constant: a feature whose values lie a little closer is not stuck
PAIRS = 0.5**0.5  # the error of the square root of the index by pairs alone, times the rows
Window = NumericSummary | CategoricalSummary | EmbeddingSummary


def concentration(summary: Window) -> float:
    """The share that one value would have, if two rows agree as often as they do: 1 for a constant.

    The square root of Simpson's index (Nature 163, 1949), which does not depend on how many rows there are:
    the probability that two rows have the same value. Vectors agree as far as a Gaussian kernel says.

    Args:
        summary: of at least two values.
    """
    rows = summary.count
    if isinstance(summary, EmbeddingSummary):
        half = summary.features.size // 2
        agree = float(np.square(summary.mean()).sum()) / half
        return float(np.sqrt(np.clip((rows * agree - 1) / (rows - 1), 0.0, 1.0)))
    counts = summary.counts.values.astype(np.float64)
    return float(np.sqrt((counts * (counts - 1)).sum() / (float(rows) * (rows - 1))))


def _chance(summary: Window) -> float:
    """The variance of `concentration` by chance, times the rows: 0 where all values are equally likely.

    Simpson's index has the variance 4 (sum p**3 - (sum p**2)**2) / n.
    """
    if isinstance(summary, EmbeddingSummary):
        return 0.0
    share = summary.counts.values / summary.count
    index = float(np.square(share).sum())
    return max(float((share**3).sum()) - index**2, 0.0) / index


@dataclass(frozen=True)
class Usual:
    """How concentrated healthy windows of so many rows are; `chance` is its variance, times the rows."""

    spreads: Spreads
    rows: float
    chance: float

    def error(self, spread: Spread, rows: int) -> float:
        """The noise of a window; what windows differ by is taken for sampling where that makes it larger."""
        natural = (NATURAL * spread.mean * (1 - spread.mean)) ** 2
        smaller = (spread.between + natural) * max(self.rows / rows - 1, 0.0)
        return float(np.sqrt((PAIRS / rows) ** 2 + self.chance / rows + smaller + natural))


class Constant(Detector):
    """One value has a share that it never had: a stuck sensor, a default, a join that failed."""

    spaces: ClassVar[tuple[str, ...]] = ("numeric", "categorical", "embedding")
    kind: Literal["constant"] = "constant"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """How far the values are one value."""
        return "quality.constant"

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Usual | None:
        """How concentrated healthy windows are; None without values."""
        held = [at for at, window in enumerate(windows) if window.count >= max(self.min_rows, 2)]
        if not held:
            return None
        values = np.array([concentration(windows[at]) for at in held])
        rows = np.array([windows[at].count for at in held], np.float64)
        chance = float(np.median([_chance(windows[at]) for at in held]))
        natural = (NATURAL * np.median(values * (1 - values))) ** 2
        noise = np.sqrt((PAIRS / rows) ** 2 + chance / rows + natural)
        return Usual(
            Spreads.learn(values, noise, phases_at(phases, held)),
            float(1 / np.mean(1 / rows)),
            chance,
        )

    def judge(self, baseline: Usual | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """How concentrated a window is."""
        if baseline is None or current.count < max(self.min_rows, 2):
            return insufficient(
                f"{current.count} values, fewer than {self.min_rows}, or none to compare with"
            )
        spread, value = baseline.spreads.at(phase), concentration(current)
        error = baseline.error(spread, current.count)
        return Judgement(
            value,
            threshold=max(spread.threshold(alpha, error, higher_is_better=False), 0.0),
            p_value=spread.p_value(value, error, higher_is_better=False),
            weight=spread.weight,
        )
