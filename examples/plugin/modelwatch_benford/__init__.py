"""A detector of a third party: the first digits of a number, which invented numbers seldom have right.

Benford, "The law of anomalous numbers", Proceedings of the American Philosophical Society 78 (1938).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from detectors.distance import DistanceDetector, Null, Pairs
from profiles.counts import Floats

DIGITS = 9


@dataclass(frozen=True)
class Digits:
    """Counts by first digit, from the middles of the grid's bins."""

    space: Any

    def row(self, summary: Any) -> Floats:
        """Counts, shape (9,)."""
        keys = summary.counts.keys
        size = np.abs(self.space.lower(keys) + self.space.upper(keys)) / 2
        first = size / 10.0 ** np.floor(np.log10(np.maximum(size, 1e-300)))
        digit = np.clip(first.astype(np.int64) - 1, 0, DIGITS - 1)
        found: Floats = np.bincount(digit, weights=summary.counts.values, minlength=DIGITS).astype(np.float64)
        return found


class Benford(DistanceDetector):
    """The chi-square distance of the first digits of window and reference."""

    spaces: ClassVar[tuple[str, ...]] = ("numeric",)
    kind: Literal["benford"] = "benford"

    def signal(self, part: str) -> str:  # noqa: ARG002 - the same on every part
        """A signal of its own."""
        return "drift.digits"

    def cells(self, windows: Sequence[Any]) -> Digits:
        """The nine digits."""
        return Digits(windows[0].space)

    def null(self, cells: Digits, share: Floats) -> Null:  # noqa: ARG002 - how many digits occur is enough
        """A chi-square."""
        df = max(int((share > 0).sum()) - 1, 1)
        return Null(df, df)

    def squared(self, cells: Digits, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The chi-square of each pair, over its effective rows."""
        gaps = np.square(pairs.one - pairs.other)
        found: Floats = np.divide(gaps, pairs.pooled, out=np.zeros_like(gaps), where=pairs.pooled > 0).sum(
            axis=1
        )
        return found
