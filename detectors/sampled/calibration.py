"""What windows of the reference say of each other: each is compared with the rest, as a new one will be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from detectors.judgement import Judgement, insufficient
from detectors.spread import FEW_WINDOWS, Spread
from profiles.sample import Sample

MOST = 12  # windows that are compared: each costs as much as a judgement
BEYOND = 1.01  # a threshold where no share, or area, alone is a breach
Compare = Callable[[Sample, Sample], tuple[float, float]]


@dataclass(frozen=True)
class SampleBaseline:
    """The sample of the whole reference, and how its own windows differ from the rest of it.

    Attributes:
        whole: the sample of all windows.
        spread: of the value; None while there are too few windows.
    """

    whole: Sample
    spread: Spread | None

    @classmethod
    def learn(cls, windows: Sequence[Sample], min_rows: int, compare: Compare) -> SampleBaseline:
        """Compare at most `MOST` windows with the rest of the reference.

        Args:
            windows: at least one, in time order.
            min_rows: a window of fewer is not compared.
            compare: the value of a window, and its standard error, from (reference, window).
        """
        zero = windows[0].space.zero()
        before = list(accumulate(windows, initial=zero))
        after = list(accumulate(reversed(windows), initial=zero))[::-1]
        found = []
        for place in _chosen(windows, min_rows):
            rest = before[place] + after[place + 1]
            if rest.count >= min_rows:
                found.append(compare(rest, windows[place]))
        if len(found) < FEW_WINDOWS:
            return cls(before[-1], None)
        values, errors = np.array(found).T
        return cls(before[-1], Spread.learn(values, errors))

    def spread_for(self, current: Sample, min_rows: int) -> Spread | Judgement:
        """What to judge a window by; or a judgement that says what is missing."""
        if min(current.count, self.whole.count) < min_rows:
            return insufficient(f"{current.count} sampled rows, fewer than {min_rows}")
        if self.spread is None:
            return insufficient("the reference has too few windows with samples")
        return self.spread


def _chosen(windows: Sequence[Sample], min_rows: int) -> list[int]:
    """The windows to compare, in time order; by their hashes, so that no season is chosen over another."""
    usable = [place for place, window in enumerate(windows) if window.count >= max(min_rows, 1)]
    return sorted(sorted(usable, key=lambda place: int(windows[place].hashes[0]))[:MOST])
