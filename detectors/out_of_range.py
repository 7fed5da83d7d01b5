"""Data quality: numbers outside what the reference has ever held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.proportion import Shares
from detectors.season import Phase, phases_at
from profiles import NumericSummary
from profiles.counts import Floats

FAR = 5e307  # of which three are still a number
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Range:
    """The outermost bins of the reference, and the share outside them that a healthy window shows."""

    first: int
    last: int
    shares: Shares

    def outside(self, summary: NumericSummary) -> int:
        """How many values are beyond the outermost bins."""
        return outside(summary, self.first, self.last)


def outside(summary: NumericSummary, first: int, last: int) -> int:
    """How many values are below bin `first` or above bin `last`."""
    keys = summary.counts.keys
    return int(summary.counts.values[(keys < first) | (keys > last)].sum())


class OutOfRange(Detector):
    """The share of values below the reference's minimum or above its maximum has grown.

    Where the windows' own extremes differ, the range reaches as far beyond the outermost of them as that is
    from their median: what wanders will wander further. Each reference window is held against the range of
    the *others*, so that the healthy share outside is what a new window shows, not zero.
    """

    spaces: ClassVar[tuple[str, ...]] = ("numeric",)
    kind: Literal["out_of_range"] = "out_of_range"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """Values out of range."""
        return "quality.range"

    def learn(self, windows: Sequence[NumericSummary], phases: Sequence[Phase] = ()) -> Range | None:
        """The extremes, and how often a window goes beyond those of the others; None without values."""
        held = [place for place, window in enumerate(windows) if window.count]
        filled = [windows[place] for place in held]
        known = phases_at(phases, held)
        if not filled:
            return None
        space = filled[0].space
        lows = space.lower(np.array([window.counts.keys[0] for window in filled]))
        highs = space.upper(np.array([window.counts.keys[-1] for window in filled]))
        many = np.array([window.count >= self.min_rows for window in filled])
        firsts, lasts = space.index(-_limits(-lows, many)), space.index(_limits(highs, many))
        pairs = [
            (outside(window, int(first), int(last)), window.count)
            for window, first, last in zip(filled, firsts, lasts, strict=False)
        ]
        return Range(int(firsts[-1]), int(lasts[-1]), Shares.learn(pairs, self.min_rows, known))

    def judge(
        self, baseline: Range | None, current: NumericSummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The share of values outside the reference's extremes."""
        if baseline is None:
            return insufficient("the reference has no values")
        bad = baseline.outside(current)
        share = baseline.shares.at(phase)
        return share.judge(bad, current.count, min_rows=self.min_rows, alpha=alpha)


def _limits(highs: Floats, many: Mask) -> Floats:
    """How high the range reaches: without each of the windows, and with all, shape (windows + 1,).

    Args:
        highs: the windows' maxima, shape (windows,).
        many: which windows have enough rows for their maxima to tell how maxima wander.

    >>> _limits(np.array([1.0, 1.0, 2.0]), np.ones(3, bool)).tolist()
    [3.0, 3.0, 1.0, 3.0]
    """
    limits = np.full(highs.size + 1, _limit(highs, many))
    if highs.size > 1:  # without any but the largest it is the same
        largest = int(np.argmax(highs))
        limits[largest] = _limit(np.delete(highs, largest), np.delete(many, largest))
    return limits


def _limit(highs: Floats, many: Mask) -> float:
    most = np.clip(highs, -FAR, FAR)
    told = most[many] if many.any() else most
    return float(max(most.max(), 2 * told.max() - np.median(told)))
