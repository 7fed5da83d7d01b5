"""Data quality: numbers outside what the reference has ever held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from detectors.detector import Detector
from detectors.judgement import Judgement, insufficient
from detectors.proportion import Shares
from detectors.season import Phase
from profiles import NumericSummary


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

    Each reference window is held against the extremes of the *others*, so that the healthy share outside is
    what a new window shows, not zero.
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
        known = [phases[place] for place in held] if phases else []
        if not filled:
            return None
        ends = [(int(window.counts.keys[0]), int(window.counts.keys[-1])) for window in filled]
        pairs = []
        for place, window in enumerate(filled):
            others = ends[:place] + ends[place + 1 :] or ends
            beyond = outside(window, min(low for low, _ in others), max(high for _, high in others))
            pairs.append((beyond, window.count))
        return Range(
            min(low for low, _ in ends),
            max(high for _, high in ends),
            Shares.learn(pairs, self.min_rows, known),
        )

    def judge(
        self, baseline: Range | None, current: NumericSummary, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """The share of values outside the reference's extremes."""
        if baseline is None:
            return insufficient("the reference has no values")
        bad = baseline.outside(current)
        share = baseline.shares.at(phase)
        return share.judge(bad, current.count, min_rows=self.min_rows, alpha=alpha)
