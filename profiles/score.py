"""The grid of a probability: fine near 0 and near 1, where log loss and calibration need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.grid import magnitude, magnitude_index
from profiles.groups import Groups
from profiles.numeric import NumericSummary

TINY = 2.0**-50
TOP = int(magnitude_index(np.array([1 / TINY]))[0])


@dataclass(frozen=True)
class ScoreGrid:
    """Bins for a score in [0, 1], relative width at most 1/128 of the distance to the nearer end.

    >>> grid = ScoreGrid()
    >>> keys = grid.index(np.array([0.0, 0.001, 0.5, 0.999, 1.0]))
    >>> bool(np.all(np.diff(keys) > 0))
    True
    >>> float(grid.middle(keys)[1].round(5))
    0.001
    """

    kind: ClassVar[str] = "score"
    center: float = 0.5

    def index(self, values: Floats) -> Ints:
        """The bin of each score, ordered as the scores are; values outside [0, 1] go to the ends.

        The key is the magnitude bin of 1 / distance to the nearer end: negative below one half.
        """
        values = np.clip(values, 0.0, 1.0)
        upper = values >= 0.5  # noqa: PLR2004 - the middle of a probability
        near = np.minimum(values, 1.0 - values, out=values)  # the distance to the nearer end
        np.maximum(near, TINY, out=near)
        depth = magnitude_index(np.divide(1.0, near, out=near))
        return np.negative(depth, out=depth, where=~upper)

    def lower(self, keys: Ints) -> Floats:
        """The lower edge of each bin."""
        return np.where(keys > 0, 1.0 - 1.0 / magnitude(np.abs(keys)), _inner(keys))

    def upper(self, keys: Ints) -> Floats:
        """The upper edge of each bin."""
        return np.where(keys > 0, 1.0 - _inner(keys), 1.0 / magnitude(np.abs(keys)))

    def middle(self, keys: Ints) -> Floats:
        """The middle of each bin."""
        return (self.lower(keys) + self.upper(keys)) / 2

    def tally(self, values: npt.NDArray[np.floating], groups: Groups) -> list[NumericSummary]:
        """Count scores, shape (n,), NaN for missing, for each sum of groups."""
        return NumericSummary.of(self, self.index, values, self.center, groups)

    def summarize(self, values: npt.NDArray[np.floating]) -> NumericSummary:
        """Count scores, shape (n,), NaN for missing."""
        return self.tally(values, Groups.whole(len(values)))[0]

    def zero(self) -> NumericSummary:
        """The summary of no rows."""
        return NumericSummary(self, Counts())


def _inner(keys: Ints) -> Floats:
    """The distance to the end at which a bin stops: 0 for the outermost bin."""
    depth = np.abs(keys)
    return np.where(depth >= TOP, 0.0, 1.0 / magnitude(depth + 1))
